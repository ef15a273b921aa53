"""What is stored: the versions of the policy, and the runs that enforce it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from shared.marks import FreeText, Id, Personal, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPolicyRecord:
    """A version of the policy, which never changes. ``days``: how long records are kept, by kind.
    ``minimum_days``: how long a law wants them, by kind."""

    KIND: ClassVar[str] = "retention_policy"
    policy_version: Id
    effective_from: datetime
    days: Mapping[str, int] = field(default_factory=dict)
    customer_action: Word = "anonymize"
    minimum_days: Mapping[str, int] = field(default_factory=dict)
    notes: FreeText[str | None] = None
    actor: Id
    reason: FreeText[str | None] = None
    reason_code: Id | None = None
    source_refs: Personal[tuple[dict[str, str], ...]] = ()
    revision: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionHeadRecord:
    """How many versions there are: the revision of the policy."""

    KIND: ClassVar[str] = "retention_head"
    revision: int

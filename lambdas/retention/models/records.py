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
class RetentionRunRecord:
    """A run that enforces the policy, page by page. ``as_of``: its clock. ``days``: how long each
    kind is kept, as the version said when the run began. ``step`` and ``cursor`` say how far it has
    come: which list, and where in it. ``scanned``, ``acted`` and ``errors`` count by kind of the
    policy; ``skipped`` by kind and reason."""

    KIND: ClassVar[str] = "retention_run"
    run_id: Id
    orgcode: Id
    as_of: datetime
    policy_version: Id
    state: Word = "running"
    days: Mapping[str, int] = field(default_factory=dict)
    customer_action: Word
    step: int = 0
    cursor: Id | None = None
    scanned: Mapping[str, int] = field(default_factory=dict)
    acted: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    revision: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionHeadRecord:
    """How many versions there are: the revision of the policy."""

    KIND: ClassVar[str] = "retention_head"
    revision: int

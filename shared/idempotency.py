"""The stored records of idempotency: which request has a key, and the answer that repeats get."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from shared.marks import Id, Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerRecord:
    """An idempotency key that is taken: by which request, and where its answer lies."""

    KIND: ClassVar[str] = "marker"
    request_hash: Id
    at_pk: Id
    at_sk: Id
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRecord:
    """An answer to be repeated. It may hold personal data, so it lies with its record."""

    KIND: ClassVar[str] = "snapshot"
    data: Personal[dict[str, Any]]
    answered_revision: int | None = None

"""The stored records of idempotency: which request used a key, and the answer for replays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from shared.marks import Id, Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerRecord:
    """An idempotency key that was used: the hash of the request, and the place of its answer."""

    KIND: ClassVar[str] = "marker"
    request_hash: Id
    at_pk: Id
    at_sk: Id
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRecord:
    """The answer that replays get. It may hold personal data, so it is stored in the partition of
    its record, and erased with it."""

    KIND: ClassVar[str] = "snapshot"
    data: Personal[dict[str, Any]]
    answered_revision: int | None = None

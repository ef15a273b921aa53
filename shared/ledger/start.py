"""Where a stored ledger begins: with its first entry, or with a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from shared.ledger.entries import Totals
from shared.marks import Id


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerStart:
    """Where the ledger of ``customer_guid`` begins. Retention moves it on.

    No entry that is kept was recorded before ``kept_since``. The entries up to sequence ``after``
    are gone, or are about to go: the ledger begins with the ``checkpoint`` of that number (0: with
    its first entry). That checkpoint is of the time ``begins_at``, when the last entry's hash was
    ``last_hash`` and the sums were ``totals`` (both absent: it begins with its first entry).
    """

    KIND: ClassVar[str] = "loyalty_ledger"
    customer_guid: Id
    kept_since: datetime
    checkpoint: int = 0
    after: int = 0
    begins_at: datetime | None = None
    last_hash: Id | None = None
    totals: Totals | None = None
    revision: int = 1

    def is_gone(self, at: datetime) -> bool:
        """Returns whether the entries no longer say what was at this time."""
        return self.begins_at is not None and at < self.begins_at

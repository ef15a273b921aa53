"""Who makes an entry, when and why: what is the same for every entry of one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.errors import InvalidInput
from shared.fields import LARGEST_INTEGER
from shared.ledger import Holdings, LedgerEntry, Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """``now`` in UTC, to the millisecond; ``new_id`` gives ids that sort by creation;
    ``mark`` ends the ids of entries: the keyed hash of their order, so that the id finds it."""

    now: datetime
    new_id: Callable[[], str]
    mark: str = ""
    actor: str | None = None
    reason: str | None = None
    reason_code: str | None = None
    source_refs: tuple[dict[str, str], ...] = ()

    def lot_id(self) -> str:
        return f"lot_{self.new_id()}"

    def entry(self, holdings: Holdings, kind: str, points: int, **more: Any) -> LedgerEntry:
        """An entry for holdings that are settled at its time; ``more`` are its other fields."""
        return LedgerEntry(
            loyalty_txn_id=f"ltx_{self.new_id()}{self.mark}",
            customer_guid=holdings.balance.customer_guid,
            kind=kind,
            points=points,
            recorded_at=holdings.at,
            effective_at=more.pop("effective_at", holdings.at),
            actor=self.actor,
            reason=self.reason,
            reason_code=self.reason_code,
            source_refs=self.source_refs,
            **more,
        )


def countable(totals: Totals, field: str, *, held: int = 0, earned: int = 0, debt: int = 0) -> None:
    """400 where a sum would leave the integers that every JSON reader can hold: so many more points
    are ``held``, ``earned``, or owed as ``debt``."""
    sums = (
        totals.available_points + totals.pending_points + held,
        totals.lifetime_earned + earned,
        totals.debt_points + debt,
    )
    if max(sums) > LARGEST_INTEGER:
        raise InvalidInput.of(field, "makes more points than can be counted", "too-much")

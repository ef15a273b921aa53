"""What every decision about points has in common: who makes it, what it writes, and its bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from lambdas.loyalty.models.records import (
    EarnedOrderRecord,
    ExpiredLotsRecord,
    RedeemedOrderRecord,
    RedeemedPartRecord,
)
from shared.errors import Fault, InvalidInput
from shared.fields import LARGEST_INTEGER
from shared.ledger import (
    Change,
    CheckpointPart,
    CheckpointRecord,
    Holdings,
    LedgerEntry,
    LotTerms,
    TooManyLots,
    Totals,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Who makes the entries of one call, when and why. ``now`` is in UTC, to the millisecond;
    ``zone`` is the org's time zone; ``new_id`` gives ids that sort by creation; ``mark`` ends the
    ids of entries: it is the keyed hash of their order, so that the id finds the order."""

    now: datetime
    new_id: Callable[[], str]
    zone: tzinfo = UTC
    mark: str = ""
    actor: str | None = None
    reason: str | None = None
    reason_code: str | None = None
    source_refs: tuple[dict[str, str], ...] = ()

    def entry(self, holdings: Holdings, kind: str, points: int, **more: Any) -> LedgerEntry:
        """Returns an entry for holdings that are settled at its time; ``more`` are its other
        fields."""
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

    def lot(
        self,
        holdings: Holdings,
        points: int,
        available_from: datetime,
        expires_at: datetime | None,
        policy_version: str | None = None,
    ) -> LotTerms:
        """Returns the terms of a lot that the next entry opens."""
        sequence = holdings.balance.sequence + 1
        lot_id = f"lot_{self.new_id()}"
        return LotTerms(lot_id, points, available_from, expires_at, policy_version, sequence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be written, all or nothing: the entries; the balance and the pages that changed;
    the order's record, new at revision 1; a checkpoint. Without entries the balance stays.
    ``holdings`` are as they then will be."""

    holdings: Holdings
    entries: tuple[LedgerEntry, ...] = ()
    change: Change | None = None
    earned: EarnedOrderRecord | None = None
    redeemed: RedeemedOrderRecord | None = None
    parts: tuple[RedeemedPartRecord, ...] = ()
    expired: tuple[ExpiredLotsRecord, ...] = ()
    checkpoint: tuple[CheckpointRecord, tuple[CheckpointPart, ...]] | None = None
    more: bool = False

    @property
    def entry(self) -> LedgerEntry:
        """The one entry of a decision that always makes one."""
        return self.entries[0]

    @property
    def actions(self) -> int:
        """How many writes the entries, the pages and the expired lots take."""
        pages = 0 if self.change is None else len(self.change.put) + len(self.change.drop)
        return len(self.entries) + pages + len(self.expired)


def ensure_countable(
    totals: Totals, field: str, *, held: int = 0, earned: int = 0, debt: int = 0
) -> None:
    """400 where a sum would leave the integers that every JSON reader can hold: so many more points
    are ``held``, ``earned``, or owed as ``debt``."""
    sums = (
        totals.available_points + totals.pending_points + held,
        totals.lifetime_earned + earned,
        totals.debt_points + debt,
    )
    if max(sums) > LARGEST_INTEGER:
        raise InvalidInput.of(field, "makes more points than can be counted", "too-much")


def as_many_as_fit(points: int, field: str, decide: Callable[[int], Decision]) -> Decision:
    """Returns the decision about so many points. Where they lie in more lots or pages than one
    movement can touch, it is a 400 of ``field`` that says how many points fit. Only trying tells:
    pages that fill up, empty or fold into segments cost writes of their own."""
    try:
        return decide(points)
    except TooManyLots:
        fits, over = 0, points
    while over - fits > 1:
        middle = (fits + over) // 2
        try:
            decide(middle)
        except TooManyLots:
            over = middle
        else:
            fits = middle
    message = f"touches too many lots at once: at most {fits} points in one call"
    raise InvalidInput(minor=[Fault("too-many-lots", field, message)], detail={"points": fits})

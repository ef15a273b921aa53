"""The ledger's fold: what the entries alone say there must be.

Written without pages and without looking at any stored balance, so that it can judge both. Time
runs through a queue of what falls due, so ten thousand entries cost little more than one each.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.ledger.entries import (
    DEBT,
    GENESIS,
    NO_LOTS,
    LedgerEntry,
    Totals,
    broken_link,
)
from shared.ledger.lots import Lot, repay, spend_order
from shared.ledger.pages import Absorbed


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Everything that a ledger said up to an entry: a replay may begin here. Of the spent lots it
    needs those that later entries name, since a redemption before it can still be restored. A
    ledger that ``merge_out`` closed needs none: the checkpoint of the one that took it over holds
    its lots."""

    customer_guid: str
    sequence: int
    last_hash: str
    settled_at: datetime
    lifetime_earned: int
    debt_points: int
    lots: tuple[Lot, ...] = ()
    absorbed: tuple[Absorbed, ...] = ()


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first entry that is not what the entries before it lead to."""

    loyalty_txn_id: str
    field: str
    recorded: int
    derived: int


@dataclass(slots=True)
class Replay:
    """A fold under way. ``sources`` are the finished replays of the ledgers that a ``merge_in``
    names, by customer."""

    customer_guid: str
    sources: Mapping[str, Replay] = field(default_factory=dict)
    lots: dict[str, Lot] = field(default_factory=dict)
    debt: int = 0
    lifetime: int = 0
    sequence: int = 0
    last_hash: str = GENESIS
    at: datetime | None = None
    entries_read: int = 0
    absorbed: tuple[Absorbed, ...] = ()
    broken: str | None = None
    divergence: Divergence | None = None
    departed: tuple[dict[str, Lot], int, tuple[Absorbed, ...]] = field(
        default_factory=lambda: ({}, 0, ())
    )
    _condition: dict[str, str] = field(default_factory=dict)
    _sums: dict[str, int] = field(default_factory=lambda: {"pending": 0, "usable": 0, "expired": 0})
    _due: list[tuple[datetime, tuple[str, int, str]]] = field(default_factory=list)

    @classmethod
    def resumed(cls, start: Checkpoint, sources: Mapping[str, Replay] | None = None) -> Replay:
        """Returns a replay that begins after a checkpoint."""
        replay = cls(start.customer_guid, sources or {})
        replay.at, replay.sequence, replay.last_hash = (
            start.settled_at,
            start.sequence,
            start.last_hash,
        )
        replay.debt, replay.lifetime = start.debt_points, start.lifetime_earned
        replay.absorbed = start.absorbed
        for lot in start.lots:
            replay._hold(lot)
        return replay

    def checkpoint(self) -> Checkpoint:
        """Returns where another replay may begin."""
        assert self.at is not None, "there is no entry yet"
        return Checkpoint(
            customer_guid=self.customer_guid,
            sequence=self.sequence,
            last_hash=self.last_hash,
            settled_at=self.at,
            lifetime_earned=self.lifetime,
            debt_points=self.debt,
            lots=tuple(sorted(self.lots.values(), key=spend_order)),
            absorbed=self.absorbed,
        )

    @property
    def totals(self) -> Totals:
        return Totals(self._sums["usable"], self._sums["pending"], self.lifetime, self.debt)

    @property
    def open_lots(self) -> dict[str, Lot]:
        """The lots that must be stored: all that are not spent."""
        return {lot_id: lot for lot_id, lot in self.lots.items() if not lot.spent}

    def run(self, entries: Iterable[LedgerEntry], until: datetime | None = None) -> Replay:
        """Returns itself, after the entries in their order, and then at ``until`` if that is later.
        Entries recorded after ``until`` are left out: the balance as it was then."""
        for entry in entries:
            if until is not None and entry.recorded_at > until:
                break
            self.apply(entry)
        if until is not None:
            self.settle(until)
        return self

    def settle(self, now: datetime) -> None:
        """Lets the clock run to ``now``: lots expire, and lots that become available repay debt."""
        while self._due and self._due[0][0] <= now:
            at, (_, _, lot_id) = heapq.heappop(self._due)
            lot = self.lots[lot_id]
            self._hold(lot, at)
            if self.debt and self._condition[lot_id] == "usable":
                self._repay([(at, lot)])
        self.at = now if self.at is None else max(now, self.at)

    def apply(self, entry: LedgerEntry) -> None:
        """Adds one more entry."""
        self.settle(entry.recorded_at)
        if self.broken is None:
            self.broken = broken_link(entry, self.sequence, self.last_hash)
        self.sequence, self.last_hash = entry.sequence, entry.hash
        self.entries_read += 1
        self.lifetime += entry.lifetime_delta
        if entry.kind in ("merge_out", "forfeit"):
            self._leave()
        elif entry.kind == "merge_in":
            self._join(entry)
        else:
            self._move(entry)
        if self.debt and self._sums["usable"]:
            usable = (lot for i, lot in self.lots.items() if self._condition[i] == "usable")
            assert self.at is not None
            self._repay([(self.at, lot) for lot in sorted(usable, key=spend_order)])
        self._compare(entry)

    def _move(self, entry: LedgerEntry) -> None:
        if entry.opens is not None:
            self._hold(Lot(entry.opens, 0))
        for allocation in entry.allocations:
            if allocation.lot_id == DEBT:
                self.debt -= allocation.points
            elif allocation.lot_id not in NO_LOTS:
                lot = self.lots.get(allocation.lot_id)
                if lot is None or lot.remaining + allocation.points < 0:
                    self._diverged(entry, f"lots.{allocation.lot_id}", allocation.points, 0)
                elif allocation.makes_whole and lot.repaid_points >= allocation.points:
                    self._hold(lot.made_whole(allocation.points))
                else:
                    self._hold(lot.plus(allocation.points))

    def _leave(self) -> None:
        self.departed = (self.open_lots, self.debt, self.absorbed)
        for lot_id in self.lots:
            self._hold(Lot(self.lots[lot_id].terms, 0))
        self.debt, self.absorbed = 0, ()

    def _join(self, entry: LedgerEntry) -> None:
        source = self.sources.get(entry.counterpart_guid or "")
        if source is None:
            self._diverged(entry, "sources", entry.points, 0)
            return
        lots, debt, absorbed = source.departed
        # Spent lots come too: a redemption from them can still be restored.
        for lot in source.lots.values():
            self._hold(lots.get(lot.lot_id, lot))
        self.debt += debt
        merge = Absorbed(source.customer_guid, self.customer_guid, entry.sequence)
        self.absorbed = (*self.absorbed, *absorbed, merge)

    def _hold(self, lot: Lot, at: datetime | None = None) -> None:
        """Takes a lot in its new state into the sums; the first time, notes when time changes
        it."""
        lot_id, terms, at = lot.lot_id, lot.terms, at or self.at
        before = self.lots.get(lot_id)
        if before is None:
            for moment in {terms.available_from, terms.expires_at} - {None}:
                assert moment is not None
                if at is None or moment > at:
                    heapq.heappush(self._due, (moment, lot.order))
        else:
            self._sums[self._condition[lot_id]] -= before.remaining
        assert at is not None, "a lot is held at some time"
        self.lots[lot_id] = lot
        self._condition[lot_id] = terms.condition(at)
        self._sums[self._condition[lot_id]] += lot.remaining

    def _repay(self, lots: list[tuple[datetime, Lot]]) -> None:
        changed, self.debt = repay(lots, self.debt, self.customer_guid, self.sequence)
        at = lots[0][0]
        for lot in changed:
            self._hold(lot, at)

    def _compare(self, entry: LedgerEntry) -> None:
        derived, recorded = self.totals, entry.balance_after
        for name in Totals.__dataclass_fields__:
            if getattr(derived, name) != getattr(recorded, name):
                self._diverged(entry, name, getattr(recorded, name), getattr(derived, name))
        if not entry.balanced:
            self._diverged(entry, "points", entry.points, sum(a.points for a in entry.allocations))

    def _diverged(self, entry: LedgerEntry, name: str, recorded: int, derived: int) -> None:
        if self.divergence is None:
            self.divergence = Divergence(entry.loyalty_txn_id, name, recorded, derived)

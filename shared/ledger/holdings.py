"""All that a customer holds: the balance record with its directory, and the pages that were read.

A value: every step gives a new one. Where an answer depends on pages that were not read, the step
raises what ``unread`` makes of their entries: those pages, and the balance again, are to be read,
and the decision is made again. ``commit`` says what the steps together changed, so that one
transaction writes just that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.ledger import pages as paging
from shared.ledger.entries import DEBT, NO_LOTS, Allocation, LedgerEntry, Totals, placed
from shared.ledger.lots import Lot, maturing, repay, spend_order
from shared.ledger.pages import (
    OPEN,
    BalanceRecord,
    Change,
    LotPage,
    PageEntry,
    PageRef,
    PagesMissing,
    PagesUnread,
    Unfolded,
)

LOTS_AT_ONCE = 1000
PAGES_AT_ONCE = 80
PAGES_WRITTEN = 88
"""What one step may take from, and write: so many lots fit into an entry, so many pages beside the
other writes into a transaction. A step with more of these says how many pages it has room for."""

PAGES_DUE = 4


class TooManyLots(Exception):
    """A step would touch more lots or pages than one movement can."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """``balance`` and ``lots`` (by page) as of this step; ``stored`` are the pages as they lie in
    the table; ``unfolded`` the segments that were read, each after the one that holds it.
    ``unread`` makes the exception that asks for pages; each entry that it gets names its owner."""

    balance: BalanceRecord
    lots: Mapping[PageRef, tuple[Lot, ...]] = field(default_factory=dict)
    stored: Mapping[PageRef, LotPage] = field(default_factory=dict)
    unfolded: tuple[Unfolded, ...] = ()
    unread: PagesUnread = PagesMissing

    @classmethod
    def of(
        cls,
        balance: BalanceRecord,
        read: Iterable[LotPage] = (),
        unread: PagesUnread = PagesMissing,
    ) -> Holdings:
        """Returns the holdings with the read pages that the directory knows at their revision."""
        by_ref = {page.ref: page for page in read}
        owner, known, queue = balance.customer_guid, {}, list(balance.pages)
        directory, unfolded = [], []
        while queue:
            entry = queue.pop()
            page = by_ref.get((entry.owner or owner, entry.page_id))
            if page is None or page.revision != entry.revision:
                directory.append(entry)
            elif entry.segment:
                foreign = page.owner != owner
                inside = paging.owned(page.entries, page.owner) if foreign else page.entries
                unfolded.append(Unfolded(entry, tuple(inside)))
                queue += inside
            else:
                directory.append(entry)
                known[page.ref] = page
        return cls(
            replace(balance, pages=tuple(sorted(directory, key=lambda e: e.first))),
            {ref: page.lots for ref, page in known.items()},
            known,
            tuple(unfolded),
            unread,
        )

    @classmethod
    def empty(cls, customer_guid: str, now: datetime) -> Holdings:
        """Returns the holdings of a customer without a ledger. The balance is not stored: revision
        0."""
        return cls(BalanceRecord(customer_guid=customer_guid, settled_at=now))

    # ---------------------------------------------------------------- reading

    @property
    def at(self) -> datetime:
        """The time up to which the clock has been followed."""
        return self.balance.settled_at

    def ref(self, entry: PageEntry) -> PageRef:
        return entry.owner or self.balance.customer_guid, entry.page_id

    def loaded(self) -> Iterator[Lot]:
        """Yields every lot of the pages that were read."""
        for lots in self.lots.values():
            yield from lots

    def blanks(self, may: Callable[[PageEntry], bool]) -> list[PageEntry]:
        """Returns the entries of pages that were not read and may matter, in spend order."""
        found = [e for e in self.balance.pages if self.ref(e) not in self.lots and may(e)]
        return sorted(found, key=lambda entry: entry.first)

    def addressed(self, entries: Iterable[PageEntry]) -> list[PageEntry]:
        """Returns the entries with the partition that each page lies in."""
        return paging.owned(entries, self.balance.customer_guid)

    def need(self, entries: Sequence[PageEntry]) -> Exception:
        return self.unread(self.addressed(entries))

    def require(self, may: Callable[[PageEntry], bool]) -> None:
        """Asks for every page that may matter and was not read."""
        blanks = self.blanks(may)
        if blanks:
            raise self.need(self.at_once(blanks))

    def in_order(
        self, keep: Callable[[Lot], bool], may: Callable[[PageEntry], bool], points: int
    ) -> Iterator[Lot]:
        """Yields the lots to keep, in spend order; ``points`` is about how many of them are wanted,
        so that all pages which that takes are asked for at once."""
        blanks = self.blanks(may)
        for lot in sorted((lot for lot in self.loaded() if keep(lot)), key=spend_order):
            if blanks and blanks[0].first <= lot.terms.key:
                raise self._need_for(blanks, points)
            yield lot
            points -= lot.remaining
        if blanks:
            raise self._need_for(blanks, points)

    def _need_for(self, blanks: Sequence[PageEntry], points: int) -> Exception:
        wanted: list[PageEntry] = []
        for entry in self.at_once(blanks):
            wanted.append(entry)
            points -= (entry.split(self.at) or (0, 0))[0]
            # Of pages whose dates overlap only a part is spent next: ask for as many again as were
            # read, so that few looks reach far.
            if points <= 0 and len(wanted) >= len(self.lots):
                break
        return self.need(wanted)

    def at_once(self, blanks: Sequence[PageEntry]) -> Sequence[PageEntry]:
        """Returns as many of them as one look may ask for: more, the more were read already."""
        return blanks[: PAGES_AT_ONCE + len(self.lots)]

    def usable(self, points: int) -> Iterator[Lot]:
        """Yields the lots that can be spent, soonest expiry first."""
        return self.in_order(
            lambda lot: lot.remaining > 0 and lot.terms.condition(self.at) == "usable",
            lambda entry: entry.may_be_usable(self.at),
            points,
        )

    def take(
        self, points: int, without: str | None = None, pages: int = PAGES_AT_ONCE
    ) -> tuple[list[tuple[Lot, int]], int]:
        """Returns what each lot gives for ``points``, in spend order, and how many are missing in
        the end. ``TooManyLots`` where one step cannot write as many lots or pages."""
        taken: list[tuple[Lot, int]] = []
        left, refs = points, set()
        where = {lot.lot_id: ref for ref, lots in self.lots.items() for lot in lots}
        for lot in self.usable(points) if points else ():
            if lot.lot_id == without:
                continue
            refs.add(where[lot.lot_id])
            if len(taken) == LOTS_AT_ONCE or len(refs) > pages:
                raise TooManyLots()
            part = min(left, lot.remaining)
            taken.append((lot, part))
            left -= part
            if not left:
                break
        return taken, left

    def due(self, as_of: datetime, limit: int) -> tuple[list[Lot], bool]:
        """Returns (the lots that have expired by ``as_of`` and hold points that no entry has taken
        yet, soonest first, at most ``limit``; whether there are more)."""
        blanks = self.blanks(lambda entry: entry.may_be_due(as_of))
        found: list[Lot] = []
        for lot in sorted(self.loaded(), key=spend_order):
            if not lot.terms.expired(as_of):
                break
            if len(found) == limit or (blanks and blanks[0].first <= lot.terms.key):
                return self._found(found, blanks), True
            if lot.remaining:
                found.append(lot)
        return self._found(found, blanks), bool(blanks)

    def _found(self, lots: list[Lot], blanks: Sequence[PageEntry]) -> list[Lot]:
        if not lots and blanks:
            raise self.need(blanks[:PAGES_DUE])
        return lots

    def current(self, lots: Iterable[Lot]) -> dict[str, Lot]:
        """Returns these lots as they are now, by id. One that is stored nowhere was spent: nothing
        of it remains."""
        wanted = list(lots)
        here = {lot.lot_id: lot for lot in self.loaded()}
        keys = [lot.terms.key for lot in wanted if lot.lot_id not in here]
        self.require(lambda entry: any(entry.may_hold(key) for key in keys))
        return {w.lot_id: here.get(w.lot_id, Lot(w.terms, 0)) for w in wanted}

    def repaid_since(self, ledger: str, sequence: int) -> list[tuple[Lot, int]]:
        """Returns points that repaid debt since an entry of a ledger, with their lots, the latest
        first. In a ledger that took the entry's over, that is since the merge, which itself repays
        debt."""
        self.require(lambda entry: entry.repaid > 0)
        marks = {ledger: sequence}
        for merge in self.balance.absorbed:
            if merge.customer_guid in marks:
                marks.setdefault(merge.into, merge.sequence)
        found = [
            ((repayment.at, repayment.sequence, lot.order), lot, repayment.points)
            for lot in self.loaded()
            for repayment in lot.repaid
            if repayment.ledger in marks and repayment.sequence >= marks[repayment.ledger]
        ]
        found.sort(key=lambda item: item[0], reverse=True)
        return [(lot, points) for _, lot, points in found]

    def totals(self) -> Totals:
        """Returns the sums as of ``at``."""
        usable = pending = 0
        unsure = []
        for entry in self.blanks(lambda entry: entry.remaining > 0):
            known = entry.split(self.at)
            if known is None:
                unsure.append(entry)
                continue
            usable, pending = usable + known[0], pending + known[1]
        if unsure:
            raise self.need(self.at_once(unsure))
        for lot in self.loaded():
            condition = lot.terms.condition(self.at)
            usable += lot.remaining if condition == "usable" else 0
            pending += lot.remaining if condition == "pending" else 0
        balance = self.balance
        return Totals(usable, pending, balance.lifetime_earned, balance.debt_points)

    # ---------------------------------------------------------------- steps

    def settled(self, now: datetime) -> Holdings:
        """Returns the same at ``now`` (never earlier than it was): points that become available on
        the way repay debt, each at its instant, so that it does not matter at which times one
        looks."""
        since = self.at
        at, debt = max(now, since), self.balance.debt_points
        here = self.balance.customer_guid, self.balance.sequence
        result = self
        if debt:
            usable = ((since, lot) for lot in self.usable(debt))
            changed, debt = repay(usable, debt, *here)
            if debt:
                self.require(lambda entry: entry.may_mature(at))
                more, debt = repay(maturing(self.loaded(), since, at), debt, *here)
                changed += more
            result = self._with(changed)
        return replace(result, balance=replace(self.balance, settled_at=at, debt_points=debt))

    def post(self, entry: LedgerEntry, revived: Iterable[Lot] = ()) -> tuple[Holdings, LedgerEntry]:
        """Returns the holdings after an entry, and the entry in its place. ``revived`` are lots
        that the entry moves points into though they are stored nowhere. The holdings must be
        settled at the entry's ``recorded_at``."""
        assert entry.recorded_at == self.at, "settle first: an entry meets the state of its time"
        assert entry.balanced, "allocations sum to the points"
        lots = {lot.lot_id: lot for lot in (*revived, *self.loaded())}
        if entry.opens is not None:
            lots[entry.opens.lot_id] = Lot(entry.opens, 0)
        debt, moved = self.balance.debt_points, {}
        for allocation in entry.allocations:
            if allocation.lot_id == DEBT:
                debt -= allocation.points
            elif allocation.lot_id not in NO_LOTS:
                moved[allocation.lot_id] = lots[allocation.lot_id] = _moved(lots, allocation)
        assert debt >= 0, "no more debt is repaid than there is"
        balance = replace(
            self.balance,
            debt_points=debt,
            lifetime_earned=self.balance.lifetime_earned + entry.lifetime_delta,
            sequence=self.balance.sequence + 1,
        )
        return replace(self._with(moved.values()), balance=balance).closing(entry)

    def closing(self, entry: LedgerEntry) -> tuple[Holdings, LedgerEntry]:
        """Settles what an entry has moved, and puts the entry in its place."""
        after = self.settled(self.at)
        totals = after.totals()
        assert not (totals.debt_points and totals.available_points), "debt is repaid first"
        entry = placed(entry, self.balance.sequence, self.balance.last_hash, totals)
        return replace(after, balance=replace(after.balance, last_hash=entry.hash)), entry

    def _with(self, changed: Iterable[Lot]) -> Holdings:
        """Returns the same with these lots as they are now; new ones go to the open page."""
        new = {lot.lot_id: lot for lot in changed}
        if not new:
            return self
        lots = dict(self.lots)
        for ref, page in self.lots.items():
            if any(lot.lot_id in new for lot in page):
                now = (new.pop(lot.lot_id, lot) for lot in page)
                lots[ref] = tuple(lot for lot in now if not lot.spent)
        added = tuple(lot for lot in new.values() if not lot.spent)
        if added:
            ref = self.balance.customer_guid, OPEN
            self.require(lambda entry: self.ref(entry) == ref)
            lots[ref] = (*lots.get(ref, ()), *added)
        return replace(self, lots=lots)

    # ---------------------------------------------------------------- writing

    def commit(self, pages: int = PAGES_WRITTEN) -> Change:
        """Returns what the steps changed, with the directory that describes it. ``TooManyLots``
        where that is more than so many pages."""
        balance, here = self.balance, (self.balance.customer_guid, OPEN)
        known = {self.ref(e): e for e in balance.pages}
        lots, made = dict(self.lots), balance.pages_made
        if here in lots:
            staying, groups = paging.overflow(lots[here], self.at)
            lots[here] = tuple(staying)
            for group in groups:
                made += 1
                lots[balance.customer_guid, f"p{made}"] = tuple(group)
        put, directory = [], {ref: e for ref, e in known.items() if ref not in lots}
        for ref, held in lots.items():
            stored, before = self.stored.get(ref), known.get(ref)
            if stored is not None and before is not None and stored.lots == held:
                directory[ref] = before
            elif held:
                ordered = tuple(sorted(held, key=spend_order))
                revision = 1 if stored is None else stored.revision + 1
                entry = paging.described(ref[1], revision, ordered, self.at, before)
                directory[ref] = entry
                put.append(paging.page_of(ref, entry, ordered))
        drop = [known[ref] for ref in self.stored if ref in known and ref not in directory]
        drop += self._refolded(directory)
        folded, segments = paging.folded(directory.values(), balance.customer_guid, made + 1)
        totals = self.totals()
        after = replace(
            balance,
            revision=balance.revision + 1,
            available_points=totals.available_points,
            pending_points=totals.pending_points,
            pages=folded,
            pages_made=made + len(segments),
        )
        put += segments
        if len(put) + len(drop) > pages:
            raise TooManyLots()
        return Change(after, tuple(put), tuple(self.addressed(drop)))

    def _refolded(self, directory: dict[PageRef, PageEntry]) -> list[PageEntry]:
        """Puts each segment that was only looked into back in the place of its entries; the others,
        which go."""
        gone = []
        for segment in reversed(self.unfolded):
            refs = [self.ref(entry) for entry in segment.inside]
            if refs and [directory.get(ref) for ref in refs] == list(segment.inside):
                for ref in refs:
                    del directory[ref]
                directory[self.ref(segment.entry)] = segment.entry
            else:
                gone.append(segment.entry)
        return gone


def _moved(lots: Mapping[str, Lot], allocation: Allocation) -> Lot:
    lot = lots[allocation.lot_id]
    if allocation.makes_whole:
        return lot.made_whole(allocation.points)
    return lot.plus(allocation.points)

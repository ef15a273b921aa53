"""How a ledger is closed, and how another takes over what it held.

The lots keep their ids, their expiries and their pages: only the directory that names the pages
changes. So a merge costs the same for three lots and for thirty thousand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from shared.ledger import pages as paging
from shared.ledger.entries import DEBT, OTHERS, Allocation, LedgerEntry, named
from shared.ledger.holdings import Holdings
from shared.ledger.pages import Absorbed, Unfolded


def _held(holdings: Holdings) -> tuple[Allocation, ...]:
    """Returns everything that is held, as allocations: lots of pages that were not read in one sum.
    Expired points that no entry has taken yet are among them."""
    unread = sum(entry.remaining for entry in holdings.blanks(lambda _: True))
    lots = sorted(holdings.loaded(), key=lambda lot: lot.order)
    held = [Allocation(lot.lot_id, lot.remaining) for lot in lots]
    held += [Allocation(OTHERS, unread), Allocation(DEBT, -holdings.balance.debt_points)]
    return named(a for a in held if a.points)


def _owned(unfolded: Iterable[Unfolded], owner: str) -> Iterable[Unfolded]:
    for segment in unfolded:
        (entry,) = paging.owned([segment.entry], owner)
        yield Unfolded(entry, tuple(paging.owned(segment.inside, owner)))


def left(holdings: Holdings, entry: LedgerEntry) -> tuple[Holdings, LedgerEntry]:
    """Returns the holdings after all lots and debts went with ``entry`` (``merge_out`` or
    ``forfeit``), whose points, allocations and ``lifetime_delta`` are filled in here. The pages are
    in nobody's directory then: a merge names them in the target's, an erasure deletes them."""
    moved = tuple(replace(a, points=-a.points) for a in _held(holdings))
    balance = holdings.balance
    entry = replace(
        entry,
        points=sum(a.points for a in moved),
        allocations=moved,
        lifetime_delta=-balance.lifetime_earned,
    )
    empty = replace(
        balance,
        sequence=balance.sequence + 1,
        debt_points=0,
        lifetime_earned=0,
        pages=(),
        absorbed=(),
    )
    return Holdings(empty).closing(entry)


def joined(target: Holdings, source: Holdings, entry: LedgerEntry) -> tuple[Holdings, LedgerEntry]:
    """Returns the target's holdings after ``entry`` (``merge_in``) took over what ``source`` held
    before it ``left``. Both must be settled at the entry's ``recorded_at``."""
    assert source.at == target.at == entry.recorded_at, "both sides meet at one time"
    owner, theirs, mine = source.balance.customer_guid, source.balance, target.balance
    moved = _held(source)
    entry = replace(
        entry,
        points=sum(a.points for a in moved),
        allocations=moved,
        lifetime_delta=theirs.lifetime_earned,
        counterpart_guid=owner,
    )
    balance = replace(
        mine,
        sequence=mine.sequence + 1,
        debt_points=mine.debt_points + theirs.debt_points,
        lifetime_earned=mine.lifetime_earned + theirs.lifetime_earned,
        pages=(*mine.pages, *paging.owned(theirs.pages, owner)),
        absorbed=(
            *mine.absorbed,
            *theirs.absorbed,
            Absorbed(owner, mine.customer_guid, mine.sequence + 1),
        ),
    )
    after = Holdings(
        balance,
        {**target.lots, **source.lots},
        {**target.stored, **source.stored},
        (*target.unfolded, *_owned(source.unfolded, owner)),
        target.unread,
    )
    return after.closing(entry)

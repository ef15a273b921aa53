"""How lots lie in the table: pages of at most 64, and a directory that says what each page holds.

A new lot goes to the one *open* page of its customer, whose key is always the same, so that an earn
never looks for the place of its lot. When the open page is full, the largest group of lots that
spending treats alike is *sealed* into a page of its own: a sealed page only loses lots, and its key
never changes. A directory that grows too long folds its far end into *segments*: pages that hold
directory entries in place of lots, and segments into segments of a higher level. So no item grows
with the number of lots, and from the directory to any lot it is a few steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from shared.ledger.entries import GENESIS
from shared.ledger.lots import NEVER, Lot, moment_text
from shared.marks import Id

OPEN = "open"
LOTS = 64
WORTH_A_PAGE = 16
ENTRIES = 96
SEGMENT = 64

PageRef = tuple[str, str]
"""A page among all: (the customer in whose partition it lies, its id)."""


def _passed(key: str, at: datetime) -> bool:
    """Whether a lot of this key has expired: ``never`` comes after every time."""
    return key.partition("~")[0] <= moment_text(at)


@dataclass(frozen=True, slots=True)
class PageEntry:
    """What the directory knows of a page or a segment.

    ``first`` and ``last`` enclose the keys of its lots. ``remaining`` is the sum of all its lots;
    ``pending`` the part that was not available when the page was last written, of which the first
    lot is due at ``matures_at`` and the last at ``matured_at``. ``repaid`` points went into debt.
    ``owner`` is the customer in whose partition it lies (absent: the balance's own). ``level``: 0
    for a page of lots, 1 for a segment of such pages, and so on. ``lots``: how many there are.
    """

    ROW: ClassVar[bool] = True
    page_id: Id
    revision: int
    first: Id
    last: Id
    remaining: int
    pending: int = 0
    matures_at: datetime | None = None
    matured_at: datetime | None = None
    repaid: int = 0
    owner: Id | None = None
    level: int = 0
    lots: int = 0

    @property
    def segment(self) -> bool:
        return self.level > 0

    @property
    def bound(self) -> str:
        """The upper expiry in the page's sort key: a time, ``never``, or ``open``."""
        return OPEN if self.page_id == OPEN else self.last.partition("~")[0]

    def split(self, at: datetime) -> tuple[int, int] | None:
        """Returns (usable, pending) points at a time not before the page was written; None where
        only the lots themselves can tell."""
        if self.remaining == 0 or _passed(self.last, at):
            return 0, 0
        if _passed(self.first, at):
            return None
        if self.matures_at is None or self.matured_at is None or self.matured_at <= at:
            return self.remaining, 0
        if at < self.matures_at:
            return self.remaining - self.pending, self.pending
        return None

    @property
    def expiry(self) -> str:
        """When the first of its lots expires, as text: a time, or ``never``."""
        return self.first.partition("~")[0]

    @property
    def expires(self) -> bool:
        """Whether any of its points will ever expire."""
        return self.remaining > 0 and not self.first.startswith(NEVER)

    def may_be_usable(self, at: datetime) -> bool:
        known = self.split(at)
        return known is None or known[0] > 0

    def may_mature(self, until: datetime) -> bool:
        return self.matures_at is not None and self.matures_at <= until

    def may_be_due(self, at: datetime) -> bool:
        """Whether points of it may have expired without an entry that says so."""
        return self.remaining > 0 and _passed(self.first, at)

    def may_hold(self, key: str) -> bool:
        return self.first <= key <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class LotPage:
    """A page of lots in spend order, or (``entries``) a segment of the directory."""

    KIND: ClassVar[str] = "loyalty_lot_page"
    owner: Id
    page_id: Id
    bound: Id
    revision: int
    lots: tuple[Lot, ...] = ()
    entries: tuple[PageEntry, ...] = ()

    @property
    def ref(self) -> PageRef:
        return self.owner, self.page_id


@dataclass(frozen=True, slots=True)
class Unfolded:
    """A segment whose entries stand in the directory in its place. It stays as it is stored unless
    one of them changes; without any it goes."""

    entry: PageEntry
    inside: tuple[PageEntry, ...] = ()


PagesUnread = Callable[[Sequence[PageEntry]], Exception]
"""Makes the exception that asks for pages. An entry names its ``owner``, ``bound`` and ``page_id``:
the page's key."""


class PagesMissing(Exception):
    """Pages of lots are needed that nobody can read here."""

    def __init__(self, pages: Sequence[PageEntry]) -> None:
        self.pages = tuple(pages)
        super().__init__(f"{len(self.pages)} pages of lots are needed")


@dataclass(frozen=True, slots=True)
class Absorbed:
    """The ledger of a merged customer, and the entry of ``into`` that took its lots over."""

    customer_guid: Id
    into: Id
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRecord:
    """The balance of a customer: totals as of ``settled_at``, the end of the ledger's chain, and
    the directory of its pages of lots. ``pages_made`` numbers the pages."""

    KIND: ClassVar[str] = "loyalty_balance"
    customer_guid: Id
    revision: int = 0
    sequence: int = 0
    last_hash: Id = GENESIS
    settled_at: datetime
    available_points: int = 0
    pending_points: int = 0
    lifetime_earned: int = 0
    debt_points: int = 0
    pages_made: int = 0
    pages: tuple[PageEntry, ...] = ()
    absorbed: tuple[Absorbed, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What steps changed: the balance at its next revision; each page to put (revision 1: a new
    one, else under the revision before it); the entries of pages to delete, at the revision they
    are deleted under. Every page names its ``owner``."""

    balance: BalanceRecord
    put: tuple[LotPage, ...]
    drop: tuple[PageEntry, ...]


def described(
    page_id: str, revision: int, lots: Sequence[Lot], at: datetime, before: PageEntry | None = None
) -> PageEntry:
    """Returns the directory's entry of a page with these lots, in spend order and not none.
    ``before`` is its entry so far: the upper key of a sealed page stays, because it is part of the
    page's key."""
    pending = [lot for lot in lots if lot.remaining and lot.terms.condition(at) == "pending"]
    keeps_key = before is not None and not (page_id == OPEN and before.owner is None)
    return PageEntry(
        page_id=page_id,
        revision=revision,
        first=lots[0].terms.key,
        last=before.last if before is not None and keeps_key else lots[-1].terms.key,
        remaining=sum(lot.remaining for lot in lots),
        pending=sum(lot.remaining for lot in pending),
        matures_at=min((lot.terms.available_from for lot in pending), default=None),
        matured_at=max((lot.terms.available_from for lot in pending), default=None),
        repaid=sum(lot.repaid_points for lot in lots),
        owner=None if before is None else before.owner,
        lots=len(lots),
    )


def page_of(ref: PageRef, entry: PageEntry, lots: tuple[Lot, ...]) -> LotPage:
    """Returns the page that its directory's entry describes."""
    return LotPage(
        owner=ref[0], page_id=ref[1], bound=entry.bound, revision=entry.revision, lots=lots
    )


def overflow(lots: Iterable[Lot], at: datetime) -> tuple[list[Lot], list[list[Lot]]]:
    """Returns (what stays in the open page, the groups to be sealed), each at most a page. Pending
    lots stay as long as they can, and never-expiring lots do not mix with others, so that the
    directory can tell what a sealed page holds without reading it."""
    staying, sealed = sorted(lots, key=lambda lot: lot.order), []
    while len(staying) > LOTS:
        groups: dict[tuple[bool, bool], list[Lot]] = {}
        for lot in staying:
            kind = (lot.terms.available_from <= at, lot.terms.expires_at is None)
            groups.setdefault(kind, []).append(lot)
        worth = {k: (k[0] and len(g) >= WORTH_A_PAGE, len(g), k) for k, g in groups.items()}
        group = groups[max(groups, key=lambda kind: worth[kind])][:LOTS]
        sealed.append(group)
        gone = {lot.lot_id for lot in group}
        staying = [lot for lot in staying if lot.lot_id not in gone]
    return staying, sealed


def folded(
    entries: Iterable[PageEntry], owner: str, next_page: int
) -> tuple[tuple[PageEntry, ...], list[LotPage]]:
    """Returns the directory in spend order, and the new segments that keep it within its bound: the
    far end goes first, what is spent next stays at hand."""
    directory = sorted(entries, key=lambda entry: entry.first)
    segments: list[LotPage] = []
    while len(directory) > ENTRIES:
        far = _far_end(directory)
        near = [e for e in directory if e not in far]
        entry = summed(f"s{next_page + len(segments)}", far)
        segments.append(
            LotPage(
                owner=owner,
                page_id=entry.page_id,
                bound=entry.bound,
                revision=entry.revision,
                entries=tuple(far),
            )
        )
        directory = sorted([*near, entry], key=lambda e: e.first)
    return tuple(directory), segments


def _far_end(directory: Iterable[PageEntry]) -> list[PageEntry]:
    """Returns what to fold: behind what is spent next, the last entries of the level that has most
    of them there. Were levels mixed, each segment would hold the one before it, and its lots be as
    many steps away as there are segments."""
    far = [e for e in directory if not (e.page_id == OPEN and e.owner is None)]
    far = far[ENTRIES - SEGMENT :]
    levels: dict[int, list[PageEntry]] = {}
    for entry in far:
        levels.setdefault(entry.level, []).append(entry)
    most = max(levels.values(), key=len)
    return (most if len(most) > 1 else far)[-SEGMENT:]


def summed(page_id: str, entries: Sequence[PageEntry]) -> PageEntry:
    """Returns the entry of a segment that holds these."""
    return PageEntry(
        page_id=page_id,
        revision=1,
        first=min(e.first for e in entries),
        last=max(e.last for e in entries),
        remaining=sum(e.remaining for e in entries),
        pending=sum(e.pending for e in entries),
        matures_at=min((e.matures_at for e in entries if e.matures_at), default=None),
        matured_at=max((e.matured_at for e in entries if e.matured_at), default=None),
        repaid=sum(e.repaid for e in entries),
        level=1 + max(e.level for e in entries),
        lots=sum(e.lots for e in entries),
    )


def owned(entries: Iterable[PageEntry], owner: str) -> list[PageEntry]:
    """Returns the entries as another customer's directory names them: with the partition they lie
    in."""
    return [e if e.owner is not None else replace(e, owner=owner) for e in entries]

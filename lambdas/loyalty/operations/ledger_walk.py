"""Several ledgers walked as one, newest entry first: a customer's own, and those of everyone who
was merged into it. Each keeps its own sequence, so a walk remembers a place in each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from lambdas.loyalty import storage
from shared.api import Call
from shared.customer_state import CustomerStateRecord, require_readable_customer, state_at
from shared.ledger import LedgerEntry
from shared.paging import ROUNDS, WIDER
from shared.records import Get, Records

Page = tuple[list[dict[str, Any]], str | None]


@dataclass(slots=True)
class _Ledger:
    """A ledger under way: entries before sequence ``before`` (None: all) are still to come, of
    which ``buffer`` are read; there are no others where it is ``done``. ``cut``: the database ended
    what it answered before it had as many as were asked for, at 1 MB."""

    guid: str
    before: int | None
    buffer: list[LedgerEntry] = field(default_factory=list)
    done: bool = False
    cut: bool = False

    @property
    def newest(self) -> tuple[Any, str]:
        entry = self.buffer[0]
        return entry.recorded_at, entry.loyalty_txn_id

    def take(self) -> LedgerEntry:
        entry = self.buffer.pop(0)
        self.before = entry.sequence
        return entry

    def filled(self, found: list[LedgerEntry], asked: int) -> None:
        self.buffer = found
        self.done = not found or found[-1].sequence == 1
        self.cut = not self.done and len(found) < asked


@dataclass(slots=True)
class Walk:
    """A page of a walk. ``keep`` makes an item of an entry, or (None) drops it. ``state`` is that
    of the customer whose ledgers were walked, once a page was read."""

    call: Call
    named: str
    keep: Callable[[LedgerEntry], dict[str, Any] | None]
    state: CustomerStateRecord | None = None

    def page(self, limit: int, cursor: str | None) -> Page:
        """Up to ``limit`` items, and the cursor of the next page: absent exactly when nothing is
        left. The customer named is read in the first trip; who else's ledgers belong to the walk is
        known then."""
        positions = _positions(cursor)
        ledgers = [_Ledger(self.named, positions.get(self.named))]
        state = self.state = self._begin(ledgers, limit + 1)
        others = dict.fromkeys((state.customer_guid, *state.absorbed))
        others.pop(self.named, None)
        ledgers += [_Ledger(guid, positions.get(guid)) for guid in others]
        return self._items(ledgers, limit)

    def _items(self, ledgers: list[_Ledger], limit: int) -> Page:
        items: list[dict[str, Any]] = []
        for number in range(ROUNDS):
            self._fill(ledgers, limit + 1 if number == 0 else WIDER)
            while all(ledger.buffer or ledger.done for ledger in ledgers):
                waiting = [ledger for ledger in ledgers if ledger.buffer]
                if not waiting:
                    return items, None
                ledger = max(waiting, key=lambda ledger: ledger.newest)
                here = ledger.before
                found = self.keep(ledger.take())
                if found is not None and len(items) == limit:
                    ledger.before = here  # this one is the first of the next page
                    return items, _cursor(ledgers)
                items += [] if found is None else [found]
            if items and any(ledger.cut for ledger in ledgers):
                break
        return items, _cursor(ledgers)

    def _begin(self, ledgers: list[_Ledger], many: int) -> CustomerStateRecord:
        keys = self.call.keys
        read = self._fill(ledgers, many, [state_at(keys, self.named)])
        return self.call.decided(
            read, lambda records: require_readable_customer(keys, records, self.named)
        )

    def _fill(
        self, ledgers: Iterable[_Ledger], many: int, beside: Iterable[Get[Any]] = ()
    ) -> Records:
        """Reads on in every ledger of which nothing is left to hand, in one trip."""
        wanted = {
            ledger.guid: storage.entries_before(self.call.keys, ledger.guid, ledger.before, many)
            for ledger in ledgers
            if not (ledger.buffer or ledger.done)
        }
        records = self.call.table.load([*wanted.values(), *beside])
        for ledger in ledgers:
            if ledger.guid in wanted:
                ledger.filled(records.all(wanted[ledger.guid]), many)
        return records


def _cursor(ledgers: Iterable[_Ledger]) -> str:
    return " ".join(f"{x.guid}:{x.before}" for x in ledgers if x.before is not None)


def _positions(cursor: str | None) -> dict[str, int]:
    """The sequences that a cursor names: the walk goes on before them."""
    pairs = (part.rpartition(":") for part in (cursor or "").split())
    return {guid: int(sequence) for guid, _, sequence in pairs}

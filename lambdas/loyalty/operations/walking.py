"""Several ledgers walked as one, newest entry first: a customer's own, and those of everyone who
was merged into it. Each keeps its own sequence, so a walk remembers a place in each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdas.loyalty import storage
from shared.api import Call
from shared.ledger import LedgerEntry
from shared.paging import ROUNDS, WIDER


@dataclass(slots=True)
class _Ledger:
    """A ledger under way: entries before sequence ``before`` (None: all) are still to come, of
    which ``buffer`` are read; there are no others where it is ``done``."""

    guid: str
    before: int | None
    buffer: list[LedgerEntry] = field(default_factory=list)
    done: bool = False

    @property
    def newest(self) -> tuple[Any, str]:
        entry = self.buffer[0]
        return entry.recorded_at, entry.loyalty_txn_id

    def take(self) -> LedgerEntry:
        entry = self.buffer.pop(0)
        self.before = entry.sequence
        return entry


def walk(
    call: Call,
    owners: Iterable[str],
    positions: Mapping[str, int],
    keep: Callable[[LedgerEntry], dict[str, Any] | None],
    limit: int,
) -> tuple[list[dict[str, Any]], str | None]:
    """Up to ``limit`` of what ``keep`` makes of the entries (None drops one), and the cursor of the
    next page; that is absent exactly when nothing is left. ``positions`` are the sequences that a
    cursor named: the walk goes on before them."""
    ledgers = [_Ledger(guid, positions.get(guid)) for guid in owners]
    items: list[dict[str, Any]] = []
    for number in range(ROUNDS):
        _fill(call, ledgers, limit + 1 if number == 0 else WIDER)
        while all(ledger.buffer or ledger.done for ledger in ledgers):
            waiting = [ledger for ledger in ledgers if ledger.buffer]
            if not waiting:
                return items, None
            ledger = max(waiting, key=lambda ledger: ledger.newest)
            here = ledger.before
            found = keep(ledger.take())
            if found is not None and len(items) == limit:
                ledger.before = here  # this one is the first of the next page
                return items, _cursor(ledgers)
            items += [] if found is None else [found]
    return items, _cursor(ledgers)


def _fill(call: Call, ledgers: Iterable[_Ledger], many: int) -> None:
    """Reads on in every ledger of which nothing is left to hand, in one trip."""
    wanted = {
        ledger.guid: storage.entries_before(call.keys, ledger.guid, ledger.before, many)
        for ledger in ledgers
        if not (ledger.buffer or ledger.done)
    }
    seen = call.table.load(wanted.values())
    for ledger in ledgers:
        if ledger.guid in wanted:
            ledger.buffer = seen.all(wanted[ledger.guid])
            ledger.done = not ledger.buffer or ledger.buffer[-1].sequence == 1


def _cursor(ledgers: Iterable[_Ledger]) -> str:
    return " ".join(f"{x.guid}:{x.before}" for x in ledgers if x.before is not None)

"""The balance, now or at a time; and the ledger as a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lambdas.loyalty import storage
from lambdas.loyalty.models.requests import LoyaltyBalanceGetRequest, LoyaltyLedgerListRequest
from lambdas.loyalty.operations.ledger_replay import replayed
from lambdas.loyalty.operations.loyalty_account import LoyaltyAccount, account_reads
from shared.api import Answer, Call
from shared.codec import shown
from shared.customer_state import (
    CustomerStateRecord,
    redirected,
    require_readable_customer,
    state_at,
)
from shared.errors import InvalidState, NotFound
from shared.ledger import LedgerEntry, LedgerStart, Replay, expiring_of
from shared.lists import Page, answer_walk
from shared.paging import ROUNDS, WIDER
from shared.records import Get, Records


def loyalty_balance_get(call: Call, body: LoyaltyBalanceGetRequest) -> Answer:
    """Answers the points balance of a customer, now or as it was or will be at a time. A time of
    which the ledger no longer has entries, because the retention policy let them go, is a 404."""
    at = body.as_of or call.now
    past = at < call.now

    def work(records: Records) -> Answer:
        account = LoyaltyAccount.of(call, records, body.customer_guid, ahead=True)
        revision = account.balance.revision
        if past:
            # Only the entries know what was: those that were recorded by then.
            replay = _replayed_until(account, at)
            dates = [shown(found) for found in expiring_of(replay.open_lots.values(), at)]
            balance = shown(replay.totals, expiring=dates, as_of=at, revision=revision)
        else:
            balance = storage.balance_shown(account.holdings.settled(at), revision, whole=True)
        data = {"customer_guid": account.guid, "balance": balance, **account.redirect}
        return Answer(data, revision)

    history = storage.ledger_begins(call.keys, body.customer_guid) if past else ()
    return call.read([*account_reads(call, body.customer_guid, ahead=True), *history], work)


def _replayed_until(account: LoyaltyAccount, at: datetime) -> Replay:
    """Returns the ledger as it was at a past time."""
    keys, records = account.call.keys, account.records
    read = replayed(keys, records, account.owners, until=at)
    start = records.get(storage.start_at(keys, account.guid))
    if start is not None and start.is_gone(at):
        raise NotFound()
    if read.begins_with_damaged:
        # There are no entries that could say it better.
        raise InvalidState("the ledger's first checkpoint was changed: what was is not known")
    return read.replay


def loyalty_ledger_list(call: Call, body: LoyaltyLedgerListRequest) -> Answer:
    """Lists the entries of a customer's ledger, newest first, with those of everyone who was merged
    into the customer. Where the retention policy let old entries go, the last page has the
    `checkpoints` that stand in their place."""

    def keep(entry: LedgerEntry) -> dict[str, Any] | None:
        right_kind = body.kind in (None, entry.kind)
        right_order = body.order_ref in (None, entry.order_ref)
        return storage.entry_shown(entry) if right_kind and right_order else None

    walk = LedgerWalk(call, body.customer_guid, keep)
    answer = answer_walk(call, body, walk.page, plural="transactions")
    assert walk.state is not None, "a page was read"
    checkpoints = [storage.begin_shown(start) for start in walk.begins if start.checkpoint]
    if checkpoints:
        answer.data["checkpoints"] = checkpoints
    answer.data.update(redirected(body.customer_guid, walk.state.customer_guid))
    return answer


# ---------------------------------------------------------------- several ledgers as one


@dataclass(slots=True)
class _Ledger:
    """A ledger under way: entries before sequence ``before`` (None: all) are still to come, of
    which ``buffer`` are read; there are no others where it is ``done``. ``cut``: the database ended
    what it answered before it had as many as were asked for, at 1 MB. ``start``: where it begins
    (absent: it has no entry)."""

    guid: str
    before: int | None
    buffer: list[LedgerEntry] = field(default_factory=list)
    done: bool = False
    cut: bool = False
    start: LedgerStart | None = None

    @property
    def newest(self) -> tuple[Any, str]:
        entry = self.buffer[0]
        return entry.recorded_at, entry.loyalty_txn_id

    def take(self) -> LedgerEntry:
        entry = self.buffer.pop(0)
        self.before = entry.sequence
        return entry

    def filled(self, found: list[LedgerEntry], asked: int) -> None:
        # What lies before the checkpoint that the ledger begins with is about to go.
        after = 0 if self.start is None else self.start.after
        self.buffer = [entry for entry in found if entry.sequence > after]
        self.done = not found or found[-1].sequence <= after + 1
        self.cut = not self.done and len(found) < asked


@dataclass(slots=True)
class LedgerWalk:
    """Walks the ledgers of a customer and of everyone who was merged into it as one, newest entry
    first. Each keeps its own sequence, so the walk remembers a place in each. ``keep`` makes an
    item of an entry, or (None) drops it. ``state`` is that of the customer whose ledgers are
    walked; it is known once a page was read. ``begins``: where the ledgers begin; it is known once
    the last page was read."""

    call: Call
    named: str
    keep: Callable[[LedgerEntry], dict[str, Any] | None]
    state: CustomerStateRecord | None = None
    begins: list[LedgerStart] = field(default_factory=list)

    def page(self, limit: int, cursor: str | None) -> Page:
        """Returns up to ``limit`` items, and the cursor of the next page, which is absent exactly
        when nothing is left. The first trip reads the customer who was named; it shows whose
        ledgers belong to the walk beside."""
        positions = _positions(cursor)
        ledgers = [_Ledger(self.named, positions.get(self.named))]
        state = self.state = self._begin(ledgers, limit + 1)
        others = dict.fromkeys(state.owners)
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
                    self.begins = [x.start for x in ledgers if x.start is not None]
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
        """Reads on in every ledger whose buffer is empty, in one trip."""
        wanted = {
            ledger.guid: storage.entries_before(self.call.keys, ledger.guid, ledger.before, many)
            for ledger in ledgers
            if not (ledger.buffer or ledger.done)
        }
        keys = self.call.keys
        starts = [storage.start_at(keys, guid) for guid in wanted]
        records = self.call.table.load([*wanted.values(), *starts, *beside])
        for ledger in ledgers:
            if ledger.guid in wanted:
                ledger.start = records.get(storage.start_at(keys, ledger.guid))
                ledger.filled(records.all(wanted[ledger.guid]), many)
        return records


def _cursor(ledgers: Iterable[_Ledger]) -> str:
    return " ".join(f"{x.guid}:{x.before}" for x in ledgers if x.before is not None)


def _positions(cursor: str | None) -> dict[str, int]:
    """Returns the sequences that a cursor names: the walk goes on before them."""
    pairs = (part.rpartition(":") for part in (cursor or "").split())
    return {guid: int(sequence) for guid, _, sequence in pairs}

"""The balance, the ledger, and whether the one follows from the other."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lambdas.loyalty import storage
from lambdas.loyalty.models import (
    LoyaltyBalanceGetRequest,
    LoyaltyLedgerListRequest,
)
from lambdas.loyalty.operations.book import Book
from lambdas.loyalty.operations.replaying import replayed
from lambdas.loyalty.operations.walking import walk
from shared.api import Answer, Call
from shared.customers import state_at
from shared.items import decode, shown
from shared.ledger import Expiring, Holdings, LedgerEntry
from shared.paging import Listing, page
from shared.table import Seen

ENTRIES = "L#"


def loyalty_balance_get(call: Call, body: LoyaltyBalanceGetRequest) -> Answer:
    """Answers the points balance of a customer, now or as it was or will be at a time."""
    book = Book(body.customer_guid, ahead=True)
    past = body.as_of is not None and body.as_of < call.now
    history = [storage.checkpoints(call.keys, body.customer_guid)] if past else []
    seen = call.load(*book.wants(call), *history)
    guid = book.read(call, seen).customer_guid
    revision = book.balance(call, seen, guid).revision

    def work(holdings: Holdings) -> dict[str, Any]:
        return storage.balance_shown(holdings.settled(body.as_of or call.now), revision, whole=True)

    if body.as_of is not None and past:
        balance = _as_it_was(call, seen, guid, body.as_of, revision)
    else:
        balance = book.look(call, seen, guid, work)
    return Answer({"customer_guid": guid, "balance": balance, **book.redirect(guid)}, revision)


def _as_it_was(call: Call, seen: Seen, guid: str, at: datetime, revision: int) -> dict[str, Any]:
    """The balance at a past time, from the entries recorded by then."""
    checkpoints = storage.checkpoints(call.keys, guid)
    if not seen.has(checkpoints):
        seen.add(call.table.load([checkpoints]))
    replay = replayed(call, guid, seen, until=at).replay
    dates: dict[datetime, int] = {}
    for lot in replay.open_lots.values():
        ends = lot.terms.expires_at
        if ends is not None and lot.remaining and not lot.terms.expired(at):
            dates[ends] = dates.get(ends, 0) + lot.remaining
    expiring = [shown(Expiring(ends, dates[ends])) for ends in sorted(dates)[:100]]
    return shown(replay.totals, expiring=expiring, as_of=at, revision=revision)


def loyalty_ledger_list(call: Call, body: LoyaltyLedgerListRequest) -> Answer:
    """Lists the entries of a customer's ledger, newest first, with those of everyone who was merged
    into the customer."""
    book = Book(body.customer_guid)
    state_wanted = state_at(call.keys, body.customer_guid)
    owners: list[str] = []

    def kept(entry: LedgerEntry) -> dict[str, Any] | None:
        right_kind = body.kind in (None, entry.kind)
        right_order = body.order_ref in (None, entry.order_ref)
        return storage.entry_shown(entry) if right_kind and right_order else None

    def find(limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        seen: list[Seen] = []
        partition, _ = call.keys.loyalty_balance(body.customer_guid)
        alone = Listing((partition,), prefix=ENTRIES)
        found = page(
            call.table,
            alone,
            limit,
            cursor if cursor is not None and cursor.startswith(ENTRIES) else None,
            lambda wire: kept(decode(LedgerEntry, wire)),
            beside=lambda: seen.append(call.table.load([state_wanted])),
        )
        state = book.read(call, seen[0])
        owners[:] = (state.customer_guid, *state.absorbed)
        if owners == [body.customer_guid]:
            return found
        return walk(call, owners, _positions(body.customer_guid, cursor), kept, limit)

    answer = call.found(body, find, plural="transactions")
    answer.data.update(book.redirect(owners[0]))
    return answer


def _positions(named: str, cursor: str | None) -> dict[str, int]:
    """Where a walk goes on. One that began before the merge has a place in its own ledger only."""
    if cursor is None:
        return {}
    if cursor.startswith(ENTRIES):
        return {named: int(cursor.removeprefix(ENTRIES))}
    pairs = (part.rpartition(":") for part in cursor.split(" "))
    return {guid: int(sequence) for guid, _, sequence in pairs}

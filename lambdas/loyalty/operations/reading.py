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
from lambdas.loyalty.operations.walking import Walk
from shared.api import Answer, Call
from shared.codec import shown
from shared.ledger import Expiring, Holdings, LedgerEntry
from shared.table import Records


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


def _as_it_was(call: Call, seen: Records, guid: str, at: datetime, revision: int) -> dict[str, Any]:
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

    def kept(entry: LedgerEntry) -> dict[str, Any] | None:
        right_kind = body.kind in (None, entry.kind)
        right_order = body.order_ref in (None, entry.order_ref)
        return storage.entry_shown(entry) if right_kind and right_order else None

    walk = Walk(call, book, kept)
    answer = call.found(body, walk.page, plural="transactions")
    answer.data.update(book.redirect(walk.customer_guid))
    return answer

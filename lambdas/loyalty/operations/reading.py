"""The balance, the ledger, and whether the one follows from the other."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lambdas.loyalty import storage
from lambdas.loyalty.models import (
    LoyaltyBalanceGetRequest,
    LoyaltyLedgerListRequest,
)
from lambdas.loyalty.operations.ledger_replay import replayed
from lambdas.loyalty.operations.ledger_walk import Walk
from lambdas.loyalty.operations.loyalty_account import LoyaltyAccount, account_reads
from shared.api import Answer, Call
from shared.codec import shown
from shared.ledger import Expiring, LedgerEntry
from shared.lists import answer_walk
from shared.records import Records


def loyalty_balance_get(call: Call, body: LoyaltyBalanceGetRequest) -> Answer:
    """Answers the points balance of a customer, now or as it was or will be at a time."""
    at = body.as_of or call.now
    past = at < call.now

    def work(records: Records) -> Answer:
        account = LoyaltyAccount.to_read(call, records, body.customer_guid, ahead=True)
        revision = account.balance.revision
        if past:
            balance = _as_it_was(call, records, account.guid, at, revision)
        else:
            settled = account.holdings.settled(at)
            balance = storage.balance_shown(settled, revision, whole=True)
        data = {"customer_guid": account.guid, "balance": balance, **account.redirect}
        return Answer(data, revision)

    history = [storage.checkpoints(call.keys, body.customer_guid)] if past else []
    return call.read([*account_reads(call, body.customer_guid, ahead=True), *history], work)


def _as_it_was(
    call: Call, records: Records, guid: str, at: datetime, revision: int
) -> dict[str, Any]:
    """The balance at a past time, from the entries recorded by then."""
    replay = replayed(call.keys, guid, records, until=at).replay
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

    def kept(entry: LedgerEntry) -> dict[str, Any] | None:
        right_kind = body.kind in (None, entry.kind)
        right_order = body.order_ref in (None, entry.order_ref)
        return storage.entry_shown(entry) if right_kind and right_order else None

    walk = Walk(call, body.customer_guid, kept)
    answer = answer_walk(call, body, walk.page, plural="transactions")
    assert walk.state is not None, "a page was read"
    if walk.state.customer_guid != body.customer_guid:
        answer.data["redirected_from"] = body.customer_guid
    return answer

"""The balance, the ledger, and whether the one follows from the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lambdas.loyalty import rules, storage
from lambdas.loyalty.models import (
    LoyaltyBalanceGetRequest,
    LoyaltyLedgerListRequest,
    LoyaltyRecalculateRequest,
)
from lambdas.loyalty.operations.book import Book, Wanted, stamp
from lambdas.loyalty.rules import Decision, Recalculation
from shared.api import Answer, Call
from shared.call import More, Step
from shared.customers import state_at, survivor_of
from shared.items import Wire, decode, shown
from shared.ledger import Expiring, Holdings, LedgerEntry, Replay
from shared.paging import Listing
from shared.table import Range, Seen


def loyalty_balance_get(call: Call, body: LoyaltyBalanceGetRequest) -> Answer:
    """Answers the points balance of a customer, now or as it was or will be at a time."""
    book = Book(body.customer_guid, ahead=True)
    seen = call.load(*book.wants(call))
    state = book.customer(call, seen)
    while isinstance(state, More):
        seen.add(call.table.load(state.wants))
        state = book.customer(call, seen)
    guid = state.customer_guid
    revision = book.balance(call, seen, guid).revision
    redirect = {} if guid == body.customer_guid else {"redirected_from": body.customer_guid}
    if body.as_of is not None and body.as_of < call.now:
        past = _as_it_was(call, guid, body.as_of, revision)
        return Answer({"customer_guid": guid, "balance": past, **redirect}, revision)

    def work(holdings: Holdings) -> dict[str, Any]:
        return storage.balance_shown(holdings.settled(body.as_of or call.now), revision)

    found = book.over(call, seen, guid, work)
    while isinstance(found, More):
        seen.add(call.table.load(found.wants))
        found = book.over(call, seen, guid, work)
    return Answer({"customer_guid": guid, "balance": found, **redirect}, revision)


def _as_it_was(call: Call, guid: str, at: datetime, revision: int) -> dict[str, Any]:
    """The balance at a past time, from the entries recorded by then."""
    replay = Replay(guid).run(_entries(call, guid), until=at)
    dates: dict[datetime, int] = {}
    for lot in replay.open_lots.values():
        ends = lot.terms.expires_at
        if ends is not None and lot.remaining and not lot.terms.expired(at):
            dates[ends] = dates.get(ends, 0) + lot.remaining
    expiring = [shown(Expiring(ends, dates[ends])) for ends in sorted(dates)[:100]]
    return shown(replay.totals, expiring=expiring, as_of=at, revision=revision)


def _entries(call: Call, guid: str, begun: Sequence[LedgerEntry] = ()) -> list[LedgerEntry]:
    """Every entry of a ledger, in order; ``begun`` are those that were read already."""
    found = list(begun)
    while True:
        wanted = storage.entries_after(call.keys, guid, found[-1].sequence if found else 0)
        some = call.table.load([wanted]).all(wanted)
        if not some:
            return found
        found += some


def loyalty_ledger_list(call: Call, body: LoyaltyLedgerListRequest) -> Answer:
    """Lists the entries of a customer's ledger, newest first."""
    book = Book(body.customer_guid)
    wanted = state_at(call.keys, body.customer_guid)
    seen: list[Seen] = []

    def keep(wire: Wire) -> dict[str, Any] | None:
        entry: LedgerEntry = decode(LedgerEntry, wire)
        right_kind = body.kind in (None, entry.kind)
        right_order = body.order_ref in (None, entry.order_ref)
        return storage.entry_shown(entry) if right_kind and right_order else None

    def listed(guid: str) -> Answer:
        partition, _ = call.keys.loyalty_balance(guid)
        return call.page(
            Listing((partition,), prefix="L#"),
            body,
            keep,
            plural="transactions",
            beside=lambda: seen.append(call.table.load([wanted])),
        )

    answer = listed(body.customer_guid)
    state = book.customer(call, seen[0])
    if not isinstance(state, More):
        return answer
    # Merged: what was listed is the closed ledger; the one that goes on is the survivor's.
    survivor = survivor_of(call.keys, seen[0], body.customer_guid)
    answer = listed(survivor)
    answer.data["redirected_from"] = body.customer_guid
    return answer


def loyalty_recalculate(call: Call, body: LoyaltyRecalculateRequest) -> Answer:
    """Derives the balance from the ledger again and says where what is stored differs. ``apply``
    repairs what is stored; entries are never touched."""
    book = Book(body.customer_guid)

    def decide(call: Call, seen: Seen) -> Step | More:
        state = book.customer(call, seen)
        if isinstance(state, More):
            return state
        guid = state.customer_guid
        pages_at = [storage.all_pages(call.keys, one) for one in (guid, *state.absorbed)]
        begun_at = storage.entries_after(call.keys, guid, 0)
        needed: list[Range[Any]] = [*pages_at, begun_at]
        unread = [wanted for wanted in needed if not seen.has(wanted)]
        if unread:
            return More([*unread, *book.wants(call, guid)])
        stored, begun = book.balance(call, seen, guid), seen.all(begun_at)
        if not begun or begun[-1].sequence != stored.sequence:
            begun = _entries(call, guid, begun)
        replay = Replay(guid, _merged(call, state.absorbed)).run(begun)
        pages = [page for wanted in pages_at for page in seen.all(wanted)]
        replay.settle(max(stored.settled_at, replay.at or stored.settled_at))
        result = rules.recalculate(stored, pages, replay)
        before = shown(
            Holdings.of(stored, pages).totals(),
            expiring=[],
            as_of=stored.settled_at,
            revision=stored.revision,
        )
        repairs = body.apply and not result.equal

        def answered(_: Decision, balance: dict[str, Any]) -> dict[str, Any]:
            return _recalculated(guid, result, balance, before, applied=repairs)

        def rule(_: Holdings) -> Decision:
            if repairs:
                return rules.repair(result, stamp(call))
            return Decision(holdings=result.holdings.settled(call.now))

        return book.step(call, seen, state, rule, action="loyalty-recalculated", answered=answered)

    keys, guid = call.keys, body.customer_guid
    ledger: list[Wanted] = [storage.all_pages(keys, guid), storage.entries_after(keys, guid, 0)]
    return call.write([*book.wants(call), *ledger], decide)


def _merged(call: Call, absorbed: tuple[str, ...]) -> dict[str, Replay]:
    """The replays of the ledgers that were merged into one, by customer."""
    sources: dict[str, Replay] = {}
    for one in absorbed:
        sources[one] = Replay(one, sources).run(_entries(call, one))
    return sources


def _recalculated(
    guid: str,
    result: Recalculation,
    balance: dict[str, Any],
    before: dict[str, Any],
    *,
    applied: bool,
) -> dict[str, Any]:
    return {
        "customer_guid": guid,
        "equal": result.equal,
        "balance": balance,
        "stored": before,
        "differences": [shown(difference) for difference in result.differences],
        "entries_read": result.entries_read,
        "chain_ok": result.chain_ok,
        "applied": applied,
    }

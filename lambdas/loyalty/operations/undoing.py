"""Undoing: reverse an earn, restore a redemption; each bounded by what is left of it."""

from __future__ import annotations

from lambdas.loyalty import rules, storage
from lambdas.loyalty.models import LoyaltyRestoreRequest, LoyaltyReverseRequest
from lambdas.loyalty.operations.book import Book, stamp
from shared.api import Answer, Call
from shared.call import More, Step
from shared.errors import InvalidInput, NotFound
from shared.keys import Keys
from shared.table import Seen

ID_LENGTH, HASH_LENGTH = 30, 26


def order_of(call: Call, body: LoyaltyReverseRequest | LoyaltyRestoreRequest) -> str:
    """The keyed hash of the order that a request is about: named itself, by its transaction (whose
    id ends with it), or by the first source of one of these kinds."""
    named = None if body.order_ref is None else storage.order_hash(call.keys, body.order_ref)
    if body.loyalty_txn_id is not None:
        hashed = _hash_in(call.keys, body.loyalty_txn_id)
        if named not in (None, hashed):
            raise call.refused(InvalidInput.of("order_ref", "is not the order of loyalty_txn_id"))
        return hashed
    if named is not None:
        return named
    for ref in call.provenance.source_refs:
        if ref["kind"] == "loyalty_txn":
            return _hash_in(call.keys, ref["id"])
        if ref["kind"] == "order":
            return storage.order_hash(call.keys, ref["id"])
    message = "is required, or loyalty_txn_id, or a source_refs element of one of these kinds"
    raise call.refused(InvalidInput.of("order_ref", message, "missing"))


def _hash_in(keys: Keys, loyalty_txn_id: str) -> str:
    """An id without an order in it names one that nobody has: asking costs the same."""
    marked = len(loyalty_txn_id) == ID_LENGTH + HASH_LENGTH
    return loyalty_txn_id[ID_LENGTH:] if marked else storage.order_hash(keys, "")


def loyalty_reverse(call: Call, body: LoyaltyReverseRequest) -> Answer:
    """Takes back what an order earned: for an amount that was refunded, a number of points, or the
    whole rest. What its own lot no longer holds comes from other lots, then as the terms say that
    it earned under."""
    hashed = order_of(call, body)
    book = Book(body.customer_guid, hashed, ahead=True)
    guard_at = storage.earned_at(call.keys, hashed)
    asked = body.points if body.amount is None else body.amount.money()

    def decide(call: Call, seen: Seen) -> Step | More:
        state, earned = book.customer(call, seen), seen.get(guard_at)
        if isinstance(state, More):
            return state
        owners = (state.customer_guid, *state.absorbed)
        if earned is None or earned.customer_guid not in owners:
            raise NotFound()
        if body.loyalty_txn_id not in (None, earned.loyalty_txn_id):
            raise NotFound()
        stale = book.expect(call, seen, state)
        if stale is not None:
            return stale
        return book.step(
            call,
            seen,
            state,
            lambda holdings: rules.reverse(holdings, earned, asked, stamp(call, hashed)),
            action="loyalty-reversed",
        )

    return call.write([*book.wants(call), guard_at], decide)


def loyalty_restore(call: Call, body: LoyaltyRestoreRequest) -> Answer:
    """Gives back what an order redeemed, to the lots that it came from, in part or whole. Debt is
    repaid first."""
    hashed = order_of(call, body)
    book = Book(body.customer_guid, hashed, ahead=True)

    def decide(call: Call, seen: Seen) -> Step | More:
        state = book.customer(call, seen)
        if isinstance(state, More):
            return state
        guards = [
            storage.redeemed_at(call.keys, guid, hashed)
            for guid in (state.customer_guid, *state.absorbed)
        ]
        unread = [want for want in guards if not seen.has(want)]
        if unread:
            return More(unread)
        redeemed = next((found for want in guards if (found := seen.get(want))), None)
        if redeemed is None or body.loyalty_txn_id not in (None, redeemed.loyalty_txn_id):
            raise NotFound()
        stale = book.expect(call, seen, state)
        if stale is not None:
            return stale
        parts_at = storage.parts_at(call.keys, hashed, redeemed)
        missing = [want for want in parts_at if not seen.has(want)]
        if missing:
            return More(missing)
        parts = [part for want in parts_at if (part := seen.get(want)) is not None]
        return book.step(
            call,
            seen,
            state,
            lambda holdings: rules.restore(
                holdings, redeemed, parts, body.points, stamp(call, hashed)
            ),
            action="loyalty-restored",
        )

    guard = storage.redeemed_at(call.keys, body.customer_guid, hashed)
    return call.write([*book.wants(call), guard], decide)

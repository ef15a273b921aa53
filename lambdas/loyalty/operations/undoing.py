"""Undoing: reverse an earn, restore a redemption; each bounded by what is left of it."""

from __future__ import annotations

from dataclasses import dataclass

from lambdas.loyalty import rules, storage
from lambdas.loyalty.models import LoyaltyRestoreRequest, LoyaltyReverseRequest
from lambdas.loyalty.operations.loyalty_account import (
    LoyaltyAccount,
    account_reads,
    stamp,
    with_transaction,
)
from shared.api import Answer, Call
from shared.commit import CustomerStep, commit
from shared.errors import InvalidInput, NotFound
from shared.keys import Keys
from shared.records import Records

ID_LENGTH, HASH_LENGTH = 30, 26


@dataclass(frozen=True, slots=True)
class Named:
    """The order that a request is about: its keyed hash and, where it was named by a transaction,
    that transaction."""

    hashed: str
    loyalty_txn_id: str | None = None

    def is_by(self, loyalty_txn_id: str) -> bool:
        """Whether the order's own transaction was named, or none."""
        return self.loyalty_txn_id in (None, loyalty_txn_id)


def order_of(call: Call, body: LoyaltyReverseRequest | LoyaltyRestoreRequest) -> Named:
    """The order named itself, by its transaction (whose id ends with it), or by the first source of
    the kinds that may. 400 where it is named twice, and differently."""
    txn, order = body.loyalty_txn_id, body.order_ref
    if txn is None and order is None:
        sources = call.facts.provenance.source_refs
        found = next((ref for ref in sources if ref["kind"] in body.named_by), None)
        assert found is not None, "the request was checked"
        txn, order = (found["id"], None) if found["kind"] == "loyalty_txn" else (None, found["id"])
    named = None if order is None else storage.order_hash(call.keys, order)
    if txn is None:
        return Named(str(named))
    hashed = _hash_in(call.keys, txn)
    if named not in (None, hashed):
        raise call.refusal(InvalidInput.of("order_ref", "is not the order of loyalty_txn_id"))
    return Named(hashed, txn)


def _hash_in(keys: Keys, loyalty_txn_id: str) -> str:
    """An id without an order in it names one that nobody has: asking costs the same."""
    marked = len(loyalty_txn_id) == ID_LENGTH + HASH_LENGTH
    return loyalty_txn_id[ID_LENGTH:] if marked else storage.order_hash(keys, "")


def loyalty_reverse(call: Call, body: LoyaltyReverseRequest) -> Answer:
    """Takes back what an order earned: for an amount that was refunded, a number of points, or the
    whole rest. What its own lot no longer holds comes from other lots, then as the terms say that
    it earned under."""
    named = order_of(call, body)
    hashed = named.hashed
    guard_at = storage.earned_at(call.keys, hashed)
    asked = body.points if body.amount is None else body.amount.money()

    def decide(call: Call, records: Records) -> CustomerStep:
        account = LoyaltyAccount.to_write(call, records, body.customer_guid, ahead=True)
        earned = records.require(guard_at)
        if earned.customer_guid not in account.owners or not named.is_by(earned.loyalty_txn_id):
            raise NotFound()
        account.ensure_revision()
        return account.step(
            lambda holdings: rules.reverse(holdings, earned, asked, stamp(call, hashed)),
            action="loyalty-reversed",
            order=hashed,
        )

    reads = [*account_reads(call, body.customer_guid, ahead=True), guard_at]
    return with_transaction(call, commit(call, reads, decide))


def loyalty_restore(call: Call, body: LoyaltyRestoreRequest) -> Answer:
    """Gives back what an order redeemed, to the lots that it came from, in part or whole. Debt is
    repaid first."""
    named = order_of(call, body)
    hashed = named.hashed

    def decide(call: Call, records: Records) -> CustomerStep:
        account = LoyaltyAccount.to_write(call, records, body.customer_guid, ahead=True)
        guards = [storage.redeemed_at(call.keys, guid, hashed) for guid in account.owners]
        records.ensure(*guards)
        # Each of those merged may have redeemed for the order; a transaction says which is meant.
        there = (found for get in guards if (found := records.get(get)) is not None)
        redeemed = next((found for found in there if named.is_by(found.loyalty_txn_id)), None)
        if redeemed is None:
            raise NotFound()
        account.ensure_revision()
        parts_at = storage.parts_at(call.keys, hashed, redeemed)
        records.ensure(*parts_at)
        parts = [records.require(get) for get in parts_at]
        return account.step(
            lambda holdings: rules.restore(
                holdings, redeemed, parts, body.points, stamp(call, hashed)
            ),
            action="loyalty-restored",
            order=hashed,
        )

    guard = storage.redeemed_at(call.keys, body.customer_guid, hashed)
    reads = [*account_reads(call, body.customer_guid, ahead=True), guard]
    return with_transaction(call, commit(call, reads, decide))

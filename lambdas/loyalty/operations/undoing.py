"""Undoing: reverse an earn, restore a redemption; each bounded by what is left of it."""

from __future__ import annotations

from dataclasses import dataclass

from lambdas.loyalty import storage
from lambdas.loyalty.models.requests import (
    LoyaltyRestoreRequest,
    LoyaltyReverseRequest,
    UndoRequest,
)
from lambdas.loyalty.operations.loyalty_account import LoyaltyAccount, moved
from lambdas.loyalty.rules import earning, spending
from shared.api import Answer, Call
from shared.commit import CustomerStep
from shared.errors import InvalidInput, NotFound

ID_LENGTH, HASH_LENGTH = 30, 26


@dataclass(frozen=True, slots=True)
class NamedOrder:
    """The order that a request is about: its keyed hash; the transaction that names it, if one
    does; and the ``field`` of the request that names it."""

    order_hash: str
    loyalty_txn_id: str | None
    field: str

    def may_be(self, loyalty_txn_id: str) -> bool:
        """Whether the request is about the order's transaction: it names this one, or none."""
        return self.loyalty_txn_id in (None, loyalty_txn_id)


def named_order(call: Call, body: UndoRequest) -> NamedOrder:
    """Returns the order that a request names: itself, by its transaction (whose id ends with its
    hash), or by the first source of the kinds that may. 400 where it is named twice, and
    differently."""
    txn, order = body.loyalty_txn_id, body.order_ref
    field = "loyalty_txn_id" if order is None else "order_ref"
    if txn is None and order is None:
        sources = call.facts.provenance.source_refs
        found = next((ref for ref in sources if ref["kind"] in body.named_by), None)
        assert found is not None, "the request was checked"
        txn, order = (found["id"], None) if found["kind"] == "loyalty_txn" else (None, found["id"])
        field = "source_refs"
    if txn is None:
        return NamedOrder(storage.order_hash(call.keys, str(order)), None, field)
    # An id without an order in it names one that nobody has: asking for it costs the same.
    marked = len(txn) == ID_LENGTH + HASH_LENGTH
    order_hash = txn[ID_LENGTH:] if marked else storage.order_hash(call.keys, "")
    if order is not None and storage.order_hash(call.keys, order) != order_hash:
        raise call.refusal(InvalidInput.of("order_ref", "is not the order of loyalty_txn_id"))
    return NamedOrder(order_hash, txn, field)


def loyalty_reverse(call: Call, body: LoyaltyReverseRequest) -> Answer:
    """Takes back what an order earned: for an amount that was refunded, a number of points, or the
    whole rest. What its own lot no longer holds comes from other lots, then as the terms say that
    it earned under. Points of its own lot that expired unspent count as taken back."""
    named = named_order(call, body)
    guard_at = storage.earned_at(call.keys, named.order_hash)
    asked = body.points if body.amount is None else body.amount.money()
    said = [field for field in ("points", "amount") if getattr(body, field) is not None]

    def decide(account: LoyaltyAccount) -> CustomerStep:
        earned = account.records.require(guard_at)
        if earned.customer_guid not in account.owners or not named.may_be(earned.loyalty_txn_id):
            raise NotFound()
        account.ensure_revision()
        reversal = earning.Reversal(
            earned=earned,
            asked=asked,
            field=next(iter(said), named.field),
            expired=account.expired_of(earned.lot),
        )
        stamp = account.stamp(named.order_hash)
        return account.step(
            lambda holdings: earning.reverse(holdings, reversal, stamp),
            action="loyalty-reversed",
            order_hash=named.order_hash,
        )

    return moved(call, body.customer_guid, decide, ahead=True, beside=[guard_at])


def loyalty_restore(call: Call, body: LoyaltyRestoreRequest) -> Answer:
    """Gives back what an order redeemed, to the lots that it came from, in part or whole. Debt is
    repaid first."""
    named = named_order(call, body)

    def decide(account: LoyaltyAccount) -> CustomerStep:
        keys, records = call.keys, account.records
        guards = [storage.redeemed_at(keys, guid, named.order_hash) for guid in account.owners]
        records.ensure(*guards)
        # Each of those merged may have redeemed for the order; a transaction says which is meant.
        there = (guard for get in guards if (guard := records.get(get)) is not None)
        redeemed = next((guard for guard in there if named.may_be(guard.loyalty_txn_id)), None)
        if redeemed is None:
            raise NotFound()
        account.ensure_revision()
        parts_at = storage.parts_at(keys, named.order_hash, redeemed)
        records.ensure(*parts_at)
        restoration = spending.Restoration(
            redeemed=redeemed,
            parts=[records.require(get) for get in parts_at],
            points=body.points,
            field=named.field if body.points is None else "points",
        )
        stamp = account.stamp(named.order_hash)
        return account.step(
            lambda holdings: spending.restore(holdings, restoration, stamp),
            action="loyalty-restored",
            order_hash=named.order_hash,
        )

    guard_at = storage.redeemed_at(call.keys, body.customer_guid, named.order_hash)
    return moved(call, body.customer_guid, decide, ahead=True, beside=[guard_at])

"""Points for money, and back when the money goes back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from lambdas.loyalty.rules.orders import Decision, EarnedOrder
from lambdas.loyalty.rules.policy import PolicyRecord, in_currency
from lambdas.loyalty.rules.quote import Sale, quote
from lambdas.loyalty.rules.stamp import Stamp, countable
from shared.errors import InsufficientPoints, InvalidState, QuoteStale
from shared.fields import Money
from shared.ledger import (
    DEBT,
    WRITTEN_OFF,
    Allocation,
    Holdings,
    Lot,
    LotTerms,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarnOrder:
    """An order that is to earn. ``quote_hash``: only what that quote promised."""

    order_ref: str
    sale: Sale
    occurred_at: datetime | None = None
    quote_hash: str | None = None


def earn(holdings: Holdings, order: EarnOrder, policy: PolicyRecord, stamp: Stamp) -> Decision:
    """The order's points as a new lot. Debt is repaid from it as soon as it is available."""
    holdings = holdings.settled(stamp.now)
    at = order.occurred_at or stamp.now
    assert at <= stamp.now, "the request was checked"
    quoted = quote(policy, order.sale, at)
    if order.quote_hash not in (None, quoted.quote_hash):
        raise QuoteStale(detail={"quote": quoted.shown()})
    points = quoted.points
    countable(holdings.totals(), "amount", held=points, earned=points)
    terms = None
    for lot in quoted.lots:
        terms = LotTerms(
            stamp.lot_id(),
            points,
            lot.available_from,
            lot.expires_at,
            policy.policy_version,
            holdings.balance.sequence + 1,
        )
    entry = stamp.entry(
        holdings,
        "earn",
        points,
        effective_at=at,
        allocations=() if terms is None else (Allocation(terms.lot_id, points),),
        opens=terms,
        lifetime_delta=points,
        order_ref=order.order_ref,
        amount=order.sale.amount,
        policy_version=policy.policy_version,
    )
    holdings, entry = holdings.post(entry)
    earned = EarnedOrder(
        customer_guid=entry.customer_guid,
        order_ref=order.order_ref,
        loyalty_txn_id=entry.loyalty_txn_id,
        sequence=entry.sequence,
        policy_version=policy.policy_version,
        effective_at=at,
        amount=order.sale.amount,
        lines=order.sale.lines,
        channel_code=order.sale.channel_code,
        points=points,
        pricing=quoted.pricing,
        reversal=policy.reversal_policy,
        lot=terms,
    )
    return Decision(holdings=holdings, entries=(entry,), change=holdings.commit(), earned=earned)


def reverse(
    holdings: Holdings,
    earned: EarnedOrder,
    asked: Money | int | None,
    stamp: Stamp,
) -> Decision:
    """Take back what an order earned: for refunded money, so many points, or (None) the whole
    rest."""
    holdings = holdings.settled(stamp.now)
    points, refunded = _to_reverse(earned, asked)
    allocations = _collected(holdings, earned, points)
    entry = stamp.entry(
        holdings,
        "reverse",
        -points,
        allocations=allocations,
        # Adjustments may have lowered it already; it never falls below nothing.
        lifetime_delta=-min(points, holdings.balance.lifetime_earned),
        order_ref=earned.order_ref,
        amount=asked if isinstance(asked, Money) else None,
        policy_version=earned.policy_version,
        parent_txn_id=earned.loyalty_txn_id,
    )
    holdings, entry = holdings.post(entry)
    after = replace(
        earned,
        refunded=refunded,
        reversed=earned.reversed + points,
        revision=earned.revision + 1,
    )
    return Decision(holdings=holdings, entries=(entry,), change=holdings.commit(), earned=after)


def _to_reverse(earned: EarnedOrder, asked: Money | int | None) -> tuple[int, int]:
    """(points to take back now, minor units refunded by then). Money is re-priced as a whole: what
    the refunds so far leave of the order earns what it earns, and the rest goes."""
    whole, rest = earned.amount.amount, earned.reversible
    if isinstance(asked, Money):
        in_currency(earned.amount.currency, asked, "amount")
        refunded = earned.refunded + asked.amount
        if refunded <= whole:
            kept = earned.pricing.points(whole - refunded)
            return max(0, earned.points - kept - earned.reversed), refunded
    elif asked is not None and asked <= rest:
        return asked, earned.refunded
    elif asked is None and (rest or (earned.points == 0 and earned.refunded < whole)):
        return rest, whole
    raise InvalidState("That is more than is left to reverse.", detail={"reversible": rest})


def _collected(holdings: Holdings, earned: EarnedOrder, points: int) -> tuple[Allocation, ...]:
    """Where the points come from: the order's own lot, other lots in spend order, and then as its
    terms say."""
    terms, left, taken = earned.reversal, points, []
    if earned.lot is not None and points:
        own = holdings.current([Lot(earned.lot, 0)])[earned.lot.lot_id]
        part = 0 if own.terms.expired(holdings.at) else min(own.remaining, left)
        taken.append(Allocation(own.lot_id, -part))
        left -= part
        if left and terms.shortfall == "any_lot":
            others, left = holdings.take(left, "points", without=own.lot_id)
            taken += [Allocation(lot.lot_id, -part) for lot, part in others]
    if left and terms.uncollected == "reject":
        raise InsufficientPoints(detail={"available": points - left})
    if terms.uncollected == "debt":
        countable(holdings.totals(), "points", debt=left)
    account = WRITTEN_OFF if terms.uncollected == "write_off" else DEBT
    taken.append(Allocation(account, -left))
    return tuple(allocation for allocation in taken if allocation.points)

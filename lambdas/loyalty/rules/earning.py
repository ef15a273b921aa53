"""Points for money, and back when the money goes back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from lambdas.loyalty.models.records import EarnedOrderRecord, PolicyRecord
from lambdas.loyalty.rules.decision import Decision, Stamp, as_many_as_fit, ensure_countable
from lambdas.loyalty.rules.policy import ensure_currency
from lambdas.loyalty.rules.quote import Sale, points_of, quote
from shared.errors import AlreadyExists, InsufficientPoints, InvalidState, QuoteStale
from shared.fields import Money
from shared.ledger import DEBT, EXPIRED, WRITTEN_OFF, Allocation, Holdings, Lot


@dataclass(frozen=True, slots=True, kw_only=True)
class EarnOrder:
    """An order that is to earn. ``quote_hash``: only what that quote promised."""

    order_ref: str
    sale: Sale
    occurred_at: datetime | None = None
    quote_hash: str | None = None


def ensure_same_earn(earned: EarnedOrderRecord, customers: Collection[str], sale: Sale) -> None:
    """409 where an earn is not the one that the order had. ``customers``: the asking customer and
    all that were merged into it."""
    before = Sale(amount=earned.amount, lines=earned.lines, channel_code=earned.channel_code)
    if earned.customer_guid not in customers or before != sale:
        raise AlreadyExists.of("order_ref", "has earned points already")


def earn(holdings: Holdings, order: EarnOrder, policy: PolicyRecord, stamp: Stamp) -> Decision:
    """Opens a lot with the order's points. Debt is repaid from it as soon as it is available."""
    holdings = holdings.settled(stamp.now)
    at = order.occurred_at or stamp.now
    assert at <= stamp.now, "the request was checked"
    quoted = quote(policy, order.sale, at, stamp.zone)
    if order.quote_hash not in (None, quoted.quote_hash):
        raise QuoteStale(detail={"quote": quoted.shown()})
    points, version = quoted.points, policy.policy_version
    ensure_countable(holdings.totals(), "amount", held=points, earned=points)
    terms = None
    for lot in quoted.lots:
        terms = stamp.lot(holdings, points, lot.available_from, lot.expires_at, version)
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
        policy_version=version,
    )
    holdings, entry = holdings.post(entry)
    earned = EarnedOrderRecord(
        customer_guid=entry.customer_guid,
        order_ref=order.order_ref,
        loyalty_txn_id=entry.loyalty_txn_id,
        sequence=entry.sequence,
        policy_version=version,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """What an earn is to give back: for refunded money, so many points, or (None) the whole rest.
    ``field`` is what the request says it with. ``expired``: how many points of the earn's own lot
    ``expire`` entries have taken, which nobody may lose a second time."""

    earned: EarnedOrderRecord
    asked: Money | int | None = None
    field: str = "points"
    expired: int = 0


def reverse(holdings: Holdings, reversal: Reversal, stamp: Stamp) -> Decision:
    """Takes back what an order earned. ``points`` of the entry are the points that it undoes;
    ``reversible`` and ``lifetime_earned`` fall by as much, whoever loses them."""
    holdings, earned, asked = holdings.settled(stamp.now), reversal.earned, reversal.asked
    points, refunded = _to_reverse(earned, asked)

    def taken_back(points: int) -> Decision:
        allocations = _collected(holdings, reversal, points)
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
        after, entry = holdings.post(entry)
        undone = replace(
            earned,
            refunded=refunded,
            reversed=earned.reversed + points,
            reversed_expired=earned.reversed_expired
            - sum(a.points for a in allocations if a.lot_id == EXPIRED),
            revision=earned.revision + 1,
        )
        return Decision(holdings=after, entries=(entry,), change=after.commit(), earned=undone)

    return as_many_as_fit(points, reversal.field, taken_back)


def _to_reverse(earned: EarnedOrderRecord, asked: Money | int | None) -> tuple[int, int]:
    """Returns the points to take back now, and the minor units that are refunded by then. Money is
    priced again as a whole: what the refunds so far leave of the order earns what it earns, and the
    rest goes."""
    whole, rest = earned.amount.amount, earned.reversible
    if isinstance(asked, Money):
        ensure_currency(earned.amount.currency, asked, "amount")
        refunded = earned.refunded + asked.amount
        if refunded <= whole:
            kept = points_of(earned.pricing, whole - refunded)
            return max(0, earned.points - kept - earned.reversed), refunded
    elif asked is not None and asked <= rest:
        return asked, earned.refunded
    elif asked is None and (rest or (earned.points == 0 and earned.refunded < whole)):
        return rest, whole
    raise InvalidState("That is more than is left to reverse.", detail={"reversible": rest})


def _collected(holdings: Holdings, reversal: Reversal, points: int) -> tuple[Allocation, ...]:
    """Returns where the points come from: what the order's own lot still holds, expired or not;
    what expired of it before; other lots in spend order; and then as the order's terms say."""
    earned, left, taken = reversal.earned, points, []
    terms = earned.reversal
    if earned.lot is not None and points:
        own = holdings.current([Lot(earned.lot, 0)])[earned.lot.lot_id]
        part = min(own.remaining, left)
        gone = min(reversal.expired - earned.reversed_expired, left - part)
        taken += [Allocation(own.lot_id, -part), Allocation(EXPIRED, -gone)]
        left -= part + gone
        if left and terms.shortfall == "any_lot":
            others, left = holdings.take(left, without=own.lot_id)
            taken += [Allocation(lot.lot_id, -part) for lot, part in others]
    if left and terms.uncollected == "reject":
        raise InsufficientPoints(detail={"available": points - left})
    if terms.uncollected == "debt":
        ensure_countable(holdings.totals(), reversal.field, debt=left)
    account = WRITTEN_OFF if terms.uncollected == "write_off" else DEBT
    taken.append(Allocation(account, -left))
    return tuple(allocation for allocation in taken if allocation.points)

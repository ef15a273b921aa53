"""Points for goods, and back when the goods come back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction

from lambdas.loyalty.models.records import (
    PolicyRecord,
    RedeemedOrderRecord,
    RedeemedPartRecord,
    Take,
)
from lambdas.loyalty.rules.decision import Decision, Stamp, as_many_as_fit, ensure_countable
from lambdas.loyalty.rules.policy import ensure_currency, expires_at, redeemed_value
from shared.errors import AlreadyExists, Fault, InsufficientPoints, InvalidInput, InvalidState
from shared.fields import LARGEST_INTEGER, Money
from shared.ledger import DEBT, LOTS_AT_ONCE, Allocation, Holdings, Lot, LotTerms, TooManyLots

TAKES_TOGETHER = 256
"""How many takes lie in one item."""
PAGES_TAKEN, PAGES_CHANGED = 56, 64
"""A redemption has up to 36 other writes in its transaction of 100: the balance, the entry, the
order's guard with three parts, the answer, two for the key, the customer's state, and 26 that look
for a hold on the order, of the customer and of 25 who were merged into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemOrder:
    """An order that is to be paid with points, in part or whole."""

    order_ref: str
    points: int
    order_amount: Money | None = None
    channel_code: str | None = None


def redeemed_alike(
    before: Sequence[RedeemedOrderRecord], order: RedeemOrder
) -> RedeemedOrderRecord:
    """Returns the redemption that this one is again, so that its answer can be repeated; else 409.
    There are several where customers were merged who redeemed for the same order. Points that went
    back have paid for nothing: once any were restored, a repeat must not look like a payment."""
    asked = (order.points, order.order_amount, order.channel_code)
    alike = [r for r in before if (r.points, r.order_amount, r.channel_code) == asked]
    for redeemed in alike:
        if not redeemed.restored:
            return redeemed
    restored = sum(redeemed.restored for redeemed in alike or before)
    if restored:
        message = "Points of this order were restored: redeem for another order_ref."
        raise InvalidState(message, detail={"restored": restored})
    raise AlreadyExists.of("order_ref", "has redeemed points already")


def redeem(holdings: Holdings, order: RedeemOrder, policy: PolicyRecord, stamp: Stamp) -> Decision:
    """Spends points, soonest expiry first. Points that have expired by the clock do not count."""
    holdings = holdings.settled(stamp.now)
    value = _allowed_value(order, policy)
    available = holdings.totals().available_points
    if order.points > available:
        raise InsufficientPoints(detail={"available": available})
    return as_many_as_fit(
        order.points,
        "redeem_points",
        lambda points: _redeemed(holdings, replace(order, points=points), policy, value, stamp),
    )


def _redeemed(
    holdings: Holdings, order: RedeemOrder, policy: PolicyRecord, value: Money, stamp: Stamp
) -> Decision:
    taken, _ = holdings.take(order.points, pages=PAGES_TAKEN)
    entry = stamp.entry(
        holdings,
        "redeem",
        -order.points,
        allocations=tuple(Allocation(lot.lot_id, -part) for lot, part in taken),
        order_ref=order.order_ref,
        amount=order.order_amount,
        value=value,
        policy_version=policy.policy_version,
    )
    holdings, entry = holdings.post(entry)
    takes = tuple(Take(lot.terms, part) for lot, part in taken)
    rest = range(TAKES_TOGETHER, len(takes), TAKES_TOGETHER)
    parts = tuple(
        RedeemedPartRecord(number=number, takes=takes[start : start + TAKES_TOGETHER])
        for number, start in enumerate(rest, 1)
    )
    redeemed = RedeemedOrderRecord(
        customer_guid=entry.customer_guid,
        order_ref=order.order_ref,
        loyalty_txn_id=entry.loyalty_txn_id,
        sequence=entry.sequence,
        points=order.points,
        order_amount=order.order_amount,
        channel_code=order.channel_code,
        value=value,
        policy_version=policy.policy_version,
        restore=policy.restore_policy,
        expiry=policy.expiry_policy,
        takes=takes[:TAKES_TOGETHER],
        parts=len(parts),
    )
    return Decision(
        holdings=holdings,
        entries=(entry,),
        change=holdings.commit(PAGES_CHANGED),
        redeemed=redeemed,
        parts=parts,
    )


def _allowed_value(order: RedeemOrder, policy: PolicyRecord) -> Money:
    """Returns what the points are worth; 400 where the policy does not let an order be paid with so
    many, or where they are worth more than the order."""
    rules, points = policy.redeem_policy, order.points
    percent, amount = rules.max_percent_of_order, order.order_amount
    faults = []
    if points < (rules.min_points or 0):
        faults.append(Fault("too-few", "redeem_points", f"must be at least {rules.min_points}"))
    if rules.step and points % rules.step:
        faults.append(Fault("step", "redeem_points", f"must be a multiple of {rules.step}"))
    if rules.max_points is not None and points > rules.max_points:
        faults.append(Fault("too-many", "redeem_points", f"must be at most {rules.max_points}"))
    if percent is not None and amount is None:
        message = "is needed: points may pay only a part of an order"
        faults.append(Fault("missing", "order_amount", message))
    if faults:
        raise InvalidInput(minor=faults)
    value = redeemed_value(policy, points)
    if value.amount > LARGEST_INTEGER:
        raise InvalidInput.of("redeem_points", "are worth more than can be counted", "too-many")
    if amount is not None:
        ensure_currency(policy.currency, amount, "order_amount")
        share = 100 if percent is None else percent
        if value.amount > Fraction(share) * amount.amount / 100:
            message = f"must be worth at most {share} % of the order"
            raise InvalidInput.of("redeem_points", message, "too-many")
    return value


# ---------------------------------------------------------------- restore


@dataclass(frozen=True, slots=True)
class _Back:
    """Points on their way back to a lot."""

    lot: Lot
    points: int
    makes_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """How much a redemption is to give back: so many points, or (None) the whole rest. ``parts``
    hold its further takes. ``field`` is what the request says it with."""

    redeemed: RedeemedOrderRecord
    parts: Sequence[RedeemedPartRecord] = ()
    points: int | None = None
    field: str = "points"


def restore(holdings: Holdings, restoration: Restoration, stamp: Stamp) -> Decision:
    """Gives back what an order redeemed. Debt comes first; then the lots whose points repaid debt
    since, the latest first; then the redemption's own lots, the last taken first: as if it had
    redeemed that much less."""
    holdings, redeemed = holdings.settled(stamp.now), restoration.redeemed
    rest = redeemed.restorable
    if (restoration.points or 0) > rest or not rest:
        raise InvalidState("That is more than is left to restore.", detail={"restorable": rest})
    points = restoration.points or rest
    ensure_countable(holdings.totals(), restoration.field, held=points)
    return as_many_as_fit(
        points,
        restoration.field,
        lambda many: _restored(holdings, redeemed, restoration.parts, many, stamp),
    )


def _restored(
    holdings: Holdings,
    redeemed: RedeemedOrderRecord,
    parts: Sequence[RedeemedPartRecord],
    points: int,
    stamp: Stamp,
) -> Decision:
    debt = min(points, holdings.balance.debt_points)
    whole = _made_whole(holdings, redeemed, points - debt)
    left = points - debt - sum(back.points for back in whole)
    takes = [*redeemed.takes, *(take for part in parts for take in part.takes)]
    own = _returned(holdings, takes, redeemed.returned, left)
    opens, allocations = _allocated(holdings, [*whole, *own], redeemed, stamp)
    # A lot that is made whole and gives its points on is named twice; the new lot is no old one.
    if len(allocations) - (opens is not None) > LOTS_AT_ONCE:
        raise TooManyLots()
    if debt:
        allocations.insert(0, Allocation(DEBT, debt))
    entry = stamp.entry(
        holdings,
        "restore",
        points,
        allocations=tuple(allocations),
        opens=opens,
        order_ref=redeemed.order_ref,
        policy_version=redeemed.policy_version,
        parent_txn_id=redeemed.loyalty_txn_id,
    )
    holdings, entry = holdings.post(entry, revived=(back.lot for back in own))
    after = replace(
        redeemed,
        restored=redeemed.restored + points,
        returned=redeemed.returned + left,
        revision=redeemed.revision + 1,
    )
    return Decision(holdings=holdings, entries=(entry,), change=holdings.commit(), redeemed=after)


def _renewed(holdings: Holdings, redeemed: RedeemedOrderRecord, lot: Lot) -> bool:
    """Whether points that return to a lot go on into a new one, because the lot has expired."""
    return redeemed.restore.expired != "keep_expired" and lot.terms.expired(holdings.at)


def _made_whole(holdings: Holdings, redeemed: RedeemedOrderRecord, points: int) -> list[_Back]:
    found = []
    repaid = holdings.repaid_since(redeemed.customer_guid, redeemed.sequence) if points else []
    for lot, part in repaid:
        back = min(part, points)
        if back:
            found.append(_Back(lot, back, True))
        points -= back
    return found


def _returned(holdings: Holdings, takes: Sequence[Take], returned: int, points: int) -> list[_Back]:
    """Returns where points go back to, the last taken first, after ``returned`` of them came
    back."""
    chosen: list[Take] = []
    for take in reversed(takes):
        gone = min(take.points, returned)
        back = min(take.points - gone, points)
        returned, points = returned - gone, points - back
        if back:
            chosen.append(Take(take.terms, back))
    now = holdings.current(Lot(take.terms, 0) for take in chosen)
    return [_Back(now[take.terms.lot_id], take.points, False) for take in chosen]


def _allocated(
    holdings: Holdings, backs: Iterable[_Back], redeemed: RedeemedOrderRecord, stamp: Stamp
) -> tuple[LotTerms | None, list[Allocation]]:
    """Returns the lot that is opened for points of expired lots where the terms do not let these
    stay expired, and the allocations. A lot that had repaid debt is made whole first, and then
    gives the points on: it must not be made whole twice."""
    allocations, renewed = [], 0
    for back in backs:
        stays = not _renewed(holdings, redeemed, back.lot)
        if stays or back.makes_whole:
            allocations.append(Allocation(back.lot.lot_id, back.points, back.makes_whole))
        if not stays:
            renewed += back.points
            if back.makes_whole:
                allocations.append(Allocation(back.lot.lot_id, -back.points))
    if not renewed:
        return None, allocations
    ends = _new_expiry(holdings, redeemed, stamp)
    terms = stamp.lot(holdings, renewed, holdings.at, ends, redeemed.policy_version)
    return terms, [*allocations, Allocation(terms.lot_id, renewed)]


def _new_expiry(holdings: Holdings, redeemed: RedeemedOrderRecord, stamp: Stamp) -> datetime | None:
    grace = redeemed.restore.grace_days
    if redeemed.restore.expired == "grace" and grace is not None:
        return holdings.at + timedelta(days=grace)
    return expires_at(redeemed.expiry, holdings.at, stamp.zone)

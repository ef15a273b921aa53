"""One customer at one till, over a shelf of pages: the rules in a few words."""

from __future__ import annotations

from datetime import UTC, datetime

from lambdas.loyalty.models.records import PolicyRecord
from lambdas.loyalty.rules import adjusting, earning, spending
from lambdas.loyalty.rules.adjusting import Adjustment
from lambdas.loyalty.rules.decision import Decision
from lambdas.loyalty.rules.earning import EarnOrder, Reversal
from lambdas.loyalty.rules.quote import Sale
from lambdas.loyalty.rules.spending import RedeemOrder, Restoration
from shared.fields import Money
from shared.ledger import Holdings
from tests.lambdas.loyalty.shelf import Shelf, at, live, policy, stamp

CUSTOMER = "cust_1"


def day(month: int, number: int) -> datetime:
    return datetime(2026, month, number, tzinfo=UTC)


class Till:
    """One customer at one till."""

    def __init__(self, in_force: PolicyRecord | None = None) -> None:
        self.shelf, self.policy = Shelf(), in_force or policy()

    def earn(self, minor: int, now: datetime, **more: object) -> Decision:
        order = EarnOrder(order_ref=f"E{now}", sale=Sale(amount=Money("EUR", minor)), **more)
        return self.shelf.do(
            CUSTOMER,
            now,
            lambda here: earning.earn(here, order, self.policy, stamp(now)),
            lambda page: page.page_id == "open",
        )

    def redeem(self, points: int, now: datetime, amount: int | None = None) -> Decision:
        money = None if amount is None else Money("EUR", amount)
        order = RedeemOrder(order_ref=f"R{now}", points=points, order_amount=money)
        return self.shelf.do(
            CUSTOMER, now, lambda here: spending.redeem(here, order, self.policy, stamp(now))
        )

    def restore(self, done: Decision, points: int | None, now: datetime) -> Decision:
        assert done.redeemed is not None
        guard = done.redeemed
        return self.shelf.do(
            CUSTOMER,
            now,
            lambda here: spending.restore(
                here, Restoration(redeemed=guard, parts=done.parts, points=points), stamp(now)
            ),
        )

    def reverse(self, done: Decision, asked: Money | int | None, now: datetime) -> Decision:
        assert done.earned is not None
        guard = done.earned
        return self.shelf.do(
            CUSTOMER,
            now,
            lambda here: earning.reverse(
                here,
                Reversal(earned=guard, asked=asked, expired=self.shelf.expired_of(guard.lot)),
                stamp(now),
            ),
        )

    def adjust(self, points: int, now: datetime, **more: object) -> Decision:
        asked = Adjustment(points_delta=points, **more)
        return self.shelf.do(CUSTOMER, now, lambda here: adjusting.adjust(here, asked, stamp(now)))

    def expire(
        self, now: datetime, as_of: datetime | None = None, *, dry_run: bool = False
    ) -> Decision:
        def decide(here: Holdings) -> Decision:
            return adjusting.expire(here, as_of, stamp(now), dry_run=dry_run)

        if dry_run:
            decision: Decision = self.shelf.ask(CUSTOMER, now, decide)
            return decision
        return self.shelf.do(CUSTOMER, now, decide)

    def available(self, now: datetime) -> int:
        return self.shelf.totals(CUSTOMER, now).available_points

    def live(self, now: datetime) -> dict[str, int]:
        return live(self.shelf.lots(CUSTOMER, now).values(), now)

    def sound(self, now: datetime) -> bool:
        result = self.shelf.recalculate(CUSTOMER, now)
        return result.equal and result.chain_ok


def euros(minor: int) -> Money:
    return Money("EUR", minor)


def three_lots(in_force: PolicyRecord | None = None) -> tuple[Till, Decision, list[str]]:
    till = Till(in_force)
    first = till.adjust(100, day(1, 1), expires_at=day(3, 31))
    second = till.adjust(60, day(1, 2), expires_at=day(6, 30))
    third = till.adjust(40, day(1, 3))
    lots = [d.entry.allocations[0].lot_id for d in (first, second, third)]
    return till, till.redeem(130, day(3, 10)), lots


def in_debt() -> tuple[Till, Decision, str]:
    till = Till()
    first = till.earn(100, at(0))
    redeemed = till.redeem(80, at(1))
    reversal = till.reverse(first, None, at(2))
    assert [a.points for a in reversal.entry.allocations] == [-20, -80]
    assert till.shelf.totals(CUSTOMER, at(2)).debt_points == 80
    second = till.earn(50, at(3))
    assert second.entry.points == second.entry.balance_after.lifetime_earned == 50
    assert second.entry.balance_after.debt_points == 30
    assert till.available(at(3)) == 0
    return till, redeemed, second.entry.allocations[0].lot_id

"""The rules by example: what a person would work out with a pencil."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lambdas.loyalty.models.records import PointValue, RedeemedOrderRecord
from lambdas.loyalty.rules import earning, spending
from lambdas.loyalty.rules.policy import require_pricing_policy
from lambdas.loyalty.rules.quote import Sale
from lambdas.loyalty.rules.spending import RedeemOrder
from shared.errors import (
    AlreadyExists,
    CurrencyMismatch,
    Forbidden,
    InsufficientPoints,
    InvalidInput,
    InvalidState,
    QuoteStale,
)
from shared.fields import Money
from tests.lambdas.loyalty.counter import CUSTOMER, Till, day, euros, in_debt, three_lots
from tests.lambdas.loyalty.shelf import START, at, policy, priced, stamp

# ---------------------------------------------------------------- the specification's examples


def test_refunds_in_three_parts_take_back_exactly_what_the_order_earned() -> None:
    till = Till(policy(earn={"points_per_unit": 3, "unit_minor": 200}))
    done = till.earn(1001, START)
    assert done.entry.points == 15
    taken = []
    for number, minor in enumerate((333, 333, 335), 1):
        done = till.reverse(done, euros(minor), at(number))
        taken.append(done.entry.points)
    assert taken == [-5, -5, -5]
    totals = till.shelf.totals(CUSTOMER, at(9))
    assert (totals.available_points, totals.lifetime_earned, totals.debt_points) == (0, 0, 0)
    assert till.sound(at(9))


def test_a_redemption_takes_what_expires_soonest_and_a_restore_gives_the_last_back_first() -> None:
    till, done, (first, second, third) = three_lots()
    assert [(a.lot_id, a.points) for a in done.entry.allocations] == [(first, -100), (second, -30)]
    back = till.restore(done, 50, day(3, 20))
    assert [(a.lot_id, a.points) for a in back.entry.allocations] == [(second, 30), (first, 20)]
    assert till.live(day(3, 20)) == {first: 20, second: 60, third: 40}
    assert till.available(day(4, 1)) == 100
    assert till.sound(day(4, 1))


def test_points_restored_to_a_lot_that_has_expired_are_expired() -> None:
    till, done, (_, second, third) = three_lots()
    till.restore(done, 50, day(4, 5))
    assert till.live(day(4, 5)) == {second: 60, third: 40}
    assert till.available(day(4, 5)) == 100
    assert till.expire(day(4, 6)).entry.points == -20
    assert till.sound(day(4, 6))


def test_a_restore_clears_the_debt_and_then_makes_whole_what_had_repaid_it() -> None:
    till, redeemed, lot = in_debt()
    back = till.restore(redeemed, 80, at(4))
    assert [(a.lot_id, a.points) for a in back.entry.allocations] == [("debt", 30), (lot, 50)]
    assert till.live(at(4)) == {lot: 50}
    assert till.available(at(4)) == 50
    assert till.sound(at(4))


def test_a_restore_in_parts_does_what_one_does() -> None:
    till, redeemed, lot = in_debt()
    for points in (10, 30, 25, 15):
        redeemed = till.restore(redeemed, points, at(4))
    assert till.live(at(4)) == {lot: 50}
    with pytest.raises(InvalidState) as refused:
        till.restore(redeemed, None, at(5))
    assert refused.value.detail == {"restorable": 0}


# ---------------------------------------------------------------- earn


def test_a_quote_is_what_an_earn_a_moment_later_grants() -> None:
    till = Till(policy(expiry={"mode": "days", "days": 365}, earn={"pending_days": 14}))
    sale = Sale(amount=euros(1234))
    quoted = priced(till.policy, sale, at(0))
    done = till.earn(1234, at(0) + timedelta(seconds=90), quote_hash=quoted.quote_hash)
    assert done.entry.points == quoted.points
    with pytest.raises(QuoteStale) as refused:
        till.earn(1235, at(1), quote_hash=quoted.quote_hash)
    assert refused.value.detail["quote"]["points"] == 1235


def test_a_quote_of_last_month_is_stale_where_points_expire_with_the_month() -> None:
    monthly = policy(expiry={"mode": "month_end", "months": 12})
    sale = Sale(amount=euros(100))
    quoted = [priced(monthly, sale, day(*when)) for when in ((1, 30), (1, 31), (2, 1))]
    assert quoted[0].quote_hash == quoted[1].quote_hash != quoted[2].quote_hash
    assert quoted[0].lots[0].expires_at == datetime(2027, 2, 1, tzinfo=UTC)


def test_no_points_are_a_success() -> None:
    till = Till(policy(earn={"points_per_unit": 0}))
    assert till.earn(100, at(1)).entry.allocations == ()
    assert till.sound(at(2))


def test_pending_points_become_available_by_the_clock_and_repay_debt_at_that_moment() -> None:
    till = Till(policy(earn={"pending_days": 10}))
    till.earn(70, at(0))
    till.adjust(-50, at(1), allow_debt=True)
    before, after = (till.shelf.totals(CUSTOMER, at(days)) for days in (9.99, 10))
    assert (before.available_points, before.pending_points, before.debt_points) == (0, 70, 50)
    assert (after.available_points, after.pending_points, after.debt_points) == (20, 0, 0)
    assert till.adjust(5, at(30)).entry.balance_after.available_points == 25
    assert till.sound(at(30))


def test_points_that_are_no_longer_countable_are_refused() -> None:
    till = Till()
    till.earn(2**53 - 1, at(0))
    with pytest.raises(InvalidInput):
        till.earn(1, at(1))
    with pytest.raises(InvalidInput):
        till.adjust(1, at(1))


def test_only_who_may_choose_prices_by_another_version() -> None:
    current, other = policy(), policy(policy_version="v2")
    assert require_pricing_policy(None, current, may_choose=False) is current
    assert require_pricing_policy(other, current, may_choose=True) is other
    with pytest.raises(Forbidden):
        require_pricing_policy(other, current, may_choose=False)
    with pytest.raises(InvalidState):
        require_pricing_policy(None, None, may_choose=True)


def test_an_order_earns_once_and_its_repeat_is_known() -> None:
    guard = Till().earn(100, START).earned
    assert guard is not None
    earning.ensure_same_earn(guard, {CUSTOMER}, Sale(amount=euros(100)))
    for customers, sale in (
        ({"another"}, Sale(amount=euros(100))),
        ({CUSTOMER}, Sale(amount=euros(101))),
        ({CUSTOMER}, Sale(amount=euros(100), channel_code="web")),
    ):
        with pytest.raises(AlreadyExists):
            earning.ensure_same_earn(guard, customers, sale)


# ---------------------------------------------------------------- redeem


def test_a_redemption_respects_every_limit_at_once() -> None:
    till = Till(
        policy(redeem={"min_points": 50, "step": 25, "max_points": 40, "max_percent_of_order": 50})
    )
    till.earn(1000, at(0))
    with pytest.raises(InvalidInput) as refused:
        till.redeem(44, at(1))
    assert [fault.tag for fault in refused.value.minor] == [
        "too-few",
        "step",
        "too-many",
        "missing",
    ]


def test_a_redemption_pays_at_most_its_share_of_the_order() -> None:
    till = Till(policy(redeem={"max_percent_of_order": 50}))
    till.earn(1000, at(0))
    with pytest.raises(InvalidInput):
        till.redeem(51, at(1), amount=100)
    assert till.redeem(50, at(1), amount=101).entry.value == euros(50)


def test_the_value_of_points_is_rounded_down() -> None:
    till = Till(policy(redeem={"point_value": PointValue(points=3, money=Money("EUR", 2))}))
    till.earn(100, at(0))
    assert till.redeem(100, at(1)).entry.value == euros(66)


def test_another_currency_is_refused() -> None:
    till = Till()
    till.earn(100, at(0))
    order = RedeemOrder(order_ref="R", points=1, order_amount=Money("USD", 5))
    with pytest.raises(CurrencyMismatch):
        till.shelf.ask(
            CUSTOMER, at(1), lambda here: spending.redeem(here, order, till.policy, stamp(at(1)))
        )
    with pytest.raises(CurrencyMismatch):
        priced(till.policy, Sale(amount=Money("USD", 5)), at(1))


def test_expired_points_do_not_count_whether_or_not_expire_has_run() -> None:
    till = Till(policy(expiry={"mode": "days", "days": 10}))
    till.earn(100, at(0))
    assert till.available(at(10) - timedelta(milliseconds=1)) == 100
    assert till.available(at(10)) == 0
    with pytest.raises(InsufficientPoints) as refused:
        till.redeem(1, at(10))
    assert refused.value.detail == {"available": 0}


def test_a_repeated_redemption_is_known() -> None:
    till = Till()
    till.earn(100, at(0))
    guard = till.redeem(10, at(1)).redeemed
    assert guard is not None
    other = replace(guard, points=11, loyalty_txn_id="merged")

    def repeat(*before: RedeemedOrderRecord, points: int) -> RedeemedOrderRecord:
        return spending.redeemed_alike(before, RedeemOrder(order_ref="R", points=points))

    assert repeat(guard, points=10) is guard
    assert repeat(guard, other, points=11) is other
    with pytest.raises(AlreadyExists):
        repeat(guard, points=11)

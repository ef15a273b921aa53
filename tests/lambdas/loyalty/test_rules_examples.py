"""The rules by example: what a person would work out with a pencil."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lambdas.loyalty import rules
from lambdas.loyalty.rules import (
    Adjustment,
    Decision,
    EarnOrder,
    PolicyRecord,
    RedeemOrder,
    Sale,
)
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
from shared.ledger import Holdings
from tests.lambdas.loyalty.shelf import START, Shelf, at, live, policy, stamp

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
            lambda here: rules.earn(here, order, self.policy, stamp(now)),
            lambda page: page.page_id == "open",
        )

    def redeem(self, points: int, now: datetime, amount: int | None = None) -> Decision:
        money = None if amount is None else Money("EUR", amount)
        order = RedeemOrder(order_ref=f"R{now}", points=points, order_amount=money)
        return self.shelf.do(
            CUSTOMER, now, lambda here: rules.redeem(here, order, self.policy, stamp(now))
        )

    def restore(self, done: Decision, points: int | None, now: datetime) -> Decision:
        assert done.redeemed is not None
        guard = done.redeemed
        return self.shelf.do(
            CUSTOMER,
            now,
            lambda here: rules.restore(here, guard, done.parts, points, self.policy, stamp(now)),
        )

    def reverse(self, done: Decision, asked: Money | int | None, now: datetime) -> Decision:
        assert done.earned is not None
        guard = done.earned
        return self.shelf.do(
            CUSTOMER,
            now,
            lambda here: rules.reverse(here, guard, asked, (self.policy, self.policy), stamp(now)),
        )

    def adjust(self, points: int, now: datetime, **more: object) -> Decision:
        asked = Adjustment(points_delta=points, **more)
        return self.shelf.do(CUSTOMER, now, lambda here: rules.adjust(here, asked, stamp(now)))

    def expire(
        self, now: datetime, as_of: datetime | None = None, *, dry_run: bool = False
    ) -> Decision:
        def decide(here: Holdings) -> Decision:
            return rules.expire(here, as_of, stamp(now), dry_run=dry_run)

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


def three_lots() -> tuple[Till, Decision, list[str]]:
    till = Till()
    first = till.adjust(100, day(1, 1), expires_at=day(3, 31))
    second = till.adjust(60, day(1, 2), expires_at=day(6, 30))
    third = till.adjust(40, day(1, 3))
    lots = [d.entry.allocations[0].lot_id for d in (first, second, third)]
    return till, till.redeem(130, day(3, 10)), lots


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
    quoted = rules.quote(till.policy, sale, at(0))
    done = till.earn(1234, at(0) + timedelta(seconds=90), quote_hash=quoted.quote_hash)
    assert done.entry.points == quoted.points
    with pytest.raises(QuoteStale) as refused:
        till.earn(1235, at(1), quote_hash=quoted.quote_hash)
    assert refused.value.detail["quote"]["points"] == 1235


def test_a_quote_of_last_month_is_stale_where_points_expire_with_the_month() -> None:
    monthly = policy(expiry={"mode": "month_end", "months": 12})
    sale = Sale(amount=euros(100))
    quoted = [rules.quote(monthly, sale, day(*when)) for when in ((1, 30), (1, 31), (2, 1))]
    assert quoted[0].quote_hash == quoted[1].quote_hash != quoted[2].quote_hash
    assert quoted[0].lots[0].expires_at == datetime(2027, 2, 1, tzinfo=UTC)


def test_nothing_is_earned_in_the_future_and_no_points_are_a_success() -> None:
    till = Till(policy(earn={"points_per_unit": 0}))
    assert till.earn(100, at(1)).entry.allocations == ()
    with pytest.raises(InvalidInput):
        till.earn(100, at(1), occurred_at=at(2))
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
    assert rules.chosen(None, current, may_choose=False) is current
    assert rules.chosen(other, current, may_choose=True) is other
    with pytest.raises(Forbidden):
        rules.chosen(other, current, may_choose=False)
    with pytest.raises(InvalidState):
        rules.chosen(None, None, may_choose=True)


def test_an_order_earns_once_and_its_repeat_is_known() -> None:
    guard = Till().earn(100, START).earned
    assert guard is not None
    guard.is_repeated_by({CUSTOMER}, Sale(amount=euros(100)))
    for customers, sale in (
        ({"another"}, Sale(amount=euros(100))),
        ({CUSTOMER}, Sale(amount=euros(101))),
        ({CUSTOMER}, Sale(amount=euros(100), channel_code="web")),
    ):
        with pytest.raises(AlreadyExists):
            guard.is_repeated_by(customers, sale)


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
    till = Till(policy(redeem={"point_value": rules.PointValue(points=3, money=Money("EUR", 2))}))
    till.earn(100, at(0))
    assert till.redeem(100, at(1)).entry.value == euros(66)


def test_another_currency_is_refused() -> None:
    till = Till()
    till.earn(100, at(0))
    order = RedeemOrder(order_ref="R", points=1, order_amount=Money("USD", 5))
    with pytest.raises(CurrencyMismatch):
        till.shelf.ask(
            CUSTOMER, at(1), lambda here: rules.redeem(here, order, till.policy, stamp(at(1)))
        )
    with pytest.raises(CurrencyMismatch):
        rules.quote(till.policy, Sale(amount=Money("USD", 5)), at(1))


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
    guard.is_repeated_by(10, None, None)
    with pytest.raises(AlreadyExists):
        guard.is_repeated_by(11, None, None)


# ---------------------------------------------------------------- restore under each policy


@pytest.mark.parametrize(
    ("restore", "expires"),
    [
        ({"expired": "grace", "grace_days": 7}, day(4, 5) + timedelta(days=7)),
        ({"expired": "reissue"}, day(4, 5) + timedelta(days=90)),
    ],
)
def test_points_of_an_expired_lot_come_back_in_a_new_one(
    restore: dict[str, object], expires: datetime
) -> None:
    till, done, (_, second, third) = three_lots()
    till.policy = policy(restore=restore, expiry={"mode": "days", "days": 90})
    back = till.restore(done, 50, day(4, 5))
    assert back.entry.opens is not None
    assert back.entry.opens.expires_at == expires
    assert till.live(day(4, 5)) == {second: 60, third: 40, back.entry.opens.lot_id: 20}
    assert till.sound(day(4, 5))


def test_a_spent_lot_comes_back_as_itself() -> None:
    till = Till(policy(expiry={"mode": "days", "days": 90}))
    lot = till.earn(100, at(0)).earned
    assert lot is not None
    before = till.shelf.lots(CUSTOMER, at(1))
    done = till.redeem(100, at(1))
    assert till.shelf.lots(CUSTOMER, at(1)) == {}
    till.restore(done, None, at(2))
    assert till.shelf.lots(CUSTOMER, at(2)) == before


# ---------------------------------------------------------------- reverse under each policy


def spent_and_two_lots(**reversal: str) -> tuple[Till, Decision, Decision]:
    till = Till(policy(reversal=reversal))
    first = till.earn(100, at(0))
    till.redeem(80, at(1))
    return till, first, till.earn(50, at(2))


def test_a_shortfall_is_taken_from_other_lots_and_then_owed() -> None:
    till, first, _ = spent_and_two_lots()
    taken = till.reverse(first, None, at(3)).entry
    assert [a.points for a in taken.allocations] == [-20, -50, -30]
    assert taken.allocations[-1].lot_id == "debt"
    assert taken.lifetime_delta == taken.points == -100


def test_with_own_lot_what_is_owed_is_repaid_from_other_lots_at_once() -> None:
    till, first, second = spent_and_two_lots(shortfall="own_lot")
    taken = till.reverse(first, None, at(3)).entry
    assert [a.points for a in taken.allocations] == [-20, -80]
    assert (taken.balance_after.available_points, taken.balance_after.debt_points) == (0, 30)
    assert second.earned is not None
    assert till.sound(at(3))


@pytest.mark.parametrize(("shortfall", "gone"), [("own_lot", 20), ("any_lot", 70)])
def test_what_is_written_off_nobody_owes(shortfall: str, gone: int) -> None:
    till, first, _ = spent_and_two_lots(shortfall=shortfall, uncollected="write_off")
    taken = till.reverse(first, None, at(3)).entry
    assert taken.points == -100
    assert (taken.allocations[-1].lot_id, taken.allocations[-1].points) == (
        "written_off",
        gone - 100,
    )
    assert taken.balance_after.available_points == 70 - gone
    assert taken.balance_after.debt_points == 0
    assert till.sound(at(3))


@pytest.mark.parametrize(("shortfall", "found"), [("own_lot", 20), ("any_lot", 70)])
def test_what_cannot_be_collected_can_be_refused(shortfall: str, found: int) -> None:
    till, first, _ = spent_and_two_lots(shortfall=shortfall, uncollected="reject")
    with pytest.raises(InsufficientPoints) as refused:
        till.reverse(first, None, at(3))
    assert refused.value.detail == {"available": found}


def test_a_pending_lot_of_the_order_gives_first() -> None:
    till = Till(policy(earn={"pending_days": 30}))
    first = till.earn(100, at(0))
    till.adjust(10, at(1))
    taken = till.reverse(first, 40, at(2)).entry
    assert (taken.balance_after.pending_points, taken.balance_after.available_points) == (60, 10)


def test_no_more_is_reversed_than_was_earned_in_points_or_in_money() -> None:
    till = Till()
    done = till.earn(100, at(0))
    done = till.reverse(done, 30, at(1))
    for asked in (71, euros(101)):
        with pytest.raises(InvalidState) as refused:
            till.reverse(done, asked, at(2))
        assert refused.value.detail == {"reversible": 70}
    assert till.reverse(done, euros(20), at(3)).entry.points == 0
    done = till.reverse(done, None, at(4))
    assert done.entry.points == -70
    with pytest.raises(InvalidState):
        till.reverse(done, None, at(5))


def test_a_refund_below_the_least_amount_takes_everything() -> None:
    till = Till(policy(earn={"min_amount_minor": 50, "max_points": 60}))
    done = till.earn(100, at(0))
    assert done.entry.points == 60
    done = till.reverse(done, euros(30), at(1))
    assert done.entry.points == 0
    done = till.reverse(done, euros(21), at(2))
    assert done.entry.points == -60


# ---------------------------------------------------------------- adjust and expire


def test_an_adjustment_never_takes_more_than_there_is_unless_debt_is_allowed() -> None:
    till = Till()
    till.adjust(30, at(0))
    with pytest.raises(InsufficientPoints) as refused:
        till.adjust(-31, at(1))
    assert refused.value.detail == {"available": 30}
    taken = till.adjust(-31, at(1), allow_debt=True).entry
    assert taken.balance_after.debt_points == 1
    with pytest.raises(InvalidInput):
        till.adjust(0, at(2))
    with pytest.raises(InvalidInput):
        till.adjust(5, at(2), expires_at=at(2))


def test_an_adjustment_counts_as_earned_only_when_it_says_so() -> None:
    till = Till()
    assert till.adjust(30, at(0)).entry.balance_after.lifetime_earned == 0
    assert till.adjust(20, at(1), counts_as_earned=True).entry.balance_after.lifetime_earned == 20
    taken = till.adjust(-30, at(2), counts_as_earned=True).entry
    assert taken.balance_after.lifetime_earned == 0
    assert till.sound(at(2))


def test_expire_writes_one_entry_per_lot_and_changes_no_balance() -> None:
    till = Till()
    for number in range(3):
        till.adjust(10 + number, at(0), expires_at=at(5 + number))
    till.adjust(7, at(0))
    before = till.shelf.totals(CUSTOMER, at(6.5))
    done = till.expire(at(6.5))
    assert [(e.points, e.effective_at) for e in done.entries] == [(-10, at(5)), (-11, at(6))]
    assert till.shelf.totals(CUSTOMER, at(6.5)) == before
    assert till.expire(at(6.5)).entries == ()
    assert till.sound(at(6.5))


def test_expire_looks_ahead_only_in_a_dry_run() -> None:
    till = Till()
    till.adjust(10, at(0), expires_at=at(5))
    with pytest.raises(InvalidInput):
        till.expire(at(1), at(9))
    assert [e.points for e in till.expire(at(1), at(9), dry_run=True).entries] == [-10]
    assert till.available(at(1)) == 10


def test_expire_takes_ninety_lots_at_a_time() -> None:
    till = Till()
    for number in range(200):
        till.adjust(1, at(0), expires_at=at(1) + timedelta(minutes=number))
    counts = []
    for _ in range(4):
        done = till.expire(at(9))
        change = done.change
        size = 0 if change is None else len(change.put) + len(change.drop)
        assert len(done.entries) + size <= 96
        counts.append((len(done.entries), done.more))
    assert sum(n for n, _ in counts) == 200
    assert counts[0][0] <= 90
    assert [more for _, more in counts][-2:] == [False, False]
    assert till.sound(at(9))


# ---------------------------------------------------------------- very many lots


def many(lots: int, points: int = 3) -> Till:
    till = Till()
    for number in range(lots):
        till.earn(points, at(0) + timedelta(minutes=number))
    return till


def test_a_thousand_open_lots_leave_earn_and_redeem_at_one_read() -> None:
    till = many(1000)
    now = at(3)
    balance = till.shelf.balances[CUSTOMER]
    assert 10 <= len(balance.pages) <= 40
    order = EarnOrder(order_ref="E", sale=Sale(amount=euros(5)))
    till.shelf.do(
        CUSTOMER,
        now,
        lambda here: rules.earn(here, order, till.policy, stamp(now)),
        lambda page: page.page_id == "open",
    )
    assert till.shelf.trips == 1
    spend = RedeemOrder(order_ref="R", points=100)
    first = min((e for e in balance.pages if e.page_id != "open"), key=lambda e: e.first)
    done = till.shelf.do(
        CUSTOMER,
        now,
        lambda here: rules.redeem(here, spend, till.policy, stamp(now)),
        lambda page: page.page_id in ("open", first.page_id),
    )
    assert till.shelf.trips == 1
    assert done.change is not None
    assert len(done.change.put) + len(done.change.drop) <= 2
    assert till.sound(now)


def test_a_thousand_lots_are_redeemed_and_restored_at_once() -> None:
    till = many(1000)
    before = till.shelf.lots(CUSTOMER, at(3))
    done = till.redeem(3000, at(3))
    assert len(done.entry.allocations) == 1000
    assert len(done.parts) == 3
    assert till.shelf.pages == {}
    till.restore(done, None, at(4))
    assert till.shelf.lots(CUSTOMER, at(4)) == before
    assert till.sound(at(4))


def test_more_lots_than_one_entry_can_name_are_refused_with_what_can_be_taken() -> None:
    till = many(1001)
    with pytest.raises(InvalidInput) as refused:
        till.redeem(3001, at(3))
    assert "at most 3000 points" in refused.value.minor[0].message
    assert till.redeem(3000, at(3)).entry.points == -3000


def test_no_item_outgrows_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    # A smaller directory shows in a thousand lots what a hundred thousand would do.
    monkeypatch.setattr("shared.ledger.pages.LOTS", 4)
    monkeypatch.setattr("shared.ledger.pages.WORTH_A_PAGE", 2)
    monkeypatch.setattr("shared.ledger.pages.ENTRIES", 12)
    monkeypatch.setattr("shared.ledger.pages.SEGMENT", 8)
    till = many(1000)
    assert all(len(b.pages) <= 12 for b in till.shelf.balances.values())
    assert all(len(p.entries) <= 8 and len(p.lots) <= 4 for p in till.shelf.pages.values())
    assert sum(bool(p.entries) for p in till.shelf.pages.values()) > 8
    order = RedeemOrder(order_ref="R", points=60)
    done = till.shelf.do(
        CUSTOMER,
        at(3),
        lambda here: rules.redeem(here, order, till.policy, stamp(at(3))),
        lambda _: False,
    )
    assert done.entry.balance_after.available_points == 2940
    assert till.restore(done, 30, at(4)).entry.balance_after.available_points == 2970
    assert till.sound(at(4))


# ---------------------------------------------------------------- recalculate


def test_a_stored_balance_that_went_wrong_is_found_and_repaired() -> None:
    till = many(100)
    till.redeem(50, at(3))
    shelf = till.shelf
    shelf.balances[CUSTOMER] = replace(shelf.balances[CUSTOMER], available_points=1, debt_points=9)
    ref = next(ref for ref in shelf.pages if ref[1] != "open")
    page = shelf.pages[ref]
    shelf.pages[ref] = replace(page, lots=page.lots[1:])
    result = shelf.recalculate(CUSTOMER, at(4))
    fields = {d.field: (d.stored, d.derived) for d in result.differences}
    assert fields["available_points"] == (1, 250)
    assert fields["debt_points"] == (9, 0)
    assert any(name.startswith("lots.") for name in fields)
    assert any(name.startswith("pages.") for name in fields)
    assert result.chain_ok
    assert not result.equal
    shelf.write(rules.repair(result, stamp(at(4))))
    assert till.sound(at(4))
    assert till.available(at(4)) == 250


def test_a_lost_page_comes_back_from_the_ledger() -> None:
    till = many(200)
    before = till.shelf.lots(CUSTOMER, at(3))
    del till.shelf.pages[next(ref for ref in till.shelf.pages if ref[1] != "open")]
    till.shelf.write(rules.repair(till.shelf.recalculate(CUSTOMER, at(3)), stamp(at(3))))
    assert till.shelf.lots(CUSTOMER, at(3)) == before
    assert till.sound(at(3))


def test_an_entry_that_was_changed_breaks_the_chain_and_is_named() -> None:
    till = many(5)
    entries = till.shelf.entries[CUSTOMER]
    entries[2] = replace(entries[2], balance_after=replace(entries[2].balance_after, debt_points=4))
    result = till.shelf.recalculate(CUSTOMER, at(3))
    assert not result.chain_ok
    assert {d.first_divergent_txn_id for d in result.differences} == {entries[2].loyalty_txn_id}
    del entries[1]
    assert "missing" in str(till.shelf.recalculate(CUSTOMER, at(3)).chain_fault)


def test_the_balance_of_a_past_day_is_what_the_entries_said_then() -> None:
    till, _, _ = in_debt()
    for days, available, debt in ((0.5, 100, 0), (1.5, 20, 0), (2.5, 0, 80), (3.5, 0, 30)):
        totals = till.shelf.replay(CUSTOMER, at(days)).totals
        assert (totals.available_points, totals.debt_points) == (available, debt)

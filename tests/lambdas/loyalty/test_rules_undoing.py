"""The rules by example: undoing, adjusting, very many lots, recalculation."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from lambdas.loyalty.rules import earning, recalculation, spending
from lambdas.loyalty.rules.decision import Decision
from lambdas.loyalty.rules.earning import EarnOrder
from lambdas.loyalty.rules.quote import Sale
from lambdas.loyalty.rules.spending import RedeemOrder
from shared.errors import (
    InsufficientPoints,
    InvalidInput,
    InvalidState,
)
from shared.ledger import expiring
from tests.lambdas.loyalty.counter import CUSTOMER, Till, day, euros, in_debt, three_lots
from tests.lambdas.loyalty.shelf import at, policy, stamp

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
    terms = policy(restore=restore, expiry={"mode": "days", "days": 90})
    till, done, (_, second, third) = three_lots(terms)
    # What was agreed when the points were spent counts, whatever policy has come since.
    till.policy = policy()
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
        lambda here: earning.earn(here, order, till.policy, stamp(now)),
        lambda page: page.page_id == "open",
    )
    assert till.shelf.trips == 1
    spend = RedeemOrder(order_ref="R", points=100)
    first = min((e for e in balance.pages if e.page_id != "open"), key=lambda e: e.first)
    done = till.shelf.do(
        CUSTOMER,
        now,
        lambda here: spending.redeem(here, spend, till.policy, stamp(now)),
        lambda page: page.page_id in ("open", first.page_id),
    )
    assert till.shelf.trips == 1
    assert done.change is not None
    assert len(done.change.put) + len(done.change.drop) <= 2
    assert till.sound(now)


@pytest.mark.parametrize("dates", [pytest.param(2_300, marks=pytest.mark.soak), 1])
def test_lots_whose_dates_lie_crosswise_in_many_pages_are_found_in_few_looks(dates: int) -> None:
    till, chance = Till(), random.Random(1)
    for number in range(2_300):
        ends = at(50 + chance.randrange(dates))
        till.adjust(10, at(0) + timedelta(minutes=number), expires_at=ends)
    pages = len(till.shelf.balances[CUSTOMER].pages)
    assert pages > 30
    order = RedeemOrder(order_ref="R", points=501)
    done = till.shelf.do(
        CUSTOMER,
        at(3),
        lambda here: spending.redeem(here, order, till.policy, stamp(at(3))),
        lambda page: page.page_id == "open",
    )
    assert done.entry.balance_after.available_points == 22_499
    assert till.shelf.trips <= 8
    till.shelf.ask(CUSTOMER, at(3), lambda here: expiring(here.settled(at(3))), lambda _: False)
    assert till.shelf.trips <= 4


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
        lambda here: spending.redeem(here, order, till.policy, stamp(at(3))),
        lambda _: False,
    )
    assert done.entry.balance_after.available_points == 2940
    # From the directory to the lots it is a few steps, however many segments there are.
    assert till.shelf.trips <= 8
    assert done.change is not None
    assert len(done.change.put) + len(done.change.drop) <= 16
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
    shelf.write(recalculation.repair(result, stamp(at(4))))
    assert till.sound(at(4))
    assert till.available(at(4)) == 250


def test_a_lost_page_comes_back_from_the_ledger() -> None:
    till = many(200)
    before = till.shelf.lots(CUSTOMER, at(3))
    del till.shelf.pages[next(ref for ref in till.shelf.pages if ref[1] != "open")]
    till.shelf.write(recalculation.repair(till.shelf.recalculate(CUSTOMER, at(3)), stamp(at(3))))
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

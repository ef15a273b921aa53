"""Corners that a random history seldom turns: each once cost somebody a point somewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from lambdas.loyalty.rules import adjusting, recalculation, spending
from lambdas.loyalty.rules.decision import Decision
from lambdas.loyalty.rules.spending import RedeemOrder, Restoration
from shared.call import READS_AGAIN
from shared.errors import InvalidInput
from shared.ledger import Holdings, expiring
from tests.lambdas.loyalty.counter import CUSTOMER, Till
from tests.lambdas.loyalty.shelf import Shelf, at, policy, stamp


def moved(decision: Decision) -> list[tuple[str, int]]:
    return [(a.lot_id, a.points) for a in decision.entry.allocations]


def test_what_paid_debt_is_not_counted_as_returned_to_the_lots() -> None:
    till = Till()
    first = till.adjust(50, at(0), expires_at=at(50)).entry.allocations[0].lot_id
    second = till.adjust(30, at(0), expires_at=at(60)).entry.allocations[0].lot_id
    done = till.redeem(80, at(1))
    till.adjust(-10, at(2), allow_debt=True)
    back = till.restore(done, 30, at(3))
    assert moved(back) == [("debt", 10), (second, 20)]
    assert moved(till.restore(back, None, at(4))) == [(second, 10), (first, 40)]
    assert till.sound(at(4))


def test_debt_from_before_a_redemption_has_nothing_to_do_with_it() -> None:
    till = Till()
    till.adjust(-40, at(0), allow_debt=True)
    payer = till.adjust(60, at(1), expires_at=at(90)).entry.allocations[0].lot_id
    other = till.adjust(30, at(2), expires_at=at(80)).entry.allocations[0].lot_id
    done = till.redeem(50, at(3))
    assert moved(done) == [(other, -30), (payer, -20)]
    assert moved(till.restore(done, 35, at(4))) == [(payer, 20), (other, 15)]


def test_the_latest_lot_to_repay_is_the_first_to_be_made_whole() -> None:
    till = Till()
    own = till.adjust(80, at(0)).entry.allocations[0].lot_id
    done = till.redeem(80, at(1))
    till.adjust(-80, at(2), allow_debt=True)
    early = till.adjust(50, at(3)).entry.allocations[0].lot_id
    late = till.adjust(50, at(4)).entry.allocations[0].lot_id
    back = till.restore(done, 45, at(5))
    assert moved(back) == [(late, 30), (early, 15)]
    assert till.live(at(5)) == {early: 15, late: 50}
    assert moved(till.restore(back, None, at(6))) == [(early, 35)]
    assert own not in till.live(at(6))
    assert till.sound(at(6))


def test_an_expired_lot_that_had_repaid_is_made_whole_once_under_grace() -> None:
    till = Till(policy(restore={"expired": "grace", "grace_days": 5}))
    own = till.adjust(60, at(0)).entry.allocations[0].lot_id
    done = till.redeem(60, at(1))
    till.adjust(-30, at(2), allow_debt=True)
    payer = till.adjust(30, at(3), expires_at=at(10)).entry.allocations[0].lot_id
    back = till.restore(done, 20, at(20))
    assert back.entry.opens is not None
    fresh = back.entry.opens.lot_id
    assert moved(back) == [(payer, 20), (payer, -20), (fresh, 20)]
    assert back.entry.opens.expires_at == at(25)
    again = till.restore(back, None, at(21))
    assert again.entry.opens is not None
    assert till.live(at(21)) == {fresh: 20, again.entry.opens.lot_id: 10, own: 30}
    assert till.sound(at(21))


def test_a_lot_that_is_made_whole_and_gives_its_points_on_is_named_twice_in_an_entry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lambdas.loyalty.rules.spending.LOTS_AT_ONCE", 3)
    till = Till(policy(restore={"expired": "grace", "grace_days": 5}))
    till.adjust(60, at(0))
    done = till.redeem(60, at(1))
    till.adjust(-30, at(2), allow_debt=True)
    for points in (10, 20):
        till.adjust(points, at(3), expires_at=at(10))
    with pytest.raises(InvalidInput) as refused:
        till.restore(done, 30, at(20))
    assert "at most 20 points" in refused.value.minor[0].message
    back = till.restore(done, 20, at(20))
    assert len(back.entry.allocations) == 3
    assert till.sound(at(20))


def test_a_restore_on_the_survivor_makes_whole_what_repaid_since_on_either_side() -> None:
    shelf, terms = Shelf(), policy()

    def adjust(who: str, points: int, day: float) -> Decision:
        asked = adjusting.Adjustment(points_delta=points, allow_debt=points < 0)
        return shelf.do(who, at(day), lambda here: adjusting.adjust(here, asked, stamp(at(day))))

    own = adjust("source", 90, 0).entry.allocations[0].lot_id
    before = adjust("target", 5, 0).entry.allocations[0].lot_id
    adjust("target", -8, 1)
    adjust("target", 7, 1.5)
    order = RedeemOrder(order_ref="R", points=90)
    done = shelf.do("source", at(2), lambda here: spending.redeem(here, order, terms, stamp(at(2))))
    adjust("source", -20, 3)
    there = adjust("source", 20, 4).entry.allocations[0].lot_id
    shelf.merge("source", "target", at(5))
    adjust("target", -34, 6)
    here = adjust("target", 40, 7).entry.allocations[0].lot_id
    guard = done.redeemed
    assert guard is not None

    def restore(holdings: Holdings) -> Decision:
        return spending.restore(holdings, Restoration(redeemed=guard), stamp(at(8)))

    back = shelf.do("target", at(8), restore)
    assert moved(back) == [(here, 30), (there, 20), (own, 40)]
    assert before not in shelf.lots("target", at(8))
    result = shelf.recalculate("target", at(8))
    assert (result.differences, result.chain_fault) == ((), None)


def test_a_merge_that_repays_the_sources_debt_counts_as_since_its_redemption() -> None:
    shelf, terms = Shelf(), policy()

    def adjust(who: str, points: int, day: float) -> Decision:
        asked = adjusting.Adjustment(points_delta=points, allow_debt=points < 0)
        return shelf.do(who, at(day), lambda here: adjusting.adjust(here, asked, stamp(at(day))))

    own = adjust("source", 50, 0).entry.allocations[0].lot_id
    order = RedeemOrder(order_ref="R", points=50)
    done = shelf.do("source", at(1), lambda here: spending.redeem(here, order, terms, stamp(at(1))))
    adjust("source", -30, 2)
    payer = adjust("target", 40, 0).entry.allocations[0].lot_id
    shelf.merge("source", "target", at(3))
    assert shelf.totals("target", at(3)).available_points == 10
    guard = done.redeemed
    assert guard is not None
    back = shelf.do(
        "target",
        at(4),
        lambda here: spending.restore(here, Restoration(redeemed=guard), stamp(at(4))),
    )
    assert moved(back) == [(payer, 30), (own, 20)]


def test_a_ledger_merged_twice_still_knows_what_repaid_since() -> None:
    shelf, terms = Shelf(), policy()

    def adjust(who: str, points: int, day: float) -> Decision:
        asked = adjusting.Adjustment(points_delta=points, allow_debt=points < 0)
        return shelf.do(who, at(day), lambda here: adjusting.adjust(here, asked, stamp(at(day))))

    own = adjust("a", 50, 0).entry.allocations[0].lot_id
    order = RedeemOrder(order_ref="R", points=50)
    done = shelf.do("a", at(1), lambda here: spending.redeem(here, order, terms, stamp(at(1))))
    adjust("b", 1, 1)
    adjust("c", 2, 1)
    shelf.merge("a", "b", at(2))
    adjust("b", -11, 3)
    first = adjust("b", 10, 4).entry.allocations[0].lot_id
    shelf.merge("b", "c", at(5))
    adjust("c", -22, 6)
    second = adjust("c", 20, 7).entry.allocations[0].lot_id
    guard = done.redeemed
    assert guard is not None
    back = shelf.do(
        "c", at(8), lambda here: spending.restore(here, Restoration(redeemed=guard), stamp(at(8)))
    )
    assert moved(back) == [(second, 20), (first, 10), (own, 20)]
    result = shelf.recalculate("c", at(8))
    assert (result.differences, result.chain_fault) == ((), None)


def test_points_that_arrive_expired_repay_nothing() -> None:
    till = Till(policy(expiry={"mode": "days", "days": 3}))
    till.adjust(-10, at(9), allow_debt=True)
    done = till.earn(25, at(10), occurred_at=at(1))
    assert done.entry.balance_after.debt_points == 10
    assert done.entry.balance_after.available_points == 0
    assert done.entry.balance_after.lifetime_earned == 25
    assert till.expire(at(10)).entry.points == -25
    assert till.sound(at(10))


def test_a_clock_that_is_behind_does_not_turn_the_ledger_back() -> None:
    till = Till()
    till.adjust(10, at(5))
    entry = till.adjust(10, at(4)).entry
    assert entry.recorded_at == at(5)
    assert till.sound(at(5))


# ---------------------------------------------------------------- pages


def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.ledger.pages.LOTS", 3)
    monkeypatch.setattr("shared.ledger.pages.WORTH_A_PAGE", 2)
    monkeypatch.setattr("shared.ledger.pages.ENTRIES", 4)
    monkeypatch.setattr("shared.ledger.pages.SEGMENT", 3)


def hourly(shelf: Shelf, who: str, lots: int, first_end: float) -> None:
    """So many lots of one point that expire one hour after the other."""
    for number in range(lots):
        asked = adjusting.Adjustment(
            points_delta=1, expires_at=at(first_end) + timedelta(hours=number)
        )
        now = at(0) + timedelta(minutes=number)
        shelf.do(
            who,
            now,
            lambda here, asked=asked, now=now: adjusting.adjust(here, asked, stamp(now)),
            lambda page: page.page_id == "open",
        )


def test_a_ledger_in_segments_is_merged_and_spent_like_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small_pages(monkeypatch)
    shelf = Shelf()
    hourly(shelf, "source", 60, 10)
    hourly(shelf, "target", 40, 10.01)
    assert any(entry.segment for entry in shelf.balances["source"].pages)
    shelf.merge("source", "target", at(1), lambda page: page.page_id == "open")
    inside = [entry for page in shelf.pages.values() for entry in page.entries]
    assert any(entry.segment and entry.owner == "source" for entry in inside)
    assert shelf.reachable("target") == shelf.stored_for("target")
    order = RedeemOrder(order_ref="R", points=95)
    done = shelf.do(
        "target",
        at(2),
        lambda here: spending.redeem(here, order, policy(), stamp(at(2))),
        lambda _: False,
    )
    assert done.entry.balance_after.available_points == 5
    assert shelf.reachable("target") == shelf.stored_for("target")
    result = shelf.recalculate("target", at(2))
    assert (result.differences, result.chain_fault) == ((), None)


def test_expire_keeps_to_one_transaction_however_thin_the_pages_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small_pages(monkeypatch)
    shelf, ends = Shelf(), []
    hourly(shelf, "one", 200, 1)
    more = True
    while more:
        done = shelf.do("one", at(30), lambda here: adjusting.expire(here, None, stamp(at(30))))
        assert done.change is not None
        size = len(done.entries) + len(done.change.put) + len(done.change.drop)
        assert size <= 96
        ends += [entry.effective_at for entry in done.entries]
        more = done.more
    assert len(ends) == 200
    assert shelf.reachable("one") == shelf.stored_for("one") == {}


def test_expire_goes_by_date_even_where_the_first_pages_were_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small_pages(monkeypatch)
    shelf, ends = Shelf(), []
    hourly(shelf, "one", 40, 1)
    for _ in range(40):
        done = shelf.do(
            "one",
            at(30),
            lambda here: adjusting.expire(here, None, stamp(at(30))),
            lambda page: page.page_id in ("open", "p9", "p10", "p11"),
        )
        ends += [entry.effective_at for entry in done.entries]
        if not done.more:
            break
    assert len(ends) == 40
    assert ends == sorted(ends)


def test_what_fits_is_found_where_pages_and_not_lots_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small_pages(monkeypatch)
    monkeypatch.setattr("lambdas.loyalty.rules.spending.PAGES_CHANGED", 9)
    till = Till()
    hourly(till.shelf, CUSTOMER, 120, 5)
    with pytest.raises(InvalidInput) as refused:
        till.redeem(120, at(1))
    fits = refused.value.detail["points"]
    assert [(f.tag, f.field) for f in refused.value.minor] == [("too-many-lots", "redeem_points")]
    assert 0 < fits < 120
    with pytest.raises(InvalidInput) as refused:
        till.redeem(fits + 1, at(1))
    assert refused.value.detail == {"points": fits}
    assert till.redeem(fits, at(1)).entry.points == -fits
    assert till.sound(at(1))


def test_a_look_at_a_long_directory_takes_few_trips(monkeypatch: pytest.MonkeyPatch) -> None:
    # A smaller directory shows in some hundred lots what a hundred thousand would do.
    monkeypatch.setattr("shared.ledger.pages.LOTS", 4)
    monkeypatch.setattr("shared.ledger.pages.WORTH_A_PAGE", 2)
    monkeypatch.setattr("shared.ledger.pages.ENTRIES", 12)
    monkeypatch.setattr("shared.ledger.pages.SEGMENT", 8)
    till = Till()
    for number in range(300):
        hourly(till.shelf, CUSTOMER, 1, 5 + number)
        till.adjust(1, at(0) + timedelta(minutes=number))
    assert max(e.level for e in till.shelf.balances[CUSTOMER].pages) > 1
    looks = {
        "dates": lambda here: expiring(here.settled(at(1))),
        "spent": lambda here: spending.redeem(
            here, RedeemOrder(order_ref="R", points=60), till.policy, stamp(at(1))
        ),
        "due": lambda here: adjusting.expire(here, None, stamp(at(250))),
        "sums": lambda here: here.settled(at(250)).totals(),
    }
    trips = {}
    for name, look in looks.items():
        till.shelf.ask(CUSTOMER, at(1), look, lambda page: page.page_id == "open")
        trips[name] = till.shelf.trips
    assert max(trips.values()) <= READS_AGAIN // 2, trips


# ---------------------------------------------------------------- repair, lifetime


def test_a_page_that_lost_its_last_lot_is_repaired_in_its_place() -> None:
    till = Till()
    hourly(till.shelf, CUSTOMER, 100, 5)
    shelf = till.shelf
    ref = next(ref for ref in shelf.pages if ref[1] != "open")
    page = shelf.pages[ref]
    shelf.pages[ref] = replace(page, lots=page.lots[:-1])
    shelf.write(recalculation.repair(shelf.recalculate(CUSTOMER, at(1)), stamp(at(1))))
    assert till.sound(at(1))
    taken = till.redeem(100, at(2))
    assert taken.entry.balance_after.available_points == 0
    assert shelf.pages == {}


def test_nobody_has_earned_less_than_nothing() -> None:
    till = Till()
    done = till.earn(50, at(0))
    till.adjust(-40, at(1), counts_as_earned=True)
    taken = till.reverse(done, None, at(2)).entry
    assert taken.points == -50
    assert taken.balance_after.lifetime_earned == 0
    assert till.sound(at(2))

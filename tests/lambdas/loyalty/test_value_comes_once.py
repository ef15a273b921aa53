"""Value comes once, and is lost once: redemptions that were undone, and refunds of points that
expired before."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from examples.rederive import derive
from lambdas.loyalty.rules.spending import RedeemOrder, redeemed_alike
from shared import auth
from shared.errors import InvalidState
from shared.settings import OrgSettings
from tests.builders import World, euro
from tests.faults import Faults, then
from tests.lambdas.loyalty.counter import CUSTOMER, Till
from tests.lambdas.loyalty.shelf import at
from tests.lambdas.loyalty.shelf import policy as terms
from tests.lambdas.loyalty.tills import Member, merge, on, policy

# ---------------------------------------------------------------- redeem, restore, redeem again


@pytest.mark.parametrize("back", [{"points": 1}, {"points": 40}, {}], ids=["part", "whole", "rest"])
def test_an_order_whose_points_were_restored_pays_no_second_time(
    world: World, back: dict[str, Any]
) -> None:
    policy(world)
    member = Member.of(world)
    member.earn("E", 100)
    first = member.redeem("R", 40, idempotency_key="once")
    assert member.redeem("R", 40).replayed
    restored = member.call("restore", order_ref="R", **back).data["transaction"]["points"]
    before = member.balance()["available_points"]
    for points in (40, 40 - restored or 7, 60):
        again = member.redeem("R", points)
        assert (again.status, again.tag) == (409, "invalid-state")
        assert again.detail == {"restored": restored}
        fresh = member.redeem("R", points, idempotency_key=f"fresh {points}")
        assert (fresh.tag, fresh.detail) == ("invalid-state", {"restored": restored})
    assert member.balance()["available_points"] == before
    # The key still answers what it answered: its till asks about a call, not for another.
    repeat = member.redeem("R", 40, idempotency_key="once")
    assert (repeat.replayed, repeat.data) == (True, first.data)
    assert member.redeem("S", 40).status == 200
    member.agrees()


def test_of_two_alike_redemptions_of_one_order_the_one_that_stands_is_repeated() -> None:
    till = Till()
    till.earn(100, at(0))
    one, two = till.redeem(10, at(1)).redeemed, till.redeem(10, at(2)).redeemed
    assert one is not None
    assert two is not None
    back = till.restore(till.redeem(20, at(3)), 5, at(4)).redeemed
    assert back is not None
    asked = RedeemOrder(order_ref="R", points=20)
    with pytest.raises(InvalidState) as refused:
        redeemed_alike([one, back], asked)
    assert refused.value.detail == {"restored": 5}
    with pytest.raises(InvalidState) as refused:
        redeemed_alike([one, back], RedeemOrder(order_ref="R", points=7))
    assert refused.value.detail == {"restored": 5}
    assert redeemed_alike([back, two], RedeemOrder(order_ref="R", points=10)) is two


# ---------------------------------------------------------------- refund after unused expiry

DAYS = {"mode": "days", "days": 10}


def bought(world: World, **parts: Any) -> Member:
    """Order A earned 50 points for ten days, and 70 that never expire were given."""
    policy(world, now=on(1), expiry_policy=DAYS, **parts)
    member = Member.of(world, on(1))
    assert member.earn("A", 50).status == 200
    assert member.adjust(70).status == 200
    return member


def undone(member: Member, **body: Any) -> tuple[int, int, int]:
    """What a reversal left: available points, debt, and lifetime."""
    balance = member.call("reverse", order_ref="A", **body).data["balance"]
    return balance["available_points"], balance["debt_points"], balance["lifetime_earned"]


def follows_from_its_entries(member: Member) -> None:
    """By recalculate, and by a script that shares no code with the service."""
    member.agrees()
    balance = member.balance()
    derived = derive(member.ledger(), member.now or on(1))
    assert derived == {name: balance[name] for name in derived}
    for entry in member.ledger():
        assert sum(a["points"] for a in entry.get("allocations", [])) == entry["points"]
    undone = [e for e in member.ledger() if e["kind"] in ("earn", "reverse")]
    assert balance["lifetime_earned"] == sum(entry["points"] for entry in undone)


@pytest.mark.parametrize("shortfall", ["any_lot", "own_lot"])
@pytest.mark.parametrize("swept", [True, False])
def test_points_that_expired_unspent_are_not_taken_a_second_time(
    world: World, swept: bool, shortfall: str
) -> None:
    member = bought(world, reversal_policy={"shortfall": shortfall})
    member.now = on(2)
    if swept:
        assert member.call("expire").data["expired_points"] == 50
    for _ in range(2):
        assert undone(member, points=20)[:2] == (70, 0)
    assert undone(member) == (70, 0, 0)
    again = member.call("reverse", order_ref="A")
    assert (again.tag, again.detail) == ("invalid-state", {"reversible": 0})
    taken = [entry["points"] for entry in member.ledger() if entry["kind"] == "reverse"]
    assert taken == [-20, -20, -10]
    assert member.call("expire").data["expired_points"] == 0
    follows_from_its_entries(member)


@pytest.mark.parametrize("swept", [True, False])
@pytest.mark.parametrize(
    ("reversal", "left"),
    [
        ({"shortfall": "any_lot"}, (50, 0, 0)),
        # The debt is repaid from the other lot at once: what was spent is paid for, no more.
        ({"shortfall": "own_lot"}, (50, 0, 0)),
        ({"shortfall": "own_lot", "uncollected": "write_off"}, (70, 0, 0)),
    ],
)
def test_what_was_spent_before_the_rest_expired_is_taken_and_only_that(
    world: World, swept: bool, reversal: dict[str, str], left: tuple[int, int, int]
) -> None:
    member = bought(world, reversal_policy=reversal)
    assert member.redeem("R", 20).status == 200
    member.now = on(2)
    if swept:
        assert member.call("expire").data["expired_points"] == 30
    assert undone(member, amount=euro(50)) == left
    follows_from_its_entries(member)


def test_a_refund_that_must_be_collected_counts_what_expired(world: World) -> None:
    member = bought(world, reversal_policy={"shortfall": "own_lot", "uncollected": "reject"})
    assert member.redeem("R", 20).status == 200
    member.now = on(2)
    assert member.call("expire").data["expired_points"] == 30
    refused = member.call("reverse", order_ref="A")
    assert (refused.tag, refused.detail) == ("insufficient-points", {"available": 30})
    assert undone(member, points=30) == (70, 0, 20)


def test_points_restored_to_the_expired_lot_count_as_taken_back_too(world: World) -> None:
    member = bought(world)
    assert member.redeem("R", 20).status == 200
    member.now = on(2)
    assert member.call("expire").data["expired_points"] == 30
    assert member.call("restore", order_ref="R", points=15).status == 200
    assert member.call("expire").data["expired_points"] == 15
    assert member.call("restore", order_ref="R").status == 200
    assert undone(member) == (70, 0, 0)
    follows_from_its_entries(member)


def test_a_restore_after_the_refund_pays_the_debt_that_the_refund_left(world: World) -> None:
    policy(world, now=on(1), expiry_policy=DAYS)
    member = Member.of(world, on(1))
    assert member.earn("A", 50).status == 200
    assert member.redeem("R", 20).status == 200
    member.now = on(2)
    assert member.call("expire").data["expired_points"] == 30
    assert undone(member) == (0, 20, 0)
    back = member.call("restore", order_ref="R").data
    assert [a["lot_id"] for a in back["transaction"]["allocations"]] == ["debt"]
    assert back["balance"]["debt_points"] == 0
    follows_from_its_entries(member)


def test_what_expired_before_a_merge_is_known_after_it(world: World) -> None:
    gone, here = bought(world), Member.of(world, on(1))
    here.adjust(5)
    gone.now = here.now = on(2)
    assert gone.call("expire").data["expired_points"] == 50
    merge(world, gone.guid, here.guid)
    here.now = None
    assert undone(here) == (75, 0, 0)
    here.agrees()


@pytest.mark.parametrize("twice", [False, True])
def test_an_expiry_between_the_reads_and_the_write_is_seen(
    world: World, faults: Faults, twice: bool
) -> None:
    member = bought(world)
    member.now = on(2)
    if twice:
        # What the first look finds of the month is not all that there is by the time of the write.
        assert member.earn("B", 5, occurred_at=on(1, 2).isoformat()).status == 200
    faults.inject(then(lambda: member.call("expire")), operation="transact_write_items")
    assert undone(member)[:2] == (70, 0)
    assert faults.pending == 0
    follows_from_its_entries(member)


def test_every_order_of_events_leaves_the_same() -> None:
    """What is redeemed comes out of the lot before it expires; all else may happen in any order,
    swept or not. Nobody owes anything in the end, and the gift is whole."""
    own = {"expiry": {"mode": "days", "days": 10}, "reversal": {"shortfall": "own_lot"}}
    for order in permutations(["sweep", "reverse 10", "restore", "reverse 5"]):
        for shortfall in ("any_lot", "own_lot"):
            till = Till(terms(**{**own, "reversal": {"shortfall": shortfall}}))
            earned = till.earn(50, at(0))
            spent = till.redeem(20, at(1))
            gift = till.adjust(70, at(2)).entry.allocations[0].lot_id
            for number, event in enumerate(order):
                now = at(20 + number)
                if event == "sweep":
                    till.expire(now)
                elif event == "restore":
                    till.restore(spent, None, now)
                else:
                    earned = till.reverse(earned, int(event.split()[1]), now)
            now = at(30)
            assert till.live(now) == {gift: 70}
            # 30 had expired unspent, and 20 came back to it: the rest is all there.
            earned = till.reverse(earned, None, now)
            assert earned.earned is not None
            assert earned.earned.reversible == 0
            assert till.live(now) == {gift: 70}
            assert till.shelf.totals(CUSTOMER, now).debt_points == 0
            assert till.sound(now)


# ---------------------------------------------------------------- lots and orders


def test_points_worth_more_than_the_order_are_refused(world: World) -> None:
    policy(world)
    member = Member.of(world)
    member.earn("E", 100)
    much = member.redeem("R", 31, order_amount=euro(30))
    assert (much.status, much.fields) == (400, ["redeem_points"])
    assert member.redeem("R", 30, order_amount=euro(30)).status == 200


def test_the_order_of_lines_says_nothing(world: World) -> None:
    policy(world)
    member = Member.of(world)
    lines = [
        {"amount": euro(30), "sku": "A"},
        {"amount": euro(20), "category": "wine"},
        {"amount": euro(20), "eligible": False},
    ]
    quotes = {
        member.call("preview", amount=euro(90), lines=list(some)).data["quote"]["quote_hash"]
        for some in permutations(lines)
    }
    assert len(quotes) == 1
    first = member.earn("E", 90, lines=lines, quote_hash=quotes.pop(), idempotency_key="k")
    assert first.data["transaction"]["points"] == 50
    for some in permutations(lines):
        for key in ({}, {"idempotency_key": "k"}):
            again = member.earn("E", 90, lines=list(some), **key)
            if not key:
                assert (again.replayed, again.data) == (True, first.data)
            else:
                # The first request under the key had a quote_hash: this is another one.
                assert again.tag == "idempotency-key-reused"
    keyed = member.earn("F", 90, lines=lines, idempotency_key="f")
    turned = member.earn("F", 90, lines=lines[::-1], idempotency_key="f")
    assert (turned.replayed, turned.data) == (True, keyed.data)
    other = [{**lines[0], "sku": "B"}, *lines[1:]]
    assert member.earn("E", 90, lines=other).tag == "already-exists"
    wrong = [lines[0], {"amount": {"currency": "USD", "amount": 1}}]
    assert member.earn("G", 90, lines=wrong).fields == ["lines.1.amount.currency"]


@pytest.mark.parametrize(
    ("zone", "ends"),
    [
        ("UTC", "2026-05-01T00:00:00Z"),
        # It is the first of April there already when the points become available.
        ("Pacific/Auckland", "2026-05-31T12:00:00Z"),
        ("America/New_York", "2026-05-01T04:00:00Z"),
    ],
)
def test_a_month_ends_by_the_clock_of_the_org_as_it_was(world: World, zone: str, ends: str) -> None:
    world.set_org("verified", OrgSettings(timezone=zone))
    earn = {"points_per_unit": 1, "unit_minor": 1, "pending_days": 14}
    policy(
        world,
        now=on(3),
        earn_policy=earn,
        expiry_policy={"mode": "month_end", "months": 1},
        restore_policy={"expired": "reissue"},
    )
    member = Member.of(world, on(3, 17, 12))
    quote = member.call("preview", amount=euro(100)).data["quote"]
    lot = member.earn("E", 100).data["transaction"]["lot"]
    assert lot["available_from"] == "2026-03-31T12:00:00Z"
    assert lot["expires_at"] == quote["lots"][0]["expires_at"] == ends
    member.now = on(4, 5)
    assert member.redeem("R", 10).status == 200
    # Another zone from now on: what there is stays as it was, what comes is by the new one.
    world.set_org("verified", OrgSettings(timezone="Asia/Kolkata"))
    auth.forget()
    assert member.balance()["expiring"] == [{"expires_at": ends, "points": 90}]
    member.now = on(6, 30, 19)
    back = member.call("restore", order_ref="R").data["transaction"]
    assert back["lot"]["expires_at"] == "2026-08-31T18:30:00Z", "it is July in Kolkata"
    member.agrees()


@pytest.mark.parametrize(
    "expiry", [{"mode": "days", "days": 1}, {"mode": "month_end", "months": 0}]
)
def test_no_lot_expires_before_it_can_be_spent(world: World, expiry: dict[str, Any]) -> None:
    earn = {"points_per_unit": 1, "unit_minor": 1, "pending_days": 40}
    policy(world, now=on(1), earn_policy=earn, expiry_policy=expiry)
    member = Member.of(world, on(1, 5))
    lot = member.earn("E", 100).data["transaction"]["lot"]
    assert lot["available_from"] < lot["expires_at"]
    member.now = on(1, 5) + timedelta(days=40)
    assert member.redeem("R", 100).status == 200


def test_a_ledger_is_shown_as_what_happened(world: World) -> None:
    """A refund of expired points names where they went, so that its allocations sum up."""
    member = bought(world)
    member.now = on(2)
    assert member.call("expire").status == 200
    assert undone(member)[:2] == (70, 0)
    entry = member.ledger()[-1]
    assert json.dumps(entry["allocations"]) == json.dumps([{"lot_id": "expired", "points": -50}])
    assert entry["balance_after"]["lifetime_earned"] == 0

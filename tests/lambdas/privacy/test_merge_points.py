"""Points in a merge: nothing is lost or made, whatever happened before, however many lots."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lambdas.privacy.operations import merge as operation
from shared.codec import KIND, decode
from shared.ledger import LotPage, holdings, pages
from tests.builders import WHY, World
from tests.conftest import Database
from tests.lambdas.loyalty.tills import Member, policy
from tests.lambdas.privacy.couples import merge, merged

CHANGED = {
    *("customer_state", "customer_profile", "loyalty_balance", "loyalty_lot_page"),
    *("membership", "credential", "org"),
}
"""The kinds of records that a merge may change; all others stay as they are."""


def sums(members: list[Member]) -> Counter[str]:
    found: Counter[str] = Counter()
    for member in members:
        balance = member.balance()
        held = balance["available_points"] + balance["pending_points"]
        found["points"] += held - balance["debt_points"]
        found["lifetime"] += balance["lifetime_earned"]
    return found


def children(database: Database, world: World) -> dict[tuple[str, str], Any]:
    """Every record that a merge leaves alone."""
    return {
        (item["pk"]["S"], item["sk"]["S"]): item
        for item in database.items(world.code)
        if item[KIND]["S"] not in CHANGED
    }


def lots(database: Database, world: World) -> dict[str, int]:
    """The points of every lot, with what it gave for debt."""
    pages = [i for i in database.items(world.code) if i[KIND]["S"] == LotPage.KIND]
    return {
        lot.lot_id: lot.remaining + lot.repaid_points
        for page in pages
        for lot in decode(LotPage, page).lots
    }


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["earn", "redeem", "adjust", "owe", "reverse", "restore", "merge"]),
        st.integers(0, 3),
        st.integers(1, 90),
    ),
    min_size=4,
    max_size=14,
)


@pytest.mark.parametrize("pending_days", [2, pytest.param(0, marks=pytest.mark.soak)])
def test_whatever_happened_before_nothing_is_lost_or_made(
    database: Database, pending_days: int
) -> None:
    @hypothesis_settings(max_examples=8, suppress_health_check=list(HealthCheck))
    @given(MOVES)
    def history(moves: list[tuple[str, int, int]]) -> None:
        world, now = World(), datetime(2026, 1, 1, tzinfo=UTC)
        earn = {"points_per_unit": 1, "unit_minor": 1, "pending_days": pending_days}
        policy(world, now, earn_policy=earn, expiry_policy={"mode": "fixed_days", "days": 30})
        alive = [Member.of(world, now) for _ in range(4)]
        for number, (what, who, amount) in enumerate([*moves, ("merge", 0, 1), ("merge", 0, 1)]):
            now += timedelta(hours=7)
            for one in alive:
                one.now = now
            member = alive[who % len(alive)]
            if what != "merge":
                move(member, what, amount, number, moves)
            elif len(alive) > 1:
                source = alive.pop((who + amount) % len(alive))
                absorb(database, source, alive[who % len(alive)])
        for one in alive:
            one.agrees()

    history()


def move(
    member: Member, what: str, amount: int, number: int, moves: list[tuple[str, int, int]]
) -> None:
    order = f"order-{amount % (len(moves) + 1)}"
    answers = {
        "earn": lambda: member.earn(f"order-{number}", amount),
        "redeem": lambda: member.redeem(f"order-{number}", amount),
        "adjust": lambda: member.adjust(amount),
        "owe": lambda: member.adjust(-amount, allow_debt=True),
        "reverse": lambda: member.call("reverse", order_ref=order),
        "restore": lambda: member.call("restore", order_ref=order),
    }
    assert answers[what]().status in (200, 404, 409)


def absorb(database: Database, source: Member, target: Member) -> None:
    world = target.world
    before = sums([source, target]), children(database, world), lots(database, world)
    body = {"source_customer_guid": source.guid, "target_customer_guid": target.guid, **WHY}
    answer = world.owner("/customer/merge", body, now=target.now)
    assert answer.status == 200, answer.body
    after = children(database, world)
    assert sums([target]) == before[0]
    assert {key: after[key] for key in before[1]} == before[1]
    assert lots(database, world) == before[2]
    assert source.balance() == target.balance()
    balance = target.balance()
    assert not (balance["available_points"] and balance["debt_points"]), "debt is repaid first"


# ---------------------------------------------------------------- orders


@pytest.fixture
def two(world: World) -> tuple[Member, Member]:
    policy(world)
    members = Member.of(world), Member.of(world)
    for name, member in zip(("one", "two"), members, strict=True):
        assert member.earn(f"{name}-E", 100).status == 200
        assert member.redeem(f"{name}-R", 40).status == 200
    return members


def test_an_order_of_the_source_neither_earns_nor_redeems_again(
    two: tuple[Member, Member],
) -> None:
    gone, here = two
    first = gone.earn("one-E", 100)
    merged(here.world, gone.guid, here.guid)
    for member in two:
        assert member.earn("one-E", 100).replayed
        assert member.redeem("one-R", 40).replayed
        assert member.earn("one-E", 101).tag == "already-exists"
    assert gone.earn("one-E", 100).data == first.data
    assert here.balance()["available_points"] == 120
    assert here.call("restore", order_ref="one-R").status == 200
    assert gone.call("reverse", order_ref="one-E").status == 200
    assert here.balance()["available_points"] == 60
    here.agrees()


def test_both_ledgers_tell_of_the_merge(two: tuple[Member, Member]) -> None:
    gone, here = two
    merged(here.world, gone.guid, here.guid)
    entries = {e["kind"]: e for e in here.ledger() if e["kind"].startswith("merge")}
    out, into = entries["merge_out"], entries["merge_in"]
    assert (out["customer_guid"], into["customer_guid"]) == (gone.guid, here.guid)
    assert (out["points"], into["points"]) == (-60, 60)
    assert out["recorded_at"] == into["recorded_at"]
    assert (out["reason"], into["reason"]) == (WHY["reason"], WHY["reason"])
    assert into["allocations"] == [{**a, "points": -a["points"]} for a in out["allocations"]]


def test_a_debt_meets_the_points_of_the_other(world: World) -> None:
    policy(world)
    owing, having = Member.of(world), Member.of(world)
    assert owing.adjust(-70, allow_debt=True).status == 200
    assert having.earn("E", 100).status == 200
    merged(world, having.guid, owing.guid)
    balance = owing.balance()
    assert (balance["available_points"], balance["debt_points"]) == (30, 0)
    assert balance["lifetime_earned"] == 100
    owing.agrees()


def test_debts_add(world: World) -> None:
    policy(world)
    one, two = Member.of(world), Member.of(world)
    for member, points in ((one, -30), (two, -12)):
        assert member.adjust(points, allow_debt=True).status == 200
    merged(world, one.guid, two.guid)
    assert two.balance()["debt_points"] == 42
    two.agrees()


def test_customers_without_points_get_no_ledger_from_a_merge(
    world: World, database: Database
) -> None:
    one, two = Member.of(world), Member.of(world)
    assert merged(world, one.guid, two.guid)["merge"]["moved"]["lots"] == 0
    kinds = {item[KIND]["S"] for item in database.items(world.code)}
    assert not {"loyalty_balance", "loyalty_entry"} & kinds


def test_more_points_than_can_be_counted_stay_apart(world: World) -> None:
    policy(world)
    most = 2**53 - 1
    one, two = Member.of(world), Member.of(world)
    for member in (one, two):
        assert member.adjust(most).status == 200
    refused = merge(world, one.guid, two.guid)
    assert (refused.tag, refused.detail) == ("invalid-state", {"reason": "too-many-points"})


# ---------------------------------------------------------------- many


def filled(world: World, orders: int, ends: bool = False) -> Member:
    member = Member.of(world)
    for number in range(orders):
        more: dict[str, Any] = {}
        if ends:
            day = datetime(2030, 1, 1, tzinfo=UTC) + timedelta(days=number)
            more = {"expires_at": day.isoformat()}
        assert member.adjust(1, **more).status == 200
    return member


def test_a_merge_costs_the_same_for_few_records_and_for_many(world: World, meter: Any) -> None:
    """Three entries, or three hundred in several pages of lots."""
    policy(world)
    found = {}
    for many in (3, 300):
        source, target = filled(world, many, ends=True), filled(world, 3)
        with meter.measuring() as costs:
            outcome = merged(world, source.guid, target.guid)
        assert outcome["merge"]["moved"]["lots"] == many
        found[many] = costs[0]
        assert target.balance()["available_points"] == many + 3
        target.agrees()
        assert target.redeem(f"all-{many}", many + 3).status == 200
        target.agrees()
    few, lots_of_them = found[3], found[300]
    assert (few.calls, few.trips) == (lots_of_them.calls, lots_of_them.trips) == (2, 2)
    # Both entries of the ledgers name the lots of the open page, at most 64, and the directory has
    # an entry for each page; that is all that grows.
    assert lots_of_them.write_units - few.write_units <= 20
    assert lots_of_them.read_units - few.read_units <= 4


def test_a_customer_with_very_many_lots_is_merged_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages and directories are small here, so that a few hundred lots need segments of both."""
    for module, name, small in (
        (pages, "LOTS", 3), (pages, "WORTH_A_PAGE", 2), (pages, "ENTRIES", 8),
        (pages, "SEGMENT", 4), (holdings, "PAGES_AT_ONCE", 80),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, small)
    policy(world)
    source, target = filled(world, 120, ends=True), filled(world, 60, ends=True)
    third = Member.of(world)
    assert merged(world, source.guid, target.guid)["merge"]["moved"]["lots"] == 120
    assert target.balance()["available_points"] == 180
    target.agrees()
    assert merged(world, target.guid, third.guid)["merge"]["moved"]["lots"] == 180
    third.agrees()
    for order in range(6):
        assert third.redeem(f"R{order}", 30).status == 200
    assert third.balance()["available_points"] == 0
    third.agrees()


def test_a_debt_that_needs_more_lots_than_fit_is_refused_whole(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation, "OTHER_WRITES", 98)
    policy(world)
    owing, having = Member.of(world), filled(world, 200, ends=True)
    assert owing.adjust(-200, allow_debt=True).status == 200
    before = database.items(world.code)
    refused = merge(world, owing.guid, having.guid)
    assert (refused.tag, refused.detail) == ("invalid-state", {"reason": "too-many-lots"})
    assert database.items(world.code) == before

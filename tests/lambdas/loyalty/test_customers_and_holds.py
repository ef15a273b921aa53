"""Whose points they are by now, and who may not spend them: merged, blocked, erased customers."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from lambdas.loyalty.rules import recalculation
from shared import auth
from tests.builders import World, euro
from tests.faults import Faults, then
from tests.lambdas.loyalty.tills import Member, merge, policy

FOREVER = datetime(9999, 12, 31, tzinfo=UTC)


@pytest.fixture
def two(world: World) -> tuple[Member, Member]:
    """Two customers with points, an earned and a redeemed order each."""
    policy(world)
    members = Member.of(world), Member.of(world)
    for name, member in zip(("one", "two"), members, strict=True):
        assert member.earn(f"{name}-E", 100).status == 200
        assert member.redeem(f"{name}-R", 40).status == 200
    return members


# ---------------------------------------------------------------- merged


def test_whoever_was_merged_is_followed_by_reads_and_writes(two: tuple[Member, Member]) -> None:
    gone, here = two
    before = gone.earn("one-E", 100)
    merge(here.world, gone.guid, here.guid)
    for member in two:
        assert member.balance()["available_points"] == 120
    earned = gone.earn("new", 30)
    assert earned.data["transaction"]["customer_guid"] == here.guid
    assert earned.data["redirected_from"] == gone.guid
    assert "redirected_from" not in here.redeem("spend", 20).data
    kinds = [e["kind"] for e in gone.ledger()]
    assert kinds[:4] == ["earn", "redeem"] * 2
    assert sorted(kinds[4:6]) == ["merge_in", "merge_out"], "both of one moment"
    assert kinds[6:] == ["earn", "redeem"]
    assert gone.ledger() == here.ledger()
    for read in ("balance/get", "ledger/list"):
        assert gone.call(read).data["redirected_from"] == gone.guid
    preview = gone.call("preview", amount=euro(10)).data
    assert preview["balance_after"]["available_points"] == 140
    assert preview["redirected_from"] == gone.guid
    assert gone.earn("one-E", 100).data == before.data
    assert here.agrees()["balance"]["available_points"] == 130
    assert gone.agrees()["redirected_from"] == gone.guid


def test_orders_from_before_a_merge_stay_what_they_were(two: tuple[Member, Member]) -> None:
    gone, here = two
    merge(here.world, gone.guid, here.guid)
    for member in two:
        assert member.earn("one-E", 100).replayed
        assert member.redeem("one-R", 40).replayed
        assert member.earn("one-E", 101).tag == "already-exists"
        assert member.redeem("one-R", 41).tag == "already-exists"
    back = here.call("restore", order_ref="one-R", points=15)
    assert back.data["transaction"]["points"] == 15
    assert gone.call("restore", order_ref="one-R").data["transaction"]["points"] == 25
    assert here.call("reverse", order_ref="one-E", points=60).status == 200
    assert gone.call("reverse", order_ref="one-E").data["transaction"]["points"] == -40
    assert here.balance()["available_points"] == 60
    here.agrees()


def test_two_who_redeemed_for_one_order_are_told_apart_after_their_merge(
    two: tuple[Member, Member],
) -> None:
    gone, here = two
    mine = here.redeem("X", 20).data["transaction"]["loyalty_txn_id"]
    theirs = gone.redeem("X", 10).data["transaction"]["loyalty_txn_id"]
    merge(here.world, gone.guid, here.guid)
    for points in (10, 20):
        assert here.redeem("X", points).replayed
        assert gone.redeem("X", points).replayed
    assert here.redeem("X", 30).tag == "already-exists"
    for txn, points in ((theirs, 10), (mine, 20)):
        back = here.call("restore", loyalty_txn_id=txn).data["transaction"]
        assert (back["points"], back["parent_txn_id"]) == (points, txn)
    here.agrees()


def test_a_redemption_that_a_merge_overtakes_follows_to_the_survivor(
    two: tuple[Member, Member], faults: Faults
) -> None:
    gone, here = two
    overtaking = then(lambda: merge(here.world, gone.guid, here.guid))
    faults.inject(overtaking, operation="transact_write_items")
    spent = gone.redeem("late", 50)
    assert spent.data["transaction"]["customer_guid"] == here.guid
    assert spent.data["redirected_from"] == gone.guid
    assert here.balance()["available_points"] == 70
    here.agrees()


def test_a_walk_over_merged_ledgers_meets_every_entry_once_in_order(
    two: tuple[Member, Member], meter: Any
) -> None:
    gone, here = two
    for n in range(4):
        for name, member in zip(("one", "two"), two, strict=True):
            assert member.earn(f"{name}-{n}", 10).status == 200
    begun = gone.call("ledger/list", limit=2).data
    merge(here.world, gone.guid, here.guid)
    whole = here.ledger()
    # As times: a whole second is shown without its milliseconds.
    times = [datetime.fromisoformat(e["recorded_at"]) for e in whole]
    assert times == sorted(times)
    assert len(whole) == 14
    for member in two:
        for limit in (1, 3, 14):
            seen, token = [], {}
            while True:
                page = member.call("ledger/list", limit=limit, **token).data
                seen += [e["loyalty_txn_id"] for e in page["transactions"]]
                assert 1 <= len(page["transactions"]) <= limit
                if "next_token" not in page:
                    break
                token = {"next_token": page["next_token"]}
            assert seen == [e["loyalty_txn_id"] for e in whole][::-1]
    earned = here.call("ledger/list", kind="earn", limit=10).data
    assert len(earned["transactions"]) == 10
    assert "next_token" not in earned
    with meter.measuring() as costs:
        here.call("ledger/list", order_ref="one-R")
    assert costs[0].trips == 2
    # A walk that began before the merge goes on in the ledger that it was in.
    rest = gone.call("ledger/list", limit=2, next_token=begun["next_token"]).data
    own = [e["loyalty_txn_id"] for e in whole if e["customer_guid"] == gone.guid][::-1]
    first = [e["loyalty_txn_id"] for e in begun["transactions"]]
    assert first == own[1:3], "after merge_out"
    assert not set(first) & {e["loyalty_txn_id"] for e in rest["transactions"]}


def test_a_merge_of_merges_is_followed_at_once(two: tuple[Member, Member]) -> None:
    first, second = two
    last = Member.of(first.world)
    merge(first.world, first.guid, second.guid)
    merge(first.world, second.guid, last.guid)
    first.world.set_state(first.guid, merged_into=last.guid)
    assert first.redeem("one-R", 40).replayed
    assert second.redeem("one-R", 40).replayed
    assert last.call("restore", order_ref="one-R").data["balance"]["available_points"] == 160
    assert first.balance()["lifetime_earned"] == 200
    last.agrees()


@pytest.mark.parametrize(
    ("nested", "checkpoints"),
    [
        (False, False),
        (True, True),
        pytest.param(False, True, marks=pytest.mark.soak),
        pytest.param(True, False, marks=pytest.mark.soak),
    ],
)
def test_a_survivor_of_twenty_five_is_replayed_in_a_few_trips(
    world: World,
    meter: Any,
    monkeypatch: pytest.MonkeyPatch,
    nested: bool,
    checkpoints: bool,
) -> None:
    """Each merged into the next one, or all into the last; with and without checkpoints."""
    monkeypatch.setattr(recalculation, "CHECKPOINT_AFTER", 1)
    policy(world)
    members = [Member.of(world) for _ in range(26)]
    last = members[-1]
    for number, member in enumerate(members):
        assert member.earn(f"E{number}", 10).status == 200
    assert members[0].redeem("R", 4).status == 200
    for member, following in pairwise(members):
        if checkpoints:
            assert member.call("recalculate", apply=True).data["equal"]
        merge(world, member.guid, following.guid if nested else last.guid)
    for member in members[:-1]:
        world.set_state(member.guid, merged_into=last.guid)
    with meter.measuring() as costs:
        found = last.agrees()
    assert found["balance"]["available_points"] == 256
    assert costs[0].trips <= 8
    moment = auth.now().isoformat(timespec="milliseconds")
    for who in (members[0], last):
        with meter.measuring() as costs:
            assert who.redeem("R", 4).replayed
            assert who.balance()["available_points"] == 256
            assert who.balance(as_of=moment)["available_points"] == 256
        assert costs[0].trips <= 24
    assert last.call("restore", order_ref="R").data["balance"]["available_points"] == 260
    assert last.redeem("S", 260).status == 200
    members[3].agrees()


# ---------------------------------------------------------------- held


def test_a_block_that_comes_in_between_stops_the_write(
    two: tuple[Member, Member], faults: Faults
) -> None:
    member, _ = two
    held: dict[str, Any] = {"blocked": {"loyalty.redeem": FOREVER, "loyalty.adjust": FOREVER}}
    causes = {"loyalty.redeem": "hold_1", "loyalty.adjust": "block"}

    def block() -> None:
        member.world.set_state(member.guid, **held, blocked_by=causes)

    faults.inject(then(block), operation="transact_write_items")
    raced = member.redeem("new", 10)
    assert (raced.status, raced.tag, raced.detail) == (409, "hold-pending", {"hold_id": "hold_1"})
    flagged = member.adjust(5)
    assert (flagged.status, flagged.tag, flagged.detail) == (
        409,
        "invalid-state",
        {"reason": "block"},
    )
    assert member.redeem("one-R", 40).replayed, "what happened before is told all the same"
    assert member.earn("more", 10).status == 200, "earning is not held"
    assert member.balance()["available_points"] == 70


def test_a_repeat_that_meets_a_fresh_block_hears_what_happened(
    two: tuple[Member, Member], faults: Faults
) -> None:
    member, _ = two

    def first_the_same_then_a_block() -> None:
        assert member.redeem("new", 10).status == 200
        member.world.set_state(member.guid, blocked={"loyalty.redeem": FOREVER})

    faults.inject(then(first_the_same_then_a_block), operation="transact_write_items")
    again = member.redeem("new", 10)
    assert again.replayed
    assert member.balance()["available_points"] == 50


def test_a_block_ends_at_its_time(two: tuple[Member, Member]) -> None:
    member, _ = two
    past = datetime(2026, 1, 1, tzinfo=UTC)
    member.world.set_state(member.guid, blocked={"loyalty.redeem": past})
    assert member.redeem("new", 10).status == 200


def test_an_order_that_was_refused_stays_refused_and_no_other(
    two: tuple[Member, Member], faults: Faults
) -> None:
    member, _ = two
    world = member.world
    world.refuse_order(member.guid, "loyalty.redeem", "bad")
    world.refuse_order(member.guid, "loyalty.redeem", "later", refused_from=FOREVER)
    refused = member.redeem("bad", 10)
    assert (refused.status, refused.tag) == (409, "invalid-state")
    assert refused.detail == {"reason": "rejected"}
    assert member.redeem("bad", 999).detail == {"reason": "rejected"}, "before the points"
    assert member.redeem("later", 10).status == 200
    reject = then(lambda: world.refuse_order(member.guid, "loyalty.redeem", "new"))
    faults.inject(reject, operation="transact_write_items")
    assert member.redeem("new", 10).detail == {"reason": "rejected"}
    world.refuse_order(member.guid, "loyalty.redeem", "one-R")
    assert member.redeem("one-R", 40).replayed
    assert member.balance()["available_points"] == 50


def test_what_was_refused_one_who_was_merged_is_refused_the_survivor(
    two: tuple[Member, Member], faults: Faults
) -> None:
    gone, here = two
    gone.world.refuse_order(gone.guid, "loyalty.redeem", "bad")

    def absorb() -> None:
        merge(here.world, gone.guid, here.guid)

    faults.inject(then(absorb), operation="transact_write_items")
    assert here.redeem("bad", 10).detail == {"reason": "rejected"}
    assert gone.redeem("bad", 10).detail == {"reason": "rejected"}
    assert here.redeem("good", 10).status == 200


# ---------------------------------------------------------------- being erased

WRITES: list[tuple[str, dict[str, Any]]] = [
    ("earn", {"order_ref": "new", "amount": euro(10)}),
    ("redeem", {"order_ref": "new", "redeem_points": 1}),
    ("adjust", {"points_delta": 1}),
    ("expire", {}),
    ("reverse", {"order_ref": "one-E"}),
    ("restore", {"order_ref": "one-R"}),
    ("recalculate", {"apply": True}),
]


@pytest.mark.parametrize(
    ("state", "write", "read"),
    [
        ({"status": "anonymized"}, "invalid-state", 200),
        ({"job_id": "job_1", "job_kind": "anonymize"}, "busy", 200),
        ({"job_id": "job_1", "job_kind": "delete"}, "busy", 404),
    ],
    ids=["anonymized", "being-anonymized", "being-deleted"],
)
def test_who_is_erased_gets_no_more_entries(
    two: tuple[Member, Member], state: dict[str, Any], write: str, read: int
) -> None:
    member, _ = two
    before, alive = member.ledger(), {"status": "active", "job_id": None, "job_kind": None}
    member.world.set_state(member.guid, **state)
    for what, body in WRITES:
        answer = member.call(what, **body)
        assert (answer.status, answer.tag) == (409, write), what
    for what in ("balance/get", "ledger/list"):
        assert member.call(what).status == read
    assert member.call("preview", amount=euro(1)).status == read
    member.world.set_state(member.guid, **alive)
    assert member.ledger() == before

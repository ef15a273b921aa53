"""Ledgers that a retention run has shortened: the oldest entries are gone, and nothing else is any
different."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from examples.rederive import derive
from infra.local.ledger_export import exported
from lambdas.jobs.retention import ledgers, runs
from lambdas.loyalty import storage
from lambdas.loyalty.rules import recalculation
from lambdas.retention.models.records import RetentionRunRecord
from shared.keys import of_org
from shared.ledger import LedgerEntry, LedgerStart
from shared.records import Get, Query
from shared.table import Table
from tests.builders import WHY, World
from tests.faults import Crash, Faults, crash, then
from tests.lambdas.loyalty.test_checkpoints import change
from tests.lambdas.loyalty.tills import Member, on, policy

NOW = on(12, 31)
"""The clock of the runs."""
DAYS = 200
"""How long entries are kept: what is older than the middle of June goes."""
OLD, YOUNG = (3, 1), (9, 1)


@pytest.fixture
def shop(world: World) -> World:
    policy(world, now=on(1))
    body = {"policy": {"loyalty_txn_retention_days": DAYS}, "confirm_shortening": True}
    assert world.owner("/retention/policy/set", body, now=on(1)).status == 200
    return world


def run(world: World, name: str = "run", now: datetime = NOW) -> RetentionRunRecord:
    begun = runs.begin(world.code, now, name)
    assert begun is not None
    return runs.resume(runs.Due(world.code, begun.run_id), until=time.monotonic() + 60)


def entries(world: World, guid: str) -> list[LedgerEntry]:
    wanted: Query[LedgerEntry] = storage.entries_between(of_org(world.code), guid, 0)
    return Table().load([wanted]).all(wanted)


def start(world: World, guid: str) -> LedgerStart | None:
    place: Get[LedgerStart] = storage.start_at(of_org(world.code), guid)
    return Table().load([place]).get(place)


def traded(world: World, till: str = "") -> Member:
    """A member with five entries that are old and four that are not. ``till`` begins the names of
    its orders."""
    member = Member.of(world, on(*OLD))
    assert member.earn(f"{till}E1", 100, reason="said at the till").status == 200
    assert member.earn(f"{till}E2", 50).status == 200
    assert member.redeem(f"{till}R1", 120).status == 200
    assert member.call("restore", order_ref=f"{till}R1", points=30).status == 200
    assert member.adjust(7, reason_code="LOYALTY.GIFT").status == 200
    member.now = on(*YOUNG)
    assert member.earn(f"{till}E3", 40).status == 200
    assert member.redeem(f"{till}R2", 90).status == 200
    assert member.call("reverse", order_ref=f"{till}E1", points=10).status == 200
    assert member.call("restore", order_ref=f"{till}R2", points=5).status == 200
    return member


def rederived(world: World, guid: str, at: datetime) -> dict[str, int]:
    lines = list(exported(world.code, [guid]))
    checkpoint = next((line["checkpoint"] for line in lines if "checkpoint" in line), None)
    found = [line for line in lines if "checkpoint" not in line]
    return derive(json.loads(json.dumps(found)), at, json.loads(json.dumps(checkpoint)))


SUMS = ("available_points", "pending_points", "debt_points")


def agree(member: Member, at: datetime) -> None:
    """The balance is what the entries that are left come to, by two ways of counting."""
    member.now = at
    found, balance = member.agrees(), member.balance()
    assert found["chain_ok"]
    own = rederived(member.world, member.guid, at)
    assert own == {name: balance[name] for name in SUMS}


def test_old_entries_go_and_the_rest_is_what_it_was(shop: World) -> None:
    member = traded(shop)
    member.now = on(12)
    before = (member.balance(), member.balance(as_of=on(*YOUNG).isoformat()), member.ledger())
    done = run(shop)
    assert (done.acted, done.errors, done.skipped) == ({"loyalty_txn": 1}, {}, {})
    assert [entry.sequence for entry in entries(shop, member.guid)] == [6, 7, 8, 9]
    listed = member.ledger()
    assert listed == before[2][5:]
    assert (member.balance(), member.balance(as_of=on(*YOUNG).isoformat())) == before[:2]
    (checkpoint,) = member.call("ledger/list", limit=2, **_second_page(member)).data["checkpoints"]
    assert checkpoint["sequence"] == 5
    assert checkpoint["hash"] == listed[0]["previous_hash"]
    assert checkpoint["balance"] == before[2][4]["balance_after"]
    assert member.call("balance/get", as_of=on(3, 10).isoformat()).status == 404
    agree(member, on(12))
    # What is done to old orders now counts as it would have.
    assert member.call("restore", order_ref="R1").data["transaction"]["points"] == 90
    assert member.call("reverse", order_ref="E2").data["transaction"]["points"] == -50
    agree(member, on(12))
    assert run(shop, "another").acted == {}


def _second_page(member: Member) -> dict[str, Any]:
    first = member.call("ledger/list", limit=2).data
    assert "checkpoints" not in first
    return {"next_token": first["next_token"]}


def test_order_guards_still_answer_replays(shop: World) -> None:
    member = traded(shop)
    first = {"E1": _of_order(member, "E1")}
    run(shop)
    member.now = on(12)
    again = member.earn("E1", 100)
    assert again.status == 200
    assert again.headers["Idempotent-Replay"] == "true"
    said = first["E1"].pop("reason"), first["E1"].pop("source_refs", None)
    assert said[0] == "said at the till"
    assert again.data["transaction"] == first["E1"]
    # Some of it was restored, so its points are not given out twice.
    refused = member.redeem("R1", 120)
    assert (refused.status, refused.tag) == (409, "invalid-state")
    other = member.earn("E1", 99)
    assert (other.status, other.tag) == (409, "already-exists")
    assert len(entries(shop, member.guid)) == 4


def _of_order(member: Member, order: str) -> dict[str, Any]:
    return next(entry for entry in member.ledger() if entry.get("order_ref") == order)


def test_a_ledger_without_young_entries_keeps_none_and_goes_on(shop: World) -> None:
    member = Member.of(shop, on(*OLD))
    for n in range(3):
        assert member.earn(f"E{n}", 10).status == 200
    run(shop)
    assert entries(shop, member.guid) == []
    agree(member, on(12))
    assert member.ledger() == []
    assert len(member.call("ledger/list").data["checkpoints"]) == 1
    assert run(shop, "another").scanned == {}
    assert member.redeem("R", 25).status == 200
    assert [entry["sequence"] for entry in member.ledger()] == [4]
    agree(member, on(12))
    # It is looked at again when that entry is old enough.
    later = NOW + timedelta(days=DAYS)
    assert run(shop, "later", later).acted == {"loyalty_txn": 1}
    agree(member, later)


def test_entries_stay_as_long_as_idempotency_keys(world: World) -> None:
    policy(world, now=on(1))
    body = {"policy": {"loyalty_txn_retention_days": 1}, "confirm_shortening": True}
    assert world.owner("/retention/policy/set", body, now=on(1)).status == 200
    member = Member.of(world, on(*OLD))
    sent = {"points_delta": 5, "idempotency_key": "gift-1", "reason_code": "LOYALTY.GIFT"}
    first = member.call("adjust", **sent)
    assert run(world, "run", on(3, 20)).acted == {}
    assert member.call("adjust", **sent).data == first.data
    assert run(world, "another", on(3, 31) + timedelta(days=1)).acted == {"loyalty_txn": 1}


def test_a_legal_hold_keeps_every_entry(shop: World) -> None:
    member = traded(shop)
    flag = {"customer_guid": member.guid, "flag": {"flag_type": "legal_hold"}, **WHY}
    assert shop.owner("/customer/flag/set", flag, now=on(*YOUNG)).status == 200
    done = run(shop)
    assert (done.acted, done.skipped) == ({}, {"loyalty_txn:legal_hold": 1})
    assert len(entries(shop, member.guid)) == 9


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint is worth its price after two entries."""
    monkeypatch.setattr(recalculation, "CHECKPOINT_AFTER", 2)


@pytest.mark.usefixtures("early")
def test_a_checkpoint_of_its_own_is_used_where_it_is_old_enough(shop: World) -> None:
    member = Member.of(shop, on(*OLD))
    for n in range(4):
        assert member.earn(f"E{n}", 10).status == 200
        assert member.redeem(f"R{n}", 10).status == 200
        if n in (1, 2):
            assert member.call("recalculate", apply=True).data["equal"]
    member.now = on(*YOUNG)
    assert member.earn("E9", 10).status == 200
    assert member.redeem("R9", 10).status == 200
    assert member.call("recalculate", apply=True).data["equal"]
    run(shop)
    # A younger checkpoint stands behind them, so entries 7 and 8 wait for it.
    assert [entry.sequence for entry in entries(shop, member.guid)] == [7, 8, 9, 10]
    agree(member, on(12))
    assert member.call("restore", order_ref="R0").status == 200
    agree(member, on(12))
    assert run(shop, "later", NOW + timedelta(days=DAYS)).acted == {"loyalty_txn": 1}
    assert [entry.sequence for entry in entries(shop, member.guid)] in ([], [11])
    agree(member, NOW + timedelta(days=DAYS))


@pytest.mark.usefixtures("early")
def test_a_ledger_whose_checkpoints_are_all_younger_waits(shop: World) -> None:
    member = traded(shop)
    assert member.call("recalculate", apply=True).data["equal"]
    done = run(shop)
    assert (done.acted, done.skipped) == ({}, {"loyalty_txn:newer_checkpoint": 1})
    assert len(entries(shop, member.guid)) == 9
    later = NOW + timedelta(days=DAYS)
    assert run(shop, "later", later).acted == {"loyalty_txn": 1}
    agree(member, later)


@pytest.mark.usefixtures("early")
def test_no_checkpoint_hides_a_ledger_that_goes_wrong(shop: World) -> None:
    member = traded(shop)
    key = of_org(shop.code).ledger_entry(member.guid, 2)
    change(*key, "points", {"N": "51"})
    done = run(shop)
    assert (done.acted, done.skipped) == ({}, {"loyalty_txn:broken": 1})
    assert len(entries(shop, member.guid)) == 9


def test_a_changed_first_checkpoint_is_told_and_repairs_nothing(shop: World) -> None:
    member = traded(shop)
    run(shop)
    member.now = on(12)
    before = member.balance()
    begins = start(shop, member.guid)
    assert begins is not None
    key = of_org(shop.code).ledger_checkpoint(member.guid, begins.checkpoint)
    change(*key, "debt_points", {"N": "1000"})
    found = member.call("recalculate", apply=True).data
    assert (found["equal"], found["chain_ok"], found["applied"]) == (False, False, False)
    assert found["differences"][0]["field"] == f"checkpoints.{begins.checkpoint}.hash"
    assert member.balance() == before
    refused = member.call("balance/get", as_of=on(*YOUNG).isoformat())
    assert (refused.status, refused.tag) == (409, "invalid-state")


def test_merged_ledgers_go_once_their_survivor_needs_them_no_more(shop: World) -> None:
    first, second, third = (traded(shop, till) for till in ("A", "B", "C"))
    for source, target, day in ((first, second, 2), (second, third, 3)):
        pair = {"source_customer_guid": source.guid, "target_customer_guid": target.guid}
        assert shop.owner("/customer/merge", {**pair, **WHY}, now=on(9, day)).status == 200
    third.now = on(12)
    before = third.balance()
    run(shop)
    # The merges are young: each ledger begins with a checkpoint of its own.
    for member in (first, second, third):
        assert min(entry.sequence for entry in entries(shop, member.guid)) == 6
    assert third.balance() == before
    third.agrees()
    assert third.call("restore", order_ref="AR1").data["transaction"]["points"] == 90
    third.agrees()
    later = NOW + timedelta(days=DAYS)
    assert run(shop, "later", later).acted == {"loyalty_txn": 3}
    for member in (first, second):
        assert entries(shop, member.guid) == []
        assert start(shop, member.guid) is None
    third.now = later
    third.agrees()
    assert third.balance()["available_points"] == before["available_points"] + 90
    assert run(shop, "last", later).acted == {}


@pytest.mark.parametrize("seed", range(4))
def test_a_run_that_crashes_anywhere_ends_the_same(
    shop: World, faults: Faults, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "ENTRIES", 2)
    dice = random.Random(seed)
    members = [traded(shop, till) for till in ("A", "B", "C")]
    before = [member.balance() for member in members]
    crashes, done = 0, None
    while done is None or done.state != "done":
        faults.clear()
        faults.inject(crash(before=dice.random() < 0.5), at=dice.randint(1, 12))
        try:
            done = run(shop)
        except Crash:
            crashes += 1
    faults.clear()
    assert crashes > 2
    for member, balance in zip(members, before, strict=True):
        assert [entry.sequence for entry in entries(shop, member.guid)] == [6, 7, 8, 9]
        assert member.balance() == balance
        agree(member, on(12))
    assert run(shop, "another").acted == {}


@pytest.mark.parametrize("at", range(1, 5))
def test_a_repeat_while_its_entry_goes_is_answered(shop: World, faults: Faults, at: int) -> None:
    member = traded(shop)
    member.now = on(12)
    faults.inject(then(lambda: run(shop)), at=at)
    again = member.earn("E1", 100)
    assert (again.status, again.headers["Idempotent-Replay"]) == (200, "true")
    assert again.data["transaction"]["points"] == 100


def test_a_look_between_any_two_steps_of_a_run_is_right(shop: World, faults: Faults) -> None:
    """A reader that began before the run and goes on after it must not see a broken chain."""
    members: Iterator[Member] = (traded(shop, f"T{n}-") for n in range(40))
    looked = 0
    for at in range(1, 8):
        for apply in (False, True):
            member = next(members)
            member.now = on(12)
            before = member.balance()
            faults.clear()
            faults.inject(then(lambda at=at, apply=apply: run(shop, f"{at}-{apply}")), at=at)
            found = member.call("recalculate", apply=apply).data
            faults.clear()
            assert (found["equal"], found["chain_ok"]) == (True, True), (at, found)
            assert member.balance() == before
            looked += 1
        member = next(members)
        then_it_was = member.balance(as_of=on(*YOUNG).isoformat())
        member.now = on(12)
        faults.inject(then(lambda at=at: run(shop, f"{at}-past")), at=at)
        assert member.balance(as_of=on(*YOUNG).isoformat()) == then_it_was
        faults.clear()
    assert looked == 14

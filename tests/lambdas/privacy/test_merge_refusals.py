"""Who is not merged, and which of several reasons is heard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared import auth
from tests.builders import WHY, World
from tests.conftest import Database
from tests.faults import Faults, then
from tests.lambdas.loyalty.tills import policy
from tests.lambdas.privacy.couples import merge, merged, someone, update

FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
REFUSALS: list[tuple[str, dict[str, Any], int, str]] = [
    ("source", {"job_id": "j", "job_kind": "anonymize"}, 409, "busy"),
    ("target", {"job_id": "j", "job_kind": "delete"}, 409, "busy"),
    ("source", {"status": "inactive"}, 409, "invalid-state"),
    ("target", {"status": "anonymized"}, 409, "invalid-state"),
    ("source", {"legal_hold_until": FOREVER}, 409, "legal-hold"),
    (
        "target",
        {"blocked": {"customer.merge": FOREVER}, "blocked_by": {"customer.merge": "hold_2"}},
        409,
        "hold-pending",
    ),
    # The source has a pending hold all the time.
    ("source", {}, 409, "hold-pending"),
]
"""What is wrong with a pair of customers, most important first, and what is heard."""


def test_the_first_reason_of_many_is_heard(world: World, database: Database) -> None:
    """Everything that can be wrong is, and is put right one by one."""
    guids = {"source": someone(world), "target": someone(world, kind="individual")}
    wrong = REFUSALS
    held(world, guids["source"])
    sound = {guid: world.state_of(guid) for guid in guids.values()}
    for number in range(len(wrong)):
        for guid, state in sound.items():
            fields = ("status", "job_id", "job_kind", "legal_hold_until", "blocked", "blocked_by")
            world.set_state(guid, **{name: getattr(state, name) for name in fields})
        for side, changes, _, _ in reversed(wrong[number:]):
            world.set_state(guids[side], **changes)
        before = database.items(world.code)
        answer = merge(world, guids["source"], guids["target"], expected_revision=77)
        assert (answer.status, answer.tag) == wrong[number][2:], wrong[number]
        unknown = merge(world, guids["source"], "cust_unknown")
        assert (unknown.status, unknown.tag) == (404, "not-found")
        assert database.items(world.code) == before
    named = (guids["source"], guids["target"])
    answer = merge(world, *named, expected_revision=77, move_holds=True)
    assert answer.tag == "conflict"


def test_a_customer_is_not_merged_with_itself(world: World) -> None:
    guid = someone(world)
    answer = merge(world, guid, guid)
    assert (answer.status, answer.fields) == (400, ["target_customer_guid"])


def test_a_person_is_not_merged_with_a_company(world: World) -> None:
    source, target = someone(world), someone(world, kind="business")
    answer = merge(world, source, target)
    assert (answer.status, answer.tag) == (409, "invalid-state")
    assert answer.detail == {"reason": "kind", "allowed": ["business"]}


@pytest.mark.parametrize("side", ["source", "target"])
def test_only_active_customers_are_merged(world: World, side: str) -> None:
    guids = {"source": someone(world), "target": someone(world)}
    update(world, guids[side], status="inactive")
    answer = merge(world, guids["source"], guids["target"])
    assert (answer.status, answer.tag) == (409, "invalid-state")
    assert answer.detail == {"state": "inactive", "allowed": ["active"]}
    assert answer.fields == [f"{side}_customer_guid"]


def test_the_revision_is_the_targets_and_the_source_has_its_own(world: World) -> None:
    source, target = someone(world), someone(world)
    update(world, source, last_name="Byron")
    stale = merge(world, source, target, expected_revision=2)
    assert (stale.tag, stale.detail) == ("conflict", {"current_revision": 1})
    assert stale.body["data"]["customer"]["customer_guid"] == target
    stale = merge(world, source, target, expected_revision=1, source_expected_revision=1)
    assert (stale.tag, stale.detail) == ("conflict", {"current_revision": 2})
    assert stale.fields == ["source_expected_revision"]
    assert stale.body["data"]["customer"]["customer_guid"] == source
    assert stale.body["revision"] == 2
    merged(world, source, target, expected_revision=1, source_expected_revision=2)


# ---------------------------------------------------------------- holds and blocks


def held(world: World, guid: str, now: datetime | None = None) -> str:
    """Makes a pending hold on redemptions for order SO-9, and returns its id."""
    flag = {"customer_guid": guid, "flag": {"flag_type": "odd", "severity": "high"}, **WHY}
    assert world.owner("/customer/flag/set", flag, now=now).status == 200
    asked = {"action_type": "loyalty.redeem", "order_ref": "SO-9"}
    body = {"customer_guid": guid, "assessment": asked, **WHY}
    made = world.owner("/customer/fraud/assess", body, now=now).data["assessment"]
    return str(made["hold_id"])


def test_a_pending_hold_of_the_source_goes_over_only_if_asked(world: World) -> None:
    source, target = someone(world), someone(world)
    hold = held(world, source)
    answer = merge(world, source, target)
    assert (answer.tag, answer.detail) == ("hold-pending", {"hold_id": hold})
    merged(world, source, target, move_holds=True)
    spend = {"customer_guid": target, "order_ref": "SO-1", "redeem_points": 1, **WHY}
    policy(world)
    answer = world.owner("/loyalty/redeem", spend)
    assert (answer.tag, answer.detail) == ("hold-pending", {"hold_id": hold})
    (listed,) = world.owner("/customer/hold/list", {"customer_guid": target}).data["holds"]
    assert (listed["hold_id"], listed["customer_guid"]) == (hold, target)


def test_a_past_hold_and_a_hold_of_the_target_stop_no_merge(world: World) -> None:
    long_ago = auth.now() - timedelta(days=30)
    source, target = someone(world), someone(world)
    held(world, source, long_ago)
    hold = held(world, target)
    merged(world, source, target)
    assert world.state_of(target).blocked_by["loyalty.redeem"] == hold


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("move_holds", [False, True])
def test_a_hold_on_merges_stops_the_merge_on_either_side(
    world: World, side: str, move_holds: bool
) -> None:
    guids = {"source": someone(world), "target": someone(world)}
    held = {"blocked": {"customer.merge": FOREVER}, "blocked_by": {"customer.merge": "hold_9"}}
    world.set_state(guids[side], **held)
    answer = merge(world, guids["source"], guids["target"], move_holds=move_holds)
    assert (answer.tag, answer.detail) == ("hold-pending", {"hold_id": "hold_9"})
    world.set_state(guids[side], blocked_by={"customer.merge": "block"})
    answer = merge(world, guids["source"], guids["target"], move_holds=move_holds)
    assert (answer.tag, answer.detail) == ("invalid-state", {"reason": "block"})


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_hold_that_comes_in_between_stops_the_merge(
    world: World, faults: Faults, side: str
) -> None:
    guids = {"source": someone(world), "target": someone(world)}
    held = {"blocked": {"customer.merge": FOREVER}, "blocked_by": {"customer.merge": "hold_9"}}
    faults.inject(
        then(lambda: world.set_state(guids[side], **held)), operation="transact_write_items"
    )
    answer = merge(world, guids["source"], guids["target"])
    assert (answer.tag, answer.detail) == ("hold-pending", {"hold_id": "hold_9"})
    assert world.state_of(guids["target"]).absorbed == ()


def test_a_legal_hold_of_the_target_stays_with_the_survivor(world: World) -> None:
    source, target = someone(world), someone(world)
    flag = {"customer_guid": target, "flag": {"flag_type": "legal_hold"}, **WHY}
    assert world.owner("/customer/flag/set", flag).status == 200
    merged(world, source, target)
    assert world.state_of(target).is_under_legal_hold(auth.now())

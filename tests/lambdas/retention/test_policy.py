"""The retention policy: versions, the one in force, and the guard against removing more unasked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared import auth
from shared.fields import instant_shown
from tests.builders import Response, World
from tests.conftest import Database

SET, GET = "/retention/policy/set", "/retention/policy/get"


def put(world: World, policy: dict[str, Any], **more: Any) -> Response:
    return world.owner(SET, {"policy": policy, **more})


def confirmed(world: World, policy: dict[str, Any], **more: Any) -> Response:
    answer = put(world, policy, confirm_shortening=True, **more)
    assert answer.status == 200, answer.body
    return answer


def ahead(**time: int) -> datetime:
    return auth.now().replace(microsecond=0) + timedelta(**time)


def faults(answer: Response) -> list[str]:
    return sorted(fault["field"] for fault in answer.body["error"]["minor"])


def test_the_first_version_needs_no_revision_and_later_ones_do(world: World) -> None:
    first = put(world, {"notes": "nothing yet"})
    assert (first.status, first.data["revision"]) == (200, 1)
    assert first.data["policy"]["policy_version"] == "v1"
    assert put(world, {"notes": "more"}).status == 428
    late = put(world, {"notes": "more"}, expected_revision=7)
    assert (late.tag, late.detail) == ("conflict", {"current_revision": 1})
    assert late.body["data"]["policy"]["policy_version"] == "v1"
    second = put(world, {"notes": "more"}, expected_revision=1)
    assert second.data["policy"]["policy_version"] == "v2"


def test_a_version_never_changes_and_is_found_by_its_name(world: World) -> None:
    first = confirmed(world, {"comment_retention_days": 30, "minimum_days": {"comment": 10}}).data
    put(world, {"comment_retention_days": 40}, confirm_shortening=True, expected_revision=1)
    assert world.owner(GET, {"policy_version": "v1"}).data == first
    assert world.owner(GET, {}).data["policy"]["comment_retention_days"] == 40
    assert world.owner(GET, {"policy_version": "v3"}).status == 404
    assert world.owner(GET, {"policy_version": "3"}).status == 400


def test_there_is_no_policy_before_the_first(world: World) -> None:
    assert world.owner(GET, {}).status == 404
    made = put(world, {}).data["policy"]
    before = auth.now() - timedelta(days=1)
    assert world.owner(GET, {"as_of": instant_shown(before)}).status == 404
    assert world.owner(GET, {"as_of": made["effective_from"]}).data["policy"] == made
    both = world.owner(GET, {"as_of": made["effective_from"], "policy_version": "v1"})
    assert faults(both) == ["as_of"]


def test_a_version_that_is_to_come_changes_nothing_before_its_time(world: World) -> None:
    put(world, {})
    begins = ahead(days=10)
    policy = {"comment_retention_days": 5, "effective_from": instant_shown(begins)}
    confirmed(world, policy, expected_revision=1)
    assert world.owner(GET, {}).data["policy"]["policy_version"] == "v1"
    then = {"as_of": instant_shown(begins)}
    assert world.owner(GET, then).data["policy"]["policy_version"] == "v2"
    past = put(world, {"effective_from": "2020-01-01T00:00:00Z"}, expected_revision=2)
    assert (past.status, faults(past)) == (400, ["policy.effective_from"])


@pytest.mark.parametrize(
    ("before", "after", "asked"),
    [
        (None, {}, []),
        (None, {"minimum_days": {"comment": 3}}, []),
        (None, {"comment_retention_days": 900}, ["policy.comment_retention_days"]),
        (
            None,
            {"customer_retention_days": 9, "customer_action": "delete"},
            ["policy.customer_action", "policy.customer_retention_days"],
        ),
        ({"comment_retention_days": 9}, {"comment_retention_days": 10}, []),
        ({"comment_retention_days": 9}, {}, []),
        (
            {"comment_retention_days": 9},
            {"comment_retention_days": 8},
            ["policy.comment_retention_days"],
        ),
        (
            {"comment_retention_days": 9},
            {"comment_retention_days": 9, "inbox_retention_days": 9000},
            ["policy.inbox_retention_days"],
        ),
        ({"minimum_days": {"fraud": 9}}, {"minimum_days": {"fraud": 10}}, []),
        (
            {"minimum_days": {"fraud": 9}},
            {"minimum_days": {"fraud": 8}},
            ["policy.minimum_days.fraud"],
        ),
        ({"minimum_days": {"fraud": 9}}, {}, ["policy.minimum_days.fraud"]),
        ({}, {"customer_action": "delete"}, ["policy.customer_action"]),
        ({"customer_action": "delete"}, {"customer_action": "anonymize"}, []),
    ],
)
def test_what_would_remove_more_must_be_confirmed(
    world: World,
    database: Database,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    asked: list[str],
) -> None:
    more: dict[str, Any] = {}
    if before is not None:
        confirmed(world, before)
        more = {"expected_revision": 1}
    stored = database.items(world.code)
    answer = put(world, {**after, "notes": "another"}, **more)
    if not asked:
        assert answer.status == 200, answer.body
        return
    assert (answer.status, faults(answer)) == (400, asked)
    assert database.items(world.code) == stored
    confirmed(world, {**after, "notes": "another"}, **more)


def test_a_shorter_time_that_is_only_planned_does_not_stand_for_now(world: World) -> None:
    confirmed(world, {"comment_retention_days": 365})
    planned = {"comment_retention_days": 30, "effective_from": instant_shown(ahead(days=30))}
    confirmed(world, planned, expected_revision=1)
    sooner = put(world, {"comment_retention_days": 30}, expected_revision=2)
    assert (sooner.status, faults(sooner)) == (400, ["policy.comment_retention_days"])
    later = {"comment_retention_days": 30, "effective_from": instant_shown(ahead(days=60))}
    assert put(world, later, expected_revision=2).status == 200


def test_less_than_the_legal_minimum_is_refused_with_every_kind(world: World) -> None:
    policy = {
        "comment_retention_days": 9,
        "fraud_retention_days": 9,
        "minimum_days": {"comment": 10, "fraud": 11, "inbox": 12},
    }
    answer = put(world, policy, confirm_shortening=True)
    wrong = ["policy.comment_retention_days", "policy.fraud_retention_days"]
    assert (answer.status, faults(answer)) == (400, wrong)
    unknown = put(world, {"minimum_days": {"orders": 9}, "orders_retention_days": 9})
    assert faults(unknown) == ["policy.minimum_days.orders", "policy.orders_retention_days"]


def test_the_same_policy_again_makes_no_version(world: World, database: Database) -> None:
    policy = {"comment_retention_days": 9, "minimum_days": {"comment": 3}}
    confirmed(world, policy)
    stored = database.items(world.code)
    again = put(world, policy, expected_revision=1)
    assert again.data["unchanged"] is True
    assert again.data["revision"] == 1
    assert database.items(world.code) == stored


def test_a_dry_run_counts_what_is_past_its_time_and_writes_nothing(
    world: World, database: Database
) -> None:
    guid = world.customer(first_name="Ada")["customer_guid"]
    world.customer(first_name="Kim")
    world.set_state(guid, active_on=auth.now().date() - timedelta(days=40))
    stored = database.items(world.code)
    policy = {"customer_retention_days": 30, "giftcard_retention_days": 30}
    trial = put(world, policy, confirm_shortening=True, dry_run=True).data
    assert trial["would_remove"] == {"customer": {"count": 1}, "giftcard": {"count": 0}}
    assert (trial["exemptions_checked"], trial["dry_run"]) == (False, True)
    assert database.items(world.code) == stored


def test_two_who_set_it_at_once_make_two_versions_or_hear_of_the_conflict(world: World) -> None:
    from concurrent.futures import ThreadPoolExecutor

    confirmed(world, {"comment_retention_days": 9})

    def change(number: int) -> Response:
        return put(world, {"comment_retention_days": 10 + number}, expected_revision=1)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(change, range(8)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 7
    assert world.owner(GET, {}).data["revision"] == 2

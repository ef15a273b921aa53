"""Lists: their order, their filters, walks while something moves, and what a page costs."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import pytest

from tests.builders import WHY, World
from tests.lambdas.inbox.team import TEAM, create, fields, listed, state, status, walked
from tests.meter import Meter

FIRST = ("urgent", "high", "normal", "low")
"""The priorities in the order of a team's list."""


def of_each_priority(world: World, sent: dict[str, Any]) -> list[str]:
    """Creates two notifications of each priority. Returns their ids in the order of a list."""
    made: dict[str, list[str]] = {priority: [] for priority in FIRST}
    for priority in (*reversed(FIRST), *FIRST):
        body = {"title": "Call back", "priority": priority, **sent}
        note = world.owner("/inbox/create", body).data["notification"]
        made[priority].insert(0, note["notification_id"])
    return [one for priority in FIRST for one in made[priority]]


def about_customer(world: World) -> dict[str, str]:
    guid = world.customer(first_name="Ada")["customer_guid"]
    return {"record_type": "customer", "record_id": guid}


def merge(world: World, source: dict[str, str], target: dict[str, str]) -> None:
    pair = {
        "source_customer_guid": source["record_id"],
        "target_customer_guid": target["record_id"],
    }
    assert world.owner("/customer/merge", {**pair, **WHY}).status == 200


def test_a_list_of_a_team_begins_with_the_urgent_ones(world: World) -> None:
    order = of_each_priority(world, TEAM)
    create(world, team_guid="T2")
    assert walked(world, **TEAM) == order
    assert listed(world, **TEAM, priority="high") == order[2:4]


def test_a_list_of_all_begins_with_the_newest(world: World) -> None:
    made = [*of_each_priority(world, TEAM), create(world, team_guid="T2")["notification_id"]]
    assert walked(world) == sorted(made, reverse=True)


def test_lists_filter_by_state_holder_and_record(world: World) -> None:
    about = about_customer(world)
    first, second = create(world, **about), create(world)
    holder = state(world.owner, second, "claimed").data["notification"]["claimed_by"]
    assert listed(world, claimed_by=holder) == [second["notification_id"]]
    alone = holder.removeprefix("user_guid:")
    assert listed(world, claimed_by=alone) == [second["notification_id"]]
    assert listed(world, **TEAM, state="pending") == [first["notification_id"]]
    assert listed(world, **about) == [first["notification_id"]]
    assert fields(world.owner("/inbox/list", {"record_type": "customer"})) == ["record_id"]
    absent = world.owner("/inbox/create", {"title": "x", **TEAM, **about, "record_id": "cust_no"})
    assert (absent.status, fields(absent)) == (404, ["record_id"])


# ---------------------------------------------------------------- about one record


@pytest.mark.parametrize("to", [TEAM, {"org_wide": True}], ids=["a team", "the org"])
@pytest.mark.parametrize("record", ["a customer", "an order"])
def test_those_to_an_addressee_about_a_record_have_the_order_of_the_addressee(
    world: World, to: dict[str, Any], record: str
) -> None:
    order = {"record_type": "order", "record_id": "SO-1"}
    about = order if record == "an order" else about_customer(world)
    found = of_each_priority(world, {**to, **about})
    for other in ({}, {"record_type": "order", "record_id": "SO-2"}, about_customer(world)):
        of_each_priority(world, {**to, **other})
    of_each_priority(world, {**about, "team_guid": "T2"})
    assert walked(world, **to, **about) == found
    assert listed(world, **to, **about, priority="normal") == found[4:6]
    assert listed(world, **about, team_guid="T3") == []
    gone = {"notification_id": found[0]}
    assert status(world, gone, "archived", 1).status == 200
    assert walked(world, **to, **about) == found[1:]
    assert walked(world, **to, **about, status="archived") == found[:1]


def test_those_about_a_merged_customer_are_found_through_the_survivor(world: World) -> None:
    source, target, other = (about_customer(world) for _ in range(3))
    note = create(world, **source)
    urgent = create(world, **target, priority="urgent")
    create(world, **other, priority="urgent")
    late = create(world, **target)
    merge(world, source, target)
    for named in (source, target):
        newest = [late, urgent, note]
        assert walked(world, **named) == [one["notification_id"] for one in newest]
        first = [urgent, late, note]
        assert walked(world, **TEAM, **named) == [one["notification_id"] for one in first]
    assert state(world.owner, note, "claimed").status == 200


def test_a_page_about_a_record_takes_one_trip_and_one_more_where_it_was_merged(
    world: World, meter: Meter
) -> None:
    source, target = about_customer(world), about_customer(world)
    create(world, **source)
    order = {"record_type": "order", "record_id": "SO-1"}
    assert listed(world) != [], "the caller is known from here on"
    for asked, calls in ((source, 2), ({**TEAM, **source}, 2), ({**TEAM, **order}, 1)):
        with meter.measuring() as costs:
            world.owner("/inbox/list", asked)
        assert (costs[0].trips, costs[0].calls) == (1, calls)
    merge(world, source, target)
    with meter.measuring() as costs:
        assert listed(world, **TEAM, **source) != []
    assert costs[0].trips == 2


@pytest.mark.parametrize("to", [{}, TEAM], ids=["of all", "of a team"])
def test_nothing_is_listed_about_a_customer_who_is_not_there_or_whose_deletion_has_begun(
    world: World, to: dict[str, Any]
) -> None:
    unknown = {"record_type": "customer", "record_id": "cust_unknown"}
    assert world.owner("/inbox/list", {**to, **unknown}).status == 404
    about = about_customer(world)
    note = create(world, **about)
    world.set_state(about["record_id"], job_id="job_1", job_kind="anonymize")
    assert listed(world, **to, **about) == [note["notification_id"]]
    world.set_state(about["record_id"], job_id="job_1", job_kind="delete")
    assert world.owner("/inbox/list", {**to, **about}).status == 404


# ---------------------------------------------------------------- walks


@pytest.mark.parametrize("named", [False, True], ids=["of a team", "about a customer"])
def test_a_walk_loses_nothing_that_did_not_move(world: World, named: bool) -> None:
    """A repeat that raises the priority moves a notification to another place of the list."""
    about = about_customer(world) if named else {}
    priorities = cycle(reversed(FIRST))
    notes = [
        create(world, dedupe_key=f"k{n}", priority=next(priorities), **about) for n in range(16)
    ]
    moved: set[str] = set()

    def repeat(number: int) -> None:
        """Raises one that was shown, and one or two that were not."""
        for n in (number, 15 - number, (number * 7) % 16):
            again = create(world, dedupe_key=f"k{n}", priority="urgent", **about)
            if notes[n]["priority"] != "urgent":
                moved.add(again["notification_id"])
        # To count up and to claim moves nothing.
        state(world.owner, notes[8], "claimed" if number % 2 else "pending")
        create(world, title="new", priority="urgent")

    found = walked(world, repeat, **TEAM, **about)
    stayed = {note["notification_id"] for note in notes} - moved
    assert stayed
    assert moved
    assert [found.count(one) for one in stayed] == [1] * len(stayed)
    assert len(walked(world, **TEAM, **about)) == len({*walked(world, **TEAM, **about)})


@pytest.mark.parametrize("named", [False, True], ids=["of all", "about a customer"])
def test_a_walk_by_creation_shows_each_once_whatever_its_priority_becomes(
    world: World, named: bool
) -> None:
    about = about_customer(world) if named else {}
    notes = [create(world, dedupe_key=f"k{n}", **about) for n in range(12)]

    def repeat(number: int) -> None:
        for n in (number, 11 - number):
            create(world, dedupe_key=f"k{n}", priority=FIRST[number % 4], **about)

    found = walked(world, repeat, **about)
    assert found == sorted((note["notification_id"] for note in notes), reverse=True)


# ---------------------------------------------------------------- tokens


def test_a_token_is_good_for_its_own_filters_only(world: World) -> None:
    about = about_customer(world)
    for _ in range(2):
        create(world, **about)
    asked: list[dict[str, Any]] = [
        {},
        TEAM,
        {"team_guid": "T2"},
        {"org_wide": True},
        {**TEAM, "status": "archived"},
        {**TEAM, "state": "pending"},
        {**TEAM, "priority": "low"},
        {**TEAM, "include_snoozed": True},
        {**TEAM, "claimed_by": "user_guid:U1"},
        about,
        {**TEAM, **about},
        {**TEAM, **about_customer(world)},
        {**TEAM, **about, "record_type": "order"},
    ]
    tokens = []
    for body in ({}, TEAM, about, {**TEAM, **about}):
        token = world.owner("/inbox/list", {**body, "limit": 1}).data["next_token"]
        tokens.append(token)
        for other in asked:
            answer = world.owner("/inbox/list", {**other, "limit": 1, "next_token": token})
            if other == body:
                assert len(answer.data["items"]) == 1
            else:
                assert answer.tag == "invalid-next-token", (body, other)
    upper = {**TEAM, **about, "record_type": "Customer", "next_token": tokens[-1]}
    assert world.owner("/inbox/list", upper).status == 200, "the same filters, spelled otherwise"
    elsewhere = world.owner("/account/list", {"next_token": tokens[0]})
    assert elsewhere.tag == "invalid-next-token"

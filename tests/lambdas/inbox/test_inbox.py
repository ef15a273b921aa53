"""The inbox: who may do which work, repeats that count up, both state machines, what sleeps."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lambdas.inbox.rules import STATE_STEPS, STATUS_STEPS
from shared import auth
from shared.fields import instant_shown
from shared.identity import MembershipRecord, membership_item
from tests.builders import Caller, World, store
from tests.lambdas.inbox.team import TEAM, create, fields, listed, state, status

Published = Callable[[str], list[dict[str, Any]]]


def test_it_goes_to_a_team_or_to_the_whole_org(world: World) -> None:
    assert create(world)["team_guid"] == "T1"
    wide = world.owner("/inbox/create", {"title": "x", "org_wide": True}).data["notification"]
    assert (wide["org_wide"], "team_guid" in wide) == (True, False)
    assert create(world, org_wide=False)["priority"] == "low"
    for wrong in ({"title": "x"}, {"title": "x", **TEAM, "org_wide": True}):
        assert world.owner("/inbox/create", wrong).status == 400
    assert fields(world.owner("/inbox/list", {**TEAM, "org_wide": True})) == ["org_wide"]


def test_the_holder_claims_again_as_a_replay(world: World) -> None:
    note = create(world)
    first = state(world.owner, note, "claimed")
    again = state(world.owner, note, "claimed")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.data == first.data


def test_only_the_holder_or_a_manager_releases_or_finishes(world: World) -> None:
    holder, other = world.person("crm_view"), world.person("crm_view")
    for to in ("pending", "done", "dismissed"):
        note = create(world)
        assert state(holder, note, "claimed").status == 200
        assert state(other, note, to).status == 403
        assert state(world.person("crm_manage"), note, to).status == 200
    note = create(world)
    state(holder, note, "claimed")
    released = state(holder, note, "pending").data["notification"]
    assert not {"claimed_by", "claimed_at"} & released.keys()


@pytest.mark.parametrize("before", list(STATE_STEPS))
@pytest.mark.parametrize("to", list(STATE_STEPS))
def test_every_step_of_the_work_is_as_the_machine_says(world: World, before: str, to: str) -> None:
    note = create(world)
    if before != "pending":
        state(world.owner, note, before)
    answer = state(world.owner, note, to)
    if to in STATE_STEPS[before] or to == before:
        assert answer.status == 200
        assert answer.body["revision"] == 1 + (before != "pending") + (to != before)
    else:
        assert answer.tag == "invalid-state"
        assert answer.detail["state"] == before


@pytest.mark.parametrize("before", list(STATUS_STEPS))
@pytest.mark.parametrize("to", list(STATUS_STEPS))
def test_every_step_of_the_place_is_as_the_machine_says(world: World, before: str, to: str) -> None:
    note, revision = create(world), 1
    if before != "inbox":
        status(world, note, before, 1)
        revision = 2
    answer = status(world, note, to, revision)
    allowed = to in STATUS_STEPS[before] or to == before
    assert (answer.status == 200) is allowed
    if before != "inbox" and to != "inbox":
        assert state(world.owner, note, "claimed").tag == "invalid-state"


@pytest.mark.parametrize("place", ["inbox", "archived", "deleted"])
@pytest.mark.parametrize("has", ["pending", "asleep", "done", "dismissed"])
def test_to_set_the_state_that_it_has_changes_nothing_wherever_it_lies(
    world: World, published: Published, has: str, place: str
) -> None:
    later = {"snoozed_until": instant_shown(auth.now() + timedelta(days=1))}
    to, more = ("pending", later) if has == "asleep" else (has, {})
    note = create(world)
    note = state(world.owner, note, to, **more).data["notification"]
    if place != "inbox":
        note = status(world, note, place, note["revision"]).data["notification"]
    events = published(world.code)
    same = state(world.owner, note, to, **more)
    assert (same.status, same.replayed) == (200, False)
    assert same.data["notification"] == note
    assert published(world.code) == events
    if place != "inbox":
        other = {"pending": "done"}.get(to, "pending")
        assert state(world.owner, note, other).detail == {"state": place, "allowed": []}
        assert state(world.owner, note, "claimed").tag == "invalid-state"
    if has == "asleep" and place != "inbox":
        assert state(world.owner, note, "pending").tag == "invalid-state", "to wake up is a change"


def test_a_deleted_one_is_in_no_list_and_says_so(world: World) -> None:
    note = create(world)
    status(world, note, "deleted", 1)
    assert listed(world, **TEAM) == listed(world) == []
    told = world.owner("/inbox/get", {"notification_id": note["notification_id"]})
    assert told.data["notification"]["status"] == "deleted"


def test_a_second_one_with_the_key_counts_the_first_up(world: World, published: Published) -> None:
    later = instant_shown(auth.now() + timedelta(days=1))
    note = create(world, dedupe_key="stock-1", priority="high")
    state(world.owner, note, "pending", snoozed_until=later)
    again = create(world, dedupe_key="stock-1", priority="low", body="other")
    assert again["notification_id"] == note["notification_id"]
    assert (again["occurrences"], again["priority"], again["revision"]) == (2, "high", 3)
    assert not {"snoozed_until", "body"} & again.keys()
    assert create(world, dedupe_key="stock-1", priority="urgent")["priority"] == "urgent"
    assert create(world, dedupe_key="stock-2")["occurrences"] == 1
    other_team = world.owner(
        "/inbox/create", {"title": "x", "team_guid": "T2", "dedupe_key": "stock-1"}
    )
    assert other_team.data["notification"]["occurrences"] == 1
    actions = [event["action"] for event in published(world.code)]
    assert actions.count("inbox-repeated") == 2


@pytest.mark.parametrize("end", ["done", "dismissed", "archived", "deleted"])
def test_the_key_is_free_once_the_first_does_not_live(world: World, end: str) -> None:
    first = create(world, dedupe_key="k")
    if end in ("done", "dismissed"):
        state(world.owner, first, end)
    else:
        status(world, first, end, 1)
    second = create(world, dedupe_key="k")
    assert second["notification_id"] != first["notification_id"]
    if end == "deleted":
        return
    back = (
        state(world.owner, first, "pending")
        if end in ("done", "dismissed")
        else status(world, first, "inbox", 2)
    )
    assert (back.tag, back.detail) == (
        "already-exists",
        {"notification_id": second["notification_id"]},
    )
    state(world.owner, second, "done")
    again = (
        state(world.owner, first, "pending")
        if end in ("done", "dismissed")
        else status(world, first, "inbox", 2)
    )
    assert again.status == 200
    assert create(world, dedupe_key="k")["notification_id"] == first["notification_id"]


def test_what_sleeps_is_hidden_until_its_time(world: World) -> None:
    note = create(world)
    wake = auth.now().replace(microsecond=0) + timedelta(days=1)
    asleep = state(world.owner, note, "pending", snoozed_until=instant_shown(wake))
    assert asleep.body["revision"] == 2
    assert listed(world, **TEAM) == []
    assert listed(world, **TEAM, include_snoozed=True) == [note["notification_id"]]
    then = world.owner("/inbox/list", TEAM, now=wake)
    assert [one["notification_id"] for one in then.data["items"]] == [note["notification_id"]]
    past = state(world.owner, note, "pending", snoozed_until="2020-01-01T00:00:00Z")
    assert fields(past) == ["snoozed_until"]
    wrong = state(world.owner, note, "claimed", snoozed_until=instant_shown(wake))
    assert fields(wrong) == ["snoozed_until"]


@pytest.mark.parametrize("person", ["p" * 64, "auth0:7f3a", "urn:uuid:0d9c"])
def test_what_a_person_of_any_id_has_claimed_is_found(world: World, person: str) -> None:
    secret = secrets.token_hex(8)
    store(membership_item(MembershipRecord(person=person, orgcode=world.code)))
    world.session(secret, person)
    note = create(world)
    claimed = state(Caller(world.code, secret), note, "claimed").data["notification"]
    for name in (person, claimed["claimed_by"]):
        assert listed(world, claimed_by=name) == [note["notification_id"]]

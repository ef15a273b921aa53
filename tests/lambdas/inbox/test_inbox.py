"""The inbox: claims that one wins, repeats that count up, both state machines, lists."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from lambdas.inbox.rules import STATE_STEPS, STATUS_STEPS
from shared import auth
from shared.fields import instant_shown
from shared.identity import MembershipRecord, membership_item
from tests.builders import WHY, Caller, Response, World, store
from tests.conftest import Database
from tests.faults import Crash, Faults, crash, lost_answer

Published = Callable[[str], list[dict[str, Any]]]
TEAM = {"team_guid": "T1"}


def create(world: World, **more: Any) -> dict[str, Any]:
    answer = world.owner("/inbox/create", {"title": "Call back", **TEAM, **more})
    assert answer.status == 200, answer.body
    note: dict[str, Any] = answer.data["notification"]
    return note


def state(caller: Caller, note: dict[str, Any], to: str, **more: Any) -> Response:
    return caller("/inbox/state", {"notification_id": note["notification_id"], "state": to, **more})


def status(world: World, note: dict[str, Any], to: str, revision: int) -> Response:
    body = {"notification_id": note["notification_id"], "status": to}
    return world.owner("/inbox/status", {**body, "expected_revision": revision})


def listed(world: World, **more: Any) -> list[str]:
    body = {"limit": 256, **more}
    items = world.owner("/inbox/list", body).data["items"]
    return [one["notification_id"] for one in items]


def fields(answer: Response) -> list[str]:
    return [fault["field"] for fault in answer.body["error"]["minor"]]


def test_it_goes_to_a_team_or_to_the_whole_org(world: World) -> None:
    assert create(world)["team_guid"] == "T1"
    wide = world.owner("/inbox/create", {"title": "x", "org_wide": True}).data["notification"]
    assert (wide["org_wide"], "team_guid" in wide) == (True, False)
    assert create(world, org_wide=False)["priority"] == "low"
    for wrong in ({"title": "x"}, {"title": "x", **TEAM, "org_wide": True}):
        assert world.owner("/inbox/create", wrong).status == 400
    assert fields(world.owner("/inbox/list", {**TEAM, "org_wide": True})) == ["org_wide"]


def test_of_ten_who_claim_it_one_wins_and_nine_hear_who(world: World) -> None:
    note = create(world)
    callers = [world.person("crm_view") for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda caller: state(caller, note, "claimed"), callers))
    won = [answer for answer in answers if answer.status == 200]
    assert len(won) == 1
    holder = won[0].data["notification"]["claimed_by"]
    lost = [answer for answer in answers if answer.status == 409]
    assert [answer.detail["claimed_by"] for answer in lost] == [holder] * 9
    assert {answer.tag for answer in lost} == {"invalid-state"}


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


def test_sixteen_at_once_are_one_that_counts_sixteen(world: World, published: Published) -> None:
    with ThreadPoolExecutor(4) as pool:
        notes = list(pool.map(lambda _: create(world, dedupe_key="k"), range(16)))
    assert len({note["notification_id"] for note in notes}) == 1
    assert sorted(note["occurrences"] for note in notes) == list(range(1, 17))
    actions = [event["action"] for event in published(world.code)]
    assert (actions.count("inbox-created"), actions.count("inbox-repeated")) == (1, 15)


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


def test_a_list_of_a_team_begins_with_the_urgent_ones(world: World) -> None:
    made = {
        (priority, number): create(world, priority=priority)["notification_id"]
        for number in range(2)
        for priority in ("low", "urgent", "normal", "high")
    }
    order = [
        made[priority, number] for priority in ("urgent", "high", "normal", "low")
        for number in (1, 0)
    ]  # fmt: skip
    found, token = [], None
    while True:
        more = {} if token is None else {"next_token": token}
        page = world.owner("/inbox/list", {**TEAM, "limit": 3, **more}).data
        found += [one["notification_id"] for one in page["items"]]
        token = page.get("next_token")
        if token is None:
            break
    assert found == order
    assert listed(world) == sorted(made.values(), reverse=True)
    assert listed(world, priority="high") == [made["high", 1], made["high", 0]]


def test_lists_filter_by_state_holder_and_record(world: World) -> None:
    guid = world.customer(first_name="Ada")["customer_guid"]
    about = {"record_type": "customer", "record_id": guid}
    first, second = create(world, **about), create(world)
    holder = state(world.owner, second, "claimed").data["notification"]["claimed_by"]
    assert listed(world, claimed_by=holder) == [second["notification_id"]]
    alone = holder.removeprefix("user_guid:")
    assert listed(world, claimed_by=alone) == [second["notification_id"]]
    assert listed(world, **TEAM, state="pending") == [first["notification_id"]]
    assert listed(world, **about) == [first["notification_id"]]
    assert listed(world, **about, team_guid="T2") == []
    assert fields(world.owner("/inbox/list", {"record_type": "customer"})) == ["record_id"]
    absent = world.owner("/inbox/create", {"title": "x", **TEAM, **about, "record_id": "cust_no"})
    assert (absent.status, fields(absent)) == (404, ["record_id"])


def test_those_about_a_merged_customer_are_found_through_the_survivor(world: World) -> None:
    source, target = (world.customer(first_name="Ada")["customer_guid"] for _ in range(2))
    note = create(world, record_type="customer", record_id=source)
    pair = {"source_customer_guid": source, "target_customer_guid": target, **WHY}
    assert world.owner("/customer/merge", pair).status == 200
    for guid in (source, target):
        assert listed(world, record_type="customer", record_id=guid) == [note["notification_id"]]
    assert state(world.owner, note, "claimed").status == 200


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("fault", [crash(before=True), crash(before=False), lost_answer()])
def test_a_repeat_with_a_key_counts_once_whatever_fails(
    world: World, database: Database, faults: Faults, fault: Any, at: int
) -> None:
    create(world, dedupe_key="k")
    faults.clear()
    faults.inject(fault, at=at)
    body = {"title": "again", **TEAM, "dedupe_key": "k", "idempotency_key": "once"}
    for _ in range(3):
        try:
            answer = world.owner("/inbox/create", body)
        except Crash:
            faults.clear()
    assert answer.data["notification"]["occurrences"] == 2
    (stored,) = (i for i in database.items(world.code) if i["record_kind"]["S"] == "notification")
    assert stored["occurrences"] == {"N": "2"}


@pytest.mark.parametrize("person", ["p" * 64, "auth0:7f3a", "urn:uuid:0d9c"])
def test_what_a_person_of_any_id_has_claimed_is_found(world: World, person: str) -> None:
    secret = secrets.token_hex(8)
    store(membership_item(MembershipRecord(person=person, orgcode=world.code)))
    world.session(secret, person)
    note = create(world)
    claimed = state(Caller(world.code, secret), note, "claimed").data["notification"]
    for name in (person, claimed["claimed_by"]):
        assert listed(world, claimed_by=name) == [note["notification_id"]]

"""Whatever goes wrong at whichever call of the database: a repeat ends as if it had not, and each
change is told once. And the same under many callers at once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from shared import clients
from tests.builders import Response, World
from tests.conftest import Database
from tests.faults import GONE_WRONG, Crash, Faults, LosingAnswers
from tests.lambdas.inbox.team import TEAM, create, get, holders, listed, state, status

Published = Callable[[str], list[dict[str, Any]]]
CALLS = {"create": 1, "repeat": 3, "claim": 2, "done": 2, "reopen": 2, "archive": 2, "take back": 2}
"""How many calls of the database each change makes."""
ACTIONS = {
    "create": "inbox-created",
    "repeat": "inbox-repeated",
    "archive": "inbox-status-set",
    "take back": "inbox-status-set",
}
ENDS = {
    "create": ("inbox", "pending", 1, 1),
    "repeat": ("inbox", "pending", 2, 2),
    "claim": ("inbox", "claimed", 1, 2),
    "done": ("inbox", "done", 1, 2),
    "reopen": ("inbox", "pending", 1, 3),
    "archive": ("archived", "pending", 1, 2),
    "take back": ("inbox", "pending", 1, 3),
}
"""Status, state, occurrences and revision afterwards."""


def about_customer(world: World) -> dict[str, str]:
    guid = world.customer(first_name="Ada")["customer_guid"]
    return {"record_type": "customer", "record_id": guid}


def prepared(world: World, what: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """Returns the notification that the change begins with; None for a creation."""
    if what == "create":
        return None
    note = create(world, **body)
    if what == "reopen":
        return dict(state(world.owner, note, "done").data["notification"])
    if what == "take back":
        return dict(status(world, note, "archived", 1).data["notification"])
    return note


def change(
    world: World, what: str, body: dict[str, Any], note: dict[str, Any] | None, **more: Any
) -> Response:
    if note is None or what == "repeat":
        return world.owner("/inbox/create", {"title": "Call back", **TEAM, **body, **more})
    if what in ("archive", "take back"):
        to = "archived" if what == "archive" else "inbox"
        named = {"notification_id": note["notification_id"], "status": to}
        sent = {**named, "expected_revision": note["revision"], **more}
        return world.owner("/inbox/status", sent)
    to = {"claim": "claimed", "reopen": "pending"}.get(what, what)
    return state(world.owner, note, to, **more)


@pytest.mark.parametrize("wrong", GONE_WRONG)
@pytest.mark.parametrize("what", CALLS)
def test_a_fault_at_any_call_then_a_repeat_ends_as_if_it_had_not_been(
    world: World, database: Database, faults: Faults, published: Published, wrong: str, what: str
) -> None:
    about = about_customer(world)
    body = {**about, "dedupe_key": "control"}
    note = prepared(world, what, body)
    faults.clear()
    assert change(world, what, body, note, idempotency_key="control").status == 200
    assert faults.count() == CALLS[what]
    for at in range(1, CALLS[what] + 1):
        body = {**about, "dedupe_key": f"k{at}"}
        note = prepared(world, what, body)
        key = {"idempotency_key": f"k{at}"}
        told = len(published(world.code))
        faults.clear()
        faults.inject(GONE_WRONG[wrong](), at=at, times=3 if wrong == "throttled" else 1)
        with suppress(Crash):
            assert change(world, what, body, note, **key).status in (200, 503)
        assert faults.pending == 0, "the fault has met its call"
        again = change(world, what, body, note, **key)
        assert again.status == 200, again.body
        repeat = change(world, what, body, note, **key)
        assert (repeat.data, repeat.replayed) == (again.data, True)
        shown = get(world, again.data["notification"]).data["notification"]
        assert shown == again.data["notification"]
        names = ("status", "state", "occurrences", "revision")
        assert tuple(shown[name] for name in names) == ENDS[what]
        held = shown["notification_id"] in holders(database, world)
        assert held == (shown["status"] == "inbox" and shown["state"] != "done")
        events = published(world.code)[told:]
        assert [event["action"] for event in events] == [ACTIONS.get(what, "inbox-state-set")]
        assert events[0]["aggregate_id"] == shown["notification_id"]


@pytest.mark.parametrize("wrong", GONE_WRONG)
def test_a_claim_without_a_key_is_repeated_as_one(
    world: World, faults: Faults, published: Published, wrong: str
) -> None:
    for at in (1, 2):
        note = create(world)
        told = len(published(world.code))
        faults.clear()
        faults.inject(GONE_WRONG[wrong](), at=at, times=3 if wrong == "throttled" else 1)
        with suppress(Crash):
            state(world.owner, note, "claimed")
        assert faults.pending == 0
        again = state(world.owner, note, "claimed")
        assert (again.status, again.body["revision"]) == (200, 2)
        assert len(published(world.code)) == told + 1


# ---------------------------------------------------------------- many at once


def at_once(many: int, act: Callable[[int], Response]) -> list[Response]:
    """Returns the answers of as many callers, who begin together."""
    ready = threading.Barrier(many)

    def begun(number: int) -> Response:
        ready.wait(30)
        return act(number)

    with ThreadPoolExecutor(many) as pool:
        return list(pool.map(begun, range(many)))


def kept_trying(act: Callable[[], Response]) -> Response:
    """Returns the first answer that is not ``busy``: that one says that a repeat may succeed."""
    for _ in range(20):
        answer = act()
        if answer.tag_or_none() not in ("busy", "unavailable"):
            break
    return answer


@pytest.mark.parametrize("weather", ["fair", "bad"])
def test_sixteen_who_create_one_make_one_that_counts_sixteen(
    world: World, database: Database, published: Published, weather: str
) -> None:
    real = clients.dynamodb()
    if weather == "bad":
        clients.use(dynamodb=LosingAnswers(real))
    about = about_customer(world)

    def act(number: int) -> Response:
        body = {"title": "x", **TEAM, **about, "dedupe_key": "k", "idempotency_key": f"k{number}"}
        return kept_trying(lambda: world.owner("/inbox/create", body))

    try:
        answers = at_once(16, act)
    finally:
        clients.use(dynamodb=real)
    notes = [answer.data["notification"] for answer in answers]
    assert len({note["notification_id"] for note in notes}) == 1
    assert sorted(note["occurrences"] for note in notes) == list(range(1, 17))
    assert sorted(note["revision"] for note in notes) == list(range(1, 17))
    assert holders(database, world) == [notes[0]["notification_id"]]
    assert listed(world, **TEAM) == holders(database, world)
    actions = Counter(event["action"] for event in published(world.code))
    assert (actions["inbox-created"], actions["inbox-repeated"]) == (1, 15)


def test_of_ten_who_claim_it_one_wins_and_nine_hear_who(world: World, published: Published) -> None:
    note = create(world)
    callers = [world.person("crm_view") for _ in range(10)]
    answers = at_once(10, lambda n: kept_trying(lambda: state(callers[n], note, "claimed")))
    (won,) = [answer for answer in answers if answer.status == 200]
    holder = won.data["notification"]["claimed_by"]
    assert holder == f"user_guid:u{callers[answers.index(won)].secret}"
    lost = [answer for answer in answers if answer is not won]
    assert [answer.detail["claimed_by"] for answer in lost] == [holder] * 9
    assert {answer.tag for answer in lost} == {"invalid-state"}
    assert get(world, note).data["notification"] == won.data["notification"]
    actions = Counter(event["action"] for event in published(world.code))
    assert actions["inbox-state-set"] == 1


def test_whoever_creates_and_ends_and_takes_back_at_once_one_lives_with_the_key(
    world: World, database: Database
) -> None:
    """Creations, ends and returns of several notifications with one key, in any order."""
    made = [create(world, dedupe_key="k")]

    def act(number: int) -> Response:
        if number % 2 == 0:
            return world.owner("/inbox/create", {"title": "x", **TEAM, "dedupe_key": "k"})
        note = made[number % len(made)]
        if number % 3 == 0:
            return state(world.owner, note, "pending")
        return state(world.owner, note, "done")

    for _ in range(4):
        for answer in at_once(8, act):
            if answer.status == 200:
                note = answer.data["notification"]
                known = {one["notification_id"] for one in made}
                made += [note] if note["notification_id"] not in known else []
            else:
                assert answer.tag in ("already-exists", "invalid-state", "busy")
        lying = [get(world, note).data["notification"] for note in made]
        living = [one["notification_id"] for one in lying if one["state"] == "pending"]
        assert living == holders(database, world)
        assert len(living) <= 1

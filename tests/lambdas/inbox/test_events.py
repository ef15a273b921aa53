"""What the events of notifications say: ids, codes and states, and nothing that people wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared import auth
from shared.fields import instant_shown
from tests.builders import World
from tests.lambdas.inbox.team import create, state, status

Published = Callable[[str], list[dict[str, Any]]]


def test_each_change_tells_one_event(world: World, published: Published) -> None:
    later = instant_shown(auth.now() + timedelta(days=1))
    note = create(world, dedupe_key="k")
    create(world, dedupe_key="k", priority="high")
    state(world.owner, note, "pending", snoozed_until=later)
    state(world.owner, note, "claimed")
    state(world.owner, note, "claimed")
    state(world.owner, note, "done")
    status(world, note, "archived", 5)
    events = published(world.code)
    assert [event["action"] for event in events] == [
        "inbox-created",
        "inbox-repeated",
        "inbox-state-set",
        "inbox-state-set",
        "inbox-state-set",
        "inbox-status-set",
    ]
    assert [event["aggregate_revision"] for event in events] == [1, 2, 3, 4, 5, 6]
    told = events[1]["data"]
    assert (told["occurrences"], told["priority"], told["team_guid"]) == (2, "high", "T1")
    assert events[2]["data"]["snoozed_until"] == later
    assert events[4]["data"]["previous_state"] == "claimed"


def test_no_event_says_what_people_wrote(world: World, published: Published) -> None:
    needles = {
        "title": "needle title",
        "body": "needle body",
        "dedupe_key": "needle key",
        "metadata": {"needle": "needle"},
        "record_type": "Needle of Ada",
        "record_id": "needle@example.com",
    }
    note = create(world, **needles)
    create(world, **needles)
    state(world.owner, note, "claimed")
    status(world, note, "archived", 3)
    events = published(world.code)
    assert len(events) == 4
    assert "needle" not in json.dumps(events).lower()


@pytest.mark.parametrize(
    ("record_type", "told"),
    [
        ("order", {"record_type": "order"}),
        ("return_note_2", {"record_type": "return_note_2"}),
        ("Order", {}),
        ("ada@example.com", {}),
        ("4915112345678", {}),
        ("ada lovelace", {}),
        ("order_", {}),
    ],
)
def test_a_record_of_another_system_is_told_by_a_code_and_never_by_its_id(
    world: World, published: Published, record_type: str, told: dict[str, str]
) -> None:
    create(world, record_type=record_type, record_id="SO-1")
    (event,) = published(world.code)
    data = event["data"]
    assert {k: v for k, v in data.items() if k.startswith("record_")} == told


def test_a_record_of_this_service_is_told_by_its_id(world: World, published: Published) -> None:
    guid = world.customer()["customer_guid"]
    create(world, record_type="Customer", record_id=guid)
    data = published(world.code)[-1]["data"]
    assert (data["record_type"], data["record_id"]) == ("customer", guid)

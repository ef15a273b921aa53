"""One notification lives with a dedupe key, whoever creates, finishes and takes back at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import Response, World
from tests.conftest import Database
from tests.faults import Faults, then
from tests.lambdas.inbox.team import TEAM, create, holders, state, status


def living(world: World) -> list[dict[str, Any]]:
    body = {**TEAM, "limit": 256, "include_snoozed": True}
    items = world.owner("/inbox/list", body).data["items"]
    return [one for one in items if one["state"] in ("pending", "claimed")]


def ended(world: World, note: dict[str, Any], way: str) -> Response:
    if way == "archived":
        return status(world, note, "archived", 1)
    return state(world.owner, note, way)


def taken_back(world: World, note: dict[str, Any], way: str) -> Response:
    if way == "archived":
        return status(world, note, "inbox", 2)
    return state(world.owner, note, "pending")


@pytest.mark.parametrize("way", ["archived", "done", "dismissed"])
def test_a_holder_that_comes_back_while_its_key_is_taken_over_is_the_only_one(
    world: World, database: Database, faults: Faults, way: str
) -> None:
    """A creation finds the key taken, reads the holder just when it does not live, and writes just
    after it lives again: the guard looks as it did before."""
    first = create(world, dedupe_key="k")
    answers: list[Response] = []
    faults.inject(then(lambda: answers.append(ended(world, first, way))), at=2)
    # Two calls of the one who ends it come in between.
    faults.inject(
        then(lambda: answers.append(taken_back(world, first, way))),
        operation="transact_write_items",
        at=3,
    )
    made = create(world, dedupe_key="k")
    assert faults.pending == 0
    assert [answer.status for answer in answers] == [200, 200]
    assert made["notification_id"] == first["notification_id"]
    assert (made["occurrences"], made["revision"]) == (2, 4)
    assert [one["notification_id"] for one in living(world)] == [first["notification_id"]]
    assert holders(database, world) == [first["notification_id"]]


@pytest.mark.parametrize("way", ["archived", "done"])
def test_one_about_the_holder_takes_its_key_over_once_that_has_ended(
    world: World, database: Database, faults: Faults, way: str
) -> None:
    first = create(world, dedupe_key="k")
    about = {"record_type": "notification", "record_id": first["notification_id"]}
    faults.inject(then(lambda: ended(world, first, way)), at=2)
    made = create(world, dedupe_key="k", **about)
    assert faults.pending == 0
    assert made["notification_id"] != first["notification_id"]
    assert holders(database, world) == [made["notification_id"]]

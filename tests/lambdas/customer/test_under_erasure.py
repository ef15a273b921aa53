"""What is said of a customer whose erasure has begun, and what is written: nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.local.clients import table_administration
from shared.keys import of_org
from shared.settings import settings
from tests.builders import WHY, Response, World
from tests.conftest import Database
from tests.faults import Faults, then
from tests.meter import Meter

ADA: dict[str, Any] = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}
UPDATES: dict[str, dict[str, Any]] = {
    "a change": {"customer": {"first_name": "Augusta"}},
    "a status change": {"customer": {"status": "inactive"}},
    "no change": {"customer": {"first_name": "Ada"}},
    "a stale revision": {"customer": {"first_name": "Augusta"}, "expected_revision": 7},
}
KEYS: dict[str, dict[str, Any]] = {"no key": {}, "a key": {"idempotency_key": "k"}}

each_job = pytest.mark.parametrize("job_kind", ["delete", "anonymize"])
each_key = pytest.mark.parametrize("key", KEYS)


def update(world: World, guid: str, what: str, key: str) -> Response:
    body = {"customer_guid": guid, "expected_revision": 1, **UPDATES[what], **KEYS[key], **WHY}
    return world.owner("/customer/update", body)


def begin(world: World, guid: str, job_kind: str) -> None:
    world.set_state(guid, job_id="job_1", job_kind=job_kind)


def remove(database: Database, world: World, guid: str) -> None:
    """Removes a customer's whole partition, as the end of a deletion does."""
    partition = of_org(world.code).customer_state(guid)[0]
    for item in database.items(world.code):
        if item["pk"]["S"] == partition:
            key = {name: item[name] for name in ("pk", "sk")}
            table_administration().delete_item(TableName=settings().table_name, Key=key)


def is_silent(answer: Response, status: int, tag: str) -> None:
    """A refusal that shows nothing of the customer."""
    assert (answer.status, answer.tag) == (status, tag)
    assert "data" not in answer.body
    assert "revision" not in answer.body
    assert "Lovelace" not in json.dumps(answer.body)


@each_job
@each_key
@pytest.mark.parametrize("what", UPDATES)
def test_every_update_is_busy_shows_nothing_and_writes_nothing(
    world: World,
    database: Database,
    published: Callable[[str], list[dict[str, Any]]],
    job_kind: str,
    key: str,
    what: str,
) -> None:
    guid = world.customer(**ADA)["customer_guid"]
    begin(world, guid, job_kind)
    before = database.items(world.code)
    is_silent(update(world, guid, what, key), 409, "busy")
    assert database.items(world.code) == before
    assert [event["action"] for event in published(world.code)] == ["customer-created"]


# Without a key, an update that changes nothing has nothing to write; a stale one never writes.
WRITING = [("a change", "no key"), ("a change", "a key"), ("no change", "a key")]
WRITING += [("a status change", "no key"), ("a status change", "a key")]


@each_job
@pytest.mark.parametrize(("what", "key"), WRITING)
def test_an_erasure_that_begins_between_read_and_write_stops_the_write(
    world: World, database: Database, faults: Faults, job_kind: str, what: str, key: str
) -> None:
    guid = world.customer(**ADA)["customer_guid"]
    begun: list[list[dict[str, Any]]] = []

    def erase() -> None:
        begin(world, guid, job_kind)
        begun.append(database.items(world.code))

    faults.inject(then(erase), operation="transact_write_items")
    is_silent(update(world, guid, what, key), 409, "busy")
    assert faults.pending == 0
    assert database.items(world.code) == begun[0]


@pytest.mark.parametrize(("what", "key"), WRITING)
def test_a_deletion_that_ends_between_read_and_write_leaves_nobody_to_write_for(
    world: World, database: Database, faults: Faults, what: str, key: str
) -> None:
    guid = world.customer(**ADA)["customer_guid"]
    ended: list[list[dict[str, Any]]] = []

    def erase() -> None:
        remove(database, world, guid)
        ended.append(database.items(world.code))

    faults.inject(then(erase), operation="transact_write_items")
    is_silent(update(world, guid, what, key), 404, "not-found")
    assert faults.pending == 0
    assert database.items(world.code) == ended[0]


@pytest.mark.parametrize("what", ["a change", "no change"])
def test_the_kept_answer_of_an_update_is_gone_with_the_customer(
    world: World, database: Database, faults: Faults, what: str
) -> None:
    guid = world.customer(**ADA)["customer_guid"]
    assert update(world, guid, what, "a key").status == 200
    assert update(world, guid, what, "a key").replayed
    before = database.items(world.code)
    # The deletion begins after the key was found, and before its answer is read.
    faults.inject(then(lambda: begin(world, guid, "delete")), operation="batch_get_item", at=2)
    is_silent(update(world, guid, what, "a key"), 404, "not-found")
    assert faults.pending == 0
    is_silent(update(world, guid, what, "a key"), 404, "not-found")
    state = of_org(world.code).customer_state(guid)
    assert [item for item in database.items(world.code) if item not in before] == [
        item for item in database.items(world.code) if (item["pk"]["S"], item["sk"]["S"]) == state
    ]


def test_the_kept_answer_of_a_creation_is_gone_with_the_customer(world: World) -> None:
    body = {"customer": ADA, "idempotency_key": "k", **WHY}
    guid = world.owner("/customer/create", body).data["customer"]["customer_guid"]
    assert world.owner("/customer/create", body).replayed
    begin(world, guid, "delete")
    is_silent(world.owner("/customer/create", body), 404, "not-found")


def test_a_merged_customer_is_fenced_by_the_survivor(world: World, database: Database) -> None:
    gone = world.customer(**ADA)["customer_guid"]
    survivor = world.customer(**ADA | {"email": "a@example.com"})["customer_guid"]
    world.set_state(gone, status="merged", merged_into=survivor)
    begin(world, survivor, "delete")
    before = database.items(world.code)
    for what in UPDATES:
        is_silent(update(world, gone, what, "a key"), 409, "busy")
    is_silent(world.owner("/customer/get", gone), 404, "not-found")
    assert database.items(world.code) == before


def test_who_is_being_deleted_no_longer_shares_a_phone(world: World, meter: Meter) -> None:
    phone = "+12025550123"
    guids = [world.customer(phone=phone)["customer_guid"] for _ in range(3)]
    shared = world.owner("/customer/get", phone)
    assert (shared.tag, shared.detail) == ("invalid-state", {"count": 3})
    begin(world, guids[0], "delete")
    assert world.owner("/customer/get", phone).detail == {"count": 2}
    # Only a deletion makes a customer go: one that is being made anonymous still answers.
    begin(world, guids[1], "anonymize")
    assert world.owner("/customer/get", phone).detail == {"count": 2}
    begin(world, guids[1], "delete")
    with meter.measuring() as costs:
        found = world.owner("/customer/get", phone)
    assert found.data["customer"]["customer_guid"] == guids[2]
    assert costs[0].trips == 3  # the look-ups, the owners' states, the profile
    begin(world, guids[2], "delete")
    is_silent(world.owner("/customer/get", phone), 404, "not-found")


def test_a_look_up_that_outlives_its_customer_shares_nothing(
    world: World, database: Database
) -> None:
    phone = "+12025550123"
    gone, left = (world.customer(phone=phone)["customer_guid"] for _ in range(2))
    remove(database, world, gone)
    found = world.owner("/customer/get", phone)
    assert found.data["customer"]["customer_guid"] == left

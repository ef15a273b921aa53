"""The log of erasures: with it, a table that was restored from a backup forgets again whom it had
forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from infra.local import restored
from infra.local.clients import table_administration
from infra.local.identities import Refused
from lambdas.jobs import erasure_log
from lambdas.jobs.handler import DAILY, lambda_handler
from shared import auth, clients
from shared.codec import Wire
from shared.settings import settings
from tests.builders import WHY, World
from tests.conftest import Database
from tests.faults import Crash, Faults, crash
from tests.lambdas.jobs.test_retention_runs import (
    LATER,
    customer,
    keep_for,
    registered,
    run,
    status,
)

Published = Callable[[str], list[dict[str, Any]]]
NOW = auth.now()


class Bucket:
    """The object store, with one bucket."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        assert (Bucket, ContentType) == ("log", "application/jsonl")
        self.objects[Key] = Body

    def lines(self, orgcode: str) -> list[str]:
        return [
            line
            for key, body in self.objects.items()
            if f"/{orgcode}." in key
            for line in body.decode().splitlines()
        ]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    here = replace(settings(), erasure_log_bucket="log")
    monkeypatch.setattr(erasure_log, "settings", lambda: here)
    made = Bucket()
    clients.use(s3=made)
    yield made
    clients.use(s3=None)


def logged() -> None:
    """A day passes: the log of it is written."""
    lambda_handler({"job": DAILY, "time": (NOW + timedelta(hours=3)).isoformat()}, None)


def backup(database: Database, world: World) -> list[Wire]:
    return list(database.items(world.code))


def restore(database: Database, world: World, before: list[Wire]) -> None:
    """Makes the org's part of the table what it was."""
    client, table = table_administration(), settings().table_name
    for item in database.items(world.code):
        key = {"pk": item["pk"], "sk": item["sk"]}
        client.delete_item(TableName=table, Key=key)
    for item in before:
        client.put_item(TableName=table, Item=item)


def erase(world: World, guid: str, verb: str) -> None:
    answer = world.owner(f"/customer/{verb}", {"customer_guid": guid, **WHY})
    assert answer.status == 200, answer.body


def names(outcomes: Iterator[dict[str, Any]]) -> list[str]:
    return [outcome["outcome"] for outcome in outcomes]


def test_a_restored_table_forgets_again_whom_it_had_forgotten(
    world: World, database: Database, bucket: Bucket, published: Published
) -> None:
    registered(world)
    emails = ("deleted", "anonymized", "source", "target", "held", "stays")
    guids = {name: customer(world, email=f"{name}@example.com") for name in emails}
    flag = {"customer_guid": guids["held"], "flag": {"flag_type": "legal_hold"}, **WHY}
    made = world.owner("/customer/flag/set", flag).data["flag"]
    before = backup(database, world)
    # What happens after the backup.
    freed = {"flag_id": made["flag_id"], "flag_type": "legal_hold", "status": "resolved"}
    said = {"customer_guid": guids["held"], "flag": freed, "expected_revision": 1, **WHY}
    assert world.owner("/customer/flag/set", said).status == 200
    pair = {
        "source_customer_guid": guids["source"],
        "target_customer_guid": guids["target"],
        **WHY,
    }
    assert world.owner("/customer/merge", pair).status == 200
    later = customer(world, email="later@example.com")
    for name, verb in (("deleted", "delete"), ("anonymized", "anonymize"), ("target", "delete")):
        erase(world, guids[name], verb)
    for guid in (guids["held"], later):
        erase(world, guid, "delete")
    logged()
    lines = bucket.lines(world.code)
    assert "example.com" not in str(bucket.objects)
    restore(database, world, before)
    assert status(world, guids["deleted"]) == "active"
    outcomes = names(restored.reapply(lines))
    assert sorted(outcomes) == ["erased"] * 5 + ["unknown"]
    ends = {name: status(world, guid) for name, guid in guids.items()}
    gone = dict.fromkeys(("deleted", "source", "target", "held"), "gone")
    assert ends == {**gone, "anonymized": "anonymized", "stays": "active"}
    for name in gone:
        assert f"{name}@example.com" not in str(database.items(world.code))
    assert sorted(set(names(restored.reapply(lines)))) == ["done", "unknown"]
    told = [e for e in published(world.code) if e["action"] == "customer-deleted"]
    # Consumers hear of it again: they may have been restored as well.
    assert {e["data"]["customer_guid"] for e in told} >= {guids[name] for name in gone}


def test_it_ends_the_same_wherever_it_was_stopped(
    world: World, database: Database, bucket: Bucket, faults: Faults
) -> None:
    registered(world)
    guids = [customer(world) for _ in range(3)]
    before = backup(database, world)
    for guid, verb in zip(guids, ("delete", "anonymize", "delete"), strict=True):
        erase(world, guid, verb)
    logged()
    lines, crashes, at = bucket.lines(world.code), 0, 1
    restore(database, world, before)
    while True:
        faults.clear()
        faults.inject(crash(before=at % 2 == 0), at=at)
        try:
            outcomes = names(restored.reapply(lines))
        except Crash:
            crashes, at = crashes + 1, at + 1
            continue
        break
    faults.clear()
    assert crashes > 5
    assert set(outcomes) <= {"done", "erased"}
    assert [status(world, guid) for guid in guids] == ["gone", "anonymized", "gone"]


def test_erasures_of_retention_are_in_the_log_as_what_they_were(
    world: World, bucket: Bucket
) -> None:
    registered(world)
    guid = customer(world)
    keep_for(world, customer_retention_days=365, customer_action="delete")
    assert run(world).acted == {"customer": 1}
    assert status(world, guid) == "gone"
    (line,) = erasure_log.erasures(world.code, NOW)
    assert line["customer_guids"] == [guid]
    assert (line["job_kind"], line["refuses"]) == ("delete", "opted_out")
    logged()
    assert [json.loads(text) for text in bucket.lines(world.code)] == [line]


def test_one_that_still_runs_is_in_the_log(world: World, faults: Faults) -> None:
    guid = customer(world)
    faults.inject(crash(before=False), operation="transact_write_items")
    with pytest.raises(Crash):
        world.owner("/customer/delete", {"customer_guid": guid, **WHY})
    (line,) = erasure_log.erasures(world.code, NOW - timedelta(days=1))
    assert line["customer_guids"] == [guid]
    assert names(restored.reapply([json.dumps(line)])) == ["erased"]
    assert status(world, guid) == "gone"


def test_a_bucket_that_does_not_answer_stops_no_run_of_the_day(
    world: World, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(world)
    guid = customer(world)
    erase(world, customer(world), "delete")
    keep_for(world, customer_retention_days=365)

    def put_object(**_: Any) -> None:
        raise ConnectionError

    daily = {"job": DAILY, "time": LATER.isoformat()}
    monkeypatch.setattr(bucket, "put_object", put_object)
    monkeypatch.setattr(erasure_log, "OVERLAP", timedelta(days=500))
    with pytest.raises(ConnectionError):
        lambda_handler(daily, None)
    for _ in range(3):
        lambda_handler({"time": LATER.isoformat()}, None)
    assert status(world, guid) == "anonymized"


def test_without_a_bucket_no_log_is_written(world: World) -> None:
    registered(world)
    erase(world, customer(world), "delete")
    assert erasure_log.write(NOW) == {"written": 0, "failed": 0}


@pytest.mark.parametrize("text", ["", "x", "{}", '{"orgcode": "ACME"}'])
def test_what_is_no_line_of_the_log_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="no line of the log"):
        names(restored.reapply([text]))

"""Every change that took effect puts its event on the bus, valid against the committed schema; a
refused, repeated or unchanged call puts none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infra.openapi.events import Event, event_shapes, route_of
from lambdas.account.models.envelopes import AccountStatusChanged
from lambdas.account.models.records import AccountCodeRecord
from lambdas.events import handler, publishing
from lambdas.families import FAMILIES
from shared import clients
from shared.events import event_data
from tests.builders import WHY, World, euro
from tests.contract.scenes import SCENES

SCHEMA = json.loads((Path(__file__).parents[1] / "crm-events.schema.json").read_text())
WRITES = [row for rows in FAMILIES.values() for row in rows if row.writes]
Published = Callable[[str], list[dict[str, Any]]]


def check_valid(event: dict[str, Any]) -> None:
    """The committed schema is open, for its readers; the models are closed, so that a field that is
    in no document is noticed here."""
    Draft202012Validator(SCHEMA).validate(event)
    Event.model_validate_json(json.dumps(event))
    event_shapes()[event["action"]].model_validate_json(json.dumps(event["data"]))


@pytest.mark.parametrize("row", WRITES, ids=lambda row: row.path)
def test_a_change_publishes_one_valid_event_and_its_repeat_none(
    world: World, published: Published, row: Any
) -> None:
    body = {**SCENES[row.path](world), "idempotency_key": "k"}
    before = len(published(world.code))
    assert world.owner(row.path, body).status == 200
    if row.binds_key:
        assert world.owner(row.path, body).replayed
    assert world.owner(row.path, {**body, "no_such_field": 1}).status == 400
    new = published(world.code)[before:]
    assert len(new) == 1
    check_valid(new[0])
    assert route_of(new[0]["action"]) == row, "docs/events.md names the route"
    assert new[0]["orgcode"] == world.code
    assert new[0]["request_context"]["actor"].startswith("user_guid:")


def test_the_data_of_an_event_has_no_place_for_what_its_shape_does_not_know() -> None:
    record = AccountCodeRecord(account_guid="acct_1")
    known = event_data(AccountStatusChanged, record, status="closed")
    assert (known["account_guid"], known["status"]) == ("acct_1", "closed")
    with pytest.raises(AssertionError):
        event_data(AccountStatusChanged, record, stauts="closed")


def test_an_unchanged_record_publishes_nothing(world: World, published: Published) -> None:
    guid = world.account(tags=["a"])["account_guid"]
    before = len(published(world.code))
    same = {"account_guid": guid, "expected_revision": 1, "account": {"tags": ["a"]}, **WHY}
    assert world.owner("/account/update", same).body["revision"] == 1
    status = {"account_guid": guid, "expected_revision": 1, "status": "active", **WHY}
    assert world.owner("/account/status/set", status).body["revision"] == 1
    assert published(world.code)[before:] == []


def test_revisions_in_events_rise_without_a_gap(world: World, published: Published) -> None:
    guid = world.account()["account_guid"]
    for n in range(5):
        body = {"account_guid": guid, "amount": euro(10), "order_ref": f"{n}"}
        assert (
            world.owner("/account/credit/consume", {**body, "expected_revision": n + 1}).status
            == 200
        )
    events = [e for e in published(world.code) if e["aggregate_id"] == guid]
    assert [e["aggregate_revision"] for e in events] == [1, 2, 3, 4, 5, 6]
    assert len({e["event_id"] for e in events}) == 6


def test_no_personal_value_is_in_an_event(world: World, published: Published) -> None:
    planted = "Zanzibarovich"
    guid = world.account(company_name=planted, legal_name=planted, email=f"{planted}@example.com")
    world.contact(guid["account_guid"], first_name=planted, title=planted)
    body = {
        "account_guid": guid["account_guid"],
        "expected_revision": 1,
        "account": {"website": f"https://{planted}.example"},
        "reason": planted,
        "source_refs": WHY["source_refs"],
    }
    assert world.owner("/account/update", body).status == 200
    events = published(world.code)
    assert len(events) == 3
    assert planted not in json.dumps(events)
    assert events[-1]["reason"] == "see-record"


# ---------------------------------------------------------------- the publisher by itself


def record(name: str, new: str | None, old: str | None) -> dict[str, Any]:
    def image(change: str) -> dict[str, Any]:
        return {
            "pk": {"S": "O#ACME#K#1"},
            "change_id": {"S": change},
            "events": {"S": '[{"action": "account-updated"}]'},
        }

    images = {"NewImage": new, "OldImage": old}
    return {
        "eventName": name,
        "dynamodb": {"SequenceNumber": "1"}
        | {k: image(v) for k, v in images.items() if v is not None},
    }


def test_only_a_new_change_is_published() -> None:
    assert len(publishing.events_of(record("INSERT", "a", None))) == 1
    assert len(publishing.events_of(record("MODIFY", "b", "a"))) == 1
    assert publishing.events_of(record("MODIFY", "a", "a")) == []
    assert publishing.events_of(record("REMOVE", None, "a")) == []


class Bus:
    """A bus that answers every entry alike."""

    def __init__(self, code: str | None) -> None:
        self.code = code

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        entry = {"EventId": "1"} if self.code is None else {"ErrorCode": self.code}
        return {"FailedEntryCount": int(self.code is not None), "Entries": [entry for _ in Entries]}


class Queue:
    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send_message(self, **message: Any) -> None:
        self.sent.append(message)


@pytest.mark.parametrize(
    ("code", "failed", "kept"),
    [(None, 0, 0), ("ThrottlingException", 1, 0), ("MalformedDetail", 0, 1)],
)
def test_what_the_bus_refuses_is_repeated_or_kept(code: str | None, failed: int, kept: int) -> None:
    queue = Queue()
    clients.use(events=Bus(code), sqs=queue)
    try:
        answer = handler.lambda_handler({"Records": [record("INSERT", "a", None)]}, None)
    finally:
        clients.use(events=None, sqs=None)
    assert len(answer["batchItemFailures"]) == failed
    assert len(queue.sent) == kept

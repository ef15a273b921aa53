"""What becomes of notifications about a customer, and about the customer's records, while the
customer is deleted or anonymized, and afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lambdas.inbox import storage
from shared.keys import of_org
from shared.settings import settings
from tests.builders import WHY, Response, World, euro
from tests.conftest import Database
from tests.faults import Faults, then
from tests.lambdas.inbox.team import TEAM, create, get, listed, state, status

pytestmark = pytest.mark.usefixtures("emptied")
Published = Callable[[str], list[dict[str, Any]]]
WORDS = {
    "title": "needle title",
    "body": "needle body",
    "dedupe_key": "needle key",
    "metadata": {"needle": "needle"},
}


def ada(world: World) -> str:
    return str(world.customer(first_name="Ada")["customer_guid"])


def about(guid: str) -> dict[str, str]:
    return {"record_type": "customer", "record_id": guid}


def begin(world: World, guid: str, job_kind: str) -> None:
    """Marks the customer as the first transaction of an erasure does."""
    world.set_state(guid, job_id="job_1", job_kind=job_kind)


def fence(world: World, database: Database, note: dict[str, Any]) -> None:
    """Fences a notification as a deletion does with what is said about its customer."""
    pk, sk = storage.notification_at(of_org(world.code), note["notification_id"]).key
    database.client.update_item(
        TableName=settings().table_name,
        Key={"pk": {"S": pk}, "sk": {"S": sk}},
        UpdateExpression="SET fenced_by = :job ADD revision :one",
        ExpressionAttributeValues={":job": {"S": "job_1"}, ":one": {"N": "1"}},
    )


def erase(world: World, guid: str, how: str) -> dict[str, Any]:
    answer = world.owner(f"/customer/{how}", {"customer_guid": guid, **WHY})
    return dict(answer.data)


def require_busy(answer: Response) -> None:
    assert (answer.status, answer.tag) == (409, "busy"), answer.body
    assert answer.body["error"]["retryable"] is True
    assert "data" not in answer.body
    assert "revision" not in answer.body


# ---------------------------------------------------------------- once it has begun


@pytest.mark.parametrize("job_kind", ["delete", "anonymize"])
@pytest.mark.parametrize("owned", [False, True], ids=["the customer", "a subscription"])
def test_every_write_is_busy_and_shows_and_leaves_nothing(
    world: World, database: Database, published: Published, job_kind: str, owned: bool
) -> None:
    guid = ada(world)
    named = subscription(world, guid) if owned else about(guid)
    live, claimed, done = (create(world, **named, dedupe_key=key) for key in ("k1", "k2", "k3"))
    state(world.owner, claimed, "claimed")
    state(world.owner, done, "done")
    archived = create(world, **named)
    status(world, archived, "archived", 1)
    other = world.person("crm_view")
    begin(world, guid, job_kind)
    before, events = database.items(world.code), published(world.code)
    stale = {"expected_revision": 77}
    for refused in (
        world.owner("/inbox/create", {"title": "x", **TEAM, **named}),
        world.owner("/inbox/create", {"title": "x", **TEAM, "dedupe_key": "k1"}),
        state(world.owner, live, "claimed"),
        state(world.owner, live, "pending"),
        state(world.owner, live, "pending", **stale),
        state(world.owner, live, "pending", snoozed_until="2020-01-01T00:00:00Z"),
        state(world.owner, claimed, "claimed"),
        state(other, claimed, "claimed"),
        state(other, claimed, "done"),
        state(world.owner, done, "done"),
        state(world.owner, done, "claimed"),
        state(world.owner, archived, "claimed"),
        status(world, live, "archived", 1),
        status(world, live, "inbox", 1),
        status(world, live, "archived", 7),
        status(world, archived, "inbox", 2),
    ):
        require_busy(refused)
    assert database.items(world.code) == before
    assert published(world.code) == events


@pytest.mark.parametrize("job_kind", ["delete", "anonymize"])
@pytest.mark.parametrize("what", ["create", "repeat", "claim", "archive"])
def test_an_erasure_that_begins_between_read_and_write_stops_the_write(
    world: World, database: Database, faults: Faults, job_kind: str, what: str
) -> None:
    guid = ada(world)
    note = create(world, **about(guid), dedupe_key="k1")
    begun: list[list[dict[str, Any]]] = []

    def act() -> None:
        begin(world, guid, job_kind)
        begun.append(database.items(world.code))

    key = "k1" if what == "repeat" else "k2"
    body = {"title": "x", **TEAM, **about(guid), "dedupe_key": key}
    calls: dict[str, Callable[[], Response]] = {
        "create": lambda: world.owner("/inbox/create", body),
        "repeat": lambda: world.owner("/inbox/create", body),
        "claim": lambda: state(world.owner, note, "claimed"),
        "archive": lambda: status(world, note, "archived", 1),
    }
    at = 2 if what == "repeat" else 1
    faults.inject(then(act), operation="transact_write_items", at=at)
    require_busy(calls[what]())
    assert faults.pending == 0
    assert database.items(world.code) == begun[0]


def test_a_fenced_one_is_not_found_by_reads_and_replays_and_busy_to_writes(
    world: World, database: Database
) -> None:
    sent = {**WORDS, **TEAM, **about(ada(world)), "idempotency_key": "k"}
    note = world.owner("/inbox/create", sent).data["notification"]
    claim = {"idempotency_key": "k"}
    assert state(world.owner, note, "claimed", **claim).status == 200
    assert world.owner("/inbox/create", sent).replayed
    assert state(world.owner, note, "claimed", **claim).replayed
    fence(world, database, note)
    gone = [
        get(world, note),
        world.owner("/inbox/create", sent),
        state(world.owner, note, "claimed", **claim),
    ]
    assert [(answer.status, answer.tag) for answer in gone] == [(404, "not-found")] * 3
    require_busy(state(world.owner, note, "done"))
    require_busy(status(world, note, "archived", 2))
    require_busy(world.owner("/inbox/create", {**WORDS, **TEAM}))


# ---------------------------------------------------------------- afterwards


def subscription(world: World, guid: str) -> dict[str, str]:
    plan = {"customer_id": guid, "plan_id": "P-1", "frequency": "monthly"}
    made = world.owner("/subscription/create", {"subscription": plan, **WHY}).data["subscription"]
    return {"record_type": "subscription", "record_id": made["subscription_id"]}


def warranty(world: World, guid: str) -> dict[str, str]:
    owned = {"serial_number": "S-1", "expires_on": None, "customer_id": guid}
    made = world.owner("/warranty/register", {"warranty": owned, **WHY}).data["warranty"]
    return {"record_type": "warranty", "record_id": made["warranty_id"]}


def certificate(world: World, guid: str) -> dict[str, str]:
    papers = {"certificate_id": "C-1", "certificate_code": "DE-1", "status": "active"}
    body = {"certificate": {**papers, "customer_guid": guid}, **WHY}
    assert world.owner("/exemption/certificate/create", body).status == 200
    return {"record_type": "certificate", "record_id": "C-1"}


def card(world: World, guid: str) -> dict[str, str]:
    body = {"amount": euro(500), "customer_guid": guid, **WHY}
    made = world.owner("/giftcard/issue", body).data["stored_value"]
    return {"record_type": "gift_card", "record_id": made["card_id"]}


def comment(world: World, guid: str) -> dict[str, str]:
    body = {"target_type": "customer", "target_id": guid, "body": "x"}
    made = world.owner("/comment", body).data["comment"]
    return {"record_type": "comment", "record_id": made["comment_id"]}


def notification(world: World, guid: str) -> dict[str, str]:
    made = create(world, **about(guid))
    return {"record_type": "notification", "record_id": made["notification_id"]}


ABOUT: dict[str, Callable[[World, str], dict[str, str]]] = {
    "the customer": lambda _, guid: about(guid),
    "a subscription": subscription,
    "a warranty": warranty,
    "a certificate": certificate,
    "a comment": comment,
    "a notification": notification,
    "a card": card,
}
STAYS = {"a card"}
"""What a deletion cuts off from the customer, and leaves."""
each = pytest.mark.parametrize("what", ABOUT)


@each
@pytest.mark.parametrize("merged", [False, True], ids=["", "merged"])
def test_a_deletion_takes_those_about_the_customer_and_what_goes_with_it(
    world: World, database: Database, what: str, merged: bool
) -> None:
    guid, here = ada(world), ada(world)
    named = ABOUT[what](world, guid)
    sent = {**WORDS, **TEAM, **named, "idempotency_key": "k"}
    note = world.owner("/inbox/create", sent).data["notification"]
    other = create(world, title="stays", **about(here if not merged else ada(world)))
    if merged:
        pair = {"source_customer_guid": guid, "target_customer_guid": here, **WHY}
        assert world.owner("/customer/merge", pair).status == 200
    erase(world, here if merged else guid, "delete")
    assert "needle" not in json.dumps(database.items(world.code))
    stays = [note["notification_id"]] if what in STAYS else []
    assert listed(world, **TEAM) == [other["notification_id"], *stays]
    assert get(world, note).status == (200 if stays else 404)
    if stays:
        return
    # The answer and the key went with it.
    assert world.owner("/inbox/create", sent).status == 404
    again = create(world, **{**WORDS, "title": "new"})
    assert again["notification_id"] != note["notification_id"]
    assert again["occurrences"] == 1


@each
def test_an_anonymization_takes_the_words_and_leaves_the_work(
    world: World, database: Database, what: str
) -> None:
    guid = ada(world)
    named = ABOUT[what](world, guid)
    sent = {**WORDS, **TEAM, **named, "priority": "high", "idempotency_key": "k"}
    note = world.owner("/inbox/create", sent).data["notification"]
    note = state(world.owner, note, "claimed").data["notification"]
    erase(world, guid, "anonymize")
    assert "needle" not in json.dumps(database.items(world.code))
    left = get(world, note).data["notification"]
    assert "metadata" not in left
    assert all(left[name].startswith("redacted-") for name in ("title", "body", "dedupe_key"))
    same = ("record_type", "record_id", "priority", "status", "state", "claimed_by", "occurrences")
    assert [left[name] for name in same] == [note[name] for name in same]
    for asked in (TEAM, named, {**TEAM, **named}):
        items = world.owner("/inbox/list", asked).data["items"]
        (told,) = [i for i in items if i["notification_id"] == note["notification_id"]]
        assert told["title"].startswith("redacted-")
        assert [told[name] for name in same] == [note[name] for name in same]
    replay = world.owner("/inbox/create", sent)
    assert (replay.status, replay.replayed) == (200, True)
    assert "needle" not in json.dumps(replay.body)
    # The work goes on, and the key that people wrote is free.
    assert state(world.owner, note, "done").status == 200
    assert status(world, note, "archived", left["revision"] + 1).status == 200
    again = create(world, dedupe_key=WORDS["dedupe_key"])
    assert again["occurrences"] == 1
    assert state(world.owner, note, "done").status == 200


@pytest.mark.parametrize("how", ["anonymize", "delete"])
@pytest.mark.parametrize("at", [1, 2])
def test_a_repeat_that_an_erasure_overtakes_is_a_notification_of_its_own(
    world: World, faults: Faults, how: str, at: int
) -> None:
    guid = ada(world)
    note = create(world, dedupe_key="k", **about(guid))
    overtaking = then(lambda: erase(world, guid, how))
    faults.inject(overtaking, operation="transact_write_items", at=at)
    made = create(world, dedupe_key="k")
    assert faults.pending == 0
    assert made["notification_id"] != note["notification_id"]
    assert (made["occurrences"], create(world, dedupe_key="k")["occurrences"]) == (1, 2)


def test_those_to_a_team_about_nobody_stay(world: World, database: Database) -> None:
    """An erasure knows what a notification is about, and not what its text says."""
    note, order = create(world), create(world, record_type="order", record_id="SO-1")
    for how in ("anonymize", "delete"):
        erase(world, ada(world), how)
    assert listed(world, **TEAM) == [order["notification_id"], note["notification_id"]]
    kinds = [item["record_kind"]["S"] for item in database.items(world.code)]
    assert (kinds.count("notification"), kinds.count("notification_link")) == (2, 1)

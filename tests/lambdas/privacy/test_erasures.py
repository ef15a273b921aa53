"""Who is erased and who is not: refusals in their order, dry runs, repeats, merged customers."""

from __future__ import annotations

from typing import Any

import pytest

from shared.codec import KIND
from tests.builders import WHY, Response, World, euro
from tests.conftest import Database
from tests.lambdas.loyalty.tills import policy

DELETE, ANONYMIZE = "/customer/delete", "/customer/anonymize"
either = pytest.mark.parametrize("path", [DELETE, ANONYMIZE])


def erase(world: World, path: str, guid: str, **more: Any) -> Response:
    return world.owner(path, {"customer_guid": guid, **WHY, **more})


def customer(world: World, **fields: Any) -> str:
    return str(world.customer(**{"first_name": "Ada", **fields})["customer_guid"])


def merged(world: World, source: str, target: str) -> None:
    pair = {"source_customer_guid": source, "target_customer_guid": target, **WHY}
    assert world.owner("/customer/merge", pair).status == 200


def flagged(world: World, guid: str, **flag: Any) -> str:
    body = {"customer_guid": guid, "flag": {"flag_type": "legal_hold", **flag}, **WHY}
    return str(world.owner("/customer/flag/set", body).data["flag"]["flag_id"])


@either
def test_a_legal_hold_forbids_both_until_it_is_resolved(
    world: World, database: Database, path: str
) -> None:
    guid = customer(world)
    flag_id = flagged(world, guid)
    before = database.items(world.code)
    for more in ({}, {"dry_run": True}, {"idempotency_key": "k"}):
        answer = erase(world, path, guid, **more)
        assert (answer.status, answer.tag) == (409, "legal-hold")
    assert database.items(world.code) == before
    ended = {"flag_id": flag_id, "flag_type": "legal_hold", "status": "resolved"}
    body = {"customer_guid": guid, "flag": ended, "expected_revision": 1, **WHY}
    assert world.owner("/customer/flag/set", body).status == 200
    assert erase(world, path, guid).status == 200


@either
def test_a_legal_hold_that_comes_before_a_merge_forbids_both_afterwards(
    world: World, path: str
) -> None:
    source, target = customer(world), customer(world)
    flagged(world, target)
    merged(world, source, target)
    for guid in (source, target):
        assert erase(world, path, guid).tag == "legal-hold"


@either
def test_another_revision_is_a_conflict_that_shows_the_customer(world: World, path: str) -> None:
    guid = customer(world)
    answer = erase(world, path, guid, expected_revision=7)
    assert (answer.tag, answer.detail) == ("conflict", {"current_revision": 1})
    assert answer.body["data"]["customer"]["customer_guid"] == guid
    assert erase(world, path, guid, expected_revision=1).status == 200


@either
def test_a_dry_run_tells_what_would_be_and_writes_nothing(
    world: World, database: Database, path: str
) -> None:
    guid = customer(world, email="ada@example.com")
    before = database.items(world.code)
    trial = erase(world, path, guid, dry_run=True, idempotency_key="k").data
    assert trial["dry_run"] is True
    assert database.items(world.code) == before
    real = erase(world, path, guid, idempotency_key="k").data
    if path == DELETE:
        assert {k: trial[k] for k in ("items_deleted", "receipt")} == {
            k: real[k] for k in ("items_deleted", "receipt")
        }
        assert "receipt_proof" not in trial
    else:
        assert trial["customer"]["status"] == real["customer"]["status"] == "anonymized"
        assert trial["customer"].keys() == real["customer"].keys()


@either
def test_while_one_erasure_runs_the_other_is_busy(world: World, path: str) -> None:
    guid = customer(world)
    other = "anonymize" if path == DELETE else "delete"
    world.set_state(guid, job_id="job_1", job_kind=other)
    answer = erase(world, path, guid)
    assert (answer.status, answer.tag) == (409, "busy")


@either
def test_a_key_of_another_request_is_refused(world: World, path: str) -> None:
    first, second = customer(world), customer(world)
    assert erase(world, path, first, idempotency_key="k").status == 200
    answer = erase(world, path, second, idempotency_key="k")
    assert (answer.status, answer.tag) == (409, "idempotency-key-reused")
    assert world.owner("/customer/get", {"customer_guid": second}).status == 200


def test_an_anonymized_customer_answers_the_same_stub_whatever_is_sent(world: World) -> None:
    guid = customer(world, email="ada@example.com", date_of_birth="1990-01-01")
    stub = erase(world, ANONYMIZE, guid).data["customer"]
    assert stub["status"] == "anonymized"
    assert stub["first_name"].startswith("redacted-")
    assert not {"email", "date_of_birth"} & stub.keys()
    for more in ({}, {"expected_revision": 77}, {"idempotency_key": "another"}):
        again = erase(world, ANONYMIZE, guid, **more)
        assert again.replayed
        assert again.data["customer"] == stub
    assert world.owner("/customer/get", {"customer_guid": guid}).data["customer"] == stub


def test_an_anonymized_customer_is_not_written_to_but_may_be_deleted(world: World) -> None:
    policy(world)
    guid = customer(world)
    erase(world, ANONYMIZE, guid)
    earn = {"customer_guid": guid, "order_ref": "SO-1", "amount": euro(500), **WHY}
    assert world.owner("/loyalty/earn", earn).tag == "invalid-state"
    balance = world.owner("/loyalty/balance/get", {"customer_guid": guid})
    assert balance.status == 200
    done = erase(world, DELETE, guid).data
    assert done["receipt"]["customer_profile"]["deleted"] == 1
    assert erase(world, ANONYMIZE, guid).status == 404


def test_points_outlive_an_anonymization_and_the_chain_holds(world: World) -> None:
    policy(world)
    guid = customer(world)
    earn = {"customer_guid": guid, "order_ref": "SO-1", "amount": euro(500), **WHY}
    assert world.owner("/loyalty/earn", earn).status == 200
    points = world.owner("/loyalty/balance/get", {"customer_guid": guid}).data["balance"]
    erase(world, ANONYMIZE, guid)
    after = world.owner("/loyalty/balance/get", {"customer_guid": guid}).data["balance"]
    assert after["available_points"] == points["available_points"] > 0
    ledger = world.owner("/loyalty/ledger/list", {"customer_guid": guid}).data["transactions"]
    assert ledger[0]["order_ref"] == "SO-1"
    assert "source_refs" not in ledger[0]
    assert ledger[0]["reason"].startswith("redacted-")


def test_a_replay_after_an_anonymization_tells_of_the_redacted_record(world: World) -> None:
    body = {"customer": {"first_name": "Needle"}, "idempotency_key": "k", **WHY}
    made = world.owner("/customer/create", body).data["customer"]
    stub = erase(world, ANONYMIZE, made["customer_guid"]).data["customer"]
    again = world.owner("/customer/create", body)
    assert again.replayed
    assert again.data["customer"]["first_name"] == stub["first_name"] != "Needle"
    erase(world, DELETE, made["customer_guid"])
    assert world.owner("/customer/create", body).status == 404


@either
def test_a_merged_customer_is_erased_with_its_survivor(
    world: World, database: Database, path: str
) -> None:
    source, target = customer(world, first_name="Needle"), customer(world)
    merged(world, source, target)
    data = erase(world, path, source).data
    assert data["redirected_from"] == source
    found = data["customer"]["customer_guid"] if path == ANONYMIZE else data["customer_guid"]
    assert found == target
    assert "Needle" not in str(database.items(world.code))
    for guid in (source, target):
        status = world.owner("/customer/get", {"customer_guid": guid}).status
        assert status == (200 if path == ANONYMIZE else 404)
        assert erase(world, path, guid).replayed


def test_a_deleted_e_mail_does_not_come_back_unasked(world: World) -> None:
    erase(world, DELETE, customer(world, email="ada@example.com"))
    body: dict[str, Any] = {"customer": {"email": "ada@example.com"}, **WHY}
    answer = world.owner("/customer/create", body)
    assert (answer.status, answer.tag) == (409, "already-exists")
    assert answer.body["error"]["minor"][0]["tag"] == "suppressed"
    assert world.owner("/customer/create", {**body, "override_suppression": True}).status == 200


def test_a_card_stays_worth_what_it_was_and_names_nobody(world: World, database: Database) -> None:
    guid = customer(world)
    issue = {"customer_guid": guid, "amount": euro(500), "memo": "for Needle", **WHY}
    code = world.owner("/giftcard/issue", issue).data["stored_value"]["card_code"]
    receipt = erase(world, DELETE, guid).data["receipt"]
    assert receipt["gift_card"] == {
        "deleted": 0,
        "kept": 0,
        "redacted": 0,
        "unlinked": 1,
        "basis": "belongs-to-bearer",
    }
    card = world.owner("/giftcard/get", {"card_code": code}).data["stored_value"]
    assert card["balance"] == euro(500)
    (stored,) = (i for i in database.items(world.code) if i[KIND]["S"] == "gift_card")
    assert guid not in str(stored)
    assert "Needle" not in str(stored)


@either
def test_only_a_privacy_role_may_and_in_every_org_status_but_one(world: World, path: str) -> None:
    guid = customer(world)
    body = {"customer_guid": guid, **WHY}
    assert world.person("crm_manage")(path, body).status == 403
    world.set_org("frozen")
    assert world.person("crm_privacy_admin")(path, body).status == 200


@either
def test_of_notifications_that_had_one_key_after_the_other_none_stands_in_the_way(
    world: World, database: Database, path: str
) -> None:
    """Their guard is one item, and one transaction may not remove it twice."""
    guid = customer(world)
    note = {"title": "call", "team_guid": "T1", "dedupe_key": "once"}
    about = {"record_type": "customer", "record_id": guid}
    for _ in range(3):
        made = world.owner("/inbox/create", {**note, **about, **WHY}).data["notification"]
        done = {"notification_id": made["notification_id"], "state": "done"}
        assert world.owner("/inbox/state", {**done, **WHY}).status == 200
    assert world.owner("/inbox/create", {**note, **about, **WHY}).status == 200
    answer = erase(world, path, guid)
    assert (answer.status, answer.body.get("error")) == (200, None)
    kinds = [item[KIND]["S"] for item in database.items(world.code)]
    assert kinds.count("notification") == (0 if path == DELETE else 4)
    assert "live_notification" not in kinds

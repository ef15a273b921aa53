"""The org's own refusals: STOP without a customer, and what an erasure leaves."""

from __future__ import annotations

import json
from typing import Any

from lambdas.customer.models.records import SuppressionRecord
from shared.codec import Item, decode
from shared.keys import of_org
from tests.builders import WHY, Response, World, store
from tests.conftest import Database
from tests.faults import Faults, then
from tests.lambdas.customer.consents import (
    MAIL,
    PHONE,
    Published,
    agreed,
    consent,
    contact,
    later,
    proven,
    read,
    say,
    text,
)

# ---------------------------------------------------------------- without a customer


def stored(database: Database, world: World, kind: str, value: str) -> SuppressionRecord:
    place = of_org(world.code).suppressed(kind, value)
    (item,) = (i for i in database.items(world.code) if (i["pk"]["S"], i["sk"]["S"]) == place)
    found: SuppressionRecord = decode(SuppressionRecord, item)
    return found


def test_stop_from_a_shared_phone_reaches_all_who_have_it(
    world: World, database: Database, published: Published
) -> None:
    guids = [world.customer(phone=PHONE)["customer_guid"] for _ in range(2)]
    say(world, guids[0], proven(-5, "SMS"), proven(-5, "EMAIL"))
    say(world, guids[1], proven(-5, "SMS", contact_point=PHONE))
    assert all(contact(world, guids[0]).values())
    stop = consent("withdrawn", "SMS", contact_point="(202) 555-0123")
    done = say(world, None, stop, at=1)
    assert "customer_guid" not in done.data
    assert "revision" not in done.body
    (row,) = done.data["consents"]
    assert (row["applied"], row["channel"]) == (True, "SMS")
    assert contact(world, guids[0], at=1) == {("SMS", ""): False, ("EMAIL", ""): True}
    assert contact(world, guids[1], at=1) == {("SMS", PHONE): False}
    assert stored(database, world, "phone", PHONE).refused_at == later(1)
    # Whoever gets the number later is asked again too.
    third = world.customer(phone=PHONE)["customer_guid"]
    say(world, third, consent("granted", "SMS"), at=2)
    assert contact(world, third, at=2) == {("SMS", ""): False}
    agreed(world, third, proven(3, "SMS"), at=3)
    assert contact(world, third, at=3) == {("SMS", ""): True}
    *_, event = (e for e in published(world.code) if "customer_guid" not in e["data"])
    assert event["action"] == "customer-consent-set"
    assert "5550123" not in json.dumps(event)
    assert stored(database, world, "phone", PHONE).erased_at is None


def test_a_stop_that_is_older_than_the_last_changes_nothing(
    world: World, database: Database, published: Published
) -> None:
    def stop(minutes: float) -> None:
        given = consent("withdrawn", contact_point=MAIL, effective_at=text(minutes))
        assert say(world, None, given, at=60).status == 200

    for minutes in (10, 5, 10, 20):
        stop(minutes)
    assert stored(database, world, "email", MAIL).refused_at == later(20)
    assert len(published(world.code)) == 2


def test_several_refusals_of_one_point_in_a_call_are_one(world: World, database: Database) -> None:
    points = (MAIL, MAIL.upper(), PHONE, "device-1")
    given = [
        consent("denied", None, contact_point=point, effective_at=text(-n))
        for n, point in enumerate(points)
    ]
    assert len(say(world, None, *given).data["consents"]) == 4
    assert stored(database, world, "email", MAIL).refused_at == later(0)
    assert stored(database, world, "other", "device-1").refused_at == later(-3)


def test_a_repeat_of_a_stop_gets_its_answer_and_keeps_no_contact_point(
    world: World, database: Database
) -> None:
    first = say(world, None, consent("denied", contact_point=MAIL), idempotency_key="k")
    again = say(world, None, consent("denied", contact_point=MAIL), at=5, idempotency_key="k")
    assert again.replayed
    assert again.data == first.data
    assert MAIL not in json.dumps(database.items(world.code))
    other = say(world, None, consent("denied", contact_point=PHONE), idempotency_key="k")
    assert other.tag == "idempotency-key-reused"


def test_two_stops_at_once_keep_the_later(world: World, database: Database, faults: Faults) -> None:
    faults.inject(
        then(lambda: say(world, None, consent("denied", contact_point=MAIL), at=9)),
        operation="transact_write_items",
    )
    assert say(world, None, consent("denied", contact_point=MAIL)).status == 200
    assert stored(database, world, "email", MAIL).refused_at == later(9)


# ---------------------------------------------------------------- what an erasure leaves


def erased(world: World, kind: str, value: str, minutes: float) -> None:
    record = SuppressionRecord(refused_at=later(minutes), erased_at=later(minutes))
    store(Item(of_org(world.code).suppressed(kind, value), record))


def create(world: World, at: float = 0, **customer: Any) -> Response:
    return world.owner("/customer/create", {"customer": customer, **WHY}, now=later(at))


def test_who_comes_back_after_an_erasure_is_not_contacted_without_a_new_yes(world: World) -> None:
    erased(world, "email", MAIL, 0)
    back = consent("granted", effective_at=text(1))
    made = create(world, at=2, email=MAIL, consents=[back, proven(-5, "NEWS", contact_point=MAIL)])
    guid = made.data["customer"]["customer_guid"]
    assert contact(world, guid, at=2) == {("EMAIL", ""): True, ("NEWS", MAIL): False}
    override = {"customer": {"email": MAIL, "consents": [consent("granted")]}, **WHY}
    world.owner("/customer/update", {"customer_guid": guid, "customer": {"email": None},
                                     "expected_revision": 1, **WHY})  # fmt: skip
    again = world.owner(
        "/customer/create", {**override, "override_suppression": True}, now=later(3)
    )
    assert again.status == 200
    assert contact(world, again.data["customer"]["customer_guid"], at=3) == {("EMAIL", ""): False}


def test_an_update_does_not_bring_back_what_was_erased(world: World) -> None:
    guid = world.customer(phone=PHONE)["customer_guid"]
    erased(world, "email", MAIL, 0)
    erased(world, "phone", "+12025550100", 0)

    def update(**more: Any) -> Response:
        body = {"customer_guid": guid, "expected_revision": 1, **WHY, **more}
        return world.owner("/customer/update", body)

    refused = update(customer={"alternate_emails": [MAIL]})
    assert (refused.tag, refused.fields) == ("already-exists", ["customer.alternate_emails.0"])
    assert refused.body["error"]["minor"][0]["tag"] == "suppressed"
    # A phone that several may have is taken; its refusal of contact counts.
    assert update(customer={"alternate_phones": ["+12025550100"]}).status == 200
    say(world, guid, consent("granted", "SMS"), at=5)
    (row,) = read(world, guid, at=5).data["consents"]
    assert (row["can_contact"], row["contact_points"]) == (False, [PHONE])
    editor = world.person("crm_edit")
    body = {"customer_guid": guid, "customer": {"email": MAIL}, "override_suppression": True, **WHY}
    body["expected_revision"] = 2
    assert editor("/customer/update", body).fields == ["override_suppression"]
    assert world.person("crm_privacy_admin")("/customer/update", body).status == 200


def test_a_refusal_without_an_erasure_stops_no_creation(world: World) -> None:
    say(world, None, consent("denied", contact_point=MAIL))
    guid = create(world, email=MAIL).data["customer"]["customer_guid"]
    assert say(world, guid, consent("granted"), at=1).status == 200
    assert contact(world, guid, at=1) == {("EMAIL", ""): False}


def test_the_email_of_one_who_is_being_deleted_is_refused_as_it_will_be(world: World) -> None:
    guid = world.customer(email=MAIL)["customer_guid"]
    world.set_state(guid, job_id="job_1", job_kind="delete")
    refused = create(world, email=MAIL)
    assert refused.body["error"]["minor"][0]["tag"] == "suppressed"
    assert refused.detail == {}
    world.set_state(guid, job_id="job_1", job_kind="anonymize")
    assert create(world, email=MAIL).detail == {"customer_guid": guid}


def test_an_update_that_one_transaction_does_not_hold_is_refused(world: World) -> None:
    def values(name: str) -> dict[str, Any]:
        return {
            "email": f"{name}@example.com",
            "alternate_emails": [f"{name}{n}@example.com" for n in range(10)],
            "phone": f"+1212555{name}00",
            "alternate_phones": [f"+1202555{n:02}{name}" for n in range(10)],
            "external_refs": [{"kind": name, "id": f"{n}"} for n in range(20)],
            "customer_code": name,
        }

    guid = world.customer(**values("10"))["customer_guid"]
    body = {"customer_guid": guid, "expected_revision": 1, "customer": values("11"), **WHY}
    refused = world.owner("/customer/update", body)
    assert (refused.status, refused.fields) == (400, ["customer"])
    less = {k: v for k, v in values("11").items() if k != "external_refs"}
    assert world.owner("/customer/update", {**body, "customer": less}).status == 200

"""Profiles through the real door: create, get, list, search, update."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambdas.customer.models.records import SuppressionRecord
from shared.codec import Item
from shared.customer_guard import CustomerGuard
from shared.errors import HoldPending, InvalidState
from shared.keys import of_org
from shared.records import Records
from shared.settings import OrgSettings
from shared.table import Table
from tests.builders import WHY, Response, World, store
from tests.meter import Meter

ADA: dict[str, Any] = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "Ada@Example.com",
    "alternate_emails": ["ada@example.com", "countess@example.org"],
    "phone": "(202) 555-0123",
    "customer_code": "Ada-1",
    "external_refs": [{"kind": "shop", "id": "9"}],
    "addresses": [{"city": "London", "country": "GB"}],
    "date_of_birth": "1815-12-10",
    "language": "en-gb",
}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def create(world: World, customer: dict[str, Any], **more: Any) -> Response:
    return world.owner("/customer/create", {"customer": customer, **WHY, **more})


def update(world: World, guid: str, customer: dict[str, Any], revision: int = 1) -> Response:
    body = {"customer_guid": guid, "customer": customer, "expected_revision": revision, **WHY}
    return world.owner("/customer/update", body)


def guids(answer: Response) -> list[str]:
    return [customer["customer_guid"] for customer in answer.data["customers"]]


# ---------------------------------------------------------------- create


def test_a_customer_is_shown_in_normal_form_and_repeats_no_value(world: World) -> None:
    customer = create(world, ADA).data["customer"]
    assert customer["email"] == "Ada@Example.com"
    assert customer["alternate_emails"] == ["countess@example.org"]
    assert customer["phone"] == "+12025550123"
    assert customer["language"] == "en-GB"
    assert (customer["kind"], customer["status"], customer["revision"]) == (
        "individual",
        "active",
        1,
    )


def test_everything_about_a_customer_is_optional(world: World) -> None:
    assert create(world, {}).data["customer"]["customer_guid"].startswith("cust_")


def test_creating_and_getting_take_the_trips_that_they_may(world: World, meter: Meter) -> None:
    assert world.owner("/customer/get", "cust_0").status == 404  # who calls is known from now on
    with meter.measuring() as created:
        guid = create(world, ADA).data["customer"]["customer_guid"]
    with meter.measuring() as by_guid:
        assert world.owner("/customer/get", guid).status == 200
    with meter.measuring() as by_email:
        assert world.owner("/customer/get", "ada@example.com").status == 200
    with meter.measuring() as updated:
        assert update(world, guid, {"email": "new@example.com"}).status == 200
    trips = [cost[0].trips for cost in (created, by_guid, by_email, updated)]
    assert trips == [1, 1, 2, 2]


def test_a_retry_under_the_same_key_hears_the_same_answer(world: World) -> None:
    first = create(world, ADA, idempotency_key="k")
    again = create(world, ADA, idempotency_key="k")
    assert again.replayed
    assert again.data == first.data
    assert create(world, {}, idempotency_key="k").tag == "idempotency-key-reused"


@pytest.mark.parametrize(
    ("customer", "field"),
    [
        ({"email": "ADA@example.com"}, "customer.email"),
        ({"alternate_emails": ["b@example.com", "ada@example.com"]}, "customer.alternate_emails.1"),
        ({"email": "COUNTESS@example.org"}, "customer.email"),
        ({"customer_code": "ADA-1"}, "customer.customer_code"),
        ({"external_refs": [{"kind": "shop", "id": "9"}]}, "customer.external_refs.0"),
    ],
)
def test_a_taken_value_names_its_field_and_its_owner(
    world: World, customer: dict[str, Any], field: str
) -> None:
    guid = create(world, ADA).data["customer"]["customer_guid"]
    refused = create(world, customer)
    assert (refused.status, refused.tag, refused.fields) == (409, "already-exists", [field])
    assert refused.detail == {"customer_guid": guid}


def test_of_many_who_want_one_email_one_gets_it(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: create(world, {"email": "a@example.com"}), range(8)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 7


def test_an_org_may_share_emails_and_keep_phones_unique(world: World) -> None:
    world.set_org("verified", OrgSettings(email_unique=False, phone_unique=True))
    first = create(world, ADA).data["customer"]["customer_guid"]
    assert create(world, {"email": ADA["email"]}).status == 200
    refused = create(world, {"phone": "+12025550123"})
    assert refused.fields == ["customer.phone"]
    assert refused.detail == {"customer_guid": first}
    shared = world.owner("/customer/get", {"email": ADA["email"]})
    assert (shared.tag, shared.detail) == ("invalid-state", {"count": 2})


def test_all_faults_of_a_customer_are_told_at_once(world: World) -> None:
    refused = create(world, {"phone": "123", "date_of_birth": "2999-01-01"})
    assert sorted(refused.fields) == ["customer.date_of_birth", "customer.phone"]
    refused = create(
        world,
        {
            "customer_code": "CUST_1",
            "external_refs": [{"kind": "a", "id": "b"}] * 2,
            "alternate_phones": ["+12025550123"] * 11,
            "unknown": 1,
        },
    )
    assert sorted(refused.fields) == [
        "customer.alternate_phones",
        "customer.customer_code",
        "customer.external_refs",
        "customer.unknown",
    ]


def suppress(world: World, email: str) -> None:
    place = of_org(world.code).suppressed("email", email)
    store(Item(place, SuppressionRecord(refused_at=NOW, erased_at=NOW)))


def test_a_deleted_customers_email_does_not_return_silently(world: World) -> None:
    suppress(world, "ada@example.com")
    refused = create(world, ADA)
    assert (refused.tag, refused.fields) == ("already-exists", ["customer.email"])
    assert refused.body["error"]["minor"][0]["tag"] == "suppressed"
    editor = world.person("crm_edit")
    body = {"customer": ADA, "override_suppression": True, **WHY}
    assert editor("/customer/create", body).fields == ["override_suppression"]
    assert world.person("crm_privacy_admin")("/customer/create", body).status == 200


def test_a_granted_consent_lifts_the_suppression_and_is_kept(
    world: World, published: Callable[[str], list[dict[str, Any]]]
) -> None:
    suppress(world, "ada@example.com")
    denied = {"consent_type": "marketing", "consent_state": "denied", "channel": "email"}
    assert create(world, {**ADA, "consents": [denied]}).tag == "already-exists"
    granted = {**denied, "consent_state": "granted", "effective_at": "2026-01-01T00:00:00Z"}
    for early in (granted, {**denied, "consent_state": "granted"}):
        refused = create(world, {**ADA, "consents": [early]})
        assert refused.body["error"]["minor"][0]["tag"] == "suppressed"
    granted["effective_at"] = "2026-01-01T00:00:00.001Z"
    assert create(world, {**ADA, "consents": [granted, denied]}).status == 200
    events = {event["action"]: event for event in published(world.code)}
    assert set(events) == {"customer-created", "customer-consent-set"}
    decisions = events["customer-consent-set"]["data"]["decisions"]
    assert [decision["applied"] for decision in decisions] == [False, True]


# ---------------------------------------------------------------- get


@pytest.mark.parametrize(
    "named",
    [
        {"customer_code": "ada-1"},
        {"email": "ADA@example.com"},
        {"email": "countess@example.org"},
        {"phone": "202 555 0123"},
        {"external_ref": {"kind": "shop", "id": "9"}},
        "ADA-1",
        "ada@example.com",
        "+12025550123",
    ],
)
def test_a_customer_is_found_by_each_of_its_values(world: World, named: Any) -> None:
    guid = create(world, ADA).data["customer"]["customer_guid"]
    assert world.owner("/customer/get", named).data["customer"]["customer_guid"] == guid


@pytest.mark.parametrize("field", ["text", "bare"])
def test_what_a_bare_string_may_say_no_unknown_field_may(world: World, field: str) -> None:
    guid = create(world, {}).data["customer"]["customer_guid"]
    refused = world.owner("/customer/get", {field: guid})
    assert (refused.status, refused.tag) == (400, "invalid-input")
    assert field in refused.fields


@pytest.mark.parametrize("named", [{}, {"customer_guid": "x", "email": "a@example.com"}])
def test_a_get_names_exactly_one_value(world: World, named: dict[str, Any]) -> None:
    assert world.owner("/customer/get", named).tag == "invalid-input"


def test_one_who_was_merged_answers_as_the_survivor(world: World) -> None:
    gone = create(world, ADA).data["customer"]["customer_guid"]
    survivor = create(world, {"phone": ADA["phone"]}).data["customer"]["customer_guid"]
    world.set_state(gone, status="merged", merged_into=survivor)
    for named in (gone, "ada@example.com", ADA["customer_code"]):
        answer = world.owner("/customer/get", named).data
        assert answer["customer"]["customer_guid"] == survivor
        assert answer["redirected_from"] == gone
    shared = world.owner("/customer/get", "+12025550123").data
    assert shared["customer"]["customer_guid"] == survivor
    changed = update(world, gone, {"first_name": "Augusta"}).data
    assert changed["customer"]["customer_guid"] == survivor
    assert changed["redirected_from"] == gone


def test_one_who_is_being_deleted_is_gone_and_cannot_change(world: World) -> None:
    guid = create(world, ADA).data["customer"]["customer_guid"]
    world.set_state(guid, job_id="job_1", job_kind="delete")
    assert world.owner("/customer/get", guid).status == 404
    assert world.owner("/customer/search", {"q": "ada@example.com"}).data["customers"] == []
    assert update(world, guid, {"first_name": "B"}).tag == "busy"


# ---------------------------------------------------------------- update


def test_a_changed_email_moves_its_look_up(world: World) -> None:
    guid = create(world, ADA).data["customer"]["customer_guid"]
    customer = update(world, guid, {"email": "new@example.com", "alternate_emails": None}).data
    assert customer["customer"]["revision"] == 2
    assert "alternate_emails" not in customer["customer"]
    assert world.owner("/customer/get", "ada@example.com").status == 404
    assert world.owner("/customer/get", "new@example.com").status == 200
    assert create(world, {"email": "ada@example.com"}).status == 200
    refused = update(world, guid, {"email": "ADA@example.com"}, 2)
    assert (refused.tag, refused.fields) == ("already-exists", ["customer.email"])


def test_an_update_that_changes_nothing_makes_no_event(
    world: World, published: Callable[[str], list[dict[str, Any]]]
) -> None:
    guid = create(world, ADA).data["customer"]["customer_guid"]
    assert update(world, guid, {"email": ADA["email"]}).data["customer"]["revision"] == 1
    assert update(world, guid, {"status": "inactive", "tags": ["vip"]}).status == 200
    assert update(world, guid, {"tags": []}).tag == "conflict"
    events = published(world.code)
    assert [event["action"] for event in events] == ["customer-created", "customer-updated"]
    assert events[1]["data"]["changed"] == ["status", "tags"]
    assert events[1]["data"]["previous_status"] == "active"
    assert "example" not in str(events)
    assert world.state_of(guid).status == "inactive"


def test_an_anonymized_customer_answers_and_cannot_change(world: World) -> None:
    guid = create(world, {}).data["customer"]["customer_guid"]
    world.set_state(guid, status="anonymized")
    assert world.owner("/customer/get", guid).status == 200
    refused = update(world, guid, {"first_name": "B"})
    assert (refused.tag, refused.detail["state"]) == ("invalid-state", "anonymized")


# ---------------------------------------------------------------- lists


def test_a_walk_through_the_list_meets_everyone_once(world: World) -> None:
    made = [world.customer(kind=("individual", "business")[n % 2]) for n in range(7)]
    expected = [one["customer_guid"] for one in reversed(made)]
    assert update(world, expected[2], {"status": "inactive"}).status == 200
    walked: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = world.owner("/customer/list", {"limit": 2, **token})
        walked += guids(page)
        if "next_token" not in page.data:
            break
        token = {"next_token": page.data["next_token"]}
    assert walked == expected
    assert guids(world.owner("/customer/list", {"status": "inactive"})) == [expected[2]]
    assert guids(world.owner("/customer/list", {"kind": "business"})) == expected[1::2]


def test_a_list_shows_no_contact_points(world: World) -> None:
    create(world, ADA)
    (found,) = world.owner("/customer/list").data["customers"]
    assert not found.keys() & {"email", "phone", "alternate_emails", "addresses"}


@pytest.mark.parametrize(
    ("q", "fields"),
    [
        ("lovel", ["last_name"]),
        ("ÁDA lovelace", ["first_name", "customer_code", "email", "last_name"]),
        ("velac", ["last_name"]),
        ("countess", ["alternate_emails"]),
        ("0123", ["phone"]),
    ],
)
def test_words_find_whole_customers(
    world: World, search_kept: Callable[[], None], q: str, fields: list[str]
) -> None:
    guid = create(world, ADA).data["customer"]["customer_guid"]
    search_kept()
    (found,) = world.owner("/customer/search", {"q": q}).data["customers"]
    assert found["customer_guid"] == guid
    assert set(found["match_fields"]) == set(fields)
    assert found["email"] == ADA["email"]
    (listed,) = world.owner("/customer/list", {"q": q}).data["customers"]
    assert "email" not in listed


@pytest.mark.parametrize("q", ["ada@EXAMPLE.com", "+1 202-555-0123", "(202) 555-0123", "ada-1"])
def test_an_exact_value_is_found_before_the_entries_are_made(world: World, q: str) -> None:
    guid = create(world, ADA).data["customer"]["customer_guid"]
    assert guids(world.owner("/customer/search", {"q": q})) == [guid]


def test_nobody_is_found_who_is_merged_anonymized_or_inactive(
    world: World, search_kept: Callable[[], None]
) -> None:
    guid = create(world, ADA).data["customer"]["customer_guid"]
    search_kept()
    assert update(world, guid, {"status": "inactive"}).status == 200
    assert guids(world.owner("/customer/search", {"q": "lovelace"})) == []
    assert guids(world.owner("/customer/search", {"q": "lovelace", "status": "inactive"})) == [guid]
    world.set_state(guid, status="anonymized")
    assert guids(world.owner("/customer/list", {"q": "lovelace"})) == []


# ---------------------------------------------------------------- what others demand of a customer


def test_a_block_holds_until_it_ends_and_names_its_cause(world: World) -> None:
    guid = create(world, {}).data["customer"]["customer_guid"]
    later = NOW + timedelta(hours=1)
    blocked: dict[str, Any] = {"blocked": {"loyalty.redeem": later}}
    blocked["blocked_by"] = {"loyalty.redeem": "hold_1"}
    world.set_state(guid, active_on=NOW.date(), **blocked)
    state, keys = world.state_of(guid), of_org(world.code)
    assert state.blocked == {"loyalty.redeem": later}

    def guard(now: datetime, action: str = "loyalty.redeem", **more: Any) -> CustomerGuard:
        today = now.date()
        return CustomerGuard(
            keys=keys, customer_guid=guid, now=now, today=today, action=action, **more
        )

    with pytest.raises(HoldPending) as refused:
        guard(NOW, state=state).ensure(Records())
    assert refused.value.detail == {"hold_id": "hold_1"}
    guard(later, state=state).ensure(Records())
    failed = Table().transact(guard(NOW).writes(Records()), "c1", 0)
    assert failed is not None
    brought = Records()
    brought.learn(keys.customer_state(guid), failed.writes[0][1])
    with pytest.raises(HoldPending):
        guard(NOW).ensure(brought)
    assert Table().transact(guard(later).writes(Records()), "c2", 0) is None
    assert Table().transact(guard(NOW, "other").writes(Records()), "c3", 0) is None
    standing = replace(state, blocked_by={"loyalty.redeem": "block-flag"})
    with pytest.raises(InvalidState):
        guard(NOW, state=standing).ensure(Records())

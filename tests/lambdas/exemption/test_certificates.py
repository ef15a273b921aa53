"""Certificates: create, get, the steps of the status, and what the calendar makes of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from shared.settings import OrgSettings
from tests.builders import WHY, World
from tests.lambdas.exemption.office import NOW, TODAY, Office
from tests.zones import LAST_DAYS, end_of_day

Published = Callable[[str], list[dict[str, Any]]]
US = {"country": "US"}
WHOLE: dict[str, Any] = {
    "jurisdictions": [
        {"country": "us", "region": "ca"},
        {"country": "US", "region": "NV", "valid_to": "2026-03-31"},
        {"country": "US", "region": "TX", "valid_from": "2026-04-01"},
        {"country": "CA", "valid_to": "2026-03-09"},
    ],
    "reason_type": "resale",
    "exempt_percent": 50,
    "scope": "single",
    "order_ref": "SO-1",
    "valid_from": "2025-01-01",
    "valid_to": "2027-12-31",
    "signed_on": "2026-03-10",
    "document": {"record_id": "scan-1", "sha256": "AB" * 32},
}


@pytest.fixture
def office(world: World) -> Office:
    return Office(world)


def test_a_certificate_shows_what_it_is_worth_in_each_place_and_at_best(office: Office) -> None:
    made = office.create(**WHOLE, customer_guid=office.customer()).data["certificate"]
    assert [one["effective_status"] for one in made["jurisdictions"]] == [
        "active", "expiring_soon", "not_yet_valid", "expired",
    ]  # fmt: skip
    assert (made["status"], made["effective_status"]) == ("active", "active")
    assert (made["exempt_percent"], made["scope"], made["order_ref"]) == (50, "single", "SO-1")
    assert made["document"] == {"record_id": "scan-1", "sha256": "ab" * 32}
    assert made["jurisdictions"][0]["region"] == "CA"
    assert office.get("ex-1").data["certificate"] == made
    then = office.get(as_of="2026-04-15").data["certificate"]
    assert [one["effective_status"] for one in then["jurisdictions"]] == [
        "active", "expired", "active", "expired",
    ]  # fmt: skip


def test_a_new_certificate_has_its_defaults(office: Office) -> None:
    made = office.create().data["certificate"]
    assert (made["exempt_percent"], made["scope"], made["revision"]) == (100, "blanket", 1)
    assert made["effective_status"] == "active"
    assert not made.keys() & {"jurisdictions", "customer_guid", "first_status", "last_day"}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"status": "revoked"}, "status"),
        ({"customer_guid": "c", "account_guid": "a"}, "account_guid"),
        ({"valid_from": "2026-02-01", "valid_to": "2026-01-31"}, "valid_to"),
        ({"scope": "single"}, "order_ref"),
        ({"order_ref": "SO-1"}, "order_ref"),
        ({"exempt_percent": 0}, "exempt_percent"),
        ({"exempt_percent": 101}, "exempt_percent"),
        ({"signed_on": "2026-03-11"}, "signed_on"),
        ({"jurisdictions": [{"country": "XX"}]}, "jurisdictions.0.country"),
        ({"jurisdictions": [{"country": "US"}, {"country": "us"}]}, "jurisdictions.1"),
        ({"jurisdictions": [{"country": "US"}] * 61}, "jurisdictions"),
        (
            {
                "valid_to": "2026-12-31",
                "jurisdictions": [{"country": "US", "valid_from": "2027-01-01"}],
            },
            "jurisdictions.0.valid_from",
        ),
        ({"document": {"record_id": "x", "sha256": "abc"}}, "document.sha256"),
        ({"supersedes": "EX-0", "status": "pending"}, "supersedes"),
        ({"supersedes": "ex-1"}, "supersedes"),
    ],
)
def test_a_faulty_certificate_is_refused_with_the_field(
    office: Office, fields: dict[str, Any], wrong: str
) -> None:
    answer = office.create(**fields)
    assert (answer.status, answer.tag) == (400, "invalid-input")
    assert f"certificate.{wrong}" in answer.fields
    assert office.listed() == []


@pytest.mark.parametrize("name", ["customer_guid", "account_guid"])
def test_an_owner_that_is_named_must_exist(office: Office, name: str) -> None:
    answer = office.create(**{name: "nobody"})
    assert (answer.status, answer.fields) == (404, [f"certificate.{name}"])
    account = office.world.account()["account_guid"]
    assert office.create(account_guid=account).data["certificate"]["account_guid"] == account


# ---------------------------------------------------------------- repeats


def test_the_same_creation_is_a_replay_for_ever_and_another_one_a_refusal(office: Office) -> None:
    guid = office.customer()
    first = office.create(**WHOLE, customer_guid=guid)
    later = office.on("2028-06-01")
    # In another order, in another case, long after: what was asked for is the same.
    places = list(reversed(WHOLE["jurisdictions"]))
    alike = {**WHOLE, "jurisdictions": places, "certificate_code": "c-ex-1"}
    office.set("EX-1", "revoked")
    again = later.create("ex-1", **alike, customer_guid=guid)
    assert again.replayed
    assert again.data == first.data
    assert again.body["revision"] == 1
    for other in ({"exempt_percent": 51}, {"valid_to": "2027-12-30"}, {"status": "pending"}):
        answer = later.create(**{**WHOLE, **other}, customer_guid=guid)
        assert (answer.tag, answer.fields) == ("already-exists", ["certificate.certificate_id"])
    assert later.create(**WHOLE).tag == "already-exists"
    assert office.get().data["certificate"]["revision"] == 2


def test_a_key_repeats_its_answer_and_belongs_to_one_request(office: Office) -> None:
    key = {"idempotency_key": "k"}
    first = office.create(top=key)
    again = office.create(top=key)
    assert again.replayed
    assert again.data == first.data
    assert office.create("EX-2", top=key).tag == "idempotency-key-reused"


# ---------------------------------------------------------------- steps

STEPS = {"pending": {"active", "rejected"}, "active": {"revoked", "superseded"}}
EVERY = (
    "pending", "active", "rejected", "revoked", "superseded",
    "not_yet_valid", "expiring_soon", "expired",
)  # fmt: skip


def reached(office: Office, status: str) -> int:
    """Makes a certificate with this status; returns its revision."""
    first = "pending" if status in ("pending", "rejected") else "active"
    office.create(status=first)
    if status == first:
        return 1
    return int(office.set("EX-1", status).body["revision"])


@pytest.mark.parametrize("to", EVERY)
@pytest.mark.parametrize("status", EVERY[:5])
def test_a_status_goes_where_it_may_and_nowhere_else(office: Office, status: str, to: str) -> None:
    revision = reached(office, status)
    answer = office.set("EX-1", to, revision)
    if to in STEPS.get(status, ()):
        assert answer.data["certificate"]["status"] == to
        assert answer.body["revision"] == revision + 1
    elif to == status:
        assert answer.body["revision"] == revision
    else:
        assert (answer.status, answer.tag) == (409, "invalid-state")
        assert answer.detail["state"] == status
        assert answer.detail["allowed"] == sorted(STEPS.get(status, ()))


def test_a_change_needs_the_current_revision(office: Office) -> None:
    office.create()
    body = {"certificate_id": "EX-1", "status": "revoked", **WHY}
    none = office.world.owner("/exemption/certificate/status/set", body, now=NOW)
    assert none.status == 428
    wrong = office.set("EX-1", "revoked", 7)
    assert (wrong.tag, wrong.detail) == ("conflict", {"current_revision": 1})
    assert wrong.body["data"]["certificate"]["certificate_id"] == "EX-1"
    assert office.set("unknown", "revoked").status == 404


def test_a_revocation_takes_effect_on_its_day_and_never_before(office: Office) -> None:
    office.create(valid_to="2026-12-31")
    early = office.set("EX-1", "revoked", revoked_on="2026-03-09")
    assert (early.status, early.fields) == (400, ["revoked_on"])
    wrong = office.set("EX-1", "superseded", revoked_on="2026-03-11")
    assert (wrong.status, wrong.fields) == (400, ["revoked_on"])
    made = office.set("EX-1", "revoked", revoked_on="2026-07-01").data["certificate"]
    assert (made["status"], made["effective_status"]) == ("revoked", "active")
    found = {day: office.effective(as_of=day) for day in (
        "2026-03-01", "2026-04-30", "2026-05-01", "2026-06-30", "2026-07-01", "2027-06-01",
    )}  # fmt: skip
    assert list(found.values()) == [
        "active", "active", "expiring_soon", "expiring_soon", "revoked", "revoked",
    ]  # fmt: skip
    assert office.set("EX-1", "revoked", 2).body["revision"] == 2
    other = office.set("EX-1", "revoked", 2, revoked_on="2026-08-01")
    assert (other.tag, other.detail["revoked_on"]) == ("invalid-state", "2026-07-01")


def test_by_default_a_revocation_takes_effect_today(office: Office) -> None:
    office.create()
    made = office.set("EX-1", "revoked").data["certificate"]
    assert (made["revoked_on"], made["effective_status"]) == (TODAY, "revoked")
    assert office.effective(as_of="2026-03-09") == "expiring_soon"


# ---------------------------------------------------------------- the last day


@pytest.mark.parametrize(("zone", "day"), LAST_DAYS)
def test_the_last_day_is_included_in_the_orgs_time_zone(
    office: Office, zone: str, day: str
) -> None:
    office.world.set_org("verified", OrgSettings(timezone=zone))
    next_moment = end_of_day(zone, date.fromisoformat(day))
    last_moment = next_moment - timedelta(seconds=1)
    office.at(last_moment).create(valid_to=day)
    assert office.at(last_moment).effective() == "expiring_soon"
    assert office.at(next_moment).effective() == "expired"
    assert office.at(last_moment).listed(status="active") == ["EX-1"]
    assert office.at(next_moment).listed(status="expired") == ["EX-1"]
    shown = last_moment.isoformat().replace("+00:00", "Z")
    assert office.effective(as_of=shown) == "expiring_soon"
    assert office.effective(as_of=next_moment.isoformat()) == "expired"


# ---------------------------------------------------------------- events


def test_events_say_what_happened_and_nothing_personal(
    office: Office, published: Published
) -> None:
    guid = office.customer()
    office.create(**WHOLE, customer_guid=guid)
    office.create("EX-2", customer_guid=guid, supersedes="EX-1", valid_from="2026-04-01")
    office.set("EX-2", "revoked", revoked_on="2026-05-01")
    office.set("EX-2", "revoked", 2)
    found = [e for e in published(office.world.code) if e["action"].startswith("exemption")]
    told = {(e["action"], e["aggregate_id"], e["aggregate_revision"]): e["data"] for e in found}
    assert len(found) == len(told) == 4
    created = told["exemption-certificate-created", "EX-1", 1]
    assert created["jurisdictions"] == ["US-CA", "US-NV", "US-TX", "CA"]
    assert created["customer_guid"] == guid
    assert told["exemption-certificate-status-set", "EX-1", 2] == {
        "certificate_id": "EX-1",
        "previous_status": "active",
        "status": "superseded",
        "superseded_on": "2026-04-01",
        "superseded_by": "EX-2",
    }
    assert told["exemption-certificate-status-set", "EX-2", 2]["revoked_on"] == "2026-05-01"
    for secret in ("C-EX-1", "resale", "SO-1", "scan-1"):
        assert secret not in str(found)

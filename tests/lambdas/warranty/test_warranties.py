"""Warranties: register, get, update, transfer, the steps of the status, events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from shared.settings import OrgSettings
from tests.builders import World
from tests.lambdas.warranty.counter import TODAY, Counter
from tests.zones import LAST_DAYS, end_of_day

Published = Callable[[str], list[dict[str, Any]]]
TWO_YEARS = {"name": "Two years", "duration": {"value": 2, "unit": "years"}}


@pytest.fixture
def counter(world: World) -> Counter:
    return Counter(world)


def test_a_registration_counts_its_last_day(counter: Counter) -> None:
    guid = counter.customer()
    made = counter.register(guid, " sn-0 1 ", terms=TWO_YEARS, metadata={"shop": 4}).data[
        "warranty"
    ]
    assert (made["serial_number"], made["status"]) == ("sn-0 1", "active")
    assert (made["starts_on"], made["expires_on"]) == (TODAY, "2028-03-09")
    assert (made["terms"], made["metadata"]) == (TWO_YEARS, {"shop": 4})
    assert made["customer_id"] == guid
    assert not made.keys() & {"transfers", "last_day", "sent_hash", "customer_guid"}
    assert counter.get(made["warranty_id"]) == made


@pytest.mark.parametrize("name", ["customer_id", "customer_guid"])
@pytest.mark.parametrize("outside", [True, False])
def test_the_fields_may_stand_in_either_place_under_either_name(
    counter: Counter, name: str, outside: bool
) -> None:
    guid = counter.customer()
    fields = {"serial_number": "SN-1", name: guid, "expires_on": "2027-01-01"}
    body = fields if outside else {"warranty": fields}
    first = counter.call("register", **body)
    assert first.data["warranty"]["customer_id"] == guid
    # The same from the other place is the same registration.
    mixed = {"warranty": {"serial_number": "other", "customer_id": "nobody"}, **fields}
    again = counter.call("register", **mixed)
    assert again.replayed
    assert again.data == first.data


def test_expires_on_wins_and_null_is_for_ever(counter: Counter) -> None:
    guid = counter.customer()
    given = counter.register(guid, "A", terms=TWO_YEARS, expires_on="2026-12-31")
    assert given.data["warranty"]["expires_on"] == "2026-12-31"
    endless = counter.register(guid, "B", terms=TWO_YEARS, expires_on=None)
    assert "expires_on" not in endless.data["warranty"]
    assert counter.on("2126-01-01").get(endless.data["warranty"]["warranty_id"])["status"] == (
        "active"
    )


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"terms": {"name": "x"}}, ["warranty.expires_on"]),
        ({"terms": None}, ["warranty.terms"]),
        ({"serial_number": " - "}, ["warranty.serial_number"]),
        ({"starts_on": "2026-02-01", "expires_on": "2026-01-31"}, ["warranty.expires_on"]),
        ({"expires_on": "2026-03-09"}, ["warranty.expires_on"]),
        ({"customer_guid": "c"}, ["warranty.customer_guid"]),
        ({"terms": {"duration": {"value": 0, "unit": "days"}}}, ["warranty.terms.duration.value"]),
        (
            {"terms": {"duration": {"value": 101, "unit": "years"}}},
            ["warranty.terms.duration.value"],
        ),
        ({"status": "voided"}, ["warranty.status"]),
        (
            {"starts_on": "9999-12-31", "terms": TWO_YEARS},
            ["warranty.terms.duration"],
        ),
    ],
)
def test_a_faulty_registration_is_refused_with_the_field(
    counter: Counter, fields: dict[str, Any], wrong: list[str]
) -> None:
    answer = counter.register(counter.customer(), **fields)
    assert (answer.status, answer.fields) == (400, wrong)
    assert counter.listed() == []


def test_what_is_missing_is_named(counter: Counter) -> None:
    nothing = counter.call("register")
    assert nothing.fields == ["serial_number", "customer_id", "expires_on"]
    inner = counter.call("register", warranty={})
    assert inner.fields == [f"warranty.{name}" for name in nothing.fields]
    unknown = counter.register("nobody")
    assert (unknown.status, unknown.fields) == (404, ["warranty.customer_id"])


def test_a_fault_is_named_where_the_field_stands(counter: Counter) -> None:
    guid = counter.customer()
    beside = {"serial_number": "SN-2", "customer_id": guid}
    cases: list[tuple[dict[str, Any], str]] = [
        ({**beside, "starts_on": "9999-12-31", "terms": TWO_YEARS}, "terms.duration"),
        ({**beside, "expires_on": "2026-03-09"}, "expires_on"),
        ({**beside, "expires_on": None, "customer_id": "nobody"}, "customer_id"),
        (
            {"serial_number": "SN-2", "warranty": {"customer_guid": "nobody", "terms": TWO_YEARS}},
            "warranty.customer_guid",
        ),
        ({"warranty": beside, "terms": {"name": "x"}}, "warranty.expires_on"),
    ]
    for body, field in cases:
        answer = counter.call("register", **body)
        assert answer.fields == [field], body
    made = counter.registered(guid, "SN-3")
    taken = counter.call("register", **beside | {"serial_number": "SN-3", "expires_on": None})
    assert (taken.tag, taken.fields) == ("already-exists", ["serial_number"])
    passed_on = counter.update(made, customer_guid="nobody")
    assert (passed_on.status, passed_on.fields) == (404, ["warranty.customer_guid"])


# ---------------------------------------------------------------- updates


def test_a_new_duration_is_counted_from_the_beginning(counter: Counter) -> None:
    guid = counter.customer()
    made = counter.registered(guid, starts_on="2026-01-31", terms=TWO_YEARS)
    month = {"duration": {"value": 1, "unit": "months"}}
    changed = counter.update(made, terms=month).data["warranty"]
    assert (changed["expires_on"], changed["terms"], changed["revision"]) == (
        "2026-02-28", month, 2,
    )  # fmt: skip
    assert changed["status"] == "expired"
    given = counter.update(made, 2, expires_on="2027-01-01").data["warranty"]
    assert (given["expires_on"], given["status"]) == ("2027-01-01", "active")
    # The duration is not a new one, so the day that was given stays.
    named = counter.update(made, 3, terms={"name": "One month", **month}).data["warranty"]
    assert named["expires_on"] == "2027-01-01"
    endless = counter.update(made, 4, expires_on=None).data["warranty"]
    assert "expires_on" not in endless
    both = counter.update(made, 5, terms=TWO_YEARS, expires_on="2030-01-01").data["warranty"]
    assert both["expires_on"] == "2030-01-01"


def test_an_update_leaves_what_is_absent_and_null_clears(counter: Counter) -> None:
    made = counter.registered(
        counter.customer(), terms=TWO_YEARS, purchase_ref="SO-1", metadata={"a": 1}
    )
    changed = counter.update(made, metadata={"a": 2}).data["warranty"]
    assert (changed["metadata"], changed["purchase_ref"]) == ({"a": 2}, "SO-1")
    cleared = counter.update(made, 2, metadata=None, purchase_ref=None, terms=None)
    assert not cleared.data["warranty"].keys() & {"metadata", "purchase_ref", "terms"}
    assert cleared.data["warranty"]["expires_on"] == "2028-03-09"
    same = counter.update(made, 3, metadata=None, expires_on="2028-03-09")
    assert same.body["revision"] == 3
    for name in ("serial_number", "product_id", "starts_on", "status"):
        assert counter.update(made, 3, **{name: "x"}).fields == [f"warranty.{name}"]
    early = counter.update(made, 3, expires_on="2026-03-09")
    assert (early.status, early.fields) == (400, ["warranty.expires_on"])
    assert counter.update(made, 9, metadata={}).tag == "conflict"
    assert counter.call("update", warranty_id=made, warranty={}).status == 428


def test_a_new_customer_is_a_transfer_and_the_dates_stay(counter: Counter) -> None:
    ada, eve = counter.customer(), counter.customer()
    made = counter.registered(ada)
    before = counter.get(made)
    after = counter.update(made, customer_guid=eve).data["warranty"]
    assert after["customer_id"] == eve
    assert after["transfers"] == [{"from": ada, "to": eve, "at": "2026-03-10T12:00:00Z"}]
    assert [after[n] for n in ("starts_on", "expires_on")] == [
        before[n] for n in ("starts_on", "expires_on")
    ]
    assert counter.listed(customer_id=ada) == []
    assert counter.listed(customer_id=eve) == [made]
    assert counter.update(made, 2, customer_id=eve).body["revision"] == 2
    back = counter.update(made, 2, customer_id=ada).data["warranty"]
    assert [one["to"] for one in back["transfers"]] == [eve, ada]
    unknown = counter.update(made, 3, customer_id="nobody")
    assert (unknown.status, unknown.fields) == (404, ["warranty.customer_id"])


# ---------------------------------------------------------------- steps


def reached(counter: Counter, status: str) -> tuple[Counter, str, int]:
    """Returns a counter at a day, and a warranty that has this status then."""
    made = counter.registered(counter.customer())
    if status == "expired":
        return counter.on("2027-03-10"), made, 1
    if status == "active":
        return counter.on("2027-03-09"), made, 1
    return counter, made, int(counter.set(made, status).body["revision"])


STEPS = {"active": {"voided", "doomed"}, "expired": {"voided", "doomed"}}
EVERY = ("active", "expired", "voided", "doomed")


@pytest.mark.parametrize("to", EVERY)
@pytest.mark.parametrize("status", EVERY)
def test_a_status_goes_where_it_may_and_nowhere_else(
    counter: Counter, status: str, to: str
) -> None:
    then, made, revision = reached(counter, status)
    assert then.get(made)["status"] == status
    answer = then.set(made, to, revision)
    if to in STEPS.get(status, ()):
        assert (answer.data["warranty"]["status"], answer.body["revision"]) == (to, revision + 1)
    elif to == status:
        assert answer.body["revision"] == revision
    else:
        assert (answer.status, answer.tag) == (409, "invalid-state")
        assert answer.detail == {"state": status, "allowed": sorted(STEPS.get(status, ()))}


@pytest.mark.parametrize("status", ["voided", "doomed"])
def test_what_is_over_for_good_needs_a_reason_and_takes_no_update(
    counter: Counter, status: str
) -> None:
    made = counter.registered(counter.customer())
    body = {"warranty_id": made, "status": status, "expected_revision": 1}
    silent = counter.call("status/set", **body)
    assert (silent.status, silent.fields) == (400, ["reason"])
    assert counter.set(made, status).status == 200
    refused = counter.update(made, 2, metadata={"a": 1})
    assert (refused.tag, refused.detail) == ("invalid-state", {"state": status, "allowed": []})
    assert counter.update(made, 2, expires_on="2027-03-09").body["revision"] == 2


@pytest.mark.parametrize(("zone", "day"), LAST_DAYS)
def test_the_last_day_is_included_in_the_orgs_time_zone(
    counter: Counter, zone: str, day: str
) -> None:
    counter.world.set_org("verified", OrgSettings(timezone=zone))
    over = counter.at(end_of_day(zone, date.fromisoformat(day)))
    last = over.after(-1)
    guid = counter.customer()
    made = last.registered(guid, starts_on="2026-03-01", expires_on=day)
    assert (last.get(made)["status"], over.get(made)["status"]) == ("active", "expired")
    assert last.set(made, "expired").tag == "invalid-state"
    assert over.set(made, "expired").body["revision"] == 1
    assert last.listed(status="active") == over.listed(status="expired") == [made]
    assert last.listed(status="expired") == over.listed(status="active") == []
    assert last.register(guid, expires_on="2038-01-01").tag == "already-exists"
    assert over.register(guid, expires_on="2038-01-01").status == 200


# ---------------------------------------------------------------- events


def test_events_say_what_happened_and_no_serial_number(
    counter: Counter, published: Published
) -> None:
    ada, eve = counter.customer(), counter.customer()
    made = counter.registered(ada, "SN-SECRET", purchase_ref="SO-SECRET", terms=TWO_YEARS)
    counter.update(made, customer_id=eve, metadata={"secret": "SECRET"})
    counter.update(made, 2, customer_id=eve)
    counter.set(made, "voided", 2)
    found = [e for e in published(counter.world.code) if e["action"].startswith("warranty")]
    assert [(e["action"], e["aggregate_revision"]) for e in found] == [
        ("warranty-registered", 1), ("warranty-updated", 2), ("warranty-status-set", 3),
    ]  # fmt: skip
    assert found[1]["data"]["previous_customer_id"] == ada
    assert found[1]["data"]["changed"] == ["customer_id", "metadata"]
    assert found[2]["data"] == {
        "warranty_id": made,
        "customer_id": eve,
        "previous_status": "active",
        "status": "voided",
    }
    assert "SECRET" not in str(found)

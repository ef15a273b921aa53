"""Consents through the real door: set and get, times, revisions, the write gate, races."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared import auth
from tests.builders import WHY, World
from tests.faults import Faults, lost_answer, then
from tests.lambdas.customer.consents import (
    MAIL,
    NOW,
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
from tests.lambdas.customer.merging import change_profile, merge
from tests.meter import Meter


@pytest.fixture
def guid(world: World) -> str:
    made = world.owner("/customer/create", {"customer": {"first_name": "Ada"}, **WHY}, now=NOW)
    return str(made.data["customer"]["customer_guid"])


# ---------------------------------------------------------------- set and get


def test_what_was_set_is_read_at_once(world: World, guid: str, published: Published) -> None:
    before = read(world, guid)
    assert before.data == {"customer_guid": guid, "consents": []}
    assert "revision" not in before.body
    chosen = {"preferences": {"newsletter": "monthly", "factor": 0.1}}
    given = proven(0, contact_point="Ada@Example.com", expires_at="2027-01-01T00:00:00Z")
    done = say(world, guid, given, preferences=chosen)
    assert done.body["revision"] == done.data["revision"] == 1
    (row,) = done.data["consents"]
    assert (row["applied"], "not_applied" in row, "can_contact" in row) == (True, False, False)
    found = read(world, guid)
    (row,) = found.data["consents"]
    assert row["can_contact"] is True
    assert row["expires_at"] == "2027-01-01T00:00:00Z"
    assert row["contact_point"] == "Ada@Example.com"
    assert row["notice"] == {"id": "N-1", "version": "3"}
    assert row["reason"] == WHY["reason"]
    assert found.data["preferences"] == {**chosen, **WHY}
    assert found.body["revision"] == 1
    (event,) = (e for e in published(world.code) if e["action"] == "customer-consent-set")
    assert event["data"]["preferences_changed"] is True
    assert (event["aggregate_id"], event["aggregate_revision"]) == (guid, 1)
    assert "xample" not in json.dumps(event)


def test_a_decision_that_does_not_count_is_kept_and_says_why(world: World, guid: str) -> None:
    say(world, guid, consent("withdrawn", effective_at=text(-10)))
    imported = consent("granted")
    late = consent("denied", effective_at=text(-20))
    rows = say(world, guid, imported, late, expected_revision=1).data["consents"]
    assert [(row["applied"], row["not_applied"]) for row in rows] == [
        (False, "evidence-required"),
        (False, "older"),
    ]
    (row,) = read(world, guid).data["consents"]
    assert (row["consent_state"], row["can_contact"]) == ("withdrawn", False)
    history = read(world, guid, history=True).data["history"]
    assert sorted(one["consent_state"] for one in history) == ["denied", "granted", "withdrawn"]
    (row,) = agreed(world, guid, proven(-5), at=1)["consents"]
    assert row["applied"]
    assert contact(world, guid, at=1) == {("EMAIL", ""): True}


def test_two_decisions_of_one_call_about_one_thing_are_both_kept(world: World, guid: str) -> None:
    rows = say(world, guid, proven(-5), consent("denied")).data["consents"]
    assert [row["applied"] for row in rows] == [False, True]
    assert len(read(world, guid, history=True).data["history"]) == 2
    assert len(read(world, guid).data["consents"]) == 1


def test_a_repeat_changes_nothing(world: World, guid: str, published: Published) -> None:
    first = say(world, guid, consent("granted"), preferences={"preferences": {"a": 0.1}})
    again = say(
        world, guid, consent("granted"), at=5, expected_revision=1,
        preferences={"preferences": {"a": 0.1}},
    )  # fmt: skip
    assert again.body["revision"] == 1
    assert again.data["consents"][0] == first.data["consents"][0]
    assert say(world, guid, expected_revision=1).body["revision"] == 1
    assert len([e for e in published(world.code) if e["action"] == "customer-consent-set"]) == 1
    changed = say(
        world, guid, expected_revision=1, preferences={"preferences": {}}, reason_code="CUSTOMER.X"
    )
    assert (changed.body["revision"], changed.data["preferences"]["preferences"]) == (2, {})
    assert changed.data["preferences"]["reason_code"] == "CUSTOMER.X"


def test_an_end_and_a_wider_refusal_are_seen_in_the_answer(world: World, guid: str) -> None:
    ends = consent("granted", "SMS", expires_at=text(30))
    waits = consent("pending", "POST", expires_at=text(30))
    say(world, guid, proven(-5), proven(-4, contact_point=MAIL), ends, waits)
    states = {r["channel"]: r["consent_state"] for r in read(world, guid, at=30).data["consents"]}
    assert states == {"EMAIL": "granted", "SMS": "expired", "POST": "expired"}
    assert contact(world, guid)["SMS", ""] is True
    assert contact(world, guid, at=30)["SMS", ""] is False
    say(world, guid, consent("denied", None, effective_at=text(-4.5)))
    found = contact(world, guid)
    assert (found["EMAIL", ""], found["EMAIL", MAIL], found["", ""]) == (False, True, False)


def test_the_newest_hundred_decisions_are_the_history(world: World, guid: str) -> None:
    for call in range(3):
        many = [consent("denied", f"C{call}-{n}") for n in range(40)]
        assert say(world, guid, *many, at=call).status == 200
    found = read(world, guid, history=True, at=9).data
    assert len(found["consents"]) == 120
    history = found["history"]
    assert len(history) == 100
    times = [one["recorded_at"] for one in history]
    assert times == sorted(times, reverse=True)
    assert sum(one["channel"].startswith("C0-") for one in history) == 20


def test_as_of_answers_what_was_in_force_then(world: World, guid: str) -> None:
    say(world, guid, proven(0, expires_at=text(50)))
    say(world, guid, consent("withdrawn"), at=20)
    agreed(world, guid, proven(30, expires_at=text(60)), at=40)
    say(world, None, consent("denied", contact_point=MAIL), at=45)

    def then(minutes: float) -> list[tuple[str, bool]]:
        rows = read(world, guid, at=90, as_of=text(minutes)).data["consents"]
        return [(row["consent_state"], row["can_contact"]) for row in rows]

    assert then(-1) == []
    assert then(19) == [("granted", True)]
    assert then(29) == [("withdrawn", False)]
    assert then(35) == [("granted", True)]
    assert then(61) == [("expired", False)]
    change_profile(world, guid, email=MAIL)
    assert then(44) == [("granted", True)]
    assert then(45) == [("granted", False)]
    history = read(world, guid, at=90, as_of=text(25), history=True).data["history"]
    assert [one["consent_state"] for one in history] == ["withdrawn", "granted"]


# ---------------------------------------------------------------- times


@pytest.mark.parametrize("state", ["granted", "pending"])
def test_what_is_granted_or_pending_lies_at_most_five_minutes_ahead(
    world: World, guid: str, state: str
) -> None:
    ahead = consent(state, effective_at=text(6))
    refused = say(world, guid, ahead)
    assert (refused.status, refused.fields) == (400, ["consents.0.effective_at"])
    (row,) = say(world, guid, {**ahead, "effective_at": text(5)}).data["consents"]
    assert row["effective_at"] == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize("state", ["denied", "withdrawn"])
def test_a_refusal_of_any_time_ahead_counts_as_of_now(world: World, guid: str, state: str) -> None:
    say(world, guid, consent(state, effective_at="2099-01-01T00:00:00Z"))
    (row,) = read(world, guid).data["consents"]
    assert row["effective_at"] == "2026-03-01T12:00:00Z"
    agreed(world, guid, proven(1), at=2)
    assert contact(world, guid, at=2) == {("EMAIL", ""): True}


# ---------------------------------------------------------------- revisions and the gate


def test_only_the_first_set_needs_no_revision(world: World, guid: str) -> None:
    early = say(world, guid, consent("granted"), expected_revision=1)
    assert (early.tag, early.detail) == ("conflict", {"current_revision": 0})
    assert say(world, guid, consent("granted")).body["revision"] == 1
    missing = say(world, guid, consent("granted", "SMS"))
    assert (missing.status, missing.tag) == (428, "expected-revision-required")
    stale = say(world, guid, consent("granted", "SMS"), expected_revision=7)
    assert (stale.tag, stale.detail) == ("conflict", {"current_revision": 1})
    assert stale.body["revision"] == 1
    assert stale.body["data"]["customer_guid"] == guid
    assert [row["channel"] for row in stale.body["data"]["consents"]] == ["EMAIL"]
    mixed = say(world, guid, consent("denied"), consent("granted", "SMS"))
    assert mixed.status == 428
    chosen = say(world, guid, consent("denied"), preferences={"preferences": {}})
    assert chosen.status == 428
    assert say(world, guid, consent("granted", "SMS"), expected_revision=1).status == 200


@pytest.mark.parametrize("revision", [{}, {"expected_revision": 77}])
def test_a_stale_till_can_always_record_an_opt_out(
    world: World, guid: str, revision: dict[str, int]
) -> None:
    assert say(world, guid, consent("withdrawn"), **revision).body["revision"] == 1
    assert say(world, guid, consent("denied", "SMS"), **revision).body["revision"] == 2


@pytest.mark.parametrize("status", ["parked", "suspended", "frozen", "doomed"])
def test_an_org_that_may_not_write_records_opt_outs_all_the_same(
    world: World, guid: str, status: str
) -> None:
    world.set_org(status)
    auth.forget()
    assert say(world, guid, consent("withdrawn")).status == 200
    assert say(world, None, consent("denied", contact_point=MAIL)).status == 200
    for body in (
        {"consents": [consent("granted")]},
        {"consents": []},
        {"consents": [consent("denied")], "preferences": {"preferences": {}}},
    ):
        answer = world.owner("/customer/consent/set", {"customer_guid": guid, **body, **WHY})
        assert answer.tag == "org-write-blocked"
    world.set_org("unverified")
    auth.forget()
    assert say(world, guid, consent("withdrawn")).tag == "org-write-blocked"


def test_faults_are_told_together(world: World, guid: str) -> None:
    refused = say(world, None, consent("denied"), consent("withdrawn", contact_point=MAIL))
    assert refused.fields == ["consents.0.contact_point"]
    for consents in ([], [consent("granted", contact_point=MAIL)]):
        assert say(world, None, *consents).fields == ["customer_guid"]
    only = consent("denied", contact_point=MAIL)
    assert say(world, None, only, preferences={"preferences": {}}).fields == ["customer_guid"]
    many = say(world, guid, *[consent("denied", f"C{n}") for n in range(41)])
    assert many.fields == ["consents"]


def test_forty_decisions_fit_in_one_call_with_all_that_goes_with_them(
    world: World, guid: str, faults: Faults
) -> None:
    many = [consent("granted", f"C{n}", contact_point=MAIL) for n in range(40)]
    chosen = {"preferences": {"a": 1}}
    assert say(world, guid, *many, preferences=chosen, idempotency_key="k").status == 200
    (made,) = (c for c in faults.calls if c.operation == "transact_write_items")
    assert len(made.arguments["TransactItems"]) == 40 * 2 + 4
    again = say(world, guid, *many, preferences=chosen, idempotency_key="k")
    assert again.replayed
    assert len(again.data["consents"]) == 40


def test_an_anonymized_customer_is_nobody_to_be_contacted(world: World, guid: str) -> None:
    say(world, guid, consent("granted"))
    world.set_state(guid, status="anonymized")
    assert contact(world, guid) == {("EMAIL", ""): False}
    refused = say(world, guid, consent("withdrawn"))
    assert (refused.tag, refused.detail["state"]) == ("invalid-state", "anonymized")


def test_set_and_get_take_two_trips_each(world: World, meter: Meter) -> None:
    guid = world.customer(email=MAIL, phone=PHONE)["customer_guid"]
    assert read(world, guid).status == 200  # who calls is known from now on
    with meter.measuring() as first:
        say(world, guid, consent("granted"), consent("granted", contact_point="b@example.com"))
    with meter.measuring() as second:
        say(world, guid, consent("withdrawn", "SMS"))
    with meter.measuring() as stop:
        say(world, None, consent("withdrawn", "SMS", contact_point=PHONE))
    with meter.measuring() as got:
        read(world, guid)
    with meter.measuring() as then:
        read(world, guid, as_of=text(5), history=True)
    trips = [cost[0].trips for cost in (first, second, stop, got, then)]
    assert trips == [2, 2, 2, 2, 2]


# ---------------------------------------------------------------- races


def test_whoever_loses_the_race_decides_again(world: World, guid: str, faults: Faults) -> None:
    say(world, guid, proven(-5))
    faults.inject(
        then(lambda: say(world, guid, consent("withdrawn"), at=1)), operation="transact_write_items"
    )
    lost = say(world, guid, proven(0, "SMS"), expected_revision=1)
    assert (lost.tag, lost.detail) == ("conflict", {"current_revision": 2})
    faults.inject(
        then(lambda: say(world, guid, consent("denied", "SMS"), at=2)),
        operation="transact_write_items",
    )
    assert say(world, guid, consent("denied", "POST"), at=2).body["revision"] == 4
    assert faults.pending == 0
    assert set(contact(world, guid, at=3).values()) == {False}


def test_many_tills_record_opt_outs_at_once(world: World, guid: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: say(world, guid, consent("denied", f"C{n}")), range(8)))
    assert {answer.status for answer in answers} == {200}
    found = read(world, guid, history=True)
    assert found.body["revision"] == 8
    assert len(found.data["consents"]) == len(found.data["history"]) == 8


def test_a_lost_answer_is_no_second_effect(world: World, guid: str, faults: Faults) -> None:
    faults.inject(lost_answer(), operation="transact_write_items")
    assert say(world, guid, consent("withdrawn")).body["revision"] == 1
    assert len(read(world, guid, history=True).data["history"]) == 1
    faults.inject(lost_answer(), operation="transact_write_items")
    assert say(world, None, consent("withdrawn", contact_point=MAIL)).status == 200


def test_a_merge_between_read_and_write_moves_the_set_to_the_survivor(
    world: World, guid: str, faults: Faults
) -> None:
    survivor = world.customer()["customer_guid"]
    faults.inject(
        then(lambda: merge(world, guid, survivor, later(0))), operation="transact_write_items"
    )
    done = say(world, guid, consent("withdrawn"), at=1).data
    assert (done["customer_guid"], done["redirected_from"]) == (survivor, guid)
    assert faults.pending == 0


def test_one_who_was_absorbed_between_read_and_write_is_read_too(
    world: World, guid: str, faults: Faults
) -> None:
    other = world.customer()["customer_guid"]
    say(world, other, consent("withdrawn", "SMS"))
    faults.inject(
        then(lambda: merge(world, other, guid, later(10))), operation="transact_write_items"
    )
    (row,) = say(world, guid, proven(5, "SMS"), at=11).data["consents"]
    assert (row["applied"], row["not_applied"]) == (False, "older")

"""Assessments through the door: what they store, what they answer again, and whom they race."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lambdas.customer import risk_storage
from lambdas.customer.rules.fraud import RULE_SETS, assessed
from lambdas.customer.rules.risk import PENDING_HOLDS
from shared import auth
from shared.fields import instant_shown
from shared.keys import of_org
from shared.settings import OrgSettings
from shared.table import Table
from tests.builders import WHY, World, euro
from tests.lambdas.customer.desk import CARD, NOW, REDEEM, Suspect, under_review

Published = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def suspect(world: World) -> Suspect:
    return Suspect.of(world)


# ---------------------------------------------------------------- what is answered and stored


def test_an_assessment_answers_its_decision_and_what_it_was_made_from(suspect: Suspect) -> None:
    suspect.flag("abuse", "medium")
    signals = {"ip": "203.0.113.7", "device": {"id": "d-1"}}
    answer = suspect.ask(
        REDEEM, "SO-1", amount=euro(100_000), channel_code="web_shop", signals=signals
    )
    made = answer.data["assessment"]
    assert (made["score"], made["risk_level"], made["decision"]) == (45, "medium", "review")
    assert [(r["rule"], r["points"]) for r in made["reasons"]] == [
        ("open-flags", 25),
        ("high-value", 20),
    ]
    assert made["inputs"]["signals"] == signals
    assert made["inputs"]["medium_flags"] == 1
    assert made["inputs"]["high_value_mark"] == {"currency": "USD", "amount": 100_000}
    assert made["assessed_at"] == instant_shown(NOW)
    assert made["valid_until"] == instant_shown(NOW + timedelta(minutes=15))
    assert (made["revision"], answer.body["revision"]) == (1, 1)
    assert made["reason"] == WHY["reason"]
    assert suspect.listed("fraud") == [made]
    hold = suspect.hold(made["hold_id"])
    assert hold == {
        "hold_id": made["hold_id"],
        "customer_guid": suspect.guid,
        "action_type": REDEEM,
        "status": "pending",
        "assessment_id": made["assessment_id"],
        "order_ref": "SO-1",
        "amount": euro(100_000),
        "expires_at": instant_shown(NOW + timedelta(hours=72)),
        "on_expiry": "reject",
        "revision": 1,
        "created_at": instant_shown(NOW),
        "updated_at": instant_shown(NOW),
        **WHY,
    }


def test_an_assessment_without_findings_allows_and_has_an_empty_list(suspect: Suspect) -> None:
    made = suspect.assess()
    assert (made["score"], made["decision"], made["reasons"]) == (0, "allow", [])
    assert "hold_id" not in made
    assert suspect.listed("hold") == []


def test_the_org_chooses_the_mark_and_how_long_a_hold_waits(suspect: Suspect) -> None:
    chosen = OrgSettings(currency="EUR", high_value_minor=500, hold_hours=2, hold_expiry="release")
    suspect.world.set_org("verified", chosen)
    auth.forget()
    under_review(suspect)
    made = suspect.assess(order="SO-1", amount=euro(500))
    assert made["score"] == 65
    assert made["inputs"]["high_value_mark"] == euro(500)
    hold = suspect.hold(made["hold_id"])
    assert hold["expires_at"] == instant_shown(NOW + timedelta(hours=2))
    assert hold["on_expiry"] == "release"


def test_what_is_stored_replays_to_what_was_decided(suspect: Suspect) -> None:
    suspect.flag("abuse", "medium")
    suspect.flag("chargeback", status="resolved")
    suspect.assess(order="A", amount=euro(100_000))
    suspect.now += timedelta(seconds=1)
    suspect.assess(order="B")
    suspect.now += timedelta(seconds=1)
    suspect.assess(CARD)
    listed = suspect.listed("fraud")
    assert [made["decision"] for made in listed] == ["review", "deny", "review"]
    for shown in listed:
        (get,) = risk_storage.assessments_at(
            of_org(suspect.world.code), [suspect.guid], shown["assessment_id"]
        )
        stored = Table().load([get]).require(get)
        verdict = assessed(stored.inputs, RULE_SETS[stored.rule_set_version], stored.assessed_at)
        assert (verdict.score, verdict.decision) == (shown["score"], shown["decision"])
        assert verdict.reasons == stored.reasons


def test_a_young_customer_counts_by_the_clock_of_the_call(world: World) -> None:
    young = Suspect.of(world, since=NOW)
    scores = [
        young.at(NOW + age).assess(order=f"SO-{n}")["score"]
        for n, age in enumerate((timedelta(0), timedelta(days=1), timedelta(days=7)))
    ]
    assert scores == [20, 10, 0]


def test_lists_are_newest_first_and_filtered(suspect: Suspect) -> None:
    for n in range(4):
        suspect.now = NOW + timedelta(minutes=n)
        suspect.assess(REDEEM if n % 2 else CARD, f"SO-{n}")
    suspect.flag("block")
    suspect.now = NOW + timedelta(minutes=9)
    suspect.assess(REDEEM, "SO-9")
    every = suspect.listed("fraud", limit=2)
    assert [made["inputs"]["order_ref"] for made in every] == [
        "SO-9",
        "SO-3",
        "SO-2",
        "SO-1",
        "SO-0",
    ]
    denied = suspect.listed("fraud", decision="deny", limit=1)
    assert [made["inputs"]["order_ref"] for made in denied] == ["SO-9"]
    cards = suspect.listed("fraud", action_type="GiftCard.Redeem")
    assert [made["inputs"]["order_ref"] for made in cards] == ["SO-2", "SO-0"]


# ---------------------------------------------------------------- the same question again


def test_the_same_question_with_the_same_inputs_is_answered_for_15_minutes(
    suspect: Suspect, published: Published
) -> None:
    under_review(suspect)
    first = suspect.ask(order="SO-1", amount=euro(100))
    before = published(suspect.world.code)
    for minutes in (1, 14):
        again = suspect.at(NOW + timedelta(minutes=minutes)).ask(order="SO-1", amount=euro(100))
        assert again.replayed
        assert again.data == first.data
        assert again.body["revision"] == 1
    assert published(suspect.world.code) == before
    assert len(suspect.listed("fraud")) == 1
    later = suspect.at(NOW + timedelta(minutes=15)).ask(order="SO-1", amount=euro(100))
    assert not later.replayed
    assert later.data["assessment"]["hold_id"] == first.data["assessment"]["hold_id"]
    assert len(suspect.listed("hold")) == 1


def test_other_inputs_are_another_question(suspect: Suspect) -> None:
    first = suspect.assess(order="SO-1", amount=euro(100))
    others = [
        suspect.assess(order="SO-1", amount=euro(101)),
        suspect.assess(order="SO-1", amount=euro(100), channel_code="web"),
        suspect.assess(order="SO-1", amount=euro(100), signals={"a": 1}),
        suspect.assess(order="SO-2", amount=euro(100)),
        suspect.assess(CARD, order="SO-1", amount=euro(100)),
    ]
    suspect.flag("abuse")
    assert suspect.assess(order="SO-1", amount=euro(101)) not in (first, *others)
    others.append(suspect.assess(order="SO-1", amount=euro(100)))
    ids = {made["assessment_id"] for made in (first, *others)}
    assert len(ids) == 7


def test_a_question_between_two_alike_makes_no_difference(suspect: Suspect) -> None:
    first = suspect.assess(order="SO-1", amount=euro(100))
    suspect.assess(order="SO-1", amount=euro(101))
    assert suspect.assess(order="SO-1", amount=euro(100)) == first


def test_without_an_order_the_first_source_is_the_question(suspect: Suspect) -> None:
    refs = [{"kind": "cart", "id": "C-1"}, {"kind": "ticket", "id": "T-1"}]
    first = suspect.ask(source_refs=refs)
    assert suspect.ask(source_refs=refs[:1]).data == first.data
    other = suspect.ask(source_refs=refs[::-1])
    assert not other.replayed
    assert other.data["assessment"]["assessment_id"] != first.data["assessment"]["assessment_id"]
    assert not suspect.ask(order="C-1", source_refs=refs).replayed


def test_a_key_and_the_question_are_both_remembered(suspect: Suspect) -> None:
    first = suspect.ask(order="SO-1", idempotency_key="k")
    later = suspect.at(NOW + timedelta(days=1))
    again = later.ask(order="SO-1", idempotency_key="k")
    assert again.replayed
    assert again.data == first.data
    assert later.ask(order="SO-2", idempotency_key="k").tag == "idempotency-key-reused"


def test_an_order_that_was_approved_keeps_its_assessment_for_ever(suspect: Suspect) -> None:
    under_review(suspect)
    made = suspect.assess(order="SO-1", amount=euro(1))
    assert suspect.resolve(made["hold_id"]).status == 200
    suspect.flag("abuse", "critical")
    again = suspect.at(NOW + timedelta(days=400)).ask(order="SO-1", amount=euro(999_999))
    assert again.replayed
    assert again.data["assessment"] == made
    assert len(suspect.listed("hold")) == 1


# ---------------------------------------------------------------- holds that assessments make


def test_a_pending_hold_for_another_order_counts_and_the_own_one_does_not(
    suspect: Suspect,
) -> None:
    suspect.flag("abuse", "medium")
    suspect.flag("returns", "low")
    first = suspect.assess(order="A")
    assert (first["score"], first["decision"]) == (35, "review")
    second = suspect.assess(order="B")
    assert (second["score"], second["decision"]) == (65, "review")
    assert suspect.assess(CARD, order="A")["score"] == 35, "another action"
    assert suspect.resolve(second["hold_id"], "cancelled").status == 200
    assert suspect.assess(order="A", amount=euro(1))["score"] == 35
    assert suspect.assess(order="A", amount=euro(2))["hold_id"] == first["hold_id"]
    expired = suspect.at(NOW + timedelta(hours=72))
    assert expired.assess(order="C")["score"] == 35, "an expired hold is not pending"


def test_an_expired_hold_is_followed_by_a_new_one(suspect: Suspect) -> None:
    under_review(suspect)
    first = suspect.assess(order="SO-1")["hold_id"]
    later = suspect.at(NOW + timedelta(hours=72))
    second = later.assess(order="SO-1")["hold_id"]
    assert first != second
    assert [hold["status"] for hold in later.listed("hold")] == ["pending", "expired"]


def test_pending_holds_are_bounded_and_the_refusal_says_so(suspect: Suspect) -> None:
    under_review(suspect)
    for n in range(PENDING_HOLDS):
        assert suspect.assess(f"action.{n}")["decision"] == "review"
    over = suspect.ask("one.more")
    assert (over.status, over.tag) == (409, "invalid-state")
    assert over.detail == {"reason": "too-many-pending-holds", "limit": PENDING_HOLDS}
    assert suspect.assess("action.0", amount=euro(1))["decision"] == "review", "it has its hold"
    later = suspect.at(NOW + timedelta(hours=72))
    assert later.assess("one.more")["decision"] == "review"


def test_events_say_what_was_decided_and_nothing_personal(
    suspect: Suspect, published: Published
) -> None:
    under_review(suspect)
    suspect.ask(order="SO-1", signals={"ip": "203.0.113.7"})
    found = {event["action"]: event for event in published(suspect.world.code)[-2:]}
    made, hold = suspect.listed("fraud")[0], suspect.listed("hold")[0]
    assert found["customer-fraud-assessed"]["data"] == {
        name: made.get(name, "SO-1")
        for name in (
            "customer_guid", "assessment_id", "action_type", "order_ref", "score", "risk_level",
            "decision", "rule_set_version", "hold_id",
        )
    }  # fmt: skip
    assert found["customer-hold-created"]["data"] == {
        name: hold[name]
        for name in (
            "customer_guid", "hold_id", "action_type", "status", "assessment_id", "order_ref",
            "expires_at",
        )
    }  # fmt: skip
    assert "203.0.113.7" not in str(found)

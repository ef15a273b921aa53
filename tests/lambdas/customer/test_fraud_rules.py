"""The rules of an assessment: each one, their order against a second model, and replays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lambdas.customer.models.risk_records import (
    AssessmentRecord,
    CustomerRiskRecord,
    FlagRecord,
    FraudInputs,
    OpenFlag,
)
from lambdas.customer.rules import fraud
from lambdas.customer.rules.fraud import CURRENT, RULE_SETS, assessed
from lambdas.customer.rules.risk import flag_counts, no_risk, with_flag
from shared.codec import decode, encode
from shared.fields import Money

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MARK = Money("EUR", 100_000)
NOTHING = FraudInputs(
    block_flags=0,
    critical_flags=0,
    trusted_flags=0,
    low_flags=0,
    medium_flags=0,
    high_flags=0,
    chargeback=False,
    customer_created_at=NOW - 100 * DAY,
    redemptions_24h=0,
    pending_elsewhere=0,
    high_value_mark=MARK,
)


def score(**facts: Any) -> int:
    return assessed(replace(NOTHING, **facts), CURRENT, NOW).score


@pytest.mark.parametrize(
    ("facts", "points"),
    [
        ({}, 0),
        ({"low_flags": 1}, 10),
        ({"medium_flags": 1}, 25),
        ({"high_flags": 1}, 45),
        ({"low_flags": 2, "medium_flags": 1}, 45),
        ({"high_flags": 2}, 90),
        ({"high_flags": 3, "low_flags": 9}, 90),
        ({"chargeback": True}, 20),
        ({"customer_created_at": NOW}, 20),
        ({"customer_created_at": NOW - DAY + timedelta(milliseconds=1)}, 20),
        ({"customer_created_at": NOW - DAY}, 10),
        ({"customer_created_at": NOW - 7 * DAY + timedelta(milliseconds=1)}, 10),
        ({"customer_created_at": NOW - 7 * DAY}, 0),
        ({"redemptions_24h": 3}, 0),
        ({"redemptions_24h": 4}, 15),
        ({"redemptions_24h": 10}, 15),
        ({"redemptions_24h": 11}, 35),
        ({"amount": Money("EUR", 99_999)}, 0),
        ({"amount": Money("EUR", 100_000)}, 20),
        ({"pending_elsewhere": 1}, 30),
        ({"pending_elsewhere": 9}, 30),
        ({"high_flags": 2, "pending_elsewhere": 1, "chargeback": True}, 100),
        ({"trusted_flags": 1, "high_flags": 9, "chargeback": True}, 0),
        ({"block_flags": 1}, 100),
        ({"critical_flags": 1, "trusted_flags": 1}, 100),
    ],
)
def test_each_rule_has_its_points(facts: dict[str, Any], points: int) -> None:
    assert score(**facts) == points


@pytest.mark.parametrize(
    ("facts", "points", "level", "decision"),
    [
        ({"medium_flags": 1}, 25, "low", "allow"),
        ({"pending_elsewhere": 1}, 30, "medium", "review"),
        ({"high_flags": 1, "chargeback": True}, 65, "medium", "review"),
        ({"low_flags": 4, "pending_elsewhere": 1}, 70, "high", "deny"),
        ({"block_flags": 1}, 100, "high", "deny"),
        ({"trusted_flags": 1}, 0, "low", "allow"),
    ],
)
def test_the_score_decides(facts: dict[str, Any], points: int, level: str, decision: str) -> None:
    verdict = assessed(replace(NOTHING, **facts), CURRENT, NOW)
    assert (verdict.score, verdict.risk_level, verdict.decision) == (points, level, decision)


def test_a_rule_that_stops_is_the_only_reason() -> None:
    for facts, rule in (({"block_flags": 1}, "blocked"), ({"trusted_flags": 2}, "trusted")):
        verdict = assessed(replace(NOTHING, high_flags=2, chargeback=True, **facts), CURRENT, NOW)
        assert [reason.rule for reason in verdict.reasons] == [rule]


# ---------------------------------------------------------------- against a second model

SEVERITIES = ["low", "medium", "high", "critical"]
TYPES = ["block", "trusted", "chargeback", "legal_hold", "abuse", "returns"]
EXPIRIES = [None, -1, 0, 1]
flags = st.builds(
    dict,
    flag_type=st.sampled_from(TYPES),
    severity=st.sampled_from(SEVERITIES),
    status=st.sampled_from(["open", "open", "open", "resolved", "dismissed"]),
    expires=st.sampled_from(EXPIRIES),
)
facts = st.builds(
    dict,
    age=st.integers(0, 9 * 86_400_000).map(lambda ms: timedelta(milliseconds=ms)),
    redemptions=st.integers(0, 14),
    amount=st.none() | st.integers(99_990, 100_010),
    elsewhere=st.integers(0, 2),
)


def naive(flags: list[dict[str, Any]], facts: dict[str, Any]) -> tuple[int, str]:
    """The page of the specification, read from top to bottom."""
    is_open = [
        f for f in flags if f["status"] == "open" and (f["expires"] is None or f["expires"] > 0)
    ]
    for flag in is_open:
        if flag["flag_type"] == "block" or flag["severity"] == "critical":
            return 100, "deny"
    for flag in is_open:
        if flag["flag_type"] == "trusted":
            return 0, "allow"
    total = 0
    for flag in is_open:
        if flag["flag_type"] not in ("legal_hold", "chargeback"):
            total += {"low": 10, "medium": 25, "high": 45}[flag["severity"]]
    total = 90 if total > 90 else total
    for flag in flags:
        if flag["flag_type"] == "chargeback":
            total += 20
            break
    hours = facts["age"].total_seconds() / 3600
    if hours < 24:
        total += 20
    elif hours < 168:
        total += 10
    if facts["redemptions"] > 10:
        total += 35
    elif facts["redemptions"] > 3:
        total += 15
    if facts["amount"] is not None and facts["amount"] >= 100_000:
        total += 20
    if facts["elsewhere"] > 0:
        total += 30
    total = 100 if total > 100 else total
    if total < 30:
        return total, "allow"
    return total, "review" if total < 70 else "deny"


def summary_of(given: list[dict[str, Any]]) -> CustomerRiskRecord:
    """The summary after these flags were set, one after the other."""
    risk = no_risk("cust_1")
    for number, flag in enumerate(given):
        expires = None if flag["expires"] is None else NOW + timedelta(hours=flag["expires"])
        record = FlagRecord(
            flag_id=f"flag_{number}",
            customer_guid="cust_1",
            flag_type=flag["flag_type"],
            status=flag["status"],
            severity=flag["severity"],
            expires_at=expires,
            created_at=NOW - DAY,
            updated_at=NOW - DAY,
        )
        risk = with_flag(risk, record, NOW - DAY)
    return risk


def inputs_of(given: list[dict[str, Any]], facts: dict[str, Any]) -> FraudInputs:
    risk = summary_of(given)
    counts = flag_counts(risk, NOW)
    return replace(
        NOTHING,
        block_flags=counts.block,
        critical_flags=counts.critical,
        trusted_flags=counts.trusted,
        low_flags=counts.low,
        medium_flags=counts.medium,
        high_flags=counts.high,
        chargeback=risk.chargeback,
        customer_created_at=NOW - facts["age"],
        redemptions_24h=facts["redemptions"],
        amount=None if facts["amount"] is None else Money("EUR", facts["amount"]),
        pending_elsewhere=facts["elsewhere"],
    )


@hypothesis_settings(max_examples=600)
@given(st.lists(flags, max_size=8), facts)
def test_the_rules_agree_with_a_second_model(
    given_flags: list[dict[str, Any]], given_facts: dict[str, Any]
) -> None:
    inputs = inputs_of(given_flags, given_facts)
    verdict = assessed(inputs, CURRENT, NOW)
    assert (verdict.score, verdict.decision) == naive(given_flags, given_facts)
    assert min(100, sum(reason.points for reason in verdict.reasons)) == verdict.score


# ---------------------------------------------------------------- replays


@hypothesis_settings(max_examples=300)
@given(st.lists(flags, max_size=8), facts, st.timedeltas(timedelta(0), timedelta(days=900)))
def test_what_is_stored_gives_the_stored_decision_again(
    given_flags: list[dict[str, Any]], given_facts: dict[str, Any], later: timedelta
) -> None:
    inputs = inputs_of(given_flags, given_facts)
    first = assessed(inputs, CURRENT, NOW)
    record = AssessmentRecord(
        assessment_id="fras_1",
        customer_guid="cust_1",
        action_type="loyalty.redeem",
        score=first.score,
        risk_level=first.risk_level,
        decision=first.decision,
        reasons=first.reasons,
        rule_set_version=CURRENT.version,
        inputs=inputs,
        assessed_at=NOW,
        valid_until=NOW,
    )
    stored: AssessmentRecord = decode(AssessmentRecord, encode(record))
    assert stored == record
    again = assessed(stored.inputs, RULE_SETS[stored.rule_set_version], stored.assessed_at)
    assert again == first
    # The clock of the replay must be the stored one: the customer has become older.
    aged = assessed(stored.inputs, RULE_SETS[stored.rule_set_version], NOW + later)
    assert aged.score <= first.score


def test_a_rule_set_is_published_once_and_names_itself() -> None:
    assert {version: one.version for version, one in RULE_SETS.items()} == {
        version: version for version in RULE_SETS
    }
    assert RULE_SETS[CURRENT.version] is CURRENT


def test_every_rule_asks_for_a_fact_that_there_is() -> None:
    known = fraud.facts_of(NOTHING, NOW)
    asked = set()
    for rule in CURRENT.rules:
        match rule:
            case fraud.Stop():
                asked |= set(rule.facts)
            case fraud.Sum():
                asked |= {fact for fact, _ in rule.each}
            case fraud.Bands():
                asked.add(rule.fact)
    assert asked == set(known)
    assert len({rule.rule for rule in CURRENT.rules}) == len(CURRENT.rules)


def test_a_void_trusted_flag_trusts_nobody_and_adds_nothing() -> None:
    risk = CustomerRiskRecord(
        customer_guid="cust_1", flags=(OpenFlag("flag_1", "trusted", "high", None, True),)
    )
    counts = flag_counts(risk, NOW)
    assert (counts.trusted, counts.high) == (0, 0)

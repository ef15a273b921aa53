"""The summary of a customer's risk: what it blocks at every time, and two of them as one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lambdas.customer.models.risk_records import (
    ActionDenial,
    CustomerRiskRecord,
    FlagRecord,
    OpenFlag,
    PendingHold,
)
from lambdas.customer.rules import risk as rules
from lambdas.customer.rules.risk import (
    ENFORCED,
    OPEN_FLAGS,
    PENDING_HOLDS,
    TooManyOpenFlags,
    TooManyPendingHolds,
    combined,
    no_risk,
)
from shared.codec import decode, encode
from shared.customer_guard import CustomerGuard
from shared.customer_state import CustomerStateRecord, OrderHoldRecord
from shared.errors import ApiError, HoldPending
from shared.keys import of_org
from shared.records import Records

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ACTION = "loyalty.redeem"

hours = st.none() | st.integers(-2, 6)


def at(offset: int | None) -> datetime | None:
    return None if offset is None else NOW + offset * HOUR


flags = st.builds(
    OpenFlag,
    st.uuids().map(str),
    st.sampled_from(["block", "trusted", "legal_hold", "abuse"]),
    st.sampled_from(["low", "medium", "high", "critical"]),
    hours.map(at),
)
holds = st.builds(
    PendingHold,
    st.uuids().map(lambda one: f"hold_{one}"),
    st.sampled_from([ACTION, "giftcard.redeem", "store.visit"]),
    st.integers(-2, 6).map(lambda n: NOW + n * HOUR),
    st.booleans(),
    st.just(NOW - 3 * HOUR),
    st.sampled_from([None, "A", "B"]),
)
denials = st.builds(
    ActionDenial,
    st.sampled_from([ACTION, "giftcard.redeem"]),
    st.integers(-9, 0).map(lambda n: NOW + n * HOUR),
    st.sampled_from(["denied", "rejected", "hold-expired"]),
)
summaries = st.builds(
    CustomerRiskRecord,
    customer_guid=st.just("cust_1"),
    flags=st.lists(flags, max_size=4).map(tuple),
    holds=st.lists(holds, max_size=4).map(tuple),
    denials=st.lists(denials, max_size=3, unique_by=lambda d: d.action).map(tuple),
    chargeback=st.booleans(),
)


def state_of(risk: CustomerRiskRecord) -> CustomerStateRecord:
    state = CustomerStateRecord(
        customer_guid="cust_1", status="active", active_on=date(2026, 3, 4), created_at=NOW
    )
    stored = encode(rules.with_risk(state, risk, NOW))
    found: CustomerStateRecord = decode(CustomerStateRecord, stored)
    return found


def refusal(state: CustomerStateRecord, action: str, now: datetime) -> tuple[str, Any] | None:
    """What the guard says at a time, without an order."""
    guard = CustomerGuard(
        keys=of_org("T"),
        customer_guid="cust_1",
        now=now,
        today=now.date(),
        state=state,
        action=action,
    )
    try:
        guard.ensure(Records())
    except HoldPending as error:
        return "hold", error.detail["hold_id"]
    except ApiError as error:
        return "reason", error.detail["reason"]
    return None


def naive(risk: CustomerRiskRecord, action: str, now: datetime) -> tuple[str, Any] | None:
    """What is in force at ``now``, asked of the single flags, denials and holds. Of the holds only
    that one is pending is certain, and not which one is named."""
    for flag in risk.flags:
        if flag.flag_type == "block" and (flag.expires_at is None or flag.expires_at > now):
            return "reason", "block"
    denied = [d for d in risk.denials if d.action == action]
    for denial in denied:
        if denial.reason != "hold-expired":
            return "reason", denial.reason
    mine = [hold for hold in risk.holds if hold.action == action]
    if any(hold.expires_at > now for hold in mine):
        return "hold", None
    if denied or any(hold.rejects and hold.order is None for hold in mine):
        return "reason", "hold-expired"
    return None


@hypothesis_settings(max_examples=400)
@given(summaries, st.integers(0, 8), st.sampled_from(ENFORCED))
def test_the_state_says_at_every_later_time_what_is_in_force(
    risk: CustomerRiskRecord, later: int, action: str
) -> None:
    now = NOW + later * HOUR
    found, expected = refusal(state_of(risk), action, now), naive(risk, action, now)
    if expected == ("hold", None):
        assert found is not None
        pending = [h for h in risk.holds if h.action == action and h.expires_at > now]
        assert found[0] == "hold"
        assert found[1] in {hold.hold_id for hold in pending}
    else:
        assert found == expected


@hypothesis_settings(max_examples=200)
@given(summaries, st.integers(0, 8))
def test_dropping_what_has_expired_changes_nothing_that_is_in_force(
    risk: CustomerRiskRecord, later: int
) -> None:
    now = NOW + later * HOUR
    settled = rules.settled(risk, now)
    for action in ENFORCED:
        assert naive(settled, action, now) == naive(risk, action, now)
    assert rules.flag_counts(settled, now) == rules.flag_counts(risk, now)
    assert rules.settled(settled, now) is settled


@hypothesis_settings(max_examples=200)
@given(summaries, summaries, st.integers(0, 8))
def test_a_merge_loses_no_block_and_widens_no_trust(
    one: CustomerRiskRecord, two: CustomerRiskRecord, later: int
) -> None:
    now = NOW + later * HOUR
    both = combined(one, two, NOW)
    assert decode(CustomerRiskRecord, encode(both)) == both
    for action in ENFORCED:
        sides = [naive(side, action, now) for side in (one, two)]
        assert (naive(both, action, now) is None) == (sides == [None, None])
    counts = [rules.flag_counts(side, NOW) for side in (one, two, both)]
    trusted = bool(counts[0].trusted and counts[1].trusted)
    assert bool(counts[2].trusted) == trusted
    for name in ("block", "critical", "low", "medium", "high"):
        assert getattr(counts[2], name) == getattr(counts[0], name) + getattr(counts[1], name)
    assert both.chargeback == (one.chargeback or two.chargeback)
    legal = [state_of(side).is_under_legal_hold(now) for side in (one, two)]
    assert state_of(both).is_under_legal_hold(now) == any(legal)


def test_two_without_any_risk_are_one_without_any() -> None:
    nothing = no_risk("cust_1")
    assert combined(nothing, no_risk("cust_2"), NOW) is nothing


def test_a_source_without_risk_takes_the_targets_trust() -> None:
    trusted = CustomerRiskRecord(
        customer_guid="cust_1", flags=(OpenFlag("flag_1", "trusted", "low"),)
    )
    after = combined(trusted, no_risk("cust_2"), NOW)
    assert (after.revision, [flag.void for flag in after.flags]) == (2, [True])
    after = combined(no_risk("cust_2"), trusted, NOW)
    assert (after.customer_guid, after.revision) == ("cust_2", 1)
    assert [flag.void for flag in after.flags] == [True]


def test_a_union_beyond_the_bounds_is_refused_by_name() -> None:
    flags = tuple(OpenFlag(f"flag_{n}", "abuse", "low") for n in range(OPEN_FLAGS))
    holds = tuple(
        PendingHold(f"hold_{n}", ACTION, NOW + HOUR, True, NOW) for n in range(PENDING_HOLDS)
    )
    full = CustomerRiskRecord(customer_guid="cust_1", flags=flags, holds=holds)
    assert combined(full, no_risk("cust_2"), NOW) is full
    one_flag = CustomerRiskRecord(customer_guid="cust_2", flags=flags[:1])
    with pytest.raises(TooManyOpenFlags) as refused:
        combined(full, one_flag, NOW)
    assert refused.value.detail == {"reason": "too-many-open-flags", "limit": OPEN_FLAGS}
    one_hold = CustomerRiskRecord(customer_guid="cust_2", holds=holds[:1])
    with pytest.raises(TooManyPendingHolds) as held:
        combined(full, one_hold, NOW)
    assert held.value.detail == {"reason": "too-many-pending-holds", "limit": PENDING_HOLDS}
    assert combined(full, one_hold, NOW + HOUR).holds == (), "by then they have expired"


def test_of_two_denials_a_merge_keeps_the_later_that_somebody_said() -> None:
    def denied(hours: int, reason: str) -> CustomerRiskRecord:
        denial = ActionDenial(ACTION, NOW + hours * HOUR, reason)
        return CustomerRiskRecord(customer_guid="cust_1", denials=(denial,))

    after = combined(denied(-3, "rejected"), denied(-2, "denied"), NOW)
    assert [denial.reason for denial in after.denials] == ["denied"]
    after = combined(denied(-1, "hold-expired"), denied(-9, "rejected"), NOW)
    assert [denial.reason for denial in after.denials] == ["rejected"]


def test_a_void_flag_counts_again_only_when_it_is_opened_anew() -> None:
    flag = FlagRecord(
        flag_id="flag_1",
        customer_guid="cust_1",
        flag_type="trusted",
        status="open",
        severity="low",
        created_at=NOW,
        updated_at=NOW,
    )
    risk = combined(rules.with_flag(no_risk("cust_1"), flag, NOW), no_risk("cust_2"), NOW)
    noted = rules.with_flag(risk, replace(flag, note="checked"), NOW)
    assert rules.flag_counts(noted, NOW).trusted == 0
    closed = rules.with_flag(noted, replace(flag, status="resolved"), NOW)
    assert rules.flag_counts(rules.with_flag(closed, flag, NOW), NOW).trusted == 1


def test_a_change_that_changes_nothing_keeps_the_revision() -> None:
    risk = CustomerRiskRecord(customer_guid="cust_1", revision=4)
    for decision in ("allow", "review"):
        assert rules.with_decision(risk, ACTION, decision, NOW, for_order=False) is risk
    assert rules.with_decision(risk, ACTION, "deny", NOW, for_order=True) is risk
    assert rules.with_decision(risk, "store.visit", "deny", NOW, for_order=False) is risk
    denied = rules.with_decision(risk, ACTION, "deny", NOW, for_order=False)
    assert denied.revision == 5


def test_the_summary_and_the_state_of_a_full_customer_are_small() -> None:
    flags = tuple(
        OpenFlag(f"flag_{n:026}", "x" * 64, "critical", NOW, True) for n in range(OPEN_FLAGS)
    )
    holds = tuple(
        PendingHold(f"hold_{n:026}", "x" * 64, NOW + HOUR, True, NOW, "h" * 26)
        for n in range(PENDING_HOLDS)
    )
    full = CustomerRiskRecord(customer_guid="cust_1", flags=flags, holds=holds)
    assert len(str(encode(full))) < 32 * 1024
    worst = tuple(
        PendingHold(f"hold_{n:026}", action, NOW + HOUR, True, NOW)
        for n, action in enumerate(ENFORCED)
    )
    state = state_of(replace(full, flags=(), holds=worst))
    assert sum(len(str(v)) for v in encode(state).values()) < 2 * 1024


def test_a_word_refuses_from_its_time_on() -> None:
    word = OrderHoldRecord(word_id="w", said_at=NOW, refused_from=NOW + HOUR, reason="x")
    assert not word.refuses(NOW)
    assert word.refuses(NOW + HOUR)
    assert not OrderHoldRecord(word_id="w", said_at=NOW).refuses(NOW)

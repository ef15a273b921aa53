"""Which decision counts: the same whatever the order of arrival, checked against a naive model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lambdas.customer.models.records import (
    ConsentCurrentRecord,
    ConsentDecisionRecord,
    Notice,
    SuppressionRecord,
)
from lambdas.customer.rules import consent as rules
from lambdas.customer.rules.consent import ConsentKey, Said, key_of
from lambdas.customer.rules.consent_sides import Side, as_of, combined
from lambdas.customer.rules.suppression import place_of, with_erasure, with_refusal

T0 = datetime(2026, 1, 1, tzinfo=UTC)
STATES = ("granted", "pending", "denied", "withdrawn")
KEY: ConsentKey = ("MARKETING", "EMAIL", "")


def at(minutes: int) -> datetime:
    return T0 + timedelta(minutes=minutes)


def decision(
    state: str, minutes: int, *, proof: int = 0, number: int = 0, **more: Any
) -> ConsentDecisionRecord:
    """A decision. ``proof``: 0 without a time of its own, 1 with one, 2 with evidence."""
    values: dict[str, Any] = {
        "decision_id": f"cons_{number:04}",
        "customer_guid": "cust_1",
        "consent_type": "MARKETING",
        "channel": "EMAIL",
        "consent_state": state,
        "effective_at": at(minutes),
        "time_stated": proof > 0,
        "method": "form" if proof == 2 else None,
        "evidence_ref": "scan-1" if proof == 2 else None,
        "recorded_at": at(1000),
    }
    return ConsentDecisionRecord(**values | more)


@st.composite
def histories(draw: st.DrawFn) -> list[ConsentDecisionRecord]:
    """Decisions about one key. Times are few, so that ties are many."""
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from(STATES),
                st.integers(0, 4),
                st.integers(0, 2),
                st.sampled_from([None, 2, 9]),
            ),
            min_size=1,
            max_size=7,
        )
    )
    return [
        decision(
            state,
            minutes,
            proof=proof,
            number=number,
            expires_at=None if ends is None else at(ends),
        )
        for number, (state, minutes, proof, ends) in enumerate(drawn)
    ]


def naive(decisions: list[ConsentDecisionRecord]) -> tuple[datetime, str]:
    """The page's words, one by one: time and state of what counts."""
    left = []
    for one in decisions:
        has_evidence = (
            one.time_stated
            and one.method is not None
            and (one.notice is not None or one.evidence_ref is not None)
        )
        refused_before = any(
            other.consent_state in ("denied", "withdrawn") and other.effective_at < one.effective_at
            for other in decisions
        )
        if one.consent_state == "granted" and not has_evidence and refused_before:
            continue
        left.append(one)
    latest = max(one.effective_at for one in left)
    states = [one.consent_state for one in left if one.effective_at == latest]
    return latest, next(s for s in ("withdrawn", "denied", "pending", "granted") if s in states)


@given(st.data())
def test_any_order_of_arrival_gives_the_same_decision(data: st.DataObject) -> None:
    history = data.draw(histories())
    arriving = data.draw(st.permutations(history))
    (whole,) = rules.current(history).values()
    assert (whole.effective_at, whole.consent_state) == naive(history)
    record: ConsentCurrentRecord | None = None
    seen: list[ConsentDecisionRecord] = []
    while arriving:
        # They arrive one by one, or several in a call.
        many = data.draw(st.integers(1, len(arriving)))
        some, arriving = arriving[:many], arriving[many:]
        record, seen = rules.with_decisions(record, some), [*seen, *some]
        counts = record.decision
        assert (counts.effective_at, counts.consent_state) == naive(seen)
        # What is kept of a key stays small, however many decisions it has.
        assert len(record.others) <= 4
    assert record is not None
    assert record.decision == whole
    assert set(rules.decisions_of(record)) == set(rules.decisive(history))


def test_a_grant_without_evidence_never_follows_a_refusal_even_with_a_pending_between() -> None:
    refused, waits = decision("withdrawn", 1, number=1), decision("pending", 2, number=2)
    bare = decision("granted", 3, proof=1, number=3)
    assert rules.current([refused, waits, bare])[KEY] == waits
    assert rules.current([refused, bare])[KEY] == refused
    proven = decision("granted", 3, proof=2, number=4)
    assert rules.current([refused, waits, bare, proven])[KEY] == proven
    assert rules.not_applied(bare, rules.as_said([refused, bare])) == "evidence-required"
    early = decision("granted", 0, number=5)
    assert rules.not_applied(early, rules.as_said([refused, early])) == "older"


def test_evidence_is_a_time_a_method_and_a_notice_or_a_reference() -> None:
    whole = decision("granted", 1, proof=2)
    noticed = decision("granted", 1, proof=2, evidence_ref=None, notice=Notice(id="n", version="1"))
    assert rules.proof_of(whole) == rules.proof_of(noticed) == rules.WITH_EVIDENCE
    for lacking in ("method", "evidence_ref"):
        assert rules.proof_of(decision("granted", 1, proof=2, **{lacking: None})) == rules.WITH_TIME
    assert rules.proof_of(decision("granted", 1, proof=2, time_stated=False)) == rules.BY_DEFAULT


def said(one: ConsentDecisionRecord) -> Said:
    return Said(one, one.effective_at, one.customer_guid)


def test_a_repeat_changes_nothing_unless_it_says_more() -> None:
    no = decision("withdrawn", 1, number=1)
    again = decision("withdrawn", 5, number=2)
    assert rules.changes_nothing(again, said(no), [said(no)])
    assert not rules.changes_nothing(decision("withdrawn", 5, proof=1), said(no), [said(no)])
    assert rules.changes_nothing(decision("withdrawn", 1, proof=1), said(no), [said(no)])
    assert not rules.changes_nothing(decision("denied", 5), said(no), [said(no)])
    assert not rules.changes_nothing(decision("withdrawn", 5, method="call"), said(no), [said(no)])


def test_a_repeated_no_is_no_mere_repeat_where_a_yes_came_between() -> None:
    no = decision("withdrawn", 1, number=1)
    yes = decision("granted", 3, proof=2, number=2, contact_point="a@example.com")
    other = decision("granted", 3, proof=2, number=3, consent_type="NEWS")
    again = decision("withdrawn", 5, number=4)
    assert not rules.changes_nothing(again, said(no), [said(no), said(yes)])
    assert rules.changes_nothing(again, said(no), [said(no), said(other)])


def test_a_damaged_or_redacted_state_grants_nothing() -> None:
    left = decision("redacted", 1, contact_point="redacted-1")
    view = combined([Side("cust_1", frozenset(), (left,))])
    assert not view.contact(key_of(left), [], {}, at(2)).allowed


# ---------------------------------------------------------------- who may be contacted

EMAIL = "a@example.com"
GENERAL: ConsentKey = ("MARKETING", "", "")


def allowed(
    *decisions: ConsentDecisionRecord,
    key: ConsentKey = KEY,
    points: tuple[str, ...] = (),
    refused: dict[str, datetime] | None = None,
    now: int = 100,
) -> bool:
    view = combined([Side("cust_1", frozenset(points), decisions)])
    return view.contact(key, points, refused or {}, at(now)).allowed


def test_a_wider_refusal_covers_what_was_granted_until_then() -> None:
    yes = decision("granted", 5, proof=1, number=1)
    for minutes, expected in ((4, True), (5, False), (6, False)):
        no = decision("denied", minutes, number=2, channel=None)
        assert allowed(yes, no) is expected
    assert allowed(yes, decision("denied", 6, channel="SMS"))
    assert allowed(yes, decision("denied", 6, consent_type="NEWS"))
    # A grant whose time was assumed may be old: it does not overrule an earlier refusal.
    assert not allowed(decision("granted", 5, number=1), decision("denied", 4, channel=None))
    assert allowed(decision("granted", 5, number=1))


def test_a_narrow_refusal_covers_its_contact_point_alone() -> None:
    yes = decision("granted", 5, proof=1, number=1)
    no = decision("denied", 6, number=2, contact_point=EMAIL)
    assert allowed(yes, no)
    assert not allowed(yes, no, points=(EMAIL,))
    view = combined([Side("cust_1", frozenset({EMAIL, "b@example.com"}), (yes, no))])
    contact = view.contact(KEY, (EMAIL, "b@example.com", "+12025550123"), {}, at(9))
    assert (contact.allowed, contact.points) == (False, ("b@example.com",))


def test_an_end_is_the_end() -> None:
    yes = decision("granted", 5, expires_at=at(50))
    assert allowed(yes, now=49)
    assert not allowed(yes, now=50)


def test_what_the_org_was_told_covers_every_consent_of_the_contact_point() -> None:
    yes = decision("granted", 5, proof=1, contact_point=EMAIL)
    key = key_of(yes)
    for minutes, expected in ((4, True), (5, False), (6, False)):
        assert allowed(yes, key=key, refused={EMAIL: at(minutes)}) is expected
    assert not allowed(decision("granted", 5), points=(EMAIL,), refused={EMAIL: at(4)})
    # Proof that came once is not lost by an import that repeats the consent.
    repeat = decision("granted", 9, number=1, contact_point=EMAIL)
    assert allowed(yes, repeat, key=key, refused={EMAIL: at(4)})


# ---------------------------------------------------------------- the org's own refusals


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=1, max_size=9))
def test_no_time_of_a_refusal_moves_backward(steps: list[tuple[bool, int]]) -> None:
    record: SuppressionRecord | None = None
    for number, (erases, minutes) in enumerate(steps, start=1):
        before = record
        record = (with_erasure if erases else with_refusal)(record, at(minutes))
        told = steps[:number]
        assert record.refused_at == max(at(m) for _, m in told)
        erased = [at(m) for erasing, m in told if erasing]
        assert record.erased_at == max(erased, default=None)
        if before is not None:
            assert (record is before) == (replaced(before) == replaced(record))
            assert record.revision == before.revision + (record is not before)


def replaced(record: SuppressionRecord) -> tuple[datetime, datetime | None]:
    return record.refused_at, record.erased_at


def test_the_kind_of_a_contact_point_is_seen_by_its_form() -> None:
    assert place_of("Ada@Example.COM") == ("email", "ada@example.com")
    assert place_of("+12025550123") == ("phone", "+12025550123")
    assert place_of("Device-A") == ("other", "device-a")


# ---------------------------------------------------------------- what was in force then


def test_customers_who_were_merged_later_were_others_then() -> None:
    sides = [
        Side("c", frozenset(), ()),
        Side("b", frozenset(), (), at(20), "c"),
        Side("a", frozenset(), (), at(10), "b"),
    ]

    def guids(named: str, minutes: int) -> set[str]:
        found = as_of(sides, named, at(minutes))
        (root,) = (side.guid for side in found if side.merged_at is None)
        assert combined(found).survivor == root
        return {side.guid for side in found}

    assert [guids("a", m) for m in (9, 10, 20)] == [{"a"}, {"a", "b"}, {"a", "b", "c"}]
    assert [guids("c", m) for m in (9, 19, 20)] == [{"c"}, {"c"}, {"a", "b", "c"}]
    assert guids("somebody", 5) == {"c"}

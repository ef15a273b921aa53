"""Consents through merges, imports and erasures: nothing ever widens what a person allowed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.customer.models.records import (
    ConsentCurrentRecord,
    ConsentDecisionRecord,
    SuppressionRecord,
)
from lambdas.customer.rules import consent as rules
from lambdas.customer.rules.consent import ConsentKey, key_of
from lambdas.customer.rules.consent_sides import Consents, Side, combined
from lambdas.customer.rules.suppression import with_erasure, with_refusal
from tests.lambdas.customer.test_consent_rules import at, decision

MAIL_A, MAIL_B, PHONE = "a@example.com", "b@example.com", "+12025550123"
POINTS = (MAIL_A, MAIL_B, PHONE)
CHANNELS = {MAIL_A: "EMAIL", MAIL_B: "EMAIL", PHONE: "SMS"}
# What may be said: about everything, a channel, or a contact point, with a channel or without.
ABOUT: list[dict[str, Any]] = [
    {"channel": None},
    {"channel": "EMAIL"},
    {"channel": "SMS"},
    *({"channel": CHANNELS[p], "contact_point": p} for p in POINTS),
    *({"channel": None, "contact_point": p} for p in POINTS),
]


def reaches(view: Consents, key: ConsentKey, point: str, now: int = 500) -> bool:
    """Whether a consent lets the contact point be used, if it is the only one of the customer."""
    return view.contact(key, [point], {}, at(now)).allowed


def rows(point: str) -> list[ConsentKey]:
    """The keys that cover a contact point on its channel."""
    channel = CHANNELS[point]
    pairs = [(channel, point), (channel, ""), ("", point), ("", "")]
    return [("MARKETING", c, p) for c, p in pairs]


def stands(refusal: ConsentDecisionRecord, among: Iterable[ConsentDecisionRecord]) -> bool:
    return not any(
        one.consent_state == "granted"
        and rules.proof_of(one) == rules.WITH_EVIDENCE
        and key_of(one) == key_of(refusal)
        and one.effective_at > refusal.effective_at
        for one in among
    )


def refuses(said: Iterable[ConsentDecisionRecord], key: ConsentKey, point: str) -> bool:
    """Whether one side, by itself, holds a refusal of the contact point that still stands."""
    said = list(said)
    return any(
        one.consent_state in ("denied", "withdrawn")
        and (one.channel or key[1]) == key[1]
        and (one.contact_point or point) == point
        and stands(one, said)
        for one in said
    )


@st.composite
def said(draw: st.DrawFn, guid: str, first: int, last: int) -> tuple[ConsentDecisionRecord, ...]:
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from(("granted", "granted", "pending", "denied", "withdrawn")),
                st.integers(first, last),
                st.integers(0, 2),
                st.sampled_from(ABOUT),
            ),
            max_size=6,
        )
    )
    return tuple(
        decision(state, when, proof=proof, number=number, customer_guid=guid, **about)
        for number, (state, when, proof, about) in enumerate(drawn)
    )


points = st.sets(st.sampled_from(POINTS)).map(frozenset)


@settings(max_examples=400)
@given(points, points, said("target", 0, 8), said("source", 0, 8))
def test_a_merge_never_widens_consent(
    ours: frozenset[str],
    theirs: frozenset[str],
    target: tuple[ConsentDecisionRecord, ...],
    source: tuple[ConsentDecisionRecord, ...],
) -> None:
    left = Side("target", ours, target)
    right = Side("source", theirs, source)
    both = combined([left, Side("source", theirs, source, at(9), "target")])
    for point in ours | theirs:
        for key in rows(point):
            if not reaches(both, key, point):
                continue
            assert not refuses(target, key, point)
            assert not refuses(source, key, point)
            # One side alone allowed it, for a contact point of its own or one that it named.
            assert any(
                reaches(combined([side]), key, point) and (key[2] or point in side.points)
                for side in (left, right)
            )


@settings(max_examples=300)
@given(points, points, points, said("a", 0, 4), said("b", 0, 8), said("c", 0, 8))
def test_a_second_merge_never_widens_what_the_first_one_left(
    of_a: frozenset[str],
    of_b: frozenset[str],
    of_c: frozenset[str],
    a: tuple[ConsentDecisionRecord, ...],
    b: tuple[ConsentDecisionRecord, ...],
    c: tuple[ConsentDecisionRecord, ...],
) -> None:
    merged = Side("a", of_a, a, at(5), "b")
    before = combined([Side("b", of_b, b), merged])
    alone = combined([Side("c", of_c, c)])
    after = combined([Side("c", of_c, c), Side("b", of_b, b, at(9), "c"), merged])
    for point in of_a | of_b | of_c:
        for key in rows(point):
            if reaches(after, key, point):
                assert reaches(before, key, point) or reaches(alone, key, point)
                assert not refuses(c, key, point)


@given(points, points, said("target", 0, 8), said("source", 0, 8), st.randoms())
def test_the_order_in_which_sides_are_read_makes_no_difference(
    ours: frozenset[str],
    theirs: frozenset[str],
    target: tuple[ConsentDecisionRecord, ...],
    source: tuple[ConsentDecisionRecord, ...],
    random: Any,
) -> None:
    sides = [Side("target", ours, target), Side("source", theirs, source, at(9), "target")]
    shuffled = [Side(s.guid, s.points, tuple(random.sample(s.decisions, len(s.decisions))),
                     s.merged_at, s.into) for s in reversed(sides)]  # fmt: skip
    assert combined(sides).counting() == combined(shuffled).counting()


def test_a_refusal_on_either_side_counts_as_said_at_the_merge() -> None:
    no = decision("withdrawn", 1, channel="EMAIL", customer_guid="source")
    yes = decision("granted", 8, proof=2, channel="EMAIL", contact_point=MAIL_A)
    for ours, theirs in (((yes,), (no,)), ((no,), (yes,)), ((yes, no), ())):
        sides = [Side("target", frozenset({MAIL_A}), ours)]
        alone = combined(sides)
        sides.append(Side("source", frozenset({MAIL_B}), theirs, at(9), "target"))
        assert not reaches(combined(sides), key_of(yes), MAIL_A)
        assert reaches(alone, key_of(yes), MAIL_A) == (yes in ours)
    later = decision("granted", 10, proof=2, number=3, channel="EMAIL", contact_point=MAIL_A)
    sides = [Side("target", frozenset(), (yes, later)), Side("s", frozenset(), (no,), at(9), "x")]
    assert reaches(combined(sides), key_of(yes), MAIL_A)


def test_a_refusal_that_was_taken_back_before_the_merge_does_not_come_back() -> None:
    no = decision("withdrawn", 1, channel="EMAIL")
    back = decision("granted", 2, proof=2, number=1, channel="EMAIL")
    yes = decision("granted", 3, proof=1, number=2, channel="EMAIL", contact_point=MAIL_A)
    sides = [
        Side("target", frozenset({MAIL_A}), (yes,)),
        Side("source", frozenset({MAIL_B}), (no, back), at(9), "target"),
    ]
    view = combined(sides)
    assert reaches(view, key_of(yes), MAIL_A)
    assert view.counting()[key_of(no)].decision == back


def test_a_grant_without_a_contact_point_counts_for_those_of_its_own_side() -> None:
    yes = decision("granted", 3, proof=2, channel="EMAIL", customer_guid="source")
    sides = [
        Side("target", frozenset({MAIL_A, PHONE}), ()),
        Side("source", frozenset({MAIL_B}), (yes,), at(9), "target"),
    ]
    contact = combined(sides).contact(key_of(yes), POINTS, {}, at(20))
    assert (contact.allowed, contact.points) == (False, (MAIL_B,))
    again = decision("granted", 12, proof=2, number=1, channel="EMAIL", customer_guid="target")
    sides[0] = Side("target", frozenset({MAIL_A, PHONE}), (again,))
    # What the survivor says is for all that it has by then.
    assert combined(sides).contact(key_of(yes), POINTS, {}, at(20)).allowed
    posted = decision("granted", 3, proof=2, channel="POST", customer_guid="source")
    sides = [Side("target", frozenset({MAIL_A}), ()), Side("s", frozenset(), (posted,), at(9), "t")]
    assert combined(sides).contact(key_of(posted), POINTS, {}, at(20)).allowed


# ---------------------------------------------------------------- opt-outs survive everything


@dataclass
class Customer:
    """A customer as the service stores one, and what the person has said to it."""

    guid: str
    points: frozenset[str]
    stored: dict[ConsentKey, ConsentCurrentRecord] = field(default_factory=dict)
    words: list[tuple[int, bool, str, str, frozenset[str]]] = field(default_factory=list)
    """(when, yes or no, channel or all, contact point or all, the contact points then)"""

    def decide(self, one: ConsentDecisionRecord) -> None:
        key = key_of(one)
        self.stored[key] = rules.with_decisions(self.stored.get(key), [one])

    def side(self, merged_at: datetime | None = None, into: str | None = None) -> Side:
        decisions = [d for r in self.stored.values() for d in rules.decisions_of(r)]
        return Side(self.guid, self.points, tuple(decisions), merged_at, into)


@dataclass
class Life:
    """Two customers of one person: what happens to them, and what the person said last."""

    first: Customer
    second: Customer | None
    refused: dict[str, SuppressionRecord] = field(default_factory=dict)
    stops: list[tuple[int, str]] = field(default_factory=list)
    sides: list[Side] = field(default_factory=list)
    """The sides that were merged into the first customer."""
    absorbed: list[tuple[int, Customer]] = field(default_factory=list)

    def view(self) -> Consents:
        return combined([self.first.side(), *self.sides])

    @property
    def points(self) -> list[str]:
        return sorted(self.first.points.union(*(c.points for _, c in self.absorbed)))

    def last_word(self, channel: str, point: str) -> bool:
        """Whether the last thing that the person said about the contact point was yes. Of one who
        has never said anything, an import may know more than we do."""
        found = [(when, False) for when, stopped in self.stops if stopped == point]
        for customer in (self.first, *(c for _, c in self.absorbed)):
            for when, yes, about, named, had in customer.words:
                # Yes is for what the customer had then, no for everything.
                meant = point in (named, *(had if yes and not named else ()))
                meant = meant or (not yes and not named)
                if meant and about in ("", channel):
                    found.append((when, yes))
        return max(found, default=(0, True))[1]


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(
            ("yes", "yes", "no", "no", "import", "stop", "merge", "merge back", "erase", "fast")
        ),
        st.sampled_from(ABOUT),
        st.booleans(),
        st.sampled_from(POINTS),
    ),
    max_size=12,
)


def happen(life: Life, now: int, event: tuple[str, dict[str, Any], bool, str]) -> None:
    kind, about, to_second, point = event
    customer = life.second if to_second and life.second else life.first
    had = customer.points
    if customer is life.first:
        had = had.union(*(c.points for _, c in life.absorbed))
    made = {**about, "number": now, "customer_guid": customer.guid}
    word = (about["channel"] or "", about.get("contact_point", ""), frozenset(had))
    match kind:
        case "yes" | "fast":
            # A clock that is ahead: the future counts as now.
            stamp = min(now, now + 4 if kind == "fast" else now)
            customer.decide(decision("granted", stamp, proof=2, **made))
            customer.words.append((now, True, *word))
        case "no":
            customer.decide(decision("withdrawn", now, **made))
            customer.words.append((now, False, *word))
        case "import":
            customer.decide(decision("granted", now, proof=0, **made))
        case "stop":
            life.refused[point] = with_refusal(life.refused.get(point), at(now))
            life.stops.append((now, point))
        case "merge" | "merge back" if life.second is not None:
            merge(life, now, backward=kind == "merge back")
        case "erase":
            erase(life, now)


def merge(life: Life, now: int, *, backward: bool) -> None:
    target, source = life.first, life.second
    assert source is not None
    if backward:
        target, source = source, target
    life.sides = [*life.sides, source.side(at(now), target.guid)]
    life.absorbed.append((now, source))
    life.first, life.second = target, None


def erase(life: Life, now: int) -> None:
    """The customer is deleted with everyone merged into it, and made again with an import."""
    for point in life.points:
        life.refused[point] = with_erasure(life.refused.get(point), at(now))
        life.stops.append((now, point))
    points = frozenset(life.points)
    life.first = Customer(f"again-{now}", points)
    life.sides, life.absorbed = [], []


@settings(max_examples=500)
@given(EVENTS, points, points)
def test_opt_outs_survive_everything(
    events: list[tuple[str, dict[str, Any], bool, str]],
    ours: frozenset[str],
    theirs: frozenset[str],
) -> None:
    life = Life(Customer("first", ours), Customer("second", theirs))
    for number, event in enumerate(events, start=1):
        happen(life, number * 10, event)
        view, now = life.view(), at(number * 10)
        refused = {p: r.refused_at for p, r in life.refused.items()}
        for key in view.counting():
            contact = view.contact(key, life.points, refused, now)
            reached = life.points if contact.allowed else contact.points
            for point in [key[2]] if key[2] else reached:
                # A consent for all channels is judged by what was said about all of them.
                fits = not key[1] or key[2] or CHANNELS[point] == key[1]
                if fits and (contact.allowed or not key[2]):
                    assert life.last_word(key[1], point), (key, point)


def test_a_grant_without_evidence_counts_on_no_side_after_a_refusal_of_its_key() -> None:
    about: dict[str, Any] = {"channel": "EMAIL"}
    no = decision("withdrawn", 1, **about)
    yes = decision("granted", 3, proof=2, number=1, **about)
    bare = decision("granted", 2, proof=1, number=2, customer_guid="source", **about)
    sides = [
        Side("target", frozenset({MAIL_A}), (no, yes)),
        Side("source", frozenset({MAIL_B}), (bare,), at(9), "target"),
    ]
    contact = combined(sides).contact(key_of(yes), (MAIL_A, MAIL_B), {}, at(20))
    assert (contact.allowed, contact.points) == (False, (MAIL_A,))

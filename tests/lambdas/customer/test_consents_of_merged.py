"""Consents of customers who were merged, through the real door."""

from __future__ import annotations

import pytest

from tests.builders import World
from tests.lambdas.customer.consents import (
    PHONE,
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

# ---------------------------------------------------------------- merged customers


@pytest.fixture
def pair(world: World) -> tuple[str, str]:
    """(source, target): each has an e-mail of its own, and both the phone."""
    source, target = (
        world.customer(email=f"{name}@example.com", phone=PHONE)["customer_guid"]
        for name in ("source", "target")
    )
    return source, target


def test_a_survivor_shows_the_consents_of_both(world: World, pair: tuple[str, str]) -> None:
    source, target = pair
    say(world, source, proven(-5, "SMS"), preferences={"preferences": {"a": 1}})
    say(world, target, proven(-4, "POST"))
    merge(world, source, target, later(0))
    found = read(world, source, at=1, history=True)
    assert (found.data["customer_guid"], found.data["redirected_from"]) == (target, source)
    assert found.data["preferences"]["preferences"] == {"a": 1}
    assert len(found.data["history"]) == 2
    # Both had the phone, so the source's consent counts for it.
    assert contact(world, target, at=1) == {("SMS", ""): True, ("POST", ""): True}
    assert found.body["revision"] == 1
    (row,) = agreed(world, target, consent("withdrawn", "SMS"), at=2)["consents"]
    assert row["applied"]
    assert read(world, target, at=2).body["revision"] == 2
    assert contact(world, target, at=2)["SMS", ""] is False


def test_a_grant_counts_for_the_email_of_its_own_side(world: World, pair: tuple[str, str]) -> None:
    source, target = pair
    say(world, target, proven(-5))
    merge(world, source, target, later(0))
    (row,) = read(world, target, at=1).data["consents"]
    assert (row["can_contact"], row["contact_points"]) == (False, ["target@example.com"])
    agreed(world, target, proven(2), at=2)
    assert contact(world, target, at=2) == {("EMAIL", ""): True}


def test_an_opt_out_of_either_side_survives_the_merge(world: World, pair: tuple[str, str]) -> None:
    for (no, yes), channel in zip((pair, pair[::-1]), ("EMAIL", "SMS"), strict=True):
        say(world, no, consent("withdrawn", channel, effective_at=text(-60)))
        agreed(world, yes, proven(-5, channel))
    source, target = pair
    merge(world, source, target, later(0))
    found = contact(world, target, at=1)
    assert found == {("EMAIL", ""): False, ("SMS", ""): False}
    bare = consent("granted", "SMS", effective_at=text(1))
    (row,) = agreed(world, target, bare, at=1)["consents"]
    assert (row["applied"], row["not_applied"]) == (False, "evidence-required")
    # Evidence of a time before the merge is no answer to what the other side refused.
    (row,) = agreed(world, target, proven(-1), at=2)["consents"]
    assert (row["applied"], row["not_applied"]) == (False, "older")


def test_before_a_merge_each_had_its_own(world: World, pair: tuple[str, str]) -> None:
    source, target = pair
    say(world, source, consent("withdrawn", effective_at=text(-60)))
    say(world, target, proven(-30))
    merge(world, source, target, later(0))
    assert contact(world, target, at=1) == {("EMAIL", ""): False}
    (then,) = read(world, target, at=1, as_of=text(-1)).data["consents"]
    assert (then["consent_state"], then["contact_points"]) == ("granted", ["target@example.com"])
    (then,) = read(world, source, at=1, as_of=text(-1)).data["consents"]
    assert then["consent_state"] == "withdrawn"
    (then,) = read(world, source, at=1, as_of=text(0)).data["consents"]
    assert then["consent_state"] == "withdrawn"


def test_a_survivor_takes_one_trip_more(world: World, pair: tuple[str, str], meter: Meter) -> None:
    source, target = pair
    say(world, source, proven(-5, "SMS"))
    merge(world, source, target, later(0))
    with meter.measuring() as got:
        read(world, target, at=1)
    with meter.measuring() as done:
        say(world, target, consent("denied"), at=1)
    assert (got[0].trips, done[0].trips) == (3, 3)


def test_without_the_time_of_the_merge_every_refusal_counts_as_of_now(
    world: World, pair: tuple[str, str]
) -> None:
    source, target = pair
    say(world, source, consent("withdrawn", "SMS", effective_at=text(-60)))
    say(world, target, proven(-5, "SMS"))
    merge(world, source, target, later(0))
    change_profile(world, source, away=None)
    assert contact(world, target, at=1) == {("SMS", ""): False}

"""The survivor's profile by itself: what is joined, what gives way, and the bounds of both."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.customer.models.records import CustomerProfileRecord, ExternalRef
from lambdas.customer.rules.profile import Lookup, lookups
from lambdas.privacy.rules.merge import stub_of, united
from shared.contact_points import Address

THEN, NOW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def place(lookup: Lookup) -> str:
    return f"{lookup.kind}#{lookup.value}"


def profile(guid: str, **fields: Any) -> CustomerProfileRecord:
    return CustomerProfileRecord(
        customer_guid=guid,
        kind="individual",
        status="active",
        created_at=THEN,
        updated_at=THEN,
        **fields,
    )


def test_addresses_are_joined_and_those_without_room_are_kept_in_the_audit() -> None:
    mine = tuple(Address(line1=f"{n} Main Street") for n in range(8))
    theirs = (mine[0], *(Address(line1=f"{n} High Street") for n in range(4)))
    found = united(profile("t", addresses=mine), profile("s", addresses=theirs), place, NOW)
    assert found.profile.addresses == (*mine, *theirs[1:3])
    assert [one["line1"] for one in found.discarded["addresses"]] == [
        "2 High Street",
        "3 High Street",
    ]


@pytest.mark.parametrize(("many", "text"), [(50, "short"), (1, "x" * 8000)], ids=["keys", "bytes"])
def test_attributes_stay_within_their_bounds(many: int, text: str) -> None:
    mine = {f"key{n}": text for n in range(many)}
    found = united(
        profile("t", attributes=mine), profile("s", attributes={"more": "y" * 300}), place, NOW
    )
    assert found.profile.attributes == mine
    assert found.discarded == {"attributes": {"more": "y" * 300}}


def test_an_email_of_both_is_one_however_it_is_written() -> None:
    target = profile("t", email="Ada@Example.com", alternate_emails=("x@example.com",))
    source = profile("s", email="ADA@example.com", alternate_emails=("X@example.com", "y@e.com"))
    found = united(target, source, place, NOW)
    assert found.profile.email == "Ada@Example.com"
    assert found.profile.alternate_emails == ("x@example.com", "y@e.com")
    assert (found.alternates, found.conflicts) == (1, ())
    assert set(found.profile.borrowed) == {
        "email#ada@example.com",
        "email#x@example.com",
        "email#y@e.com",
    }


EMAILS = st.lists(st.sampled_from([f"{c}@e.com" for c in "abcdefghijklmnop"]), unique=True)
REFS = st.lists(st.integers(0, 30), unique=True, max_size=20)


@given(EMAILS, EMAILS, REFS, REFS, st.booleans(), st.booleans())
def test_every_value_of_both_is_in_the_survivor_or_a_conflict(
    mine: list[str], theirs: list[str], refs: list[int], more: list[int], one: bool, two: bool
) -> None:
    sides = []
    for guid, values, numbers, first in (("t", mine, refs, one), ("s", theirs, more, two)):
        values = values[:11]
        sides.append(
            profile(
                guid,
                email=values[0] if first and values else None,
                alternate_emails=tuple(values[first:][:10]),
                external_refs=tuple(ExternalRef(kind="k", id=str(n)) for n in numbers),
            )
        )
    target, source = sides
    found = united(target, source, place, NOW)
    after = found.profile
    assert len(after.alternate_emails) <= 10
    assert len(after.external_refs) <= 20
    before = {place(lookup) for side in sides for lookup in lookups(side)}
    here = {place(lookup) for lookup in lookups(after)}
    over = {
        f"email#{c['value']}" if "value" in c else f"ref#k\0{c['external_ref']['id']}"
        for c in found.conflicts
    }
    assert here | over == before
    assert not here & over
    # The target loses nothing of its own, and what the source found still finds somebody.
    assert {place(lookup) for lookup in lookups(target)} <= here
    stub = stub_of(source, "t", place, NOW)
    assert set(after.borrowed) == here & set(stub.places)
    assert over <= set(stub.places)
    assert after.revision == stub.revision == 2

"""Searches among many who have the same names: whom they find, and that their costs are bounded."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.customer.models.records import CustomerProfileRecord
from shared.search import MOST_SIGNED, reading, signed_tokens
from tests.bench.people import BORN, people
from tests.bench.people_table import PeopleTable
from tests.bench.searching import QUERIES, in_place, matches, matching, search
from tests.meter import Cost, Meter

TRIPS, CALLS, UNITS = 3, 9, 160
"""What a search may cost where a page has eight hits. Of the calls, one is for an exact value."""


def customer(number: int, **fields: Any) -> CustomerProfileRecord:
    return CustomerProfileRecord(
        customer_guid=f"cust_01KA{number:022d}",
        kind="individual",
        status="active",
        created_at=BORN,
        updated_at=BORN,
        **fields,
    )


def pages(meter: Meter, q: str, limit: int) -> Iterator[tuple[list[str], Cost]]:
    """Yields the guids of each page of a walk, and what the page cost."""
    token = dict[str, str]()
    while True:
        data, cost = search(meter, q, limit=limit, **token)
        yield [found["customer_guid"] for found in data["customers"]], cost
        if "next_token" not in data:
            return
        token = {"next_token": data["next_token"]}


def walked(stored: PeopleTable, q: str, limit: int = 8) -> tuple[list[str], int]:
    """Returns whom a walk finds, and how many pages it has. Each costs a bounded amount."""
    with in_place(stored) as meter:
        search(meter, "nobody")
        walk = list(pages(meter, q, limit))
    assert all(cost.trips <= TRIPS and cost.calls <= CALLS for _, cost in walk)
    assert all(cost.read_units <= UNITS + 2 * (limit - 8) for _, cost in walk)
    assert all(len(guids) <= limit for guids, _ in walk)
    return [guid for guids, _ in walk for guid in guids], len(walk)


def expected(records: Iterable[CustomerProfileRecord], q: str) -> list[str]:
    return sorted((r.customer_guid for r in records if matching(r, q)), reverse=True)


@pytest.fixture(scope="module")
def town() -> PeopleTable:
    return PeopleTable(people(5_000))


@pytest.mark.parametrize("q", QUERIES)
def test_among_people_a_page_is_full_and_costs_little(town: PeopleTable, q: str) -> None:
    with in_place(town) as meter:
        search(meter, "nobody")
        data, cost = search(meter, q)
    found = [hit["customer_guid"] for hit in data["customers"]]
    assert found == expected(town.people, q)[:8]
    assert len(found) == min(8, matches(town, q))
    assert cost.trips <= TRIPS
    assert cost.calls <= CALLS
    assert cost.read_units <= 60


NAMES = ("Jo", "John", "Johnson", "Joan", "Mary", "Marian", "Ann", "Joann", "Smith", "Smithson")
PERSONS = st.fixed_dictionaries(
    {},
    optional={
        "first_name": st.sampled_from(NAMES),
        "last_name": st.sampled_from(NAMES),
        "company_name": st.sampled_from(["Smith & Johnson", "Mary Ann's", "王小明", "小明 李"]),
        "email": st.sampled_from(["john@smith.com", "mary.ann@jo.org", "jo@johnson.com"]),
        "phone": st.sampled_from(["+12125550123", "+12125550199", "+13125550123"]),
    },
)
WORDS = st.sampled_from([*NAMES, "jo", "j", "ma", "oan", "212", "0123", "an", "com", "小明", "王"])


@settings(max_examples=150)
@given(
    st.lists(PERSONS, max_size=40),
    st.lists(WORDS, min_size=1, max_size=4),
    st.integers(1, 9),
    st.sets(st.integers(0, 39)),
)
def test_a_walk_finds_whoever_matches_and_nobody_else_each_once(
    persons: list[dict[str, str]], words: list[str], limit: int, unsigned: set[int]
) -> None:
    records = [customer(number, **person) for number, person in enumerate(persons)]
    q = " ".join(words)
    with pytest.MonkeyPatch.context() as patch:
        for name, few in (("NEWEST", 3), ("FURTHER", 7), ("SPARE", 2)):
            patch.setattr(reading, name, few)
        found, _ = walked(PeopleTable(records, unsigned), q, limit)
    assert found == expected(records, q)


def divided(together: tuple[int, ...] = ()) -> list[CustomerProfileRecord]:
    """Four thousand, of whom half have one common name, half the other, and few have both."""
    return [
        customer(
            n,
            first_name="James" if n % 2 or n in together else "Robin",
            last_name="Smith" if n % 2 == 0 or n in together else "Miller",
        )
        for n in range(4_000)
    ]


def test_two_common_words_that_few_have_together_end_in_short_pages() -> None:
    nobody, pages_read = walked(PeopleTable(divided()), "james smith")
    assert (nobody, pages_read) == ([], 2)
    records = divided((0, 3_998))
    found, pages_read = walked(PeopleTable(records), "smith james")
    assert found == [records[3_998].customer_guid, records[0].customer_guid]
    assert pages_read == 2


def test_three_common_words_cost_no_more_trips() -> None:
    records = [replace(r, email="same@gmail.com") for r in divided((0, 1, 2, 3_997))]
    found, _ = walked(PeopleTable(records), "james smith gmail")
    assert found == [records[n].customer_guid for n in (3_997, 2, 1, 0)]


def test_a_short_rare_word_decides_beside_a_long_common_one() -> None:
    records = [customer(n, first_name="Ida", last_name="Smithson") for n in range(3_000)]
    records[0] = customer(0, first_name="Zoe", last_name="Smithson")
    assert walked(PeopleTable(records), "zoe smithson") == ([records[0].customer_guid], 1)


def test_whoever_has_the_word_inside_a_name_comes_in_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its entry is read at once, long before those of all whose name begins with the word."""
    monkeypatch.setattr(reading, "NEWEST", 20)
    monkeypatch.setattr(reading, "FURTHER", 40)
    anna, robin = ("Anna", "Miller"), ("Robin", "Smith")
    names = [("Joann", "Smith"), *[anna if n % 4 == 0 else robin for n in range(599)]]
    records = [customer(n, first_name=f, last_name=last) for n, (f, last) in enumerate(names)]
    found, pages_read = walked(PeopleTable(records), "ann smith")
    assert found == [records[0].customer_guid]
    assert pages_read > 1


def test_entries_of_an_older_version_are_found_at_bounded_costs_too() -> None:
    records = divided((3_000, 3_500))
    found, _ = walked(PeopleTable(records, unsigned=range(4_000)), "james smith")
    assert found == [records[n].customer_guid for n in (3_500, 3_000)]


def test_one_with_too_many_words_for_a_signature_is_found_by_two_of_them() -> None:
    chance = random.Random(1)
    long = " ".join("".join(chance.sample("abcdefghiklmnopqrstuvwxyz", 9)) for _ in range(20))
    crowded = customer(1, first_name="James", last_name="Smith", company_name=long)
    searched = {name: getattr(crowded, name) for name in ("first_name", "last_name")}
    assert 0 < len(signed_tokens("customer_profile", searched)) <= MOST_SIGNED
    assert signed_tokens("customer_profile", {**searched, "company_name": long}) == []
    found, _ = walked(PeopleTable([customer(0, last_name="Smith"), crowded]), "james smith")
    assert found == [crowded.customer_guid]

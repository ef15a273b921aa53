"""Finding records by words: what they are found by, and rare words beside common ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from lambdas.search import entries
from shared import table as table_module
from shared.errors import Unavailable
from shared.search import MOST, asked, narrowed, tokens
from shared.table import RETRY_S, Table
from tests.builders import World
from tests.meter import Meter

FULL = {
    "first_name": "Alexandrina",
    "last_name": "Montgomery",
    "company_name": "Blue Ridge Manufacturing Logistics",
    "customer_code": "BRM-2024",
    "email": "alexandrina@example.com",
    "phone": "+12025550123",
    "alternate_emails": [f"other{n}.address{n}@mail{n}.example" for n in range(10)],
    "alternate_phones": [f"+1202555{n:04d}" for n in range(1_000, 1_010)],
}


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few entries a read that a dozen namesakes are very many."""
    monkeypatch.setattr("shared.search.reading.NEWEST", 5)


@pytest.fixture
def crowd(world: World, few_at_once: None, search_kept: Callable[[], None]) -> World:
    """One with a rare name and an e-mail like everybody's, then twelve newer namesakes."""
    assert few_at_once is None
    world.customer(first_name="Zebra", last_name="Smithson", email="smithson@smithson.example")
    for n in range(12):
        world.customer(last_name="Smithson", email=f"smithson@smithson{n}.example")
    search_kept()
    return world


def names(world: World, q: str, **more: Any) -> list[str | None]:
    answer = world.owner("/customer/search", {"q": q, **more})
    assert "next_token" not in answer.data or len(answer.data["customers"]) == more.get("limit", 8)
    return [found.get("first_name") for found in answer.data["customers"]]


@pytest.mark.parametrize(
    "token",
    [
        *("p:alexandr", "p:montgome", "p:manufact", "p:logistic", "p:bl", "p:brm20", "p:2024"[:5]),
        *("g:gom", "g:ndr", "g:fac", "e:0123", "s:120255501", "p:examp"),
    ],
)
def test_alternates_never_crowd_out_what_is_a_record_s_own(token: str) -> None:
    found = tokens("customer_profile", FULL)
    assert token in found
    assert len(found) == len(set(found)) == MOST


def test_inner_parts_never_crowd_out_how_a_word_begins() -> None:
    record = {
        "last_name": " ".join(f"{letter}mnopqrstuvw" for letter in "abcdefghijklmnopqrs"),
        "company_name": "".join(map(chr, range(0x4E00, 0x4E40))),
        "email": "someone@example.com",
        "phone": "+12025550123",
    }
    found = tokens("customer_profile", record)
    assert len(found) == MOST
    assert {"p:someo", "e:0123", "s:120", "p:amnopqrs", "p:smnopqrs", "p:一", "n:一丁"} <= set(
        found
    )


@pytest.mark.parametrize(
    ("record", "most"),
    [
        ({"first_name": "Ada", "last_name": "Lovelace", "phone": "+12025550123"}, 20),
        ({"first_name": "花子", "last_name": "山田", "phone": "+81312345678"}, 20),
        ({"company_name": "Blue Ridge Manufacturing", "customer_code": "BRM-2024"}, 40),
    ],
)
def test_an_ordinary_record_has_few_tokens(record: dict[str, str], most: int) -> None:
    assert len(tokens("customer_profile", record)) <= most


def test_a_rare_word_beside_a_common_one_is_found_at_once(crowd: World, meter: Meter) -> None:
    crowd.owner("/customer/list", {})
    with meter.measuring() as costs:
        assert names(crowd, "zebra smithson") == ["Zebra"]
    assert costs[0].trips <= 3
    assert names(crowd, "nobody smithson") == []


def test_an_exact_value_is_found_behind_however_many_namesakes(crowd: World) -> None:
    q = "smithson@smithson.example"
    answer = crowd.owner("/customer/search", {"q": q, "limit": 256}).data
    (exact,) = (found for found in answer["customers"] if found.get("first_name") == "Zebra")
    assert exact["match_fields"][0] == "email"


def test_a_walk_over_a_common_word_meets_everyone_once(crowd: World) -> None:
    seen, token = list[str](), dict[str, str]()
    while True:
        page = crowd.owner("/customer/search", {"q": "smithson", "limit": 5, **token}).data
        seen += [found["customer_guid"] for found in page["customers"]]
        if "next_token" not in page:
            break
        token = {"next_token": page["next_token"]}
    assert len(seen) == len(set(seen)) == 13


@pytest.mark.parametrize(
    ("q", "most"),
    [
        ("lovelace", 2),
        ("ada lovelace", 4),
        ("o'brien", 4),
        ("smith-jones", 5),
        ("李", 1),
        ("李小龙", 2),
        ("a", 1),
        ("0123", 3),
        ("202-555", 5),
        ("(202) 555-0123", 4),
        ("+1 202 555 0123", 3),
        (" ".join(f"word{n}" for n in range(40)), 16),
        ("1" * 40, 2),
    ],
)
def test_a_query_reads_few_tokens(q: str, most: int) -> None:
    assert len({token for found in narrowed(asked(q, "US")) for token in found}) <= most


def test_a_code_of_digits_is_found_by_its_beginning(
    world: World, search_kept: Callable[[], None]
) -> None:
    world.customer(first_name="Ada", customer_code="2024-98901")
    search_kept()
    for q in ("2024", "2024-9", "2024-98901"):
        assert names(world, q) == ["Ada"]


def test_entries_that_the_table_never_takes_are_given_up_for_the_stream_to_bring_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited = list[float]()
    monkeypatch.setattr(table_module, "pause", lambda s: waited.append(s) or time.sleep(s))
    asked_for = list[str]()

    def ask(_: Table, operation: str, **arguments: Any) -> dict[str, Any]:
        asked_for.append(operation)
        return {"UnprocessedItems": arguments["RequestItems"]}

    monkeypatch.setattr(Table, "ask", ask)
    place = entries.Searched("account", "ORG", ("pk", "sk"), "acct_1")
    with pytest.raises(Unavailable):
        Table().write_batch([entries.entry_item(place, ("p", "no"), "")], [])
    assert set(asked_for) == {"batch_write_item"}
    assert len(asked_for) == len(waited) + 1
    assert sum(waited) <= RETRY_S

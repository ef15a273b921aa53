"""The entries of a record: each tells all its words by a signature, and all go with the record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lambdas.search import entries
from shared.codec import Wire
from shared.keys import of_org
from shared.search import MOST_SIGNED, signature, signed_tokens
from tests.builders import WHY, World
from tests.conftest import Database
from tests.meter import item_size

Kept = Callable[[], None]
KIND = "customer_profile"
JAMES = {"first_name": "James", "last_name": "Smith"}


def entries_of(database: Database, org: str, owner: str) -> list[Wire]:
    """Every entry of a record: of its words, and of its traits."""
    keys = of_org(org)
    prefixes = (keys.search_entries(), keys.dedupe_entries())
    return [
        item
        for item in database.items(org)
        if item["pk"]["S"].startswith(prefixes) and item["sk"]["S"] == owner
    ]


def signatures(database: Database, org: str, owner: str) -> set[str]:
    """The signatures in the entries of words."""
    words = of_org(org).search_entries()
    return {
        item["signature"]["S"]
        for item in entries_of(database, org, owner)
        if item["pk"]["S"].startswith(words)
    }


def signature_of(org: str, record: dict[str, Any]) -> str:
    return signature(of_org(org), KIND, signed_tokens(KIND, record))


def found(world: World, q: str) -> list[str]:
    hits = world.owner("/customer/search", {"q": q}).data["customers"]
    return [hit["customer_guid"] for hit in hits]


@pytest.mark.usefixtures("emptied")
def test_after_a_change_every_entry_tells_the_words_of_today(
    world: World, database: Database, search_kept: Kept
) -> None:
    guid = world.customer(**JAMES)["customer_guid"]
    search_kept()
    assert signatures(database, world.code, guid) == {signature_of(world.code, JAMES)}
    assert found(world, "james smith") == [guid]
    body = {"customer_guid": guid, "expected_revision": 1, "customer": {"last_name": "Jones"}}
    assert world.owner("/customer/update", {**body, **WHY}).status == 200
    search_kept()
    today = {**JAMES, "last_name": "Jones"}
    assert signatures(database, world.code, guid) == {signature_of(world.code, today)}
    assert found(world, "james jones") == [guid]
    assert found(world, "james smith") == []


@pytest.mark.usefixtures("emptied")
def test_a_consumer_that_was_late_leaves_no_signature_of_yesterday(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads the record, another consumer writes the entries of a change, and then it writes."""
    guid = world.customer(**JAMES)["customer_guid"]
    place = entries.Searched(KIND, world.code, of_org(world.code).customer_profile(guid), guid)
    read = entries._current_entries
    changes = [{"last_name": "Jones"}]

    def then_changed(*given: Any) -> Any:
        current = read(*given)
        if changes:
            body = {"customer_guid": guid, "expected_revision": 1, "customer": changes.pop()}
            assert world.owner("/customer/update", {**body, **WHY}).status == 200
            entries.keep(place, set(current))
        return current

    monkeypatch.setattr(entries, "_current_entries", then_changed)
    entries.keep(place, set())
    today = {**JAMES, "last_name": "Jones"}
    assert signatures(database, world.code, guid) == {signature_of(world.code, today)}
    assert found(world, "james jones") == [guid]
    assert found(world, "smith") == []


@pytest.mark.usefixtures("emptied")
@pytest.mark.parametrize("how", ["delete", "anonymize", "merge"])
def test_whoever_goes_leaves_no_entry(
    world: World, database: Database, search_kept: Kept, how: str
) -> None:
    gone = world.customer(**JAMES, email="james@example.com")["customer_guid"]
    stays = world.customer(first_name="Robin")["customer_guid"]
    search_kept()
    assert entries_of(database, world.code, gone)
    named = {"customer_guid": gone}
    if how == "merge":
        named = {"source_customer_guid": gone, "target_customer_guid": stays}
        named |= {"expected_revision": 1}
    assert world.owner(f"/customer/{how}", {**named, **WHY}).status == 200
    search_kept()
    assert entries_of(database, world.code, gone) == []
    # A survivor without a last name takes over the other's, and is found by it.
    assert found(world, "james smith") == ([stays] if how == "merge" else [])
    assert entries_of(database, world.code, stays)


def test_the_longest_entry_is_written_with_one_unit() -> None:
    org, owner = "O" * 32, "cust_" + "0" * 26
    keys = of_org(org)
    place = entries.Searched(KIND, org, keys.customer_profile(owner), owner)
    longest = signature(keys, KIND, [f"p:{number}" for number in range(MOST_SIGNED)])
    wire = entries.entry_item(place, keys.search_entry("p:word", owner), longest)
    assert item_size(wire) <= 1_024
    assert "signature" not in entries.entry_item(place, keys.search_entry("p:word", owner), "")

"""Strings are planted in every personal field of every kind of record. An export shows them all,
and no trace of one is left after an erasure: in the table, the indexes, the events or the logs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.codec import KIND
from tests.builders import WHY, World
from tests.conftest import Database
from tests.lambdas.privacy import lives
from tests.lambdas.privacy.lives import Life

Published = Callable[[str], list[dict[str, Any]]]
NOT_MADE = {"search_entry", "suppression"}
"""Kinds that no call for a customer makes: a consumer of the stream, and an erasure."""


@pytest.fixture
def life(world: World, database: Database, search_kept: Callable[[], None]) -> Life:
    made = lives.lived(world)
    search_kept()
    planted = lives.plant_everywhere(world, database, skip={"customer_profile", "customer_lookup"})
    return Life(made.guid, made.needles | planted)


def test_there_is_a_record_of_every_kind(world: World, database: Database, life: Life) -> None:
    assert life.needles
    there = lives.kinds_of(database, world)
    assert sorted(lives.OF_A_CUSTOMER - there - NOT_MADE - RARE) == []


def test_an_export_shows_every_planted_string(world: World, life: Life) -> None:
    body: dict[str, Any] = {"customer_guid": life.guid, "limit": 7, **WHY}
    told, token = "", None
    while True:
        more = {} if token is None else {"next_token": token}
        page = world.owner("/customer/export", {**body, **more}).data
        told += json.dumps(page["records"], ensure_ascii=False).lower()
        token = page.get("next_token")
        if token is None:
            break
    assert sorted(place for text, place in life.needles.items() if text not in told) == []


@pytest.mark.parametrize("path", ["/customer/delete", "/customer/anonymize"])
def test_nothing_planted_is_left(
    world: World,
    database: Database,
    published: Published,
    search_kept: Callable[[], None],
    capsys: pytest.CaptureFixture[str],
    life: Life,
    path: str,
) -> None:
    assert lives.items_with(database, world, life.needles), "the strings are there before"
    answer = world.owner(path, {"customer_guid": life.guid, **WHY})
    assert answer.status == 200, answer.body
    assert "job" not in answer.data
    search_kept()
    assert sorted(lives.items_with(database, world, life.needles)) == []
    *before, last = published(world.code)
    assert last["action"] == f"customer-{path.rpartition('/')[2]}d"
    logged = capsys.readouterr()
    for text, place in life.needles.items():
        # Events name a customer by its code, as they do by its guid, while there is one.
        events = [last] if place == "customer_code" else [*before, last]
        assert text not in json.dumps(events, ensure_ascii=False).lower(), place
        assert text not in logged.out + logged.err
    assert "1871-03-04" not in str(database.items(world.code))


def test_no_key_says_what_a_caller_chose(world: World, database: Database, life: Life) -> None:
    """An event, a log or a record of another partition may name a key."""
    chosen = {text.lower() for text in (*lives.CHOSEN, *life.needles)}
    found = {part for item in database.items(world.code) for part in lives.in_keys(item)}
    assert len(found) > 50
    assert sorted(chosen & found) == []


def test_a_deletion_finds_what_is_kept_under_an_id_that_a_caller_chose(
    world: World, database: Database
) -> None:
    guid = lives.lived(world).guid

    def naming() -> list[str]:
        items = database.items(world.code)
        return [item[KIND]["S"] for item in items if lives.CERTIFICATE in str(item)]

    assert {"certificate", "snapshot"} <= set(naming())
    body = {"customer_guid": guid, **WHY}
    assert world.owner("/customer/delete", body).status == 200
    assert naming() == []


RARE = {
    "loyalty_checkpoint",
    "loyalty_checkpoint_part",
    "loyalty_redeemed_part",
    "loyalty_expired_lots",
}
"""Kinds of long ledgers. They have no personal field, and a test below holds that."""


def test_the_rare_kinds_have_nothing_personal() -> None:
    for name in RARE:
        assert lives.KIND_OF[name].personal == (), name

"""The demo world: every example of the API document works on it, and its books are in order."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local import demo_world
from lambdas.families import FAMILIES
from shared.routes import Route
from tests.builders import World
from tests.conftest import Database

ROWS: list[Route] = [row for rows in FAMILIES.values() for row in rows]


@pytest.fixture(scope="module")
def shown(database: Database) -> World:
    """A demo world for the tests that only read."""
    assert database.engine.is_running
    return filled(World())


def filled(org: World) -> World:
    demo_world.load(org.code, org.owner.secret)
    return org


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.path)
def test_the_example_of_every_route_answers_200_on_a_fresh_demo_world(
    row: Route, shown: World
) -> None:
    org = filled(World()) if row.writes else shown
    answer = org.owner(row.path, row.sample, method=row.method)
    assert answer.status == 200, answer.body
    assert not answer.replayed, "the example shows what is there instead of what it does"


def test_the_ledger_of_the_demo_world_is_provable(shown: World) -> None:
    proof = shown.owner("/loyalty/recalculate", {"customer_guid": demo_world.ADA, **WHY}).data
    assert (proof["equal"], proof["chain_ok"], proof["differences"]) == (True, True, [])
    assert proof["entries_read"] == 4
    assert proof["stored"]["available_points"] == 480 - 100 + 60


def test_the_demo_world_is_made_once(database: Database) -> None:
    org = filled(World())
    before = database.items(org.code)
    filled(org)
    assert database.items(org.code) == before


def test_each_record_of_the_demo_world_says_when_it_was_made(shown: World) -> None:
    made: dict[str, Any] = shown.owner("/customer/get", {"customer_guid": demo_world.ADA}).data
    assert made["customer"]["created_at"] == "2025-11-14T09:00:00Z"


WHY = {"reason": "a proof", "source_refs": [{"kind": "ticket", "id": "T-1"}]}

"""A customer who was merged answers as the survivor on every route that names a customer. The cases
come from the route table, so a new family needs no line here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.api import Route
from shared.keys import of_org
from tests.builders import WHY, World
from tests.conftest import Database
from tests.contract.test_customers_under_erasure import CASES, NAME, each, named
from tests.contract.test_tenants import Place

# Whom a merge takes must not be merged already; and the list of merges is each customer's own.
APART = {("/customer/merge", "source_customer_guid"), ("/customer/merge/list", NAME)}
FOLLOWING = [(row, place) for row, place in CASES if (row.path, place[-1]) not in APART]


def absorbed(world: World, guid: str) -> str:
    """Merges the customer into a new one, and returns that one."""
    survivor = str(world.customer(first_name="Augusta")[NAME])
    # Some scenes leave a hold, which goes over to the survivor.
    pair = {"source_customer_guid": guid, "target_customer_guid": survivor, **WHY}
    body = {**pair, "move_holds": True}
    assert world.owner("/customer/merge", body).status == 200
    return survivor


def current_revision(world: World, row: Route, survivor: str) -> dict[str, Any]:
    if row.path.startswith("/customer/") and row.revision == "required" and not row.creates:
        found = world.owner("/customer/get", {NAME: survivor}).data["customer"]
        return {"expected_revision": found["revision"]}
    return {}


def test_such_routes_are_found_in_the_table() -> None:
    assert {row.path for row, _ in CASES} - {row.path for row, _ in FOLLOWING} == {
        "/customer/merge/list"
    }
    assert len(FOLLOWING) > 12


@each(FOLLOWING)
def test_a_merged_customer_answers_as_the_survivor(
    world: World, database: Database, row: Route, place: Place
) -> None:
    body, guid = named(world, row, place)
    survivor = absorbed(world, guid)
    body |= current_revision(world, row, survivor)
    before = database.items(world.code)
    answer = world.owner(row.path, body)
    assert answer.status == 200, answer.body
    told = json.dumps(answer.data)
    if row.path.startswith(("/customer/", "/loyalty/")):
        assert answer.data["redirected_from"] == guid
    assert survivor in told or guid in told
    if row.erases:
        return  # An erasure takes the stub with it.
    state, profile = (
        of_org(world.code).customer_state(guid),
        of_org(world.code).customer_profile(guid),
    )
    for key in (state, profile):
        now, then = (
            [item for item in items if (item["pk"]["S"], item["sk"]["S"]) == key]
            for items in (database.items(world.code), before)
        )
        assert now == then, "nothing is written to the stub"


@pytest.mark.parametrize("own", [True, False], ids=["own", "with a key"])
def test_a_merged_customer_is_no_source(world: World, own: bool) -> None:
    guid = str(world.customer(first_name="Ada")[NAME])
    absorbed(world, guid)
    other = str(world.customer(first_name="Eve")[NAME])
    body = {"source_customer_guid": guid, "target_customer_guid": other, **WHY}
    again = world.owner("/customer/merge", body if own else {**body, "idempotency_key": "k"})
    assert (again.status, again.tag) == (409, "invalid-state")
    assert again.detail == {"state": "merged", "allowed": []}

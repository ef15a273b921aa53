"""Other calls that come between two calls of an erasure to the database, at every place."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.codec import KIND
from tests.builders import WHY, Response, World, euro
from tests.conftest import Database
from tests.faults import Faults, meanwhile
from tests.lambdas.loyalty.tills import policy
from tests.lambdas.privacy.test_crashes import swept

Act = Callable[[World, dict[str, Any], int], Response]
MAY_NAME_IT = {"erasure_job", "tombstone", "marker"}
"""What may still name the guid of a deleted customer."""


def update(world: World, there: dict[str, Any], number: int) -> Response:
    changes = {"last_name": f"needle{number}"}
    body = {"customer_guid": there["guid"], "expected_revision": 1, "customer": changes, **WHY}
    return world.owner("/customer/update", {**body, "idempotency_key": f"u{number}"})


def earn(world: World, there: dict[str, Any], number: int) -> Response:
    body = {"customer_guid": there["guid"], "order_ref": f"SO-{number}", "amount": euro(500), **WHY}
    return world.owner("/loyalty/earn", body)


def issue(world: World, there: dict[str, Any], number: int) -> Response:
    body = {"customer_guid": there["guid"], "amount": euro(500), "memo": f"needle{number}", **WHY}
    return world.owner("/giftcard/issue", {**body, "idempotency_key": f"i{number}"})


def link(world: World, there: dict[str, Any], number: int) -> Response:
    contact = {
        "account_guid": there["account"],
        "first_name": f"needle{number}",
        "customer_guid": there["guid"],
    }
    return world.owner("/account/contact/create", {"contact": contact, **WHY})


def change_contact(world: World, there: dict[str, Any], number: int) -> Response:
    found = world.owner("/account/contact/get", {"contact_guid": there["contact"]})
    revision = found.body["revision"]
    body = {
        "contact_guid": there["contact"],
        "contact": {"title": f"changed {number}"},
        "expected_revision": revision,
        **WHY,
    }
    return world.owner("/account/contact/update", body)


ACTS: dict[str, Act] = {
    "update": update,
    "earn": earn,
    "issue": issue,
    "link": link,
    "change a linked contact": change_contact,
}


def made() -> tuple[World, dict[str, Any]]:
    world = World()
    policy(world)
    guid = world.customer(first_name="needle", email="needle@example.com")["customer_guid"]
    account = world.account()["account_guid"]
    contact = world.contact(account, customer_guid=guid, first_name="needle")["contact_guid"]
    return world, {"guid": guid, "account": account, "contact": contact}


@pytest.mark.parametrize("path", ["/customer/delete", "/customer/anonymize"])
@pytest.mark.parametrize("name", list(ACTS))
@pytest.mark.parametrize("step", [2, pytest.param(1, marks=pytest.mark.soak)])
def test_whoever_writes_between_two_calls_leaves_nothing_behind(
    database: Database, faults: Faults, path: str, name: str, step: int
) -> None:
    world, there = made()
    faults.clear()
    assert world.owner(path, {"customer_guid": there["guid"], **WHY}).status == 200
    calls = faults.count()
    for number in range(1, calls + 1, step):
        # Looking for what is left reads the whole table.
        database.empty()
        world, there = made()
        faults.clear()
        answers: list[Response] = []

        def act(world: World = world, there: dict[str, Any] = there, at: int = number) -> None:
            answers.append(ACTS[name](world, there, at))  # noqa: B023

        faults.inject(meanwhile(act), at=number)
        done = world.owner(path, {"customer_guid": there["guid"], **WHY})
        assert done.status == 200, done.body
        assert {answer.status for answer in answers} <= {200, 404, 409}
        _ensure_gone(database, world, there["guid"], whole=path.endswith("delete"))


def _ensure_gone(database: Database, world: World, guid: str, *, whole: bool) -> None:
    for item in database.items(world.code):
        kind = item[KIND]["S"]
        if kind == "search_entry":
            continue
        assert "needle" not in str(item), kind
        if whole and kind not in MAY_NAME_IT:
            assert guid not in str(item), kind


def test_many_who_delete_one_customer_get_one_receipt(
    database: Database, published: Callable[[str], list[dict[str, Any]]]
) -> None:
    world, there = made()
    body = {"customer_guid": there["guid"], **WHY}

    def delete(number: int) -> Response:
        if number % 4 == 0:
            swept()
        return world.owner("/customer/delete", body)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(delete, range(8)))
    final = world.owner("/customer/delete", body)
    for answer in answers:
        assert answer.status in (200, 409), answer.body
        if answer.status == 200 and "receipt" in answer.data:
            assert answer.data == final.data
    told = [event["action"] for event in published(world.code)]
    assert told.count("customer-deleted") == 1
    _ensure_gone(database, world, there["guid"], whole=True)

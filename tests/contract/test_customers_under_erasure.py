"""Every route must refuse a customer whose erasure has begun. The cases come from the route table.

Every request with a field that names a customer is a case. If the scene leaves the field out, the
test fills it in, so that optional links are covered too. A new family needs no line here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lambdas.families import FAMILIES
from shared.api import Route
from shared.codec import KIND, key_of
from shared.keys import of_org
from tests.builders import Response, World
from tests.conftest import Database
from tests.contract.scenes import SCENES
from tests.contract.test_tenants import Place, naming, sent
from tests.faults import Faults, then

pytestmark = pytest.mark.usefixtures("emptied")

NAME, EXPORT = "customer_guid", "/customer/export"

ROWS = [row for rows in FAMILIES.values() for row in rows if row.request is not None]
CASES = [
    (row, place)
    for row in ROWS
    if row.request
    for place in naming(row.request)
    if place[-1].endswith(NAME)
]
WRITING = [(row, place) for row, place in CASES if row.writes]
READING = [(row, place) for row, place in CASES if not row.writes]
UNNAMED = [row for row in ROWS if row.writes and row not in [row for row, _ in WRITING]]

KEEPING = [(row, place) for row, place in WRITING if not row.erases and row.path != EXPORT]
"""Those that keep an answer for replays: an erasure answers from what it leaves, and an export
looks again."""
FENCED = [
    (row, place, job_kind)
    for row, place in WRITING
    for job_kind in ("delete", "anonymize")
    # Access stays a right while the customer is being anonymized.
    if (row.path, job_kind) != (EXPORT, "anonymize")
]
each_fence = pytest.mark.parametrize(
    ("row", "place", "job_kind"),
    FENCED,
    ids=[f"{row.path} {'.'.join(place)} {kind}" for row, place, kind in FENCED],
)


def each(cases: list[tuple[Route, Place]]) -> Any:
    ids = [f"{row.path} {'.'.join(place)}" for row, place in cases]
    return pytest.mark.parametrize(("row", "place"), cases, ids=ids)


def named(world: World, row: Route, place: Place) -> tuple[dict[str, Any], str]:
    """Returns the body of a call that names a customer in this field, and the customer's guid."""
    body = SCENES[row.path](world)
    holder: Any = body
    for name in place[:-1]:
        holder = holder.get(name, {})
    guid = holder.get(place[-1]) or world.customer()[NAME]
    return sent(body, place, guid), guid


def kind_of(item: dict[str, Any]) -> str:
    return str(item[KIND]["S"])


def begin(world: World, guid: str, job_kind: str) -> None:
    world.set_state(guid, job_id="job_1", job_kind=job_kind)


def require_fenced(answer: Response) -> None:
    """The call is refused, and the answer says nothing about the customer."""
    assert (answer.status, answer.tag) in ((404, "not-found"), (409, "busy")), answer.body
    assert "data" not in answer.body
    assert "revision" not in answer.body


def bodies(row: Route, place: Place, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the call as it is, with an idempotency key, and with an outdated revision."""
    found = [body, {**body, "idempotency_key": "k"}]
    if row.revision != "none" and place == (NAME,):
        found.append({**body, "expected_revision": 77})
    return found


def test_such_routes_are_found_in_the_table() -> None:
    writing, reading = ({row.path for row, _ in cases} for cases in (WRITING, READING))
    assert {"/customer/update", "/loyalty/earn", "/account/contact/create"} <= writing
    assert {"/customer/get", "/loyalty/preview"} <= reading


@each_fence
def test_a_write_for_a_fenced_customer_is_refused_and_leaves_nothing(
    world: World,
    database: Database,
    published: Callable[[str], list[dict[str, Any]]],
    row: Route,
    place: Place,
    job_kind: str,
) -> None:
    body, guid = named(world, row, place)
    begin(world, guid, job_kind)
    before, events = database.items(world.code), published(world.code)
    for asked in bodies(row, place, body):
        require_fenced(world.owner(row.path, asked))
    assert database.items(world.code) == before
    assert published(world.code) == events


@each_fence
def test_a_fence_that_comes_between_read_and_write_stops_the_write(
    world: World, database: Database, faults: Faults, row: Route, place: Place, job_kind: str
) -> None:
    body, guid = named(world, row, place)
    begun: list[list[dict[str, Any]]] = []

    def erase() -> None:
        begin(world, guid, job_kind)
        begun.append(database.items(world.code))

    faults.inject(then(erase), operation="transact_write_items")
    require_fenced(world.owner(row.path, {**body, "idempotency_key": "k"}))
    assert faults.pending == 0
    assert database.items(world.code) == begun[0]


@each(KEEPING)
def test_an_answer_kept_with_a_customer_is_gone_when_its_deletion_has_begun(
    world: World, database: Database, row: Route, place: Place
) -> None:
    body, guid = named(world, row, place)
    body["idempotency_key"] = "k"
    assert world.owner(row.path, body).status == 200
    assert world.owner(row.path, body).replayed
    begin(world, guid, "delete")
    before = database.items(world.code)
    keys = of_org(world.code)
    (marker,) = (item for item in before if key_of(item) == keys.marker(row.path, "k"))
    again = world.owner(row.path, body)
    if marker["at_pk"]["S"] == keys.customer_state(guid)[0]:
        require_fenced(again)
        assert again.status == 404
    else:
        # The answer is about a record of no customer, and is stored with that record.
        assert again.replayed
    assert database.items(world.code) == before


@each(READING)
def test_a_read_of_a_customer_whose_deletion_has_begun_is_404(
    world: World, row: Route, place: Place
) -> None:
    body, guid = named(world, row, place)
    assert world.owner(row.path, body).status == 200
    begin(world, guid, "delete")
    answer = world.owner(row.path, body)
    require_fenced(answer)
    assert answer.status == 404


def test_no_other_write_leaves_a_word_about_a_fenced_customer(
    database: Database, published: Callable[[str], list[dict[str, Any]]]
) -> None:
    """A request may name a record that is linked to a customer. Whether it is refused or not, its
    writes must not mention that customer."""
    checked = []
    for row in UNNAMED:
        world = World()
        body = SCENES[row.path](world)
        states = (item for item in database.items(world.code) if kind_of(item) == "customer_state")
        guids = [item[NAME]["S"] for item in states]
        for guid in guids:
            begin(world, guid, "delete")
        before, events = database.items(world.code), published(world.code)
        answer = world.owner(row.path, body)
        assert answer.status in (200, 404, 409), (row.path, answer.body)
        written = [item for item in database.items(world.code) if item not in before]
        written += published(world.code)[len(events) :]
        assert not [guid for guid in guids if guid in json.dumps(written)], row.path
        checked += [row.path] if guids else []
    assert checked

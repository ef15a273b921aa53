"""A record of another org gets the same answer as a record that does not exist.

The cases come from the request models: every field that is marked as the id of a record, on every
route. A field without an entry in ``THEIRS`` fails a test.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from lambdas.families import FAMILIES
from shared import auth
from shared.api import Route
from shared.fields import RecordId
from shared.table import Table
from tests.builders import World
from tests.contract import scenes
from tests.contract.scenes import SCENES, card, paid
from tests.meter import Meter

Place = tuple[str, ...]

THEIRS: dict[str, Callable[[World], str]] = {
    "account_guid": lambda world: str(world.account()["account_guid"]),
    "parent_account_guid": lambda world: str(world.account()["account_guid"]),
    "contact_guid": lambda world: str(
        world.contact(world.account()["account_guid"])["contact_guid"]
    ),
    "comment_id": lambda world: str(scenes.commented(world)["comment_id"]),
    "parent_comment_id": lambda world: str(scenes.commented(world)["comment_id"]),
    "customer_guid": lambda world: str(world.customer(first_name="Eve")["customer_guid"]),
    "source_customer_guid": lambda world: str(world.customer(first_name="Eve")["customer_guid"]),
    "target_customer_guid": lambda world: str(world.customer(first_name="Eve")["customer_guid"]),
    "card_code": lambda world: str(card(world)["card_code"]),
    "certificate_id": lambda world: str(scenes.certificate(world)["certificate_id"]),
    "supersedes": lambda world: str(scenes.certificate(world)["certificate_id"]),
    "warranty_id": lambda world: str(scenes.warranty(world)["warranty_id"]),
    "customer_id": lambda world: str(world.customer(first_name="Eve")["customer_guid"]),
    "serial_number": lambda world: _serial_number(world),
    "flag_id": lambda world: _flag(world),
    "hold_id": lambda world: str(scenes.held(world)["hold_id"]),
    "record_id": lambda world: str(world.customer(first_name="Eve")["customer_guid"]),
    "notification_id": lambda world: str(scenes.notified(world)["notification_id"]),
    "target_id": lambda world: str(world.customer(first_name="Eve")["customer_guid"]),
    "loyalty_txn_id": lambda world: _transaction(world),
    "subscription_id": lambda world: str(scenes.subscribed(world)["subscription_id"]),
}
"""For each field that names a record: a function that makes such a record in another org."""

INSTEAD_OF = {
    "loyalty_txn_id": ("order_ref",),
    "account_guid": ("customer_guid",),
    "customer_guid": ("customer_id",),
    "customer_id": ("customer_guid",),
    "serial_number": ("warranty_id",),
}
"""Fields of a scene that must not be sent together with this field."""


def _flag(world: World) -> str:
    listed = world.owner("/customer/flag/list", scenes.flagged(world))
    return str(listed.data["flags"][0]["flag_id"])


def _serial_number(world: World) -> str:
    body = scenes.covered(world)
    assert world.owner("/warranty/register", body).status == 200
    return str(body["warranty"]["serial_number"])


def _transaction(world: World) -> str:
    guid = paid(world)["customer_guid"]
    listed = world.owner("/loyalty/ledger/list", {"customer_guid": guid, "kind": "redeem"})
    return str(listed.data["transactions"][0]["loyalty_txn_id"])


def naming(model: type[BaseModel], outer: Place = ()) -> Iterator[Place]:
    """Yields the paths of the fields of a request that name a record."""
    for name, field in model.model_fields.items():
        parts = [field, *_parts(field.annotation)]
        marks = [mark for part in parts for mark in _marks(part) if isinstance(mark, RecordId)]
        assert marks or not name.endswith("_guid"), f"{model.__name__}.{name} names what?"
        if any(mark.ours for mark in marks):
            yield (*outer, name)
        for part in parts:
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from naming(part, (*outer, name))


def _parts(annotation: Any) -> list[Any]:
    return [annotation, *(deep for part in get_args(annotation) for deep in _parts(part))]


def _marks(part: Any) -> tuple[Any, ...]:
    return (*getattr(part, "metadata", ()), *getattr(part, "__metadata__", ()))


CASES = [
    (row, place)
    for rows in FAMILIES.values()
    for row in rows
    if row.request is not None
    for place in naming(row.request)
]


def test_every_route_that_names_a_record_is_a_case() -> None:
    assert len(CASES) > 25
    assert {place[-1] for _, place in CASES} == set(THEIRS)


@pytest.mark.parametrize(
    ("row", "place"), CASES, ids=lambda part: part.path if isinstance(part, Route) else part[-1]
)
def test_another_orgs_record_is_as_unknown_as_an_unknown_one(
    world: World, other_world: World, meter: Meter, row: Route, place: Place
) -> None:
    good, theirs = SCENES[row.path](world), THEIRS[place[-1]](other_world)
    answers = []
    for value in (theirs, nearly(place, theirs), secrets.token_hex(8), "x" * 64):
        body = sent(good, place, value)
        claim = auth.Claim(world.owner.secret, "session", world.code)
        auth.identify(claim, row, Table(), auth.now())
        with meter.measuring() as costs:
            answer = world.owner(row.path, body)
        if answer.status == 200:
            assert not row.writes, "nothing was refused, so something was written"
            (found,) = (v for v in answer.data.values() if isinstance(v, list))
            assert found == []
        else:
            assert (answer.status, answer.tag) == (404, "not-found"), answer.body
        rest = {k: v for k, v in answer.body.items() if k != "stats"}
        answers.append((rest, costs[0].calls, costs[0].trips))
    assert all(one == answers[0] for one in answers)


def nearly(place: Place, theirs: str) -> str:
    """Returns an id that differs from a real one at its end. A card's code ends with a check
    character, so it gets one more: a wrong check character would be refused at less cost."""
    return theirs + "0" if place[-1] == "card_code" else theirs[:-1] + "0"


def sent(good: dict[str, Any], place: Place, value: str) -> dict[str, Any]:
    """Returns a valid body in which this field names that record."""
    body: dict[str, Any] = json.loads(json.dumps(good))
    holder = body
    *outer, last = place
    for name in outer:
        holder = holder.setdefault(name, {})
    for other in INSTEAD_OF.get(last, ()):
        holder.pop(other, None)
    holder[last] = value
    return body

"""Two customers and their merge, in few words."""

from __future__ import annotations

from typing import Any

from lambdas.customer.models.records import CustomerProfileRecord
from lambdas.customer.storage import profile_at
from shared.keys import of_org
from shared.table import Table
from tests.builders import WHY, Response, World


def merge(world: World, source: str, target: str, **more: Any) -> Response:
    body = {"source_customer_guid": source, "target_customer_guid": target, **WHY, **more}
    return world.owner("/customer/merge", body)


def merged(world: World, source: str, target: str, **more: Any) -> dict[str, Any]:
    """Merges, and returns the answer's data. The merge must succeed."""
    found: dict[str, Any] = merge(world, source, target, **more).data
    return found


def someone(world: World, **fields: Any) -> str:
    return str(world.customer(**{"first_name": "Ada", **fields})["customer_guid"])


def get(world: World, **selector: Any) -> dict[str, Any]:
    found: dict[str, Any] = world.owner("/customer/get", selector).data
    return found


def update(world: World, guid: str, **fields: Any) -> Response:
    """Updates a customer at its current revision."""
    current = get(world, customer_guid=guid)["customer"]["revision"]
    body = {"customer_guid": guid, "expected_revision": current, "customer": fields, **WHY}
    return world.owner("/customer/update", body)


def merges(world: World, guid: str, **more: Any) -> list[dict[str, Any]]:
    body = {"customer_guid": guid, **more}
    found: list[dict[str, Any]] = world.owner("/customer/merge/list", body).data["merges"]
    return found


def stored(world: World, guid: str) -> CustomerProfileRecord:
    at = profile_at(of_org(world.code), guid)
    return Table().load([at]).require(at)

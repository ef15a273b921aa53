"""A team and its notifications: the calls of this family in few words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.builders import Caller, Response, World
from tests.conftest import Database

TEAM = {"team_guid": "T1"}


def create(world: World, **more: Any) -> dict[str, Any]:
    answer = world.owner("/inbox/create", {"title": "Call back", **TEAM, **more})
    assert answer.status == 200, answer.body
    note: dict[str, Any] = answer.data["notification"]
    return note


def state(caller: Caller, note: dict[str, Any], to: str, **more: Any) -> Response:
    return caller("/inbox/state", {"notification_id": note["notification_id"], "state": to, **more})


def status(world: World, note: dict[str, Any], to: str, revision: int) -> Response:
    body = {"notification_id": note["notification_id"], "status": to}
    return world.owner("/inbox/status", {**body, "expected_revision": revision})


def listed(world: World, **more: Any) -> list[str]:
    body = {"limit": 256, **more}
    items = world.owner("/inbox/list", body).data["items"]
    return [one["notification_id"] for one in items]


def fields(answer: Response) -> list[str]:
    return [fault["field"] for fault in answer.body["error"]["minor"]]


def walked(world: World, between: Callable[[int], None] = lambda _: None, **body: Any) -> list[str]:
    """Returns the ids of every page of a list. ``between`` acts after each page, by its number."""
    found: list[str] = []
    number, token = 0, None
    while True:
        more = {} if token is None else {"next_token": token}
        page = world.owner("/inbox/list", {"limit": 3, **body, **more}).data
        found += [one["notification_id"] for one in page["items"]]
        token = page.get("next_token")
        if token is None:
            return found
        number += 1
        between(number)


def get(world: World, note: dict[str, Any]) -> Response:
    return world.owner("/inbox/get", {"notification_id": note["notification_id"]})


def holders(database: Database, world: World) -> list[str]:
    """Returns the ids of the notifications that the guards of dedupe keys name."""
    kind = {"S": "live_notification"}
    found = (item for item in database.items(world.code) if item["record_kind"] == kind)
    return [item["holder"]["S"] for item in found]

"""A team and its notifications: the calls of this family in few words."""

from __future__ import annotations

from typing import Any

from tests.builders import Caller, Response, World

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

"""A member who writes comments: the calls of this family in few words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tests.builders import WHY, Caller, Response, World

NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
ORDER = {"target_type": "order", "target_id": "SO-1"}


def on(target_type: str, target_id: str) -> dict[str, str]:
    return {"target_type": target_type, "target_id": target_id}


@dataclass(frozen=True)
class Author:
    """A member and what it comments on. ``now`` is the clock of its calls."""

    caller: Caller
    target: dict[str, str]
    now: datetime = NOW

    def at(self, now: datetime) -> Author:
        return replace(self, now=now)

    def call(self, path: str, **body: Any) -> Response:
        return self.caller(f"/comment{path}", {**self.target, **body}, now=self.now)

    def add(self, body: str = "Hello", **more: Any) -> dict[str, Any]:
        """Adds a comment, which must succeed."""
        made: dict[str, Any] = self.call("", body=body, **more).data["comment"]
        return made

    def get(self, comment: dict[str, Any], **more: Any) -> Response:
        return self.call("/get", **{"comment_id": comment["comment_id"], **more})

    def shown(self, comment: dict[str, Any], **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.get(comment, **more).data["comment"]
        return found

    def revise(self, comment: dict[str, Any], **more: Any) -> Response:
        return self.call("/revise", **{"comment_id": comment["comment_id"], **more})

    def set(self, comment: dict[str, Any], status: str, **more: Any) -> Response:
        """Sets the status, from the revision that the comment has here."""
        revision = {"expected_revision": comment["revision"]}
        sent = {**revision, "comment_id": comment["comment_id"], "status": status, **more}
        return self.call("/status", **sent)

    def history(self, comment: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        """Returns every content of a comment, page by page."""
        return self._pages(
            "/get", "history", comment_id=comment["comment_id"], history=True, **more
        )

    def listed(self, **more: Any) -> list[dict[str, Any]]:
        """Returns every comment on the record, page by page."""
        return self._pages("/list", "items", **more)

    def ids(self, **more: Any) -> list[str]:
        return [one["comment_id"] for one in self.listed(**more)]

    def _pages(self, path: str, plural: str, **body: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = self.call(path, **body).data
            found += page[plural]
            if "next_token" not in page:
                return found
            assert page[plural], "no empty page"
            body["next_token"] = page["next_token"]


def owner(world: World, **target: str) -> Author:
    return Author(world.owner, target or ORDER)


def customer(world: World) -> str:
    return str(world.customer(first_name="Ada")["customer_guid"])


def merge(world: World, source: str, target: str) -> None:
    body = {"source_customer_guid": source, "target_customer_guid": target, **WHY}
    answer = world.owner("/customer/merge", body)
    assert answer.status == 200, answer.body

"""A customer with subscriptions: the calls of this family in few words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from lambdas.subscription import storage
from lambdas.subscription.operations.announcing import advance
from shared.codec import view_of
from shared.identity import OrgRecord
from shared.keys import of_org
from shared.paging import page
from shared.records import Get
from shared.system import system_call
from shared.table import Table
from tests.builders import WHY, Response, World

ID = "subscription_id"
NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
Published = Callable[[str], list[dict[str, Any]]]


@dataclass
class Shop:
    """A customer who signed up a month ago. ``now`` is the clock of the next calls."""

    world: World
    now: datetime = NOW
    guid: str = ""
    why: dict[str, Any] = field(default_factory=lambda: dict(WHY))

    def __post_init__(self) -> None:
        if not self.guid:
            body = {"customer": {"first_name": "Ada"}, **WHY}
            made = self.world.owner("/customer/create", body, now=self.now - timedelta(days=30))
            self.guid = str(made.data["customer"]["customer_guid"])

    def call(self, path: str, **body: Any) -> Response:
        return self.world.owner(f"/subscription/{path}", body, now=self.now)

    def create(self, **fields: Any) -> Response:
        more = {k: fields.pop(k) for k in ("idempotency_key", "source_refs") if k in fields}
        named = {} if "customer_guid" in fields else {"customer_id": self.guid}
        given = {**named, "plan_id": "COFFEE", "frequency": "daily", **fields}
        return self.call("create", subscription=given, **{**WHY, **more})

    def new(self, **fields: Any) -> dict[str, Any]:
        return dict(self.create(**fields).data["subscription"])

    def get(self, made: dict[str, Any], **more: Any) -> dict[str, Any]:
        answer = self.call("get", subscription_id=made["subscription_id"], **more)
        return dict(answer.data["subscription"])

    def dates(self, made: dict[str, Any], many: int) -> list[tuple[int, str]]:
        answer = self.call("get", subscription_id=made["subscription_id"], occurrences=many)
        return [(one["n"], one["date"]) for one in answer.data.get("occurrences", [])]

    def do(self, verb: str, made: dict[str, Any], **more: Any) -> Response:
        if verb == "cancel":
            more.setdefault("expected_revision", self.get(made)["revision"])
        return self.call(verb, subscription_id=made["subscription_id"], **{**WHY, **more})

    def done(self, verb: str, made: dict[str, Any], **more: Any) -> dict[str, Any]:
        return dict(self.do(verb, made, **more).data["subscription"])

    def listed(self, **filters: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        token: dict[str, Any] = {}
        while True:
            page = self.call("list", **filters, **token).data
            found += page["subscriptions"]
            if "next_token" not in page:
                return found
            token = {"next_token": page["next_token"]}

    def sweep(self, now: datetime | None = None) -> int:
        """Writes what is due in this org alone, as the announcer does for all of them. Returns the
        number of writes."""
        now = now or self.now
        place = Get(of_org(self.world.code).org_record(), OrgRecord)
        org = Table().load([place]).require(place)
        written = 0
        for subscription_id in self.due(now):
            more = True
            while more:
                step = advance(system_call(org, now, work="test", work_id="t"), subscription_id)
                written, more = written + step.written, step.more
        return written

    def due(self, now: datetime) -> list[str]:
        """The subscriptions of this org in the list of what is due in all of them, however many
        others have."""
        found: list[str] = []
        cursor: str | None = None
        while True:
            views, cursor = page(Table(), storage.due_by(now), 256, cursor, view_of)
            found += [view[ID] for view in views if view["orgcode"] == self.world.code]
            if cursor is None:
                return found


def events_of(published: Published, shop: Shop) -> list[tuple[str, Any]]:
    """The events of subscriptions in the order of their writes: the action, and of an occurrence
    its number."""
    found = [e for e in published(shop.world.code) if e["aggregate_type"] == "subscription"]
    return [(e["action"].removeprefix("subscription-"), e["data"].get("n")) for e in found]

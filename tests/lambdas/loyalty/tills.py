"""A customer at a till: the calls of loyalty in few words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lambdas.loyalty import storage
from lambdas.loyalty.rules.decision import Stamp
from shared import auth
from shared.api import new_id
from shared.keys import of_org
from shared.ledger import Holdings
from shared.table import Table
from tests.builders import WHY, Response, World, euro
from tests.lambdas.loyalty.shelf import merging


def on(month: int, day: int = 1, hour: int = 0) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def policy(world: World, now: datetime | None = None, **parts: Any) -> Response:
    """A policy of one point per cent unless ``parts`` say otherwise."""
    made = {
        "currency": "EUR",
        "earn_policy": {"points_per_unit": 1, "unit_minor": 1},
        "redeem_policy": {"mode": "per_point"},
        **parts,
    }
    return world.owner("/loyalty/policy/set", {"policy": made, **WHY}, now=now)


@dataclass
class Member:
    """A customer with a ledger. ``now`` is the clock of the next calls."""

    world: World
    guid: str
    now: datetime | None = None

    @classmethod
    def of(cls, world: World, now: datetime | None = None) -> Member:
        body = {"customer": {"first_name": "Ada"}, **WHY}
        made = world.owner("/customer/create", body, now=now).data["customer"]
        return cls(world, made["customer_guid"], now)

    def call(self, what: str, **body: Any) -> Response:
        body = {"customer_guid": self.guid, **body}
        if what not in ("balance/get", "ledger/list"):
            body = {**WHY, **body}
        return self.world.owner(f"/loyalty/{what}", body, now=self.now)

    def earn(self, order: str, amount: int, **more: Any) -> Response:
        return self.call("earn", order_ref=order, amount=euro(amount), **more)

    def redeem(self, order: str, points: int, **more: Any) -> Response:
        return self.call("redeem", order_ref=order, redeem_points=points, **more)

    def adjust(self, points: int, **more: Any) -> Response:
        return self.call("adjust", points_delta=points, **more)

    def balance(self, **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.call("balance/get", **more).data["balance"]
        return found

    def ledger(self) -> list[dict[str, Any]]:
        """Every entry, oldest first."""
        found: list[dict[str, Any]] = []
        token: dict[str, Any] = {}
        while True:
            page = self.call("ledger/list", limit=256, **token).data
            found += page["transactions"]
            if "next_token" not in page:
                return found[::-1]
            token = {"next_token": page["next_token"]}

    def agrees(self) -> dict[str, Any]:
        """What recalculate finds; it must find nothing wrong."""
        found = self.call("recalculate").data
        assert found["equal"], found["differences"]
        assert found["chain_ok"]
        return found


def merge(world: World, source: str, target: str) -> None:
    """What a merge of two customers does to their ledgers and states, in one transaction."""
    keys, table, now = of_org(world.code), Table(), auth.now()

    def held(guid: str) -> Holdings:
        balance_at, pages = storage.balance_at(keys, guid), storage.all_pages(keys, guid)
        seen = table.load([balance_at, pages])
        balance = seen.get(balance_at) or Holdings.empty(guid, now).balance
        return Holdings.of(balance, seen.all(pages)).settled(now)

    one, two = held(source), held(target)
    by = Stamp(now=now, new_id=lambda: new_id(now))
    decisions = merging(one.settled(two.at), two.settled(one.at), by)
    writes = [w for d in decisions for w in storage.decision_writes(keys, d, "", [])]
    assert table.transact(writes, new_id(now), 0) is None
    states = [world.state_of(guid) for guid in (source, target)]
    absorbed = (*states[1].absorbed, *states[0].absorbed, source)
    world.set_state(source, status="merged", merged_into=target)
    world.set_state(target, absorbed=absorbed)

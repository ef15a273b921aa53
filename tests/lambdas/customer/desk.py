"""A customer at the desk of whoever watches over fraud: the calls of this part in few words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lambdas.customer import risk_storage
from lambdas.customer.models.risk_records import CustomerRiskRecord
from lambdas.customer.rules import risk as rules
from shared.api import new_id
from shared.keys import of_org
from shared.table import Table
from tests.builders import WHY, Response, World, euro
from tests.contract.scenes import POLICY

NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)
EXPIRED = NOW + timedelta(hours=72)
"""When a hold that is made now expires."""
REDEEM, ADJUST, CARD = "loyalty.redeem", "loyalty.adjust", "giftcard.redeem"


@dataclass
class Suspect:
    """A customer who signed up a month ago, with 1,000 points. ``now`` is the clock of the next
    calls."""

    world: World
    guid: str
    now: datetime = NOW

    @classmethod
    def of(cls, world: World, *, points: int = 0, since: datetime = LONG_AGO) -> Suspect:
        made = world.owner("/customer/create", {"customer": {}, **WHY}, now=since)
        made_guid = made.data["customer"]["customer_guid"]
        suspect = cls(world, made_guid)
        if points:
            assert suspect.call("/loyalty/adjust", points_delta=points).status == 200
        return suspect

    def at(self, now: datetime) -> Suspect:
        return replace(self, now=now)

    def call(self, path: str, **body: Any) -> Response:
        body = {"customer_guid": self.guid, **body}
        if not path.endswith("/list"):
            body = {**WHY, **body}
        return self.world.owner(path, body, now=self.now)

    def flag(self, flag_type: str, severity: str = "low", **more: Any) -> dict[str, Any]:
        """Sets a flag, which must succeed."""
        given = {"flag_type": flag_type, "severity": severity, **more}
        made: dict[str, Any] = self.call("/customer/flag/set", flag=given).data["flag"]
        return made

    def change(self, flag: dict[str, Any], **changes: Any) -> Response:
        """Changes a flag, from the revision that it has here."""
        revision = changes.pop("expected_revision", flag["revision"])
        given = {"flag_id": flag["flag_id"], "flag_type": flag["flag_type"], **changes}
        return self.call("/customer/flag/set", flag=given, expected_revision=revision)

    def ask(self, action: str = REDEEM, order: str | None = None, **more: Any) -> Response:
        named = {} if order is None else {"order_ref": order}
        crosscutting = {k: more.pop(k) for k in ("idempotency_key", "source_refs") if k in more}
        given = {"action_type": action, **named, **more}
        return self.call("/customer/fraud/assess", assessment=given, **crosscutting)

    def assess(self, action: str = REDEEM, order: str | None = None, **more: Any) -> dict[str, Any]:
        """Assesses, which must succeed."""
        made: dict[str, Any] = self.ask(action, order, **more).data["assessment"]
        return made

    def resolve(self, hold_id: str, resolution: str = "approved", **more: Any) -> Response:
        return self.call("/customer/hold/resolve", hold_id=hold_id, resolution=resolution, **more)

    def listed(self, what: str, **more: Any) -> list[dict[str, Any]]:
        """Every flag, assessment or hold, newest first."""
        plural = {"fraud": "assessments"}.get(what, f"{what}s")
        found: list[dict[str, Any]] = []
        token: dict[str, Any] = {}
        while True:
            page = self.call(f"/customer/{what}/list", **more, **token).data
            assert page["customer_guid"], "the customer that answers"
            found += page[plural]
            if "next_token" not in page:
                return found
            token = {"next_token": page["next_token"]}

    def hold(self, hold_id: str) -> dict[str, Any]:
        (found,) = [one for one in self.listed("hold") if one["hold_id"] == hold_id]
        return found

    # ---------------------------------------------------------------- what is enforced

    def redeem(self, order: str, points: int = 10) -> Response:
        return self.call("/loyalty/redeem", order_ref=order, redeem_points=points)

    def adjust(self, points: int = 1) -> Response:
        return self.call("/loyalty/adjust", points_delta=points)

    def card(self, cents: int = 5_000) -> str:
        body = {"amount": euro(cents), "customer_guid": self.guid, **WHY}
        made = self.world.owner("/giftcard/issue", body, now=self.now)
        return str(made.data["stored_value"]["card_code"])

    def pay(self, card: str, order: str, cents: int = 100) -> Response:
        body = {"card_code": card, "order_ref": order, "amount": euro(cents), **WHY}
        return self.world.owner("/giftcard/redeem", body, now=self.now)

    # ---------------------------------------------------------------- what is stored

    def summary(self) -> CustomerRiskRecord:
        get = risk_storage.risk_at(of_org(self.world.code), self.guid)
        return Table().load([get]).get(get) or rules.no_risk(self.guid)


def club(world: World) -> World:
    """The org with a policy under which points can be redeemed since long ago."""
    made = {**POLICY, "effective_from": (LONG_AGO + timedelta(days=1)).isoformat()}
    answer = world.owner("/loyalty/policy/set", {"policy": made, **WHY}, now=LONG_AGO)
    assert answer.status == 200, answer.body
    return world


def under_review(suspect: Suspect) -> Suspect:
    """The customer with a flag for which every assessment without more says ``review``."""
    suspect.flag("address-mismatch", "high")
    return suspect


def merge(world: World, source: Suspect, target: Suspect) -> None:
    """What a merge does to the states and summaries of two customers."""
    summary = rules.combined(target.summary(), source.summary(), target.now)
    keys = of_org(world.code)
    write = risk_storage.risk_write(keys, target.summary(), summary)
    assert Table().transact([write], new_id(target.now), 0) is None
    state = world.state_of(target.guid)
    absorbed = (*state.absorbed, *world.state_of(source.guid).absorbed, source.guid)
    blocked = rules.blocking(summary, target.now)
    world.set_state(source.guid, status="merged", merged_into=target.guid)
    world.set_state(target.guid, absorbed=absorbed, **blocked)


def two_flags(suspect: Suspect) -> Suspect:
    """The customer with two flags under which an assessment says ``review``: 35 points, and 65
    while a hold for another order is pending."""
    suspect.flag("abuse", "medium")
    suspect.flag("returns", "low")
    return suspect


def deny(suspect: Suspect, action: str, order: str | None = None) -> None:
    """Has an action denied, by a flag that is dismissed afterwards."""
    flag = suspect.flag("lost-card", "critical")
    source = [{"kind": "denial", "id": flag["flag_id"]}]
    assert suspect.assess(action, order, source_refs=source)["decision"] == "deny"
    assert suspect.change(flag, status="dismissed").status == 200


def allow(suspect: Suspect, action: str, order: str | None = None) -> None:
    flag = suspect.flag("trusted")
    source = [{"kind": "trust", "id": flag["flag_id"]}]
    assert suspect.assess(action, order, source_refs=source)["decision"] == "allow"
    assert suspect.change(flag, status="resolved").status == 200


def held(answer: Response) -> Any:
    assert (answer.status, answer.tag) == (409, "hold-pending"), answer.body
    return answer.detail["hold_id"]


def reason(answer: Response) -> Any:
    assert (answer.status, answer.tag) == (409, "invalid-state"), answer.body
    return answer.detail["reason"]

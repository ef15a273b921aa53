"""The shop whose days are told: its people and tills, and what it remembers from one day to the
next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.e2e.deployment import Caller, Deployment

ORG = "CORNER-SHOP"
WHY = {"reason": "a day at the shop", "source_refs": [{"kind": "ticket", "id": "T-1"}]}


def euro(cents: int) -> dict[str, Any]:
    return {"currency": "EUR", "amount": cents}


@dataclass
class Shop:
    """The callers, and the ids that the story has met so far."""

    owner: Caller
    till: Caller
    ids: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.ids[name]

    def customer(self, name: str, **fields: Any) -> str:
        """Signs up a customer, whom the story calls by this name."""
        made = self.owner.post("/customer/create", customer=fields, **WHY)["customer"]
        self.ids[name] = made["customer_guid"]
        return self.ids[name]

    def points(self, name: str) -> int:
        balance = self.till.post("/loyalty/balance/get", customer_guid=self[name])["balance"]
        return int(balance["available_points"])


def opened(deployment: Deployment) -> Shop:
    """Makes the org with the administration command, as ``docs/operations.md`` says, and opens
    it."""
    deployment.admin(f"org create {ORG} --status verified")
    deployment.admin(f"member add {ORG} U1 --owner")
    session = deployment.admin("session create U1").strip()
    roles = "--role crm_manage --role loyalty_admin --role giftcard_admin"
    key = deployment.admin(f"key create {ORG} till {roles}").strip()
    return Shop(
        owner=deployment.caller(ORG, session_guid=session),
        till=deployment.caller(ORG, api_key=key),
    )

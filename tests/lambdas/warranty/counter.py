"""The counter where warranties are registered: the calls of the family in few words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.builders import WHY, Response, World

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TODAY = "2026-03-10"


@dataclass
class Counter:
    """``now`` is the clock of the next calls."""

    world: World
    now: datetime = NOW

    def at(self, now: datetime) -> Counter:
        return replace(self, now=now)

    def on(self, day: str) -> Counter:
        return self.at(datetime.fromisoformat(f"{day}T12:00:00+00:00"))

    def after(self, seconds: int) -> Counter:
        """Lists are by creation, so no two are made at one time."""
        return self.at(self.now + timedelta(seconds=seconds))

    def call(self, path: str, **body: Any) -> Response:
        return self.world.owner(f"/warranty/{path}", body, now=self.now)

    def customer(self) -> str:
        made = self.world.owner("/customer/create", {"customer": {}, **WHY}, now=self.now)
        return str(made.data["customer"]["customer_guid"])

    def register(self, customer: str, serial: str = "SN-1", **fields: Any) -> Response:
        crosscutting = {k: fields.pop(k) for k in ("idempotency_key",) if k in fields}
        if "terms" not in fields and "expires_on" not in fields:
            fields["expires_on"] = "2027-03-09"
        whole = {"serial_number": serial, "customer_id": customer, **fields}
        return self.call("register", warranty=whole, **crosscutting)

    def registered(self, customer: str, serial: str = "SN-1", **fields: Any) -> str:
        """Registers, which must succeed; returns the id."""
        return str(self.register(customer, serial, **fields).data["warranty"]["warranty_id"])

    def get(self, warranty_id: str) -> dict[str, Any]:
        return dict(self.call("get", warranty_id=warranty_id).data["warranty"])

    def update(self, warranty_id: str, revision: int = 1, **changes: Any) -> Response:
        return self.call(
            "update", warranty_id=warranty_id, expected_revision=revision, warranty=changes
        )

    def set(self, warranty_id: str, status: str, revision: int = 1, **more: Any) -> Response:
        body = {"warranty_id": warranty_id, "status": status, "expected_revision": revision}
        return self.call("status/set", **body, **{"reason": "opened by others", **more})

    def listed(self, **filters: Any) -> list[str]:
        """Returns the ids of a whole walk, two on a page."""
        found, more = list[str](), dict[str, Any]()
        while True:
            data = self.call("list", limit=2, **filters, **more).data
            found += [one["warranty_id"] for one in data["warranties"]]
            if "next_token" not in data:
                return found
            assert data["warranties"], "no empty page in a small list"
            more = {"next_token": data["next_token"]}

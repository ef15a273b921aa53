"""The office that files certificates: the calls of the family in few words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tests.builders import WHY, Response, World

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TODAY = "2026-03-10"


@dataclass
class Office:
    """``now`` is the clock of the next calls."""

    world: World
    now: datetime = NOW

    def at(self, now: datetime) -> Office:
        return replace(self, now=now)

    def on(self, day: str) -> Office:
        return self.at(datetime.fromisoformat(f"{day}T12:00:00+00:00"))

    def customer(self) -> str:
        made = self.world.owner("/customer/create", {"customer": {}, **WHY}, now=self.now)
        return str(made.data["customer"]["customer_guid"])

    def create(self, certificate_id: str = "EX-1", *, top: Any = None, **fields: Any) -> Response:
        whole = {"certificate_id": certificate_id, "certificate_code": f"C-{certificate_id}"}
        whole = {**whole, "status": "active", **fields}
        body = {"certificate": whole, **WHY, **(top or {})}
        return self.world.owner("/exemption/certificate/create", body, now=self.now)

    def set(self, certificate_id: str, status: str, revision: int = 1, **more: Any) -> Response:
        body = {"certificate_id": certificate_id, "status": status, "expected_revision": revision}
        return self.world.owner(
            "/exemption/certificate/status/set", {**body, **WHY, **more}, now=self.now
        )

    def get(self, certificate_id: str = "EX-1", **more: Any) -> Response:
        body = {"certificate_id": certificate_id, **more}
        return self.world.owner("/exemption/certificate/get", body, now=self.now)

    def effective(self, certificate_id: str = "EX-1", **more: Any) -> str:
        return str(self.get(certificate_id, **more).data["certificate"]["effective_status"])

    def page(self, **filters: Any) -> Response:
        return self.world.owner("/exemption/certificate/list", filters, now=self.now)

    def listed(self, **filters: Any) -> list[str]:
        """Returns the ids of a whole walk, two on a page."""
        found, more = list[str](), dict[str, Any]()
        while True:
            data = self.page(limit=2, **filters, **more).data
            found += [one["certificate_id"] for one in data["certificates"]]
            if "next_token" not in data:
                return found
            assert data["certificates"], "no empty page in a small list"
            more = {"next_token": data["next_token"]}

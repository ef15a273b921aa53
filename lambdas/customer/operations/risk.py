"""A customer's risk in one call: what is read of it, and how a change of it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from lambdas.customer import risk_storage as storage
from lambdas.customer.models.risk_records import CustomerRiskRecord
from lambdas.customer.rules import risk as rules
from shared.api import Call
from shared.codec import R
from shared.customer_guard import CustomerGuard
from shared.customer_state import (
    CustomerStateRecord,
    redirected,
    require_customer,
    state_at,
    survivor_of,
)
from shared.errors import NotFound
from shared.records import Get, Read, Records
from shared.writes import Write

T = TypeVar("T")


def risk_reads(call: Call, customer_guid: str) -> list[Read]:
    """Returns what every change of a customer's risk reads."""
    return [state_at(call.keys, customer_guid), storage.risk_at(call.keys, customer_guid)]


@dataclass(frozen=True, slots=True)
class CustomerRisk:
    """The risk of the customer that a request names, or of the one that it was merged into."""

    call: Call
    records: Records
    named: str
    state: CustomerStateRecord

    @classmethod
    def of(cls, call: Call, records: Records, named: str) -> CustomerRisk:
        """Raises 404 where there is no such customer, and ``busy`` while it is being erased."""
        records.ensure(*risk_reads(call, survivor_of(call.keys, records, named)))
        return cls(call, records, named, require_customer(call.keys, records, named))

    @property
    def guid(self) -> str:
        return self.state.customer_guid

    @property
    def owners(self) -> tuple[str, ...]:
        """The customer, and everyone who was merged into it."""
        return self.state.owners

    @property
    def redirect(self) -> dict[str, str]:
        return redirected(self.named, self.guid)

    @property
    def summary(self) -> CustomerRiskRecord:
        found = self.records.get(storage.risk_at(self.call.keys, self.guid))
        return found or rules.no_risk(self.guid)

    def require(self, places: Sequence[Get[R]]) -> R:
        """Returns the record that lies in one of these places: the customer's, or that of one who
        was merged into it. Raises 404 where it lies in none."""
        self.records.ensure(*places)
        found = next((one for place in places if (one := self.records.get(place))), None)
        if found is None:
            raise NotFound()
        return found

    def guard(self, after: CustomerRiskRecord | None = None, **demands: Any) -> CustomerGuard:
        """Returns the guard of a change. Where it changes the summary, the state changes too, in
        what it says of blocked actions."""
        changed = None
        if after is not None and after is not self.summary:
            derived = rules.with_risk(self.state, after, self.call.now)
            changed = None if derived is self.state else derived
        return self.call.guard(
            self.guid, self.state, absorbed_as_read=True, changed=changed, **demands
        )

    def reading_guard(self) -> CustomerGuard:
        """Returns the guard of an answer that changes nothing. It is refused in no status, and it
        is no activity."""
        return self.call.guard(self.guid, self.state, statuses=None, active=False)

    def write(self, after: CustomerRiskRecord) -> Write:
        """Returns the write of the summary, or the check that it is still the one that was read."""
        return storage.risk_write(self.call.keys, self.summary, after)


def why(call: Call) -> dict[str, Any]:
    """Returns why a change is made, as the records keep it."""
    given = call.facts.provenance
    return {
        "reason": given.reason,
        "reason_code": given.reason_code,
        "source_refs": given.source_refs,
    }

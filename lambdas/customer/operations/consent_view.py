"""Consents as they are answered: what counts now or counted then, and who may be contacted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lambdas.customer import storage
from lambdas.customer.models.records import ConsentDecisionRecord
from lambdas.customer.models.requests import CustomerConsentGetRequest
from lambdas.customer.operations.consent_sides import (
    INSIDE,
    consent_reads,
    ensure_sides_read,
    heads_of,
    owner_reads,
    points_of,
    preferences_shown,
    sides_of,
)
from lambdas.customer.rules.consent import ConsentKey, Said, is_grant
from lambdas.customer.rules.consent_sides import (
    Consents,
    Contact,
    as_of,
    combined,
    own_points,
    state_at,
)
from shared.api import Answer, Call
from shared.codec import shown
from shared.customer_state import (
    CustomerStateRecord,
    redirected,
    require_readable_customer,
)
from shared.records import Read, Records


def customer_consent_get(call: Call, body: CustomerConsentGetRequest) -> Answer:
    """Answers what counts for each type, channel and contact point, with ``can_contact``, and the
    preferences. A refusal covers every narrower consent, and a contact point may have been refused
    for everyone who has it: such refusals count too. With ``as_of`` it answers what was in force
    then, with ``history`` the newest decisions too."""
    named, at = body.customer_guid, body.as_of or call.now

    def beside(customer_guid: str) -> list[Read]:
        found: list[Read] = []
        if body.as_of is not None:
            found.append(storage.decisions_of(call.keys, customer_guid))
        if body.history:
            found.append(storage.decisions_of(call.keys, customer_guid, newest=True))
        return found

    def work(records: Records) -> Answer:
        survivor = ensure_sides_read(call, records, named, beside)
        state = require_readable_customer(call.keys, records, named)
        head, others = heads_of(call, records, state)
        view = _view(call, records, state, named, at, past=body.as_of is not None)
        data: dict[str, Any] = {
            "customer_guid": survivor,
            "consents": view.shown(),
            **preferences_shown(head, *others),
        }
        if body.history:
            data["history"] = _history(call, records, state, at)
        if head is not None:
            data["revision"] = head.revision
        revision = None if head is None else head.revision
        return Answer({**data, **redirected(named, survivor)}, revision)

    return call.read([*consent_reads(call, named), *beside(named)], work)


def _view(
    call: Call,
    records: Records,
    state: CustomerStateRecord,
    named: str,
    at: datetime,
    *,
    past: bool,
) -> _View:
    """Returns the consents of a customer at a time. ``past``: of the decisions that held by then,
    not of those that count now."""

    def decided(customer_guid: str) -> list[ConsentDecisionRecord]:
        decisions = records.all(storage.decisions_of(call.keys, customer_guid))
        return [one for one in decisions if one.effective_at <= at]

    def consents(*, with_points: bool) -> Consents:
        kept = decided if past else None
        sides = sides_of(call, records, state, kept, with_points=with_points)
        return combined(as_of(sides, named, at) if past else sides)

    profile = records.get(storage.profile_at(call.keys, state.customer_guid))
    points = list(dict.fromkeys(one.value for one in points_of(profile)))
    asked = _points_asked(consents(with_points=False), points)
    reads = {point: storage.suppression_at(call.keys, point) for point in asked}
    # In one trip with what tells whose contact points they are.
    records.ensure(*reads.values(), *owner_reads(call, records, state).values())
    refused = {
        point: [t for t in (one.refused_at, one.erased_at) if t is not None and t <= at]
        for point, read in reads.items()
        if (one := records.get(read)) is not None
    }
    return _View(
        consents(with_points=True),
        points if state.status != "anonymized" else None,
        {point: max(times) for point, times in refused.items() if times},
        at,
    )


def _points_asked(consents: Consents, points: Sequence[str]) -> list[str]:
    """Returns the contact points that the grants are about."""
    grants = [key for key, said in consents.counting().items() if is_grant(said.decision)]
    about = [[key[2]] if key[2] else own_points(key[1], points) for key in grants]
    return list(dict.fromkeys(point for some in about for point in some))


def _history(
    call: Call, records: Records, state: CustomerStateRecord, at: datetime
) -> list[dict[str, Any]]:
    """Returns the newest decisions of all partitions that were in force by that time."""
    owners = state.owners
    reads = [storage.decisions_of(call.keys, guid, newest=True) for guid in owners]
    found = [one for read in reads for one in records.all(read) if one.effective_at <= at]
    found.sort(key=lambda one: (one.recorded_at, one.decision_id), reverse=True)
    return [shown(one, without=INSIDE) for one in found[: storage.HISTORY]]


@dataclass(frozen=True, slots=True)
class _View:
    """The consents of a customer at a time. ``points``: the contact points of the customer, None
    where there is nobody left to be contacted. ``refused``: the org's own refusals by contact
    point."""

    consents: Consents
    points: Sequence[str] | None
    refused: Mapping[str, datetime]
    at: datetime

    def shown(self) -> list[dict[str, Any]]:
        return [self._row(key, said) for key, said in sorted(self.consents.counting().items())]

    def _row(self, key: ConsentKey, said: Said) -> dict[str, Any]:
        contact = Contact(allowed=False)
        if self.points is not None:
            contact = self.consents.contact(key, self.points, self.refused, self.at)
        return shown(
            said.decision,
            without=INSIDE,
            consent_state=state_at(said.decision, self.at),
            can_contact=contact.allowed,
            contact_points=contact.points or None,
        )

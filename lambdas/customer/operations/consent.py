"""Consents: the decisions that come with a new customer."""

from __future__ import annotations

from collections.abc import Sequence

from lambdas.customer import storage
from lambdas.customer.models.records import (
    ConsentCurrentRecord,
    ConsentDecisionRecord,
    ConsentHeadRecord,
    Notice,
)
from lambdas.customer.models.requests import ConsentIn
from lambdas.customer.rules.consent import current, key_of
from shared.api import Call
from shared.codec import utc
from shared.contact_points import contact_point
from shared.events import change_event
from shared.writes import Put, Write


def decision_of(call: Call, customer_guid: str, given: ConsentIn) -> ConsentDecisionRecord:
    """Returns a decision as it is stored. Without a time of its own it holds from now."""
    values = given.model_dump(exclude={"notice", "effective_at", "expires_at"}, exclude_none=True)
    if given.contact_point is not None:
        region = call.settings.region
        values["contact_point"] = contact_point(given.contact_point, region)
    return ConsentDecisionRecord(
        **values,
        decision_id=f"cons_{call.new_id()}",
        customer_guid=customer_guid,
        effective_at=utc(given.effective_at or call.now),
        expires_at=None if given.expires_at is None else utc(given.expires_at),
        notice=None if given.notice is None else Notice(**given.notice.model_dump()),
        recorded_at=call.now,
    )


def first_decisions(call: Call, customer_guid: str, given: Sequence[ConsentIn]) -> list[Write]:
    """Returns the writes of the consents that a customer is created with: every decision, the one
    that counts for each thing decided about, and the first revision of the whole."""
    if not given:
        return []
    decisions = [decision_of(call, customer_guid, one) for one in given]
    counting = current(decisions)
    head = ConsentHeadRecord(customer_guid=customer_guid, created_at=call.now, updated_at=call.now)
    moved = [
        {
            "decision_id": one.decision_id,
            "consent_type": one.consent_type,
            **({"channel": one.channel} if one.channel else {}),
            "consent_state": one.consent_state,
            "applied": counting[key_of(one)] is one,
        }
        for one in decisions
    ]
    event = change_event(
        call,
        "customer-consent-set",
        ("customer_consent", customer_guid, head.revision),
        {"customer_guid": customer_guid, "decisions": moved},
    )
    writes: list[Write] = [Put(storage.head_item(call.keys, head), events=[event])]
    for about, decision in counting.items():
        record = ConsentCurrentRecord(decision=decision)
        writes.append(Put(storage.current_item(call.keys, about, record)))
    return writes + [Put(storage.decision_item(call.keys, one)) for one in decisions]

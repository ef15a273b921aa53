"""Holds: resolve and list. An assessment makes them."""

from __future__ import annotations

from typing import Any

from lambdas.customer import risk_storage as storage
from lambdas.customer.models.risk_envelopes import CustomerHoldMoved
from lambdas.customer.models.risk_records import HoldRecord
from lambdas.customer.models.risk_requests import (
    CustomerHoldListRequest,
    CustomerHoldResolveRequest,
)
from lambdas.customer.operations.risk import CustomerRisk, risk_reads, why
from lambdas.customer.rules import hold as rules
from lambdas.customer.rules import risk as risk_rules
from shared.api import Answer, Call
from shared.call import repeated
from shared.codec import Item, Wire, decode
from shared.commit import CustomerStep, commit
from shared.customer_guard import order_holds_at
from shared.customer_state import OrderHoldRecord
from shared.events import change_event, event_data
from shared.lists import answer_customer_list
from shared.records import Records
from shared.writes import Condition, Delete, Put, Update, Write


def customer_hold_resolve(call: Call, body: CustomerHoldResolveRequest) -> Answer:
    """Resolves a pending hold. ``approved`` lets its order pass all other holds and earlier
    denials; ``rejected`` refuses the order for good; ``cancelled`` ends the hold and says neither.
    A hold that has expired may still be approved. The same resolution again is a replay."""
    guid, word_id = body.customer_guid, call.new_id()

    def decide(call: Call, records: Records) -> CustomerStep:
        risk = CustomerRisk.of(call, records, guid)
        hold = risk.require(storage.holds_at(call.keys, risk.owners, body.hold_id))
        if rules.is_repeat(hold, body.resolution):
            return CustomerStep(repeated(_data(risk, hold), hold.revision), risk.reading_guard())
        call.facts.ensure_revision(hold.revision, _data(risk, hold))
        how = {"resolved_by": call.caller.actor, "note": body.note, **why(call)}
        after = rules.resolved(hold, body.resolution, call.now, **how)
        denial = None if hold.order_ref is not None else rules.denial_of(body.resolution)
        action = risk_rules.folded(hold.action_type)
        summary = risk_rules.without_hold(risk.summary, hold.hold_id, action, call.now, denial)
        writes = [_resolution_write(risk, hold, after), risk.write(summary)]
        writes += _order_writes(risk, after, word_id)
        answer = Answer(_data(risk, after), after.revision)
        return CustomerStep(answer, risk.guard(summary, active=False), writes)

    reads = [*risk_reads(call, guid), *storage.holds_at(call.keys, [guid], body.hold_id)]
    return commit(call, reads, decide)


def customer_hold_list(call: Call, body: CustomerHoldListRequest) -> Answer:
    """Lists the holds of a customer, newest first, with those of everyone who was merged into it.
    A hold that nobody has resolved in time is listed as ``expired``."""
    asked = None if body.action_type is None else risk_rules.folded(body.action_type)

    def keep(wire: Wire, customer_guid: str) -> dict[str, Any] | None:
        hold: HoldRecord = decode(HoldRecord, wire)
        right_status = body.status in (None, rules.status_at(hold, call.now))
        right = right_status and asked in (None, risk_rules.folded(hold.action_type))
        return storage.hold_shown(hold, customer_guid, call.now) if right else None

    def place(guid: str) -> tuple[str, str]:
        return call.keys.customer_hold(guid, "")

    return answer_customer_list(call, body, place, keep, plural="holds")


def _resolution_write(risk: CustomerRisk, before: HoldRecord, after: HoldRecord) -> Write:
    call = risk.call
    moved = {
        "customer_guid": risk.guid,
        "previous_status": rules.status_at(before, call.now),
    }
    event = change_event(
        call,
        "customer-hold-resolved",
        ("customer_hold", after.hold_id, after.revision),
        event_data(CustomerHoldMoved, after, **moved),
    )
    item = storage.hold_item(call.keys, after)
    return Update(item, if_revision=before.revision, events=[event])


def _order_writes(risk: CustomerRisk, after: HoldRecord, word_id: str) -> list[Write]:
    """Returns what is written about the order of a resolved hold. It was not read, because only the
    hold names it. An approval or a rejection is the last word, whatever was said before. A
    cancellation removes what the hold itself has left, and nothing else."""
    if after.order_ref is None:
        return []
    action = risk_rules.folded(after.action_type)
    keys, now = risk.call.keys, risk.call.now
    (place,) = order_holds_at(keys, [after.customer_guid], action, after.order_ref)
    if after.resolution != "cancelled":
        word = rules.said_by_resolution(after, now, word_id)
        return [Put(Item(place.key, word), condition=None)]
    said: OrderHoldRecord | None = risk.records.if_read(place)
    if said is not None and said.hold_id != after.hold_id:
        return []
    own = Condition(
        "attribute_not_exists(pk) OR hold_id = :hold", values={":hold": {"S": after.hold_id}}
    )
    return [Delete(place.key, own)]


def _data(risk: CustomerRisk, hold: HoldRecord) -> dict[str, Any]:
    shown = storage.hold_shown(hold, risk.guid, risk.call.now)
    return {"customer_guid": risk.guid, "hold": shown, **risk.redirect}

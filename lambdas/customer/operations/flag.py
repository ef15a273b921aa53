"""Flags: set and list."""

from __future__ import annotations

from typing import Any

from lambdas.customer import risk_storage as storage
from lambdas.customer.models.risk_envelopes import CustomerFlagSet
from lambdas.customer.models.risk_records import EvidenceRef, FlagRecord
from lambdas.customer.models.risk_requests import (
    CustomerFlagListRequest,
    CustomerFlagSetRequest,
    FlagIn,
)
from lambdas.customer.operations.risk import CustomerRisk, risk_reads, why
from lambdas.customer.rules import flag as rules
from lambdas.customer.rules import risk as risk_rules
from shared.api import Answer, Call
from shared.codec import Wire, decode, utc
from shared.commit import CustomerStep, commit
from shared.events import change_event, event_data
from shared.lists import answer_customer_list
from shared.records import Read, Records
from shared.writes import Put, Update, Write


def customer_flag_set(call: Call, body: CustomerFlagSetRequest) -> Answer:
    """Sets a flag on a customer. With ``flag_id`` it changes that flag: what is left out stays as
    it is. An open ``block`` flag refuses every enforced action at once, ``legal_hold`` refuses a
    merge and an erasure, ``trusted`` and ``chargeback`` count in assessments."""
    given, guid = body.flag, body.customer_guid
    made_id = storage.FLAG + call.new_id()

    def decide(call: Call, records: Records) -> CustomerStep:
        risk = CustomerRisk.of(call, records, guid)
        if given.flag_id is None:
            call.facts.ensure_revision(0, {})
            return _set(risk, None, _new(call, risk.guid, made_id, given))
        before = risk.require(storage.flags_at(call.keys, risk.owners, given.flag_id))
        call.facts.require_revision()
        call.facts.ensure_revision(before.revision, _data(risk, before))
        after = rules.changed(before, given.flag_type, _stored(given), why(call), call.now)
        if after is before:
            return CustomerStep(Answer(_data(risk, after), after.revision), risk.reading_guard())
        return _set(risk, before, after)

    reads: list[Read] = risk_reads(call, guid)
    if given.flag_id is not None:
        reads += storage.flags_at(call.keys, [guid], given.flag_id)
    return commit(call, reads, decide)


def customer_flag_list(call: Call, body: CustomerFlagListRequest) -> Answer:
    """Lists the flags of a customer, newest first, with those of everyone who was merged into it.
    A flag that has expired is listed as ``resolved``."""
    asked = None if body.flag_type is None else risk_rules.folded(body.flag_type)

    def keep(wire: Wire, customer_guid: str) -> dict[str, Any] | None:
        flag: FlagRecord = decode(FlagRecord, wire)
        right = (
            body.status in (None, rules.status_at(flag, call.now))
            and body.severity in (None, flag.severity)
            and asked in (None, risk_rules.folded(flag.flag_type))
        )
        return storage.flag_shown(flag, customer_guid, call.now) if right else None

    def place(guid: str) -> tuple[str, str]:
        return call.keys.customer_flag(guid, "")

    return answer_customer_list(call, body, place, keep, plural="flags")


def _stored(given: FlagIn) -> dict[str, Any]:
    """Returns the given fields as the record holds them; None clears one."""
    stored: dict[str, Any] = {}
    for name in given.model_fields_set - {"flag_id", "flag_type"}:
        value = getattr(given, name)
        if name == "evidence_refs" and value is not None:
            value = tuple(EvidenceRef(kind=one.kind, id=one.id) for one in value)
        if name == "expires_at" and value is not None:
            value = utc(value)
        stored[name] = value
    return stored


def _new(call: Call, customer_guid: str, flag_id: str, given: FlagIn) -> FlagRecord:
    values = {name: value for name, value in _stored(given).items() if value is not None}
    return FlagRecord(
        **{"status": given.status, "severity": given.severity, **values, **why(call)},
        flag_id=flag_id,
        customer_guid=customer_guid,
        flag_type=given.flag_type,
        created_at=call.now,
        updated_at=call.now,
    )


def _set(risk: CustomerRisk, before: FlagRecord | None, after: FlagRecord) -> CustomerStep:
    """Returns the step that stores a flag, and what it changes for the customer."""
    call = risk.call
    summary = risk_rules.with_flag(risk.summary, after, call.now)
    status = rules.status_at(after, call.now)
    moved: dict[str, Any] = {"status": status, "customer_guid": risk.guid}
    if before is not None and rules.status_at(before, call.now) != status:
        moved["previous_status"] = rules.status_at(before, call.now)
    event = change_event(
        call,
        "customer-flag-set",
        ("customer_flag", after.flag_id, after.revision),
        event_data(CustomerFlagSet, after, **moved),
    )
    item = storage.flag_item(call.keys, after)
    write: Write = Put(item, events=[event])
    if before is not None:
        write = Update(item, if_revision=before.revision, events=[event])
    answer = Answer(_data(risk, after), after.revision)
    return CustomerStep(answer, risk.guard(summary, active=False), [write, risk.write(summary)])


def _data(risk: CustomerRisk, flag: FlagRecord) -> dict[str, Any]:
    shown = storage.flag_shown(flag, risk.guid, risk.call.now)
    return {"customer_guid": risk.guid, "flag": shown, **risk.redirect}

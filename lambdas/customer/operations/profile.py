"""Profiles: create, get, update."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lambdas.customer import storage
from lambdas.customer.models.records import (
    CustomerLookupRecord,
    CustomerProfileRecord,
    ExternalRef,
)
from lambdas.customer.models.requests import (
    CustomerChanges,
    CustomerCreateRequest,
    CustomerGetRequest,
    CustomerUpdateRequest,
)
from lambdas.customer.operations.consent import first_decisions
from lambdas.customer.rules import profile as rules
from lambdas.customer.rules.profile import Lookup
from shared.api import Answer, Call
from shared.codec import shown
from shared.commit import CustomerStep, commit
from shared.contact_points import Address
from shared.customer_state import (
    CustomerGuard,
    CustomerStateRecord,
    require_customer,
    require_readable_customer,
    state_at,
    survivor_of,
)
from shared.errors import AlreadyExists, InvalidState, NotFound
from shared.events import change_event
from shared.keys import CUSTOMER_PREFIX
from shared.records import Records
from shared.states import require_step
from shared.writes import ABSENT, Check, Condition, CurrentItem, Delete, Put, Update, Write


def customer_create(call: Call, body: CustomerCreateRequest) -> Answer:
    """Creates a customer. Every field is optional. A code and an external ref belong to one
    customer only, and so do an e-mail and a phone that the org does not share. Such an e-mail or
    phone of a deleted customer comes back only with a granted consent, or when a privacy role
    overrides this."""
    given = body.customer
    has_role = call.caller.has("crm_privacy_admin")
    rules.require_override_role(asked=body.override_suppression, has_role=has_role)
    lifts = body.override_suppression or any(c.consent_state == "granted" for c in given.consents)
    customer_guid = CUSTOMER_PREFIX + call.new_id()
    values = _stored_fields(given) | {"kind": given.kind, "status": given.status}
    profile = rules.without_repeats(
        CustomerProfileRecord(
            **values, customer_guid=customer_guid, created_at=call.now, updated_at=call.now
        )
    )
    state = CustomerStateRecord(
        customer_guid=customer_guid,
        status=profile.status,
        active_on=call.today,
        created_at=call.now,
    )
    lookups = rules.lookups(profile)

    def decide(call: Call, _: Records) -> CustomerStep:
        item = storage.profile_item(call.keys, profile)
        return CustomerStep(
            _answer(profile, customer_guid),
            call.guard(customer_guid, changed=state),
            [
                Put(item, events=[_event(call, "customer-created", profile)]),
                *[_claim(call, lookup, customer_guid) for lookup in lookups],
                *_suppression_writes(call, lookups, lifts=lifts),
                *first_decisions(call, customer_guid, given.consents),
            ],
        )

    return commit(call, [], decide)


def customer_get(call: Call, body: CustomerGetRequest) -> Answer:
    """Answers a customer by guid, code, e-mail, phone or external ref, right after it was created.
    A merged customer answers as the survivor, with ``redirected_from``. A value that several
    customers share is refused with their count."""
    if body.customer_guid is not None:
        customer_guid = body.customer_guid
        records = call.load(*storage.customer_reads(call.keys, customer_guid))
    else:
        customer_guid, records = _owner(call, _lookup_asked(body))

    def work(records: Records) -> CustomerProfileRecord:
        survivor = _ensure_read(call, records, customer_guid)
        require_readable_customer(call.keys, records, customer_guid)
        return records.require(storage.profile_at(call.keys, survivor))

    return _answer(call.decided(records, work), customer_guid)


def customer_update(call: Call, body: CustomerUpdateRequest) -> Answer:
    """Changes the fields that are given, clears those that are ``null``, and leaves the others. A
    list replaces the whole list. A changed e-mail, phone, code or ref finds the customer at once,
    and the old one is free."""
    changes = _stored_fields(body.customer)

    def decide(call: Call, records: Records) -> CustomerStep:
        survivor = _ensure_read(call, records, body.customer_guid)
        # First of all: while an erasure runs, no answer may show the profile.
        state = require_customer(call.keys, records, body.customer_guid)
        profile = records.require(storage.profile_at(call.keys, survivor))
        current = {"customer": shown(profile)}
        call.facts.ensure_revision(profile.revision, current)
        after = rules.changed(profile, changes, call.now)
        answer = _answer(after, body.customer_guid)
        if after is profile:
            # Nothing changes, so it is refused in no status, and it is no activity.
            return CustomerStep(answer, call.guard(survivor, state, statuses=None, active=False))
        return CustomerStep(answer, _update_guard(call, state, after), _moves(call, profile, after))

    return commit(call, storage.customer_reads(call.keys, body.customer_guid), decide)


# ---------------------------------------------------------------- what comes in


def _stored_fields(given: CustomerChanges) -> dict[str, Any]:
    """Returns the given fields as the record holds them."""
    names = given.model_fields_set & CustomerChanges.model_fields.keys()
    return {name: _stored(name, getattr(given, name)) for name in names}


def _stored(name: str, value: Any) -> Any:
    """Returns one field as the record holds it: ``None`` clears a value, and empties a list."""
    match name:
        case "addresses":
            return tuple(Address(**one.model_dump()) for one in value or ())
        case "external_refs":
            return tuple(ExternalRef(kind=one.kind, id=one.id) for one in value or ())
        case "alternate_emails" | "alternate_phones" | "tags":
            return tuple(value or ())
    return value


# ---------------------------------------------------------------- finding one


def _lookup_asked(body: CustomerGetRequest) -> Lookup:
    """Returns the one value that the request names a customer by."""
    if body.customer_code is not None:
        return rules.code(body.customer_code)
    if body.email is not None:
        return rules.email(body.email)
    if body.phone is not None:
        return rules.phone(body.phone)
    assert body.external_ref is not None
    return rules.ref(body.external_ref.kind, body.external_ref.id)


def _owner(call: Call, lookup: Lookup) -> tuple[str, Records]:
    """Returns the one customer who has the value, and the records read on the way. 404 where nobody
    has it, 409 where several do. Customers who were merged into one count as one. A customer whose
    deletion has begun does not count: the look-ups may still be there, but the customer is gone."""
    owners_at = storage.owners_of(call.keys, lookup)
    records = call.load(owners_at)
    owners = [found.customer_guid for found in records.all(owners_at)]
    if len(owners) > 1:
        states_at = [state_at(call.keys, owner) for owner in owners]
        records.add(call.load(*states_at))
        states = [state for at in states_at if (state := records.get(at)) is not None]
        alive = [state for state in states if state.job_kind != "delete"]
        owners = list({state.merged_into or state.customer_guid: None for state in alive})
    if not owners:
        raise NotFound()
    if len(owners) > 1:
        raise InvalidState("Several customers share the value.", detail={"count": len(owners)})
    return owners[0], records


def _ensure_read(call: Call, records: Records, customer_guid: str) -> str:
    """Returns the customer that this one is by now, once state and profile of it are read."""
    records.ensure(*storage.customer_reads(call.keys, customer_guid))
    survivor = survivor_of(call.keys, records, customer_guid)
    records.ensure(*storage.customer_reads(call.keys, survivor))
    return survivor


def _answer(profile: CustomerProfileRecord, asked: str) -> Answer:
    data: dict[str, Any] = {"customer": shown(profile)}
    if asked != profile.customer_guid:
        data["redirected_from"] = asked
    return Answer(data, profile.revision)


# ---------------------------------------------------------------- what is written


def _update_guard(
    call: Call, state: CustomerStateRecord, after: CustomerProfileRecord
) -> CustomerGuard:
    """Returns the guard of an update. The state repeats the status, so it changes with it."""
    changed = None
    require_step(rules.CUSTOMER_STEPS, state.status, after.status)
    if after.status != state.status:
        changed = replace(state, status=after.status, revision=state.revision + 1)
    return call.guard(state.customer_guid, state, changed=changed)


def _moves(call: Call, before: CustomerProfileRecord, after: CustomerProfileRecord) -> list[Write]:
    """Returns the write of the profile, and those of the look-ups that move with it."""
    event = _event(call, "customer-updated", after, before=before)
    item = storage.profile_item(call.keys, after)
    writes: list[Write] = [Update(item, if_revision=before.revision, events=[event])]
    old = {lookup.place: lookup for lookup in rules.lookups(before)}
    new = {lookup.place: lookup for lookup in rules.lookups(after)}
    owner = after.customer_guid
    writes += [_release(call, old[place], owner) for place in old.keys() - new.keys()]
    return writes + [_claim(call, new[place], owner) for place in new.keys() - old.keys()]


def _claim(call: Call, lookup: Lookup, customer_guid: str) -> Put:
    """Returns the write of a look-up. It is refused where another customer has a unique value."""

    def taken(current: CurrentItem) -> AlreadyExists | None:
        other = current.record(CustomerLookupRecord)
        return None if other is None else rules.refusal_of_taken(lookup, other.customer_guid)

    item = storage.lookup_item(call.keys, call.settings, lookup, customer_guid)
    return Put(item, unless_exists=taken)


def _release(call: Call, lookup: Lookup, customer_guid: str) -> Delete:
    # The org may have changed whether the value is unique: then the look-up at this place may be
    # that of another customer, and must stay.
    own = Condition(
        "attribute_not_exists(pk) OR customer_guid = :owner",
        values={":owner": {"S": customer_guid}},
    )
    return Delete(storage.lookup_key(call.keys, call.settings, lookup, customer_guid), own)


def _suppression_writes(call: Call, lookups: list[Lookup], *, lifts: bool) -> list[Write]:
    """Returns the checks that no e-mail, nor a phone where phones are unique, was a deleted
    customer's. A call that lifts the suppression deletes it instead."""
    writes: list[Write] = []
    for lookup in lookups:
        unique_phone = lookup.kind == "phone" and storage.is_unique(call.settings, lookup)
        if lookup.kind == "email" or unique_phone:
            key = call.keys.suppressed(lookup.kind, lookup.value)
            refusal = rules.refusal_of_suppressed(lookup)
            writes.append(Delete(key) if lifts else Check(key, ABSENT, on_failure=refusal))
    return writes


def _event(
    call: Call,
    action: str,
    profile: CustomerProfileRecord,
    before: CustomerProfileRecord | None = None,
) -> dict[str, Any]:
    data: dict[str, Any] = {
        "customer_guid": profile.customer_guid,
        "customer_code": profile.customer_code,
        "kind": profile.kind,
        "status": profile.status,
    }
    if before is not None:
        data["changed"] = rules.differing(before, profile)
        if before.status != profile.status:
            data["previous_status"] = before.status
    aggregate = ("customer", profile.customer_guid, profile.revision)
    return change_event(call, action, aggregate, data)

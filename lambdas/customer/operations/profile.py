"""Profiles: create, get, update."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lambdas.customer import storage
from lambdas.customer.models import (
    MADE_CUSTOMER,
    CustomerAddress,
    CustomerChanges,
    CustomerCreateRequest,
    CustomerGetRequest,
    CustomerLookupRecord,
    CustomerProfileRecord,
    CustomerUpdateRequest,
    ExternalRef,
)
from lambdas.customer.operations.consent import first_decisions
from lambdas.customer.rules import profile as rules
from lambdas.customer.rules.profile import Lookup
from shared.api import Answer, Call
from shared.commit import CustomerStep, commit
from shared.contact_points import phone
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
from shared.records import Records
from shared.states import advance
from shared.writes import ABSENT, Check, Condition, CurrentItem, Delete, Put, Update, Write


def customer_create(call: Call, body: CustomerCreateRequest) -> Answer:
    """Creates a customer; everything is optional. An e-mail (unless the org shares them), a code
    and an external ref belong to one customer only; those of a deleted customer come back only with
    a granted consent or by a privacy role's override."""
    given = body.customer
    has_role = call.caller.has("crm_privacy_admin")
    rules.may_override(asked=body.override_suppression, has_role=has_role)
    lifts = body.override_suppression or any(c.consent_state == "granted" for c in given.consents)
    customer_guid = MADE_CUSTOMER + call.new_id()
    values = _values(call, given)
    values |= {"kind": given.kind, "status": given.status}
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
            Answer({"customer": storage.customer_shown(profile)}, profile.revision),
            call.guard(customer_guid, changed=state),
            [
                Put(item, events=[_event(call, "customer-created", profile)]),
                *[_guard(call, lookup, customer_guid) for lookup in lookups],
                *_unsuppressed(call, lookups, lifts=lifts),
                *first_decisions(call, customer_guid, given.consents),
            ],
        )

    return commit(call, [], decide)


def customer_get(call: Call, body: CustomerGetRequest) -> Answer:
    """Answers a customer by its guid, its code, an e-mail, a phone or an external ref, right after
    it was created. One who was merged answers as the survivor, with ``redirected_from``."""
    customer_guid = body.customer_guid or _owner(call, _asked(call, body))

    def work(records: Records) -> CustomerProfileRecord:
        records.ensure(*_both(call, survivor_of(call.keys, records, customer_guid)))
        state = require_readable_customer(call.keys, records, customer_guid)
        return records.require(storage.profile_at(call.keys, state.customer_guid))

    return _answer(call.read(_both(call, customer_guid), work), customer_guid)


def customer_update(call: Call, body: CustomerUpdateRequest) -> Answer:
    """Changes what is given, clears what is ``null``, leaves what is absent; a list replaces the
    whole list. The customer is found by the new e-mail, phone, code or refs from the same moment
    from which the old ones are free."""
    changes = _values(call, body.customer)

    def decide(call: Call, records: Records) -> CustomerStep:
        records.ensure(*_both(call, survivor_of(call.keys, records, body.customer_guid)))
        state = require_customer(call.keys, records, body.customer_guid)
        profile = records.require(storage.profile_at(call.keys, state.customer_guid))
        current = {"customer": storage.customer_shown(profile)}
        call.facts.ensure_revision(profile.revision, current)
        after = rules.changed(profile, changes, call.now)
        answer = _answer(after, body.customer_guid)
        guid = state.customer_guid
        if after is profile:
            return CustomerStep(answer, call.guard(guid, state, statuses=None, active=False))
        return CustomerStep(
            answer, _updated_state(call, state, after), _updated(call, profile, after)
        )

    return commit(call, _both(call, body.customer_guid), decide)


# ---------------------------------------------------------------- what comes in


def _values(call: Call, given: CustomerChanges) -> dict[str, Any]:
    """The given fields as the record holds them; ``None`` clears."""
    region = call.settings.region
    names = given.model_fields_set & set(CustomerChanges.model_fields)
    values: dict[str, Any] = {name: getattr(given, name) for name in names}
    if given.phone is not None:
        values["phone"] = phone(given.phone, region, "customer.phone")
    for name in ("alternate_emails", "tags"):
        if name in values:
            values[name] = tuple(values[name] or ())
    if "alternate_phones" in values:
        values["alternate_phones"] = tuple(
            phone(value, region, "customer.alternate_phones")
            for value in given.alternate_phones or ()
        )
    if "addresses" in values:
        values["addresses"] = tuple(
            CustomerAddress(**address.model_dump()) for address in given.addresses or ()
        )
    if "external_refs" in values:
        values["external_refs"] = tuple(
            ExternalRef(kind=one.kind, id=one.id) for one in given.external_refs or ()
        )
    return values


# ---------------------------------------------------------------- finding one


def _asked(call: Call, body: CustomerGetRequest) -> Lookup:
    if body.customer_code is not None:
        return rules.code(body.customer_code)
    if body.email is not None:
        return rules.email(body.email)
    if body.phone is not None:
        return rules.phone(phone(body.phone, call.settings.region, "phone"))
    assert body.external_ref is not None
    return rules.ref(body.external_ref.kind, body.external_ref.id)


def _owner(call: Call, lookup: Lookup) -> str:
    """The one customer who has the value; 404 where nobody has, 409 where several do. Customers who
    were merged into one are one."""
    owners_at = storage.owners_of(call.keys, lookup)
    owners = [found.customer_guid for found in call.load(owners_at).all(owners_at)]
    if len(owners) > 1:
        records = call.load(*(state_at(call.keys, owner) for owner in owners))
        owners = list({survivor_of(call.keys, records, owner): None for owner in owners})
    if not owners:
        raise NotFound()
    if len(owners) > 1:
        raise InvalidState("Several customers share the value.", detail={"count": len(owners)})
    return owners[0]


def _both(call: Call, customer_guid: str) -> tuple[Any, Any]:
    return state_at(call.keys, customer_guid), storage.profile_at(call.keys, customer_guid)


def _answer(profile: CustomerProfileRecord, asked: str) -> Answer:
    data: dict[str, Any] = {"customer": storage.customer_shown(profile)}
    if asked != profile.customer_guid:
        data["redirected_from"] = asked
    return Answer(data, profile.revision)


# ---------------------------------------------------------------- what is written


def _updated_state(
    call: Call, state: CustomerStateRecord, after: CustomerProfileRecord
) -> CustomerGuard:
    """The guard of an update: the state repeats the profile's status, so it moves along."""
    changed = None
    if advance(rules.CUSTOMER_STEPS, state.status, after.status):
        changed = replace(state, status=after.status, revision=state.revision + 1)
    return call.guard(state.customer_guid, state, changed=changed)


def _updated(
    call: Call, profile: CustomerProfileRecord, after: CustomerProfileRecord
) -> list[Write]:
    """The profile, and the look-ups that move with it."""
    event = _event(call, "customer-updated", after, before=profile)
    item = storage.profile_item(call.keys, after)
    writes: list[Write] = [Update(item, if_revision=profile.revision, events=[event])]
    old = {lookup.place: lookup for lookup in rules.lookups(profile)}
    new = {lookup.place: lookup for lookup in rules.lookups(after)}
    owner = after.customer_guid
    writes += [_freed(call, old[place], owner) for place in old.keys() - new.keys()]
    return writes + [_guard(call, new[place], owner) for place in new.keys() - old.keys()]


def _guard(call: Call, lookup: Lookup, customer_guid: str) -> Put:
    """The look-up of a value, refused where another has it and it is unique."""

    def taken(fresh: CurrentItem) -> AlreadyExists | None:
        there = fresh.record(CustomerLookupRecord)
        return None if there is None else rules.taken(lookup, there.customer_guid)

    item = storage.lookup_item(call.keys, call.settings, lookup, customer_guid)
    return Put(item, unless_exists=taken)


def _freed(call: Call, lookup: Lookup, customer_guid: str) -> Delete:
    own = Condition(
        "attribute_not_exists(pk) OR customer_guid = :owner",
        values={":owner": {"S": customer_guid}},
    )
    place = storage.lookup_key(call.keys, call.settings, lookup, customer_guid)
    return Delete(place, own)


def _unsuppressed(call: Call, lookups: list[Lookup], *, lifts: bool) -> list[Write]:
    """No e-mail, nor a phone where phones are unique, of a deleted customer; unless the call lifts
    the suppression, which then is gone."""
    writes: list[Write] = []
    for lookup in lookups:
        phones = lookup.kind == "phone" and storage.is_unique(call.settings, lookup)
        if lookup.kind == "email" or phones:
            place = call.keys.suppressed(lookup.kind, lookup.value)
            refusal = rules.suppressed(lookup)
            writes.append(Delete(place) if lifts else Check(place, ABSENT, on_failure=refusal))
    return writes


def _event(
    call: Call,
    action: str,
    profile: CustomerProfileRecord,
    before: CustomerProfileRecord | None = None,
) -> dict[str, Any]:
    moved = before is not None and before.status != profile.status
    return change_event(
        call,
        action,
        ("customer", profile.customer_guid, profile.revision),
        {
            "customer_guid": profile.customer_guid,
            "customer_code": profile.customer_code,
            "kind": profile.kind,
            "status": profile.status,
            "previous_status": before.status if before is not None and moved else None,
            "changed": None if before is None else rules.differing(before, profile),
        },
    )

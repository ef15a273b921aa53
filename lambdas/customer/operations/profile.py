"""Profiles: create, get, update."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lambdas.customer import storage
from lambdas.customer.models.records import CustomerProfileRecord, ExternalRef
from lambdas.customer.models.requests import (
    CustomerChanges,
    CustomerCreateRequest,
    CustomerGetRequest,
    CustomerUpdateRequest,
)
from lambdas.customer.operations.consent import first_decisions
from lambdas.customer.operations.finding import ensure_customer_read, lookup_asked, owners_of
from lambdas.customer.operations.lookups import claims, moves
from lambdas.customer.rules import profile as rules
from lambdas.customer.rules.profile import Lookup
from lambdas.customer.rules.suppression import Lifting, lifting_of
from shared.api import Answer, Call
from shared.commit import CustomerStep, commit
from shared.contact_points import Address
from shared.customer_guard import CustomerGuard
from shared.customer_state import (
    CustomerStateRecord,
    redirected,
    require_customer,
    require_readable_customer,
)
from shared.errors import InvalidState, NotFound
from shared.events import change_event
from shared.keys import CUSTOMER_PREFIX
from shared.records import Records
from shared.states import require_step
from shared.writes import Put, Update


def customer_create(call: Call, body: CustomerCreateRequest) -> Answer:
    """Creates a customer. Every field is optional. A code and an external ref belong to one
    customer only, and so do an e-mail and a phone that the org does not share. Such an e-mail or
    phone of a deleted customer comes back only with a consent that was granted after the deletion,
    by its ``effective_at``, or when a privacy role overrides this."""
    given = body.customer
    has_role = call.caller.has("crm_privacy_admin")
    rules.require_override_role(asked=body.override_suppression, has_role=has_role)
    lifting = lifting_of(override=body.override_suppression, consents=given.consents, now=call.now)
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
                *claims(call, lookups, customer_guid, lifting),
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
        customer_guid, records = _owner(call, lookup_asked(body))

    def work(records: Records) -> CustomerProfileRecord:
        survivor = ensure_customer_read(call, records, customer_guid)
        require_readable_customer(call.keys, records, customer_guid)
        return records.require(storage.profile_at(call.keys, survivor))

    return _answer(call.decided(records, work), customer_guid)


def customer_update(call: Call, body: CustomerUpdateRequest) -> Answer:
    """Changes the fields that are given, clears those that are ``null``, and leaves the others. A
    list replaces the whole list. A changed e-mail, phone, code or ref finds the customer at once,
    and the old one is free. One that a deleted customer had is refused, unless a privacy role
    overrides this."""
    changes = _stored_fields(body.customer)
    has_role = call.caller.has("crm_privacy_admin")
    rules.require_override_role(asked=body.override_suppression, has_role=has_role)
    lifting = Lifting(whole=body.override_suppression)

    def decide(call: Call, records: Records) -> CustomerStep:
        survivor = ensure_customer_read(call, records, body.customer_guid)
        # First of all: while an erasure runs, no answer may show the profile.
        state = require_customer(call.keys, records, body.customer_guid)
        profile = records.require(storage.profile_at(call.keys, survivor))
        current = {"customer": storage.profile_shown(profile)}
        call.facts.ensure_revision(profile.revision, current)
        after = rules.changed(profile, changes, call.now)
        answer = _answer(after, body.customer_guid)
        if after is profile:
            # Nothing changes, so it is refused in no status, and it is no activity.
            return CustomerStep(answer, call.guard(survivor, state, statuses=None, active=False))
        moved = moves(call, records, state, profile, after, lifting)
        event = _event(call, "customer-updated", after, before=profile)
        item = storage.profile_item(call.keys, moved.profile)
        update = Update(item, if_revision=profile.revision, events=[event])
        guard = _update_guard(call, state, after)
        return CustomerStep(answer, guard, [update, *moved.writes])

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


def _owner(call: Call, lookup: Lookup) -> tuple[str, Records]:
    """Returns the one customer who has the value, and the records read on the way. 404 where nobody
    has it, 409 where several do."""
    owners, records = owners_of(call, lookup)
    if not owners:
        raise NotFound()
    if len(owners) > 1:
        raise InvalidState("Several customers share the value.", detail={"count": len(owners)})
    return owners[0], records


def _answer(profile: CustomerProfileRecord, asked: str) -> Answer:
    data = {"customer": storage.profile_shown(profile)}
    return Answer(data | redirected(asked, profile.customer_guid), profile.revision)


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

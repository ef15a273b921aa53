"""Profiles: create, get, update."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

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
from shared.call import More, Step
from shared.contact_points import phone
from shared.customer_state import (
    CustomerStateRecord,
    readable,
    state_at,
    still_writable,
    survivor_of,
    writable,
)
from shared.errors import AlreadyExists, InvalidState, NotFound
from shared.states import advance
from shared.table import Records
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
        active_on=_today(call),
        created_at=call.now,
    )
    lookups = rules.lookups(profile)

    def decide(call: Call, _: Records) -> Step:
        item = storage.profile_item(call.keys, profile)
        return Step(
            Answer({"customer": storage.customer_shown(profile)}, profile.revision),
            item.key[0],
            [
                Put(storage.state_item(call.keys, state)),
                Put(item, events=[_event(call, "customer-created", profile)]),
                *[_guard(call, lookup, customer_guid) for lookup in lookups],
                *_unsuppressed(call, lookups, lifts=lifts),
                *first_decisions(call, customer_guid, given.consents),
            ],
        )

    return call.write([], decide)


def customer_get(call: Call, body: CustomerGetRequest) -> Answer:
    """Answers a customer by its guid, its code, an e-mail, a phone or an external ref, right after
    it was created. One who was merged answers as the survivor, with ``redirected_from``."""
    customer_guid = body.customer_guid or _owner(call, _asked(call, body))
    seen = call.load(*_both(call, customer_guid))
    survivor = survivor_of(call.keys, seen, customer_guid)
    if survivor != customer_guid:
        seen = call.load(*_both(call, survivor))
    state, profile = (seen.get(want) for want in _both(call, survivor))
    readable(state)
    if profile is None:
        raise NotFound()
    return _answer(profile, customer_guid)


def customer_update(call: Call, body: CustomerUpdateRequest) -> Answer:
    """Changes what is given, clears what is ``null``, leaves what is absent; a list replaces the
    whole list. The customer is found by the new e-mail, phone, code or refs from the same moment
    from which the old ones are free."""
    changes = _values(call, body.customer)

    def decide(call: Call, seen: Records) -> Step | More:
        customer_guid = survivor_of(call.keys, seen, body.customer_guid)
        wants = state_want, profile_want = _both(call, customer_guid)
        if not seen.has(state_want):
            return More(wants)
        state, profile = seen.get(state_want), seen.get(profile_want)
        if state is None or profile is None:
            raise NotFound()
        call.expect(profile.revision, {"customer": storage.customer_shown(profile)})
        after = rules.changed(profile, changes, call.now)
        answer = _answer(after, body.customer_guid)
        if after is profile:
            return Step(answer, state_want.key[0])
        writable(state, call.now)
        return Step(answer, state_want.key[0], _updated(call, state, profile, after))

    return call.write(_both(call, body.customer_guid), decide)


# ---------------------------------------------------------------- what comes in


def _values(call: Call, given: CustomerChanges) -> dict[str, Any]:
    """The given fields as the record holds them; ``None`` clears."""
    region = call.caller.settings.region
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


def _today(call: Call) -> date:
    return call.now.astimezone(ZoneInfo(call.caller.settings.timezone)).date()


# ---------------------------------------------------------------- finding one


def _asked(call: Call, body: CustomerGetRequest) -> Lookup:
    if body.customer_code is not None:
        return rules.code(body.customer_code)
    if body.email is not None:
        return rules.email(body.email)
    if body.phone is not None:
        return rules.phone(phone(body.phone, call.caller.settings.region, "phone"))
    assert body.external_ref is not None
    return rules.ref(body.external_ref.kind, body.external_ref.id)


def _owner(call: Call, lookup: Lookup) -> str:
    """The one customer who has the value; 404 where nobody has, 409 where several do. Customers who
    were merged into one are one."""
    owners_at = storage.owners_of(call.keys, lookup)
    owners = [found.customer_guid for found in call.load(owners_at).all(owners_at)]
    if len(owners) > 1:
        seen = call.load(*(state_at(call.keys, owner) for owner in owners))
        owners = list({survivor_of(call.keys, seen, owner): None for owner in owners})
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


def _updated(
    call: Call,
    state: CustomerStateRecord,
    profile: CustomerProfileRecord,
    after: CustomerProfileRecord,
) -> list[Write]:
    """The profile, the look-ups that move with it, and the state: changed or only checked."""
    event = _event(call, "customer-updated", after, before=profile)
    item = storage.profile_item(call.keys, after)
    writes: list[Write] = [Update(item, if_revision=profile.revision, events=[event])]
    if advance(rules.CUSTOMER_STEPS, profile.status, after.status):
        moved = replace(state, status=after.status, revision=state.revision + 1)
        writes.append(Update(storage.state_item(call.keys, moved), if_revision=state.revision))
    else:
        writes.append(still_writable(call.keys, after.customer_guid, call.now))
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

    item = storage.lookup_item(call.keys, call.caller.settings, lookup, customer_guid)
    return Put(item, unless_exists=taken)


def _freed(call: Call, lookup: Lookup, customer_guid: str) -> Delete:
    own = Condition(
        "attribute_not_exists(pk) OR customer_guid = :owner",
        values={":owner": {"S": customer_guid}},
    )
    place = storage.lookup_key(call.keys, call.caller.settings, lookup, customer_guid)
    return Delete(place, own)


def _unsuppressed(call: Call, lookups: list[Lookup], *, lifts: bool) -> list[Write]:
    """No e-mail, nor a phone where phones are unique, of a deleted customer; unless the call lifts
    the suppression, which then is gone."""
    writes: list[Write] = []
    for lookup in lookups:
        phones = lookup.kind == "phone" and storage.is_unique(call.caller.settings, lookup)
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
    return call.event(
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

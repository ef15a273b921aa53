"""The look-ups of a profile: the writes that move them when its values change.

The look-ups of merged customers stay where they are, and lead to the survivor through the redirect.
So a value of a survivor may have its look-up at a customer that was merged into it. Such a value is
not claimed a second time, and the look-up goes when the survivor drops the value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lambdas.customer import storage
from lambdas.customer.models.records import CustomerLookupRecord, CustomerProfileRecord
from lambdas.customer.rules import profile as rules
from lambdas.customer.rules.profile import Lookup
from lambdas.customer.rules.suppression import Lifting
from shared.api import Call
from shared.customer_state import CustomerStateRecord, state_at
from shared.errors import AlreadyExists
from shared.fields import instant_text
from shared.keys import Key
from shared.records import Get, Records
from shared.writes import ABSENT, Check, Condition, CurrentItem, Delete, Put, Write


@dataclass(frozen=True, slots=True)
class Moves:
    """The profile as it is stored, and the writes of the look-ups that move with it."""

    profile: CustomerProfileRecord
    writes: list[Write]


def claims(
    call: Call, lookups: Sequence[Lookup], customer_guid: str, lifting: Lifting
) -> list[Write]:
    """Returns the writes that take values for a new customer. An e-mail, or a phone where phones
    are unique, that a deleted customer had is refused, unless the call lifts that."""
    taken = [_claim(call, lookup, customer_guid) for lookup in lookups]
    return [*taken, *_suppression_checks(call, lookups, lifting)]


def _claim(call: Call, lookup: Lookup, customer_guid: str, ours: Sequence[str] = ()) -> Put:
    """Returns the write of a look-up. It is refused where another customer has a unique value. A
    look-up of one of ``ours`` (merged into the customer) leads to a new decision instead."""

    def taken(current: CurrentItem) -> AlreadyExists | None:
        other = current.record(CustomerLookupRecord)
        if other is None or other.customer_guid in ours:
            return None
        return _refusal_of_taken(call, lookup, other.customer_guid)

    item = storage.lookup_item(call.keys, call.settings, lookup, customer_guid)
    return Put(item, unless_exists=taken)


def _refusal_of_taken(call: Call, lookup: Lookup, owner: str) -> AlreadyExists:
    """Returns the refusal of a value that another customer has. Nobody hears of a customer whose
    deletion has begun: its e-mail is refused as it will be afterwards."""
    owner_at = state_at(call.keys, owner)
    state = call.table.load([owner_at]).get(owner_at)
    if state is not None and state.job_kind == "delete":
        return rules.refusal_of_suppressed(lookup)
    return rules.refusal_of_taken(lookup, owner)


def moves(
    call: Call,
    records: Records,
    state: CustomerStateRecord,
    before: CustomerProfileRecord,
    after: CustomerProfileRecord,
    lifting: Lifting,
) -> Moves:
    """Returns what an update does to the look-ups: a new value is claimed, and the look-ups of a
    dropped one go, wherever they lie. A value that a deleted customer had needs ``lifting``. Where
    that concerns look-ups of merged customers, it reads their profiles. Raises 400 where it is too
    much for one step."""
    old = {lookup.place: lookup for lookup in rules.lookups(before)}
    new = {lookup.place: lookup for lookup in rules.lookups(after)}
    added = [new[place] for place in new.keys() - old.keys()]
    dropped = [old[place] for place in old.keys() - new.keys()]
    borrowed, stubs = set(before.borrowed), list[CustomerProfileRecord]()
    if added or any(storage.lookup_place(call.keys, one) in borrowed for one in dropped):
        gets = [storage.profile_at(call.keys, guid) for guid in state.absorbed]
        records.ensure(*gets)
        stubs = [stub for get in gets if (stub := records.get(get)) is not None]
        borrowed = {place for stub in stubs for place in stub.places}
    here = dict.fromkeys(storage.lookup_place(call.keys, lookup) for lookup in new.values())
    writes = [_claimed(call, records, state, lookup) for lookup in added]
    for lookup in dropped:
        place = storage.lookup_place(call.keys, lookup)
        owners = [stub.customer_guid for stub in stubs if place in stub.places]
        writes += _releases(call, records, lookup, state.customer_guid, owners)
    writes += _suppression_checks(call, added, lifting)
    rules.ensure_few_values_move(len(writes))
    return Moves(replace(after, borrowed=tuple(p for p in here if p in borrowed)), writes)


def _claimed(call: Call, records: Records, state: CustomerStateRecord, lookup: Lookup) -> Write:
    """Returns the write that makes a value find the customer. Where a look-up is known to do so
    already, through a merged customer, this is the check that it still does."""
    guid, ours = state.customer_guid, state.owners
    key = storage.lookup_key(call.keys, call.settings, lookup, guid)
    known = records.if_read(Get(key, CustomerLookupRecord))
    if known is not None and known.customer_guid in ours:
        return Check(key, storage.owned_by([known.customer_guid], or_absent=False))
    return _claim(call, lookup, guid, ours)


def _releases(
    call: Call, records: Records, lookup: Lookup, customer_guid: str, owners: list[str]
) -> list[Write]:
    """Returns the deletes of a dropped value's look-ups: the customer's own, and those of the
    ``owners``, who were merged into it. Theirs may lie at either place, because the org may have
    changed since whether the value is unique."""
    own = storage.lookup_key(call.keys, call.settings, lookup, customer_guid)
    place = storage.lookup_place(call.keys, lookup)
    keys = [own]
    if owners:
        shared = (call.keys.shared_at(place, owner) for owner in owners)
        keys = list(dict.fromkeys((own, call.keys.unique_at(place), *shared)))
    ours = (customer_guid, *owners)
    # The look-up at a place may be that of another customer by now: then it stays.
    return [
        Delete(key, storage.owned_by(ours)) for key in keys if not _is_foreign(records, key, ours)
    ]


def _is_foreign(records: Records, key: Key, ours: Iterable[str]) -> bool:
    known: Any = records.if_read(Get(key, CustomerLookupRecord))
    return known is not None and known.customer_guid not in ours


def _suppression_checks(call: Call, lookups: Iterable[Lookup], lifting: Lifting) -> list[Write]:
    """Returns the checks that no e-mail, nor a phone where phones are unique, was a deleted
    customer's. The record itself stays, whoever lifts it: it is a refusal of contact too."""
    if lifting.whole:
        return []
    checked = []
    for lookup in lookups:
        unique_phone = lookup.kind == "phone" and storage.is_unique(call.settings, lookup)
        if lookup.kind == "email" or unique_phone:
            checked.append(lookup)
    return [
        Check(
            storage.suppression_at(call.keys, lookup.value).key,
            _not_erased_since(lifting.consented_at),
            on_failure=rules.refusal_of_suppressed(lookup),
        )
        for lookup in checked
    ]


def _not_erased_since(consented_at: datetime | None) -> Condition:
    """Returns the condition that no customer who had the value was deleted, or only before that
    consent."""
    never = f"{ABSENT.expression} OR attribute_not_exists(erased_at)"
    if consented_at is None:
        return Condition(never)
    moment = {"S": instant_text(consented_at)}
    return Condition(f"{never} OR erased_at < :consented", {}, {":consented": moment})

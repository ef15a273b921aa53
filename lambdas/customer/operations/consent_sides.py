"""The partitions that a customer's consents lie in: its own, and those of everyone who was merged
into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lambdas.customer import storage
from lambdas.customer.models.records import (
    ConsentDecisionRecord,
    ConsentHeadRecord,
    CustomerLookupRecord,
    CustomerProfileRecord,
)
from lambdas.customer.rules.consent import decisions_of
from lambdas.customer.rules.consent_sides import Side
from lambdas.customer.rules.profile import Lookup, lookups
from shared.api import Call
from shared.codec import shown_value
from shared.customer_state import CustomerStateRecord, state_at, survivor_of
from shared.records import Get, Read, Records

POINTS = ("email", "phone")
INSIDE = ("customer_guid", "time_stated")
"""Fields of a decision that no answer shows."""


def consent_reads(call: Call, customer_guid: str) -> list[Read]:
    """Returns what is read of one partition."""
    keys = call.keys
    return [
        state_at(keys, customer_guid),
        storage.profile_at(keys, customer_guid),
        storage.head_at(keys, customer_guid),
        storage.consents_of(keys, customer_guid),
    ]


def ensure_sides_read(
    call: Call,
    records: Records,
    named: str,
    beside: Callable[[str], Sequence[Read]] = lambda _: (),
) -> str:
    """Returns the customer that this one is by now, once every partition of it is read. ``beside``
    returns further reads of a partition."""
    records.ensure(*consent_reads(call, named), *beside(named))
    survivor = survivor_of(call.keys, records, named)
    records.ensure(*consent_reads(call, survivor), *beside(survivor))
    state = records.get(state_at(call.keys, survivor))
    absorbed = () if state is None else state.absorbed
    reads = [read for guid in absorbed for read in consent_reads(call, guid)]
    records.ensure(*reads, *(read for guid in absorbed for read in beside(guid)))
    return survivor


def sides_of(
    call: Call,
    records: Records,
    state: CustomerStateRecord,
    decided: Callable[[str], Iterable[ConsentDecisionRecord]] | None = None,
    *,
    with_points: bool = True,
) -> list[Side]:
    """Returns every side of a customer: its own, and one of each customer that was merged into it.
    ``decided`` returns the decisions of a side, where they are not those that count now.
    ``with_points``: with the contact points of each side, which may cost a read."""
    keys = call.keys
    profiles = {guid: records.get(storage.profile_at(keys, guid)) for guid in state.owners}
    owners = _owners(call, records, state) if with_points else {}
    sides = []
    for guid, profile in profiles.items():
        if decided is None:
            current = records.all(storage.consents_of(keys, guid))
            said = tuple(one for record in current for one in decisions_of(record))
        else:
            said = tuple(decided(guid))
        points = {one.value for one in points_of(profile)} if with_points else set()
        own = frozenset(p for p in points if owners.get((guid, p), True))
        merged_at, into = None, None
        if guid != state.customer_guid:
            away = None if profile is None else profile.away
            # Without the time of the merge everything that was refused counts as said just now.
            merged_at = call.now if away is None else away.merged_at
            into = state.customer_guid if away is None else away.into
        sides.append(Side(guid, own, said, merged_at, into))
    return sides


def points_of(profile: CustomerProfileRecord | None) -> list[Lookup]:
    """Returns the e-mails and phones of a profile, in the form in which they are compared."""
    return [] if profile is None else [one for one in lookups(profile) if one.kind in POINTS]


def owner_reads(
    call: Call, records: Records, state: CustomerStateRecord
) -> dict[tuple[str, str], Get[CustomerLookupRecord]]:
    """Returns the reads that tell, for each contact point that several sides have, whether a side
    had it by itself. A merge gives the survivor the contact points of the other side, and leaves
    the look-ups where they are: a side that had the value has its look-up."""
    having: dict[tuple[str, str], list[tuple[str, Lookup]]] = {}
    for guid in state.owners if state.absorbed else ():
        for point in points_of(records.get(storage.profile_at(call.keys, guid))):
            having.setdefault(point.place, []).append((guid, point))
    return {
        (guid, point.value): storage.lookup_at(call.keys, call.settings, point, guid)
        for sharing in having.values()
        if len(sharing) > 1
        for guid, point in sharing
    }


def _owners(
    call: Call, records: Records, state: CustomerStateRecord
) -> dict[tuple[str, str], bool]:
    reads = owner_reads(call, records, state)
    records.ensure(*reads.values())
    found = {about: records.get(get) for about, get in reads.items()}
    return {
        about: lookup is not None and lookup.customer_guid == about[0]
        for about, lookup in found.items()
    }


# ---------------------------------------------------------------- what is answered


def heads_of(
    call: Call, records: Records, state: CustomerStateRecord
) -> tuple[ConsentHeadRecord | None, list[ConsentHeadRecord]]:
    """Returns the head of the customer, and those of everyone who was merged into it, the one that
    changed last in front."""
    own, *others = (records.get(storage.head_at(call.keys, guid)) for guid in state.owners)
    there = [head for head in others if head is not None]
    return own, sorted(there, key=lambda head: head.updated_at, reverse=True)


def preferences_shown(*heads: ConsentHeadRecord | None) -> dict[str, Any]:
    """Returns the preferences of the first customer who has some."""
    for head in heads:
        if head is not None and head.preferences is not None:
            about = {
                "preferences": head.preferences,
                "reason": head.preferences_reason,
                "reason_code": head.preferences_reason_code,
                "source_refs": shown_value(head.preferences_source_refs) or None,
            }
            return {"preferences": {k: v for k, v in about.items() if v is not None}}
    return {}

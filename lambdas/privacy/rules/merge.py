"""Who may be merged into whom, and what the survivor's profile becomes. Values in, values out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lambdas.customer.models.records import Away, CustomerProfileRecord
from lambdas.customer.models.requests import ADDRESSES, ALTERNATES, REFS
from lambdas.customer.models.risk_records import CustomerRiskRecord
from lambdas.customer.rules.profile import (
    CUSTOMER_STEPS,
    Lookup,
    email,
    lookups,
    phone,
    without_repeats,
)
from shared.codec import shown_value
from shared.customer_state import CustomerStateRecord
from shared.errors import Fault, HoldPending, InvalidState
from shared.fields import MAP_BYTES, MAP_KEYS
from shared.states import next_revision

ABSORBED = 25
"""How many customers one survivor may absorb, with all that those had absorbed. Reads of the
survivor query the partition of each."""
TAGS = 50
_SCALARS = (
    "customer_code",
    "first_name",
    "last_name",
    "display_name",
    "company_name",
    "date_of_birth",
    "language",
    "home_logical_guid",
)
_CONTACTS = ("email", "phone")

Place = Callable[[Lookup], str]
"""Names the place of a look-up by a keyed hash of its value."""


def ensure_mergeable(source: CustomerStateRecord, target: CustomerStateRecord) -> None:
    """Raises 409 where either customer is not active, or where the target is the source, because
    it was merged into it before."""
    named = ((source, "source_customer_guid"), (target, "target_customer_guid"))
    for state, field in named:
        if state.status != "active":
            raise InvalidState(
                minor=[Fault("invalid-state", field, "must be an active customer")],
                detail={"state": state.status, "allowed": sorted(CUSTOMER_STEPS[state.status])},
            )
    if source.customer_guid == target.customer_guid:
        message = "The target was merged into the source before."
        raise InvalidState(message, detail={"reason": "same-customer"})


def ensure_alike(
    source: CustomerStateRecord, target: CustomerStateRecord, *, kinds: tuple[str, str]
) -> None:
    """Raises 409 where one is a person and the other a company, or where the survivor would absorb
    too many customers."""
    if kinds[0] != kinds[1]:
        message = "Only customers of the same kind can be merged."
        raise InvalidState(message, detail={"reason": "kind", "allowed": [kinds[1]]})
    if len(target.absorbed) + len(source.absorbed) + 1 > ABSORBED:
        message = f"A customer can absorb at most {ABSORBED} others."
        absorbed = [len(target.absorbed), len(source.absorbed)]
        raise InvalidState(message, detail={"reason": "too-many-merges", "absorbed": absorbed})


def ensure_no_pending_hold(risk: CustomerRiskRecord) -> None:
    """Raises 409 where the source has a pending hold."""
    if risk.holds:
        raise HoldPending(detail={"hold_id": risk.holds[0].hold_id})


# ---------------------------------------------------------------- the profiles


@dataclass(frozen=True, slots=True, kw_only=True)
class United:
    """The survivor's profile, and what became of the source's values. ``alternates``, ``refs`` and
    ``tags`` count those that moved. ``conflicts`` had no room, and still find the survivor.
    ``discarded`` gave way to the survivor's own values."""

    profile: CustomerProfileRecord
    alternates: int
    refs: int
    tags: int
    conflicts: tuple[dict[str, Any], ...]
    discarded: dict[str, Any]


def united(
    target: CustomerProfileRecord, source: CustomerProfileRecord, place: Place, now: datetime
) -> United:
    """Returns the survivor's profile. A value of the target wins, and the source fills what is
    empty. E-mails, phones, refs, tags and addresses are joined, as far as there is room."""
    changes, discarded = _scalars(target, source)
    joined = without_repeats(
        replace(
            target,
            **changes,
            alternate_emails=(*target.alternate_emails, *_values(source, "email")),
            alternate_phones=(*target.alternate_phones, *_values(source, "phone")),
            external_refs=tuple(dict.fromkeys((*target.external_refs, *source.external_refs))),
            tags=tuple(dict.fromkeys((*target.tags, *source.tags))),
            addresses=tuple(dict.fromkeys((*target.addresses, *source.addresses))),
        )
    )
    kept = replace(
        joined,
        alternate_emails=joined.alternate_emails[:ALTERNATES],
        alternate_phones=joined.alternate_phones[:ALTERNATES],
        external_refs=joined.external_refs[:REFS],
        tags=joined.tags[:TAGS],
        addresses=joined.addresses[:ADDRESSES],
    )
    attributes, lost = _attributes(target.attributes, source.attributes)
    discarded |= {"attributes": lost} if lost else {}
    if len(joined.addresses) > ADDRESSES:
        discarded["addresses"] = shown_value(joined.addresses[ADDRESSES:])
    theirs = {place(lookup) for lookup in lookups(source)} | {*source.borrowed, *target.borrowed}
    here = dict.fromkeys(place(lookup) for lookup in lookups(kept))
    kept = replace(kept, attributes=attributes, borrowed=tuple(p for p in here if p in theirs))
    return United(
        profile=next_revision(kept, now),
        alternates=_new_alternates(target, kept),
        refs=len(kept.external_refs) - len(target.external_refs),
        tags=len(kept.tags) - len(target.tags),
        conflicts=tuple(_conflicts(joined, kept)),
        discarded=discarded,
    )


def stub_of(
    source: CustomerProfileRecord, target_guid: str, place: Place, now: datetime
) -> CustomerProfileRecord:
    """Returns the profile of the merged customer. It stays as it was, so that a merge can be
    undone; ``places`` says where its look-ups lie even when the values are gone."""
    return next_revision(
        source,
        now,
        status="merged",
        merged_into=target_guid,
        away=Away(into=target_guid, merged_at=now),
        places=tuple(dict.fromkeys(place(lookup) for lookup in lookups(source))),
    )


def _scalars(
    target: CustomerProfileRecord, source: CustomerProfileRecord
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns (the empty fields of the target that the source fills, what the source loses). An
    e-mail or phone is not lost: it becomes an alternate."""
    fills, loses = {}, {}
    for name in (*_SCALARS, *_CONTACTS):
        here, there = getattr(target, name), getattr(source, name)
        if there is None or here == there:
            continue
        if here is None:
            fills[name] = there
        elif name in _SCALARS:
            loses[name] = shown_value(there)
    return fills, loses


def _values(profile: CustomerProfileRecord, kind: str) -> tuple[str, ...]:
    first: str | None = getattr(profile, kind)
    others: tuple[str, ...] = getattr(profile, f"alternate_{kind}s")
    return others if first is None else (first, *others)


def _attributes(
    target: dict[str, Any] | None, source: dict[str, Any] | None
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Returns (the joined attributes, those of the source that give way or have no room)."""
    kept: dict[str, Any] = dict(target or {})
    lost: dict[str, Any] = {}
    for name, value in (source or {}).items():
        if name in kept:
            lost |= {name: value} if kept[name] != value else {}
        elif _fits({**kept, name: value}):
            kept[name] = value
        else:
            lost[name] = value
    return kept or target, lost


def _fits(attributes: dict[str, Any]) -> bool:
    size = len(json.dumps(attributes, ensure_ascii=False).encode())
    return len(attributes) <= MAP_KEYS and size <= MAP_BYTES


def _new_alternates(before: CustomerProfileRecord, after: CustomerProfileRecord) -> int:
    known = {lookup.place for lookup in lookups(before)}
    found = [email(value) for value in after.alternate_emails]
    found += [phone(value) for value in after.alternate_phones]
    return sum(lookup.place not in known for lookup in found)


def _conflicts(
    joined: CustomerProfileRecord, kept: CustomerProfileRecord
) -> Iterable[dict[str, Any]]:
    """Yields what there was no room for."""
    for field in ("alternate_emails", "alternate_phones", "tags"):
        for value in getattr(joined, field)[len(getattr(kept, field)) :]:
            yield {"field": field, "value": value}
    for ref in joined.external_refs[len(kept.external_refs) :]:
        yield {"field": "external_refs", "external_ref": shown_value(ref)}

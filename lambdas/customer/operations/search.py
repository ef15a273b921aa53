"""Lists of customers: by status and kind, and by words."""

from __future__ import annotations

from functools import partial
from typing import Any

from lambdas.customer import storage
from lambdas.customer.models import (
    CODE_FORM,
    CustomerListRequest,
    CustomerProfileRecord,
    CustomerSearchRequest,
)
from lambdas.customer.rules import profile as rules
from lambdas.customer.rules.profile import Lookup
from shared.api import Answer, Call
from shared.codec import Wire, view_of
from shared.contact_points import phone
from shared.customer_state import state_at, survivor_of
from shared.errors import InvalidInput
from shared.keys import ALL_OF_KIND, BY_STATUS
from shared.lists import answer_list, answer_walk
from shared.paging import Listing
from shared.records import Records
from shared.search import Query, asked, find, matching
from shared.table import together


def customer_list(call: Call, body: CustomerListRequest) -> Answer:
    """Lists customers as summaries, newest first: the active and inactive ones, or those of one
    status; of one kind; with ``q``, as search finds them."""
    statuses = rules.FOUND if body.status is None else (body.status,)
    if body.q is not None:
        return _found(call, body, body.q, statuses, whole=False)

    def keep(wire: Wire) -> dict[str, Any] | None:
        customer = view_of(wire)
        right = customer["status"] in statuses and body.kind in (None, customer["kind"])
        return customer if right else None

    # Two statuses read one after the other would meet one who changes between them twice, or never.
    status, index = (body.status, BY_STATUS) if body.status else ("", ALL_OF_KIND)
    listing = Listing((call.keys.list_of("customer", status),), index)
    return answer_list(call, listing, body, keep, plural="customers")


def customer_search(call: Call, body: CustomerSearchRequest) -> Answer:
    """Finds the customers in whom every word of ``q`` begins a word of the names, the company, the
    code or an e-mail, lies within a name, or begins or ends a phone; whole, with the fields that
    matched. Case, accents, the letters of one Latin alphabet only, apostrophes and hyphens do not
    matter; a letter alone finds words of one letter. An exact e-mail, phone or code is found right
    after it was written; all else a moment later."""
    return _found(call, body, body.q, (body.status,), whole=True)


def _found(
    call: Call,
    body: CustomerListRequest | CustomerSearchRequest,
    q: str,
    statuses: tuple[str, ...],
    *,
    whole: bool,
) -> Answer:
    query, exact = asked(q, call.settings.region), _exact(call, q)
    shown: set[str] = set()

    def live(ids: list[str]) -> list[tuple[str, dict[str, Any]]]:
        hits = []
        for customer_guid, profile in _live(call, ids):
            fields = _fields(profile, query, exact)
            right = profile.status in statuses and body.kind in (None, profile.kind)
            if right and fields and profile.customer_guid not in shown:
                shown.add(profile.customer_guid)
                record = storage.customer_shown(profile) if whole else storage.summary(profile)
                hits.append((customer_guid, {**record, "match_fields": fields}))
        return hits

    def certain() -> list[str]:
        wants = [storage.owners_of(call.keys, lookup) for lookup in exact]
        records = call.table.load(wants)
        return [owner.customer_guid for want in wants for owner in records.all(want)]

    return answer_walk(
        call,
        body,
        lambda limit, cursor: find(
            call.table,
            call.keys,
            "customer_profile",
            query,
            limit=limit,
            cursor=cursor,
            certain=certain,
            live=live,
        ),
        plural="customers",
    )


def _exact(call: Call, q: str) -> list[Lookup]:
    """What ``q`` may be as a whole: an e-mail, a phone, a code."""
    text = q.strip()
    if "@" in text:
        return [rules.email(text)]
    found = [rules.code(text)] if CODE_FORM.fullmatch(text) else []
    if sum(letter.isdigit() for letter in text) >= 4 and not any(map(str.isalpha, text)):
        try:
            found.append(rules.phone(phone(text, call.settings.region, "q")))
        except InvalidInput:
            # It looked like a number and is none: it may still be the beginning or end of one.
            return found
    return found


def _live(call: Call, ids: list[str]) -> list[tuple[str, CustomerProfileRecord]]:
    """The customers of these ids as they are now, without those erased or being erased; for one who
    was merged the survivor, so that a look-up that still names the source finds it."""
    found = []
    records = _load(call, ids)
    merged = {i: survivor_of(call.keys, records, i) for i in ids}
    later = [survivor for i, survivor in merged.items() if survivor != i]
    if later:
        records.add(_load(call, later))
    for customer_guid in ids:
        state = records.get(state_at(call.keys, merged[customer_guid]))
        profile = records.get(storage.profile_at(call.keys, merged[customer_guid]))
        if profile is None or state is None or state.job_id is not None:
            continue
        if state.status in rules.FOUND:
            found.append((customer_guid, profile))
    return found


def _load(call: Call, ids: list[str]) -> Records:
    """States and profiles at the same time: one batch of both would be two trips."""
    states, profiles = together(
        [
            partial(call.table.load, [state_at(call.keys, i) for i in ids]),
            partial(call.table.load, [storage.profile_at(call.keys, i) for i in ids]),
        ]
    )
    states.add(profiles)
    return states


def _fields(profile: CustomerProfileRecord, query: Query, exact: list[Lookup]) -> list[str]:
    """The fields by which the customer is found, those of an exact value first."""
    own = {lookup.place: lookup.field for lookup in rules.lookups(profile)}
    found = [own[lookup.place].split(".")[1] for lookup in exact if lookup.place in own]
    by_words = matching("customer_profile", storage.customer_shown(profile), query)
    return list(dict.fromkeys([*found, *by_words]))

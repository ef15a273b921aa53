"""Lists of customers: by status and kind, and by words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lambdas.customer import storage
from lambdas.customer.models.records import CustomerProfileRecord
from lambdas.customer.models.requests import (
    CODE_FORM,
    CustomerListRequest,
    CustomerSearchRequest,
)
from lambdas.customer.rules import profile as rules
from lambdas.customer.rules.profile import Lookup
from shared.api import Answer, Call
from shared.codec import Wire, shown, view_of
from shared.contact_points import as_e164
from shared.customer_state import survivor_of
from shared.keys import ALL_OF_KIND, BY_STATUS
from shared.lists import answer_list, answer_walk
from shared.paging import Listing
from shared.records import Read, Records
from shared.search import Query, asked, find, matched_fields


def customer_list(call: Call, body: CustomerListRequest) -> Answer:
    """Lists customers as summaries, newest first. Without ``status`` these are the active and the
    inactive ones. ``kind`` keeps those of one kind. ``q`` finds customers as search does."""
    statuses = rules.FOUND if body.status is None else (body.status,)
    if body.q is not None:
        return _found(call, body, body.q, statuses, whole=False)

    def keep(wire: Wire) -> dict[str, Any] | None:
        customer = view_of(wire)
        right = customer["status"] in statuses and body.kind in (None, customer["kind"])
        return customer if right else None

    # One walk over all statuses: in two walks, one per status, a customer whose status changes in
    # between would appear twice, or never.
    status, index = (body.status, BY_STATUS) if body.status else ("", ALL_OF_KIND)
    listing = Listing((call.keys.list_of("customer", status),), index)
    return answer_list(call, listing, body, keep, plural="customers")


def customer_search(call: Call, body: CustomerSearchRequest) -> Answer:
    """Finds customers by words. Every word of ``q`` must match: it begins a word of the names, the
    company, the code or an e-mail, lies within a name, or begins or ends a phone. Case, accents,
    apostrophes and hyphens make no difference, and every Latin letter matches its plain form (ø
    and o). A single letter finds only words that are that letter. Answers whole customers, with the
    fields that matched. An exact e-mail, phone or code is found right after it was written, all
    else a moment later."""
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
    found: set[str] = set()

    def live(ids: list[str]) -> list[tuple[str, dict[str, Any]]]:
        hits = []
        for customer_guid, profile in _live(call, ids):
            fields = _fields(profile, query, exact)
            right = profile.status in statuses and body.kind in (None, profile.kind)
            if right and fields and profile.customer_guid not in found:
                found.add(profile.customer_guid)
                record = shown(profile) if whole else storage.summary(profile)
                hits.append((customer_guid, {**record, "match_fields": fields}))
        return hits

    def certain() -> list[str]:
        reads = [storage.owners_of(call.keys, lookup) for lookup in exact]
        records = call.table.load(reads)
        return [owner.customer_guid for read in reads for owner in records.all(read)]

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
    """Returns the values that ``q`` may be as a whole: an e-mail, a phone, a code."""
    text = q.strip()
    if "@" in text:
        return [rules.email(text)]
    found = [rules.code(text)] if CODE_FORM.fullmatch(text) else []
    if sum(letter.isdigit() for letter in text) >= 4 and not any(map(str.isalpha, text)):
        # What is no whole number may still be the beginning or the end of one.
        number = as_e164(text, call.settings.region)
        found += [] if number is None else [rules.phone(number)]
    return found


def _live(call: Call, ids: list[str]) -> list[tuple[str, CustomerProfileRecord]]:
    """Returns the customers of these ids as they are now, without those who were erased or are
    being erased. The id of a merged customer gives the survivor, because look-ups of a merged
    customer keep its id."""
    keys = call.keys

    def reads(guids: Iterable[str]) -> list[Read]:
        return [read for guid in guids for read in storage.customer_reads(keys, guid)]

    def work(records: Records) -> list[tuple[str, CustomerProfileRecord]]:
        survivors = {guid: survivor_of(keys, records, guid) for guid in ids}
        records.ensure(*reads(survivors.values()))
        found = []
        for guid, survivor in survivors.items():
            state_at, profile_at = storage.customer_reads(keys, survivor)
            state, profile = records.get(state_at), records.get(profile_at)
            if state and profile and state.job_id is None and state.status in rules.FOUND:
                found.append((guid, profile))
        return found

    return call.read(reads(ids), work)


def _fields(profile: CustomerProfileRecord, query: Query, exact: list[Lookup]) -> list[str]:
    """Returns the fields by which the customer is found, those of an exact value first."""
    own = {lookup.place: lookup.field for lookup in rules.lookups(profile)}
    found = [own[lookup.place].split(".")[1] for lookup in exact if lookup.place in own]
    by_words = matched_fields("customer_profile", shown(profile), query)
    return list(dict.fromkeys([*found, *by_words]))

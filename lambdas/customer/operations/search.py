"""Lists of customers: by status and kind, and by words."""

from __future__ import annotations

from typing import Any

from lambdas.customer import storage
from lambdas.customer.models.records import CustomerProfileRecord
from lambdas.customer.models.requests import (
    CODE_FORM,
    CustomerListRequest,
    CustomerSearchRequest,
)
from lambdas.customer.operations.finding import live_customers
from lambdas.customer.rules import profile as rules
from lambdas.customer.rules.profile import Lookup
from shared.api import Answer, Call
from shared.codec import Wire, view_of
from shared.contact_points import as_e164
from shared.keys import ALL_OF_KIND, BY_STATUS
from shared.lists import answer_list, answer_walk
from shared.paging import Listing
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
    found_by: dict[str, list[str]] = {}

    def live(ids: list[str]) -> list[tuple[str, dict[str, Any]]]:
        hits = []
        for customer_guid, profile, owners in live_customers(call, ids):
            # A survivor is also found by look-ups of those merged into it. It has one place in the
            # whole walk: that of the newest guid that an exact value leads to, else its own.
            exact_ones = [guid for guid in owners if guid in found_by]
            if customer_guid != max(exact_ones, default=profile.customer_guid):
                continue
            fields = _fields(profile, query, exact) or found_by.get(customer_guid, [])
            right = profile.status in statuses and body.kind in (None, profile.kind)
            if right and fields:
                record = storage.profile_shown(profile) if whole else storage.summary(profile)
                hits.append((customer_guid, {**record, "match_fields": fields}))
        return hits

    def certain() -> list[str]:
        reads = [storage.owners_of(call.keys, lookup) for lookup in exact]
        records = call.table.load(reads)
        for lookup, read in zip(exact, reads, strict=True):
            for owner in records.all(read):
                found_by.setdefault(owner.customer_guid, []).append(lookup.field.split(".")[1])
        return list(found_by)

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


def _fields(profile: CustomerProfileRecord, query: Query, exact: list[Lookup]) -> list[str]:
    """Returns the fields by which the customer is found, those of an exact value first."""
    own = {lookup.place: lookup.field for lookup in rules.lookups(profile)}
    found = [own[lookup.place].split(".")[1] for lookup in exact if lookup.place in own]
    by_words = matched_fields("customer_profile", storage.profile_shown(profile), query)
    return list(dict.fromkeys([*found, *by_words]))

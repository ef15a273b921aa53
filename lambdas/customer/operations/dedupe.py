"""Duplicates: the customers who may be the same person as one customer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lambdas.customer import storage
from lambdas.customer.models.requests import CustomerDedupeRequest
from lambdas.customer.operations.finding import (
    ensure_customer_read,
    live_customers,
    lookup_asked,
    owners_of,
)
from lambdas.customer.rules import dedupe as rules
from lambdas.customer.rules import profile as profile_rules
from lambdas.customer.rules.profile import Lookup
from shared.api import Answer, Call
from shared.customer_state import redirected, require_readable_customer
from shared.errors import NotFound
from shared.keys import LAST
from shared.lists import Page, answer_walk
from shared.records import Query, Records
from shared.search import SearchEntryRecord, Trait, trait_tokens, traits

NEWEST, CANDIDATES = 200, 256
"""How many customers are read per trait, the newest ones, and how many of all are compared, those
who have most in common. Both bound what a name or a phone that very many share may cost."""


@dataclass(frozen=True, slots=True)
class _Sought:
    """Who is looked for: the traits, and the values that lead to owners at once. ``guid``: the
    customer itself, who is no duplicate. ``owners``: those who are known to have the value."""

    traits: Sequence[Trait]
    values: Sequence[Lookup]
    guid: str | None = None
    owners: Sequence[str] = ()


def customer_dedupe_list(call: Call, body: CustomerDedupeRequest) -> Answer:
    """Lists the customers who may be the same person as a customer, best first, with a score from 0
    to 1. Signals are the same mailbox or phone (0.85 each), a code or external ref (1.0), and the
    same full name (0.4) with a postal code (0.2) or date of birth (0.2). The weights are added up
    to 1. An e-mail or phone that nobody has, or several have, is compared by itself. A phone is
    found right after it was written, all else a moment later."""
    named, sought = _sought(call, body)

    def walk(limit: int, cursor: str | None) -> Page:
        found = _matches(call, sought)
        if cursor is not None:
            found = [one for one in found if _place(one) < cursor]
        page, more = found[:limit], len(found) > limit
        return [_match_shown(one) for one in page], _place(page[-1]) if more else None

    answer = answer_walk(call, body, walk, plural="matches")
    if named is not None and sought.guid is not None:
        answer.data.update(redirected(named, sought.guid))
    return answer


# ---------------------------------------------------------------- who is looked for


def _sought(call: Call, body: CustomerDedupeRequest) -> tuple[str | None, _Sought]:
    """Returns the guid of the customer that the request names, where it names one, and who is
    looked for."""
    named, records = body.customer_guid, None
    if named is not None:
        records = call.load(*storage.customer_reads(call.keys, named))
    else:
        lookup = lookup_asked(body)
        owners, records = owners_of(call, lookup)
        if len(owners) != 1:
            if lookup.kind not in ("email", "phone"):
                raise NotFound()
            probe = traits({lookup.kind: lookup.value})
            return None, _Sought(probe, (), owners=owners)
        (named,) = owners

    def work(records: Records) -> _Sought:
        survivor = ensure_customer_read(call, records, named)
        state = require_readable_customer(call.keys, records, named)
        profile = records.require(storage.profile_at(call.keys, survivor))
        if state.status not in profile_rules.FOUND:
            return _Sought((), (), survivor)
        values = [
            lookup
            for lookup in profile_rules.lookups(profile)
            if not storage.is_unique(call.settings, lookup)
        ]
        return _Sought(traits(storage.profile_shown(profile)), values, survivor)

    return named, call.decided(records, work)


# ---------------------------------------------------------------- who may be the same


@dataclass(frozen=True, slots=True)
class _Match:
    guid: str
    customer: dict[str, Any]
    signals: list[rules.Signal]
    score: int


def _matches(call: Call, sought: _Sought) -> list[_Match]:
    """Returns every match, best first, and of equal ones the newest customer first."""
    found: dict[str, _Match] = {}
    for _, profile, _ in live_customers(call, _candidates(call, sought)):
        customer, guid = storage.profile_shown(profile), profile.customer_guid
        signals = rules.signals(sought.traits, traits(customer))
        if signals and guid != sought.guid:
            found[guid] = _Match(guid, customer, signals, rules.score(signals))
    return sorted(found.values(), key=_place, reverse=True)


def _candidates(call: Call, sought: _Sought) -> list[str]:
    """Returns the ids of customers who have a trait, those with most in common first."""
    tokens = trait_tokens(list(sought.traits))
    entries = {
        _newest(call.keys.dedupe_entry(token)[0]): fields for token, fields in tokens.items()
    }
    owners = {storage.owners_of(call.keys, value, newest=NEWEST): value for value in sought.values}
    weights: dict[str, dict[str, int]] = {}

    def add(ids: Iterable[str], fields: Sequence[str]) -> None:
        for guid in ids:
            common = weights.setdefault(guid, {})
            common.update({field: rules.WEIGHTS[field] for field in fields})

    add(sought.owners, ("phone",))
    if entries or owners:
        records = call.table.load([*entries, *owners])
        for entry, fields in entries.items():
            add((one.owner for one in records.all(entry)), fields)
        for read, value in owners.items():
            add((one.customer_guid for one in records.all(read)), (value.kind,))
    weights.pop(sought.guid or "", None)
    best = sorted(weights, key=lambda guid: (sum(weights[guid].values()), guid), reverse=True)
    return best[:CANDIDATES]


def _newest(partition: str) -> Query[SearchEntryRecord]:
    return Query(partition, " ", LAST, SearchEntryRecord, limit=NEWEST, newest_first=True)


# ---------------------------------------------------------------- what is answered


def _place(match: _Match) -> str:
    """Returns where a match stands in the list, as a text that sorts."""
    return f"{match.score:03d} {match.guid}"


def _match_shown(match: _Match) -> dict[str, Any]:
    return {
        "customer": match.customer,
        "match_fields": [
            {"field": one.field, "kind": one.kind, "weight": _shown(one.weight)}
            for one in match.signals
        ],
        "score": _shown(match.score),
    }


def _shown(hundredths: int) -> Decimal:
    return Decimal(hundredths) / 100

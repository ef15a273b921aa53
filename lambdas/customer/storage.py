"""Where the family's records lie, and how they come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lambdas.customer.models.envelopes import CustomerSummary
from lambdas.customer.models.records import (
    ConsentCurrentRecord,
    ConsentDecisionRecord,
    ConsentHeadRecord,
    CustomerLookupRecord,
    CustomerProfileRecord,
    SuppressionRecord,
)
from lambdas.customer.rules.consent import ConsentKey
from lambdas.customer.rules.profile import Lookup
from lambdas.customer.rules.suppression import place_of
from shared.codec import Item, shown
from shared.customer_state import CustomerStateRecord, state_at
from shared.keys import ALL_OF_KIND, BY_STATUS, LAST, Key, Keys
from shared.records import Get, Query
from shared.settings import OrgSettings
from shared.writes import Condition

OWNERS = 1000
"""How many owners of one value are read: a till may give one phone number to very many people."""
HISTORY = 100
"""How many decisions a history shows."""


def profile_shown(profile: CustomerProfileRecord) -> dict[str, Any]:
    """Returns a customer as answers show it, without what the service keeps for itself."""
    return shown(profile, without=("away", "places", "borrowed"))


def summary(profile: CustomerProfileRecord) -> dict[str, Any]:
    """Returns what lists show of a customer."""
    whole = profile_shown(profile)
    return {name: whole[name] for name in CustomerSummary.model_fields if name in whole}


def profile_item(keys: Keys, profile: CustomerProfileRecord) -> Item[CustomerProfileRecord]:
    sort = profile.customer_guid
    return Item(
        keys.customer_profile(profile.customer_guid),
        profile,
        indexes=keys.listed(ALL_OF_KIND, "customer", sort)
        | keys.listed(BY_STATUS, "customer", sort, profile.status),
        view=summary(profile),
    )


def profile_at(keys: Keys, customer_guid: str) -> Get[CustomerProfileRecord]:
    return Get(keys.customer_profile(customer_guid), CustomerProfileRecord)


def customer_reads(
    keys: Keys, customer_guid: str
) -> tuple[Get[CustomerStateRecord], Get[CustomerProfileRecord]]:
    """Returns the reads of a whole customer: only the state says whether the profile may be seen,
    and who answers for a customer who was merged."""
    return state_at(keys, customer_guid), profile_at(keys, customer_guid)


# ---------------------------------------------------------------- look-ups


def is_unique(settings: OrgSettings, lookup: Lookup) -> bool:
    """Whether only one customer of the org may have such a value."""
    return {"email": settings.email_unique, "phone": settings.phone_unique}.get(lookup.kind, True)


def lookup_place(keys: Keys, lookup: Lookup) -> str:
    """Returns the name of a look-up's place: a keyed hash, which does not tell the value."""
    return keys.value_place(f"customer-{lookup.kind}", lookup.value)


def lookup_key(keys: Keys, settings: OrgSettings, lookup: Lookup, customer_guid: str) -> Key:
    kind = f"customer-{lookup.kind}"
    if is_unique(settings, lookup):
        return keys.unique(kind, lookup.value)
    return keys.shared_value(kind, lookup.value, customer_guid)


def lookup_item(
    keys: Keys, settings: OrgSettings, lookup: Lookup, customer_guid: str
) -> Item[CustomerLookupRecord]:
    key = lookup_key(keys, settings, lookup, customer_guid)
    return Item(key, CustomerLookupRecord(customer_guid=customer_guid))


def owners_of(
    keys: Keys, lookup: Lookup, *, newest: int | None = None
) -> Query[CustomerLookupRecord]:
    """Returns the read of everyone who has the value, whether it is unique in the org or shared; or
    of so many of the newest ones."""
    partition, _ = keys.shared_value(f"customer-{lookup.kind}", lookup.value)
    return Query(
        partition,
        " ",
        LAST,
        CustomerLookupRecord,
        limit=newest or OWNERS,
        newest_first=newest is not None,
    )


def lookup_at(
    keys: Keys, settings: OrgSettings, lookup: Lookup, customer_guid: str
) -> Get[CustomerLookupRecord]:
    """Returns the read of a value's look-up, as this customer would have it."""
    return Get(lookup_key(keys, settings, lookup, customer_guid), CustomerLookupRecord)


def owned_by(owners: Sequence[str], *, or_absent: bool = True) -> Condition:
    """Returns the condition that a look-up is that of one of these customers, or that there is
    none."""
    values = {f":o{number}": {"S": owner} for number, owner in enumerate(owners)}
    text = f"customer_guid IN ({', '.join(values)})"
    return Condition(f"attribute_not_exists(pk) OR {text}" if or_absent else text, values=values)


# ---------------------------------------------------------------- the org's own refusals


def suppression_at(keys: Keys, contact_point: str) -> Get[SuppressionRecord]:
    return Get(keys.suppressed(*place_of(contact_point)), SuppressionRecord)


def suppression_item(
    keys: Keys, contact_point: str, record: SuppressionRecord
) -> Item[SuppressionRecord]:
    return Item(keys.suppressed(*place_of(contact_point)), record)


# ---------------------------------------------------------------- consents


def head_at(keys: Keys, customer_guid: str) -> Get[ConsentHeadRecord]:
    return Get(keys.consent_head(customer_guid), ConsentHeadRecord)


def consents_of(keys: Keys, customer_guid: str) -> Query[ConsentCurrentRecord]:
    """Returns the read of what counts for every key of a customer."""
    return Query(*keys.consents_current(customer_guid), ConsentCurrentRecord, limit=None)


def decisions_of(
    keys: Keys, customer_guid: str, *, newest: bool = False
) -> Query[ConsentDecisionRecord]:
    """Returns the read of every decision of a customer, or of the newest ones."""
    place = keys.consent_decisions(customer_guid)
    limit = HISTORY if newest else None
    return Query(*place, ConsentDecisionRecord, limit=limit, newest_first=newest)


def head_item(keys: Keys, head: ConsentHeadRecord) -> Item[ConsentHeadRecord]:
    return Item(keys.consent_head(head.customer_guid), head)


def current_item(
    keys: Keys, customer_guid: str, about: ConsentKey, current: ConsentCurrentRecord
) -> Item[ConsentCurrentRecord]:
    return Item(keys.consent_current(customer_guid, *about), current)


def decision_item(keys: Keys, decision: ConsentDecisionRecord) -> Item[ConsentDecisionRecord]:
    return Item(keys.consent_decision(decision.customer_guid, decision.decision_id), decision)

"""Finding customers: by a value that they have, or by their ids, as they are now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lambdas.customer import storage
from lambdas.customer.models.records import CustomerProfileRecord
from lambdas.customer.models.requests import CustomerDedupeRequest, CustomerGetRequest
from lambdas.customer.rules import profile as rules
from lambdas.customer.rules.profile import Lookup
from shared.api import Call
from shared.customer_state import state_at, survivor_of
from shared.records import Read, Records


def lookup_asked(body: CustomerGetRequest | CustomerDedupeRequest) -> Lookup:
    """Returns the one value that the request names a customer by."""
    if body.customer_code is not None:
        return rules.code(body.customer_code)
    if body.email is not None:
        return rules.email(body.email)
    if body.phone is not None:
        return rules.phone(body.phone)
    assert body.external_ref is not None
    return rules.ref(body.external_ref.kind, body.external_ref.id)


def owners_of(call: Call, lookup: Lookup) -> tuple[list[str], Records]:
    """Returns the customers who have the value, and the records read on the way. Customers who were
    merged into one count as one. A customer whose deletion has begun does not count: the look-ups
    may still be there, but the customer is gone. The state of a single owner is not read."""
    owners_at = storage.owners_of(call.keys, lookup)
    records = call.load(owners_at)
    owners = [found.customer_guid for found in records.all(owners_at)]
    if len(owners) > 1:
        states_at = [state_at(call.keys, owner) for owner in owners]
        records.add(call.load(*states_at))
        states = [state for at in states_at if (state := records.get(at)) is not None]
        alive = [state for state in states if state.job_kind != "delete"]
        owners = list({state.merged_into or state.customer_guid: None for state in alive})
    return owners, records


def ensure_customer_read(call: Call, records: Records, customer_guid: str) -> str:
    """Returns the customer that this one is by now, once state and profile of it are read."""
    records.ensure(*storage.customer_reads(call.keys, customer_guid))
    survivor = survivor_of(call.keys, records, customer_guid)
    records.ensure(*storage.customer_reads(call.keys, survivor))
    return survivor


def live_customers(
    call: Call, ids: Sequence[str]
) -> list[tuple[str, CustomerProfileRecord, tuple[str, ...]]]:
    """Returns the customers of these ids as they are now, each with all guids that lead to it,
    without those who were erased or are being erased. The id of a merged customer gives the
    survivor, because look-ups of a merged customer keep its id."""
    keys = call.keys

    def reads(guids: Iterable[str]) -> list[Read]:
        return [read for guid in guids for read in storage.customer_reads(keys, guid)]

    def work(records: Records) -> list[tuple[str, CustomerProfileRecord, tuple[str, ...]]]:
        survivors = {guid: survivor_of(keys, records, guid) for guid in ids}
        records.ensure(*reads(survivors.values()))
        found = []
        for guid, survivor in survivors.items():
            state_at, profile_at = storage.customer_reads(keys, survivor)
            state, profile = records.get(state_at), records.get(profile_at)
            if state and profile and state.job_id is None and state.status in rules.FOUND:
                found.append((guid, profile, state.owners))
        return found

    return call.read(reads(ids), work)

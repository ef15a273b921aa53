"""Records of a customer that have a partition of their own: certificates, warranties.

A new one is stored under the customer that answers: the survivor, where the one that was named was
merged. One that was there before a merge stays under the guid that it was made under, and a link in
that customer's partition leads to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.call import Call
from shared.customer_guard import CustomerGuard
from shared.customer_state import require_customer, state_at, survivor_of
from shared.records import Records


@dataclass(frozen=True, slots=True)
class NewOwner:
    """The customer of a new record, with everyone who was merged into it as far as that is known,
    and the guard of the write."""

    customer_guid: str
    owners: tuple[str, ...]
    guard: CustomerGuard


def new_owner(call: Call, records: Records, named: str, field: str) -> NewOwner:
    """Returns the customer for whom a record is made, in one trip where nobody was merged: nothing
    is read before the write. The guard of it fails for a customer who was merged, or into whom
    somebody was. The decision is then made again, with the state that the failure brought.
    ``field`` of the request names the customer, where a 404 shall tell it."""
    state = records.if_read(state_at(call.keys, named))
    if state is None:
        guard = call.guard(named, absorbed_as_read=True, named=field)
        return NewOwner(named, (named,), guard)
    state = require_customer(call.keys, records, named)
    guard = call.guard(state.customer_guid, state, absorbed_as_read=True, named=field)
    return NewOwner(state.customer_guid, state.owners, guard)


def owner_guards(call: Call, customer_guid: str | None) -> list[CustomerGuard]:
    """Returns the guard of a change of a record that a customer has. Only an erasure stops it, and
    it is no activity of the customer."""
    if customer_guid is None:
        return []
    return [call.guard(customer_guid, statuses=None, active=False)]


def ensure_answerable(call: Call, records: Records, guards: Sequence[CustomerGuard]) -> None:
    """Raises what the guards say of the customers, whose states it reads. An operation calls it
    before an answer that writes nothing, a refusal included: only a write checks the guards by
    itself, and no answer may show the records of a customer who is being erased."""
    records.ensure(*(state_at(call.keys, guard.customer_guid) for guard in guards))
    for guard in guards:
        guard.ensure(records)


def is_same_customer(call: Call, records: Records, one: str | None, other: str | None) -> bool:
    """Whether two guids are of one customer by now: the same, or merged into the same."""
    if one == other or one is None or other is None:
        return one == other
    return survivor_of(call.keys, records, one) == survivor_of(call.keys, records, other)

"""The begin of an erasure: who is asked about, what forbids it, and the one transaction that fences
the customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from lambdas.customer import storage as customers
from lambdas.customer.models.records import CustomerProfileRecord
from lambdas.privacy import storage
from lambdas.privacy.models.records import ErasureJobRecord, TombstoneRecord
from lambdas.privacy.operations.eraser import Eraser
from lambdas.retention import storage as policies
from lambdas.retention.rules import in_force
from shared.call import Call
from shared.codec import Wire
from shared.commit import bound_marker, marker_reads, marker_write
from shared.customer_state import CustomerStateRecord, state_at, survivor_of
from shared.errors import Busy, LegalHold, NotFound
from shared.events import change_event
from shared.keys import STATE
from shared.records import Read, Records
from shared.writes import Condition, Put, Touch


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is there of the customer who is asked about. ``states``: its own, then those of everyone
    merged into it. Without ``states`` it is deleted, or its deletion is over. ``minimum_days``: for
    how long a law wants records of a kind."""

    tombstone: TombstoneRecord | None = None
    states: tuple[CustomerStateRecord, ...] = ()
    profile: CustomerProfileRecord | None = None
    minimum_days: Mapping[str, int] = field(default_factory=dict)

    @property
    def state(self) -> CustomerStateRecord:
        return self.states[0]

    @property
    def owners(self) -> tuple[str, ...]:
        return tuple(state.customer_guid for state in self.states)


def eraser_of(call: Call) -> Eraser:
    return Eraser(
        keys=call.keys,
        settings=call.settings,
        table=call.table,
        now=call.now,
        new_id=call.new_id,
    )


def found(call: Call, customer_guid: str) -> tuple[Call, Found]:
    """Returns the verified call, and what is there. Raises 404 where nothing was ever there, and
    409 where the idempotency key belongs to another request."""
    reads: list[Read] = [
        *customers.customer_reads(call.keys, customer_guid),
        storage.tombstone_at(call.keys, customer_guid),
        policies.versions(call.keys),
        *marker_reads(call),
    ]
    call, records = call.verified(reads)
    # Only for its refusal: what a repeat is answered does not depend on its key.
    bound_marker(call, records)
    return call, call.decided(records, lambda known: _there(call, known, customer_guid))


def _there(call: Call, records: Records, customer_guid: str) -> Found:
    tombstone = records.get(storage.tombstone_at(call.keys, customer_guid))
    if tombstone is not None:
        return Found(tombstone=tombstone)
    survivor = survivor_of(call.keys, records, customer_guid)
    records.ensure(*customers.customer_reads(call.keys, survivor))
    state = records.get(state_at(call.keys, survivor))
    if state is None:
        raise NotFound()
    absorbed = [state_at(call.keys, guid) for guid in state.absorbed]
    records.ensure(*absorbed)
    states = (state, *(records.require(at) for at in absorbed))
    profile = records.get(customers.profile_at(call.keys, survivor))
    policy = in_force(records.all(policies.versions(call.keys)), call.now)
    minimum = {} if policy is None else policy.minimum_days
    return Found(states=states, profile=profile, minimum_days=minimum)


def running_job(call: Call, there: Found, job_kind: str) -> ErasureJobRecord | None:
    """Returns the job that works on the customer, or None. Raises ``busy`` where it is of the other
    kind."""
    state = there.state
    if state.job_id is None:
        return None
    if state.job_kind != job_kind:
        raise Busy()
    return call.require(storage.job_at(call.keys, state.job_id))


def ensure_may_begin(call: Call, there: Found) -> None:
    """Raises 409 where the revision is another one, or a legal hold forbids the erasure."""
    if there.profile is not None:
        call.facts.ensure_revision(
            there.profile.revision, {"customer": customers.profile_shown(there.profile)}
        )
    if any(state.is_under_legal_hold(call.now) for state in there.states):
        raise LegalHold()


def fence(
    call: Call,
    there: Found,
    job_kind: str,
    *,
    refuses: str = "all",
    idle_until: date | None = None,
) -> ErasureJobRecord | None:
    """Creates the job and marks all states, in one transaction. Returns None where another write
    came first: then everything is read and decided again. ``refuses``: the contact points that the
    org refuses after it, ``all`` or those that had ``opted_out``. ``idle_until``: only if nothing
    was heard of the customer after that day."""
    job = _job(call, there, job_kind, refuses=refuses)
    # No answer is kept: a repeat is answered from the tombstone or the record, whatever its key.
    place = call.keys.tombstone(there.state.customer_guid)
    writes = [*marker_write(call, place), Put(storage.job_item(call.keys, job))]
    for state in there.states:
        marked = {
            "job_id": {"S": job.job_id},
            "job_kind": {"S": job_kind},
            "revision": _number(state.revision + 1),
        }
        place = state_at(call.keys, state.customer_guid).key
        writes.append(Touch(place, marked, _unchanged(state, idle_until)))
    failed = call.table.transact(writes, call.new_id(), 0)
    if failed is None:
        return job
    if not call.table.retry_budget.may_retry_after_pause(conflict=True):
        raise Busy()
    return None


def _unchanged(state: CustomerStateRecord, idle_until: date | None) -> Condition:
    """The state is at the revision that was read. A revision counts every change but a new day of
    activity, which matters to retention only."""
    text, values = "#rev = :rev AND attribute_not_exists(job_id)", {":rev": _number(state.revision)}
    if idle_until is not None:
        text, values = (
            f"{text} AND active_on <= :idle",
            values | {":idle": {"S": idle_until.isoformat()}},
        )
    return Condition(text, {"#rev": "revision"}, values)


def _number(value: int) -> Wire:
    return {"N": str(value)}


def _job(call: Call, there: Found, job_kind: str, *, refuses: str) -> ErasureJobRecord:
    guid = there.state.customer_guid
    action = "customer-deleted" if job_kind == "delete" else "customer-anonymized"
    revision = there.profile.revision + 1 if there.profile is not None else 1
    return ErasureJobRecord(
        job_id=f"job_{call.new_id()}",
        job_kind=job_kind,
        phase="counting" if job_kind == "delete" else "erasing",
        orgcode=call.caller.orgcode,
        customer_guid=guid,
        owners=there.owners,
        after=STATE,
        minimum_days=there.minimum_days,
        refuses=refuses,
        event=change_event(call, action, ("customer", guid, revision), {}),
        created_at=call.now,
        updated_at=call.now,
    )


def job_shown(job: ErasureJobRecord) -> dict[str, Any]:
    return {"job_id": job.job_id, "state": job.state}

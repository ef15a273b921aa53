"""The one way to write: load, decide, commit.

``commit`` solves once what every write must get right: identity verified in the operation's own
batch, the replay looked for before any refusal, a dry run, the idempotency key committed with the
effect, the customer's guard in the same transaction, and deciding again with the current item when
another write came first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.call import Answer, Call
from shared.codec import Item
from shared.customer_state import CustomerGuard, require_readable, state_at
from shared.errors import ApiError, Busy, IdempotencyKeyReused, NotFound
from shared.fields import instant_text
from shared.idempotency import MarkerRecord, SnapshotRecord
from shared.records import Get, Read, Records
from shared.table import Failed
from shared.writes import (
    CurrentItem,
    Put,
    Touch,
    Update,
    Write,
    absent_or_before,
    failure_of,
    key_written,
)


@dataclass(frozen=True, slots=True)
class Subject:
    """The record that an answer speaks of: its id, and the partition where the answer is kept and
    erased with it."""

    partition: str
    record_id: str


@dataclass(frozen=True, slots=True)
class Step:
    """A decision: the answer if the writes happen, the record that it speaks of, and the writes,
    all or none. ``guards``: of each customer who is written to beside it. ``kept``: what a repeat
    is given where that is not the answer's data, because some of it must not be stored."""

    answer: Answer
    subject: Subject
    writes: Sequence[Write] = ()
    guards: Sequence[CustomerGuard] = ()
    kept: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CustomerStep:
    """A decision about a customer's records. What it writes, the kept answer included, is written
    under the guard, and the guard has let the decision pass before anything is answered."""

    answer: Answer
    guard: CustomerGuard
    writes: Sequence[Write] = ()
    kept: dict[str, Any] | None = None

    @property
    def subject(self) -> Subject:
        guid = self.guard.customer_guid
        return Subject(self.guard.keys.customer_state(guid)[0], guid)

    @property
    def guards(self) -> Sequence[CustomerGuard]:
        return (self.guard,)


Decide = Callable[[Call, Records], Step | CustomerStep]


def commit(call: Call, reads: Sequence[Read], decide: Decide) -> Answer:
    """Loads, decides, writes; returns the answer. ``reads`` are a hint that saves trips. Without
    any on a route that is not strict nothing is read: a creation is one trip, and its own
    conditions refuse it."""
    records = Records()
    read_first = bool(reads) or call.route.strict
    if read_first:
        call, records = call.verified([*reads, *_marker_reads(call)])
        replay = _replay(call, records)
        if replay is not None:
            return replay
    try:
        return _written(call, records, decide)
    except ApiError:
        # A creation has not looked for its replay yet; a retry must not hear a refusal.
        replay = None if read_first else _replay(call, call.table.load(_marker_reads(call)))
        if replay is None:
            raise
        return replay


def _written(call: Call, records: Records, decide: Decide) -> Answer:
    change_id, attempt = call.new_id(), 0
    while True:
        step = call.decided(records, lambda known: decide(call, known))
        for guard in step.guards:
            guard.ensure(records)
        if call.facts.dry_run:
            return Answer({**step.answer.data, "dry_run": True}, step.answer.revision)
        writes = [*_binding(call, step), *step.writes]
        if not writes:
            return step.answer
        writes += [write for guard in step.guards for write in guard.writes(records)]
        _ensure_guarded(call, step.guards, writes)
        failed = call.table.transact(writes, change_id, attempt)
        if failed is None:
            return step.answer
        answered = _meant(failed)
        if answered is not None:
            return answered
        for write, current in failed.writes:
            records.learn(key_written(write), current)
        if not call.table.patience.wait():
            raise Busy()
        attempt += 1


def _meant(failed: Failed) -> Answer | None:
    """What the first failure that means something means: a refusal, or an answer."""
    for write, current in failed.writes:
        meant = failure_of(write)
        if callable(meant):
            meant = meant(current)
        if isinstance(meant, ApiError):
            raise meant
        if isinstance(meant, Answer):
            return meant
    return None


def _ensure_guarded(call: Call, guards: Sequence[CustomerGuard], writes: Sequence[Write]) -> None:
    """A defect of ours where something is put into a customer's partition and no guard in the same
    transaction looks at that customer: it could outlive the customer's erasure."""
    guarded = {guid for guard in guards for guid in guard.covers}
    for write in writes:
        if isinstance(write, Put | Update | Touch):
            guid = call.keys.customer_in(key_written(write)[0])
            if guid is not None and guid not in guarded:
                raise ValueError(f"a write for a customer without a guard: {type(write).__name__}")


# ---------------------------------------------------------------- idempotency


def _marker_reads(call: Call) -> list[Read]:
    if call.facts.idempotency_key is None or call.facts.dry_run:
        return []
    return [Get(call.keys.marker(call.route.path, call.facts.idempotency_key), MarkerRecord)]


def _replay(call: Call, records: Records) -> Answer | None:
    for read in _marker_reads(call):
        assert isinstance(read, Get)
        marker = records.get(read)
        if marker is not None and marker.expires_at > call.now:
            return _repeated(call, marker)
    return None


def _repeated(call: Call, marker: MarkerRecord) -> Answer:
    """Returns the original answer. 409 where the key stands for another request; 404 where the
    record that it spoke of is gone, or the deletion of its customer has begun."""
    if marker.request_hash != call.facts.request_hash:
        raise IdempotencyKeyReused()
    snapshot_at = Get((marker.at_pk, marker.at_sk), SnapshotRecord)
    customer_guid = call.keys.customer_in(marker.at_pk)
    states = [] if customer_guid is None else [state_at(call.keys, customer_guid)]
    records = call.table.load([snapshot_at, *states])
    snapshot = records.get(snapshot_at)
    if snapshot is None:
        raise NotFound()
    for get in states:
        require_readable(records.get(get))
    return Answer(snapshot.data, snapshot.answered_revision, replayed=True)


def _binding(call: Call, step: Step | CustomerStep) -> list[Write]:
    """The key and the answer, committed with the effect: there is no state in between."""
    key = call.facts.idempotency_key
    if key is None:
        return []
    path, subject = call.route.path, step.subject
    expires = call.now + timedelta(days=call.settings.idempotency_days)
    place = call.keys.snapshot(subject.partition, subject.record_id, path, key)
    marker = MarkerRecord(
        request_hash=call.facts.request_hash, at_pk=place[0], at_sk=place[1], expires_at=expires
    )
    data = step.answer.data if step.kept is None else step.kept
    snapshot = SnapshotRecord(data=data, answered_revision=step.answer.revision)

    def taken(current: CurrentItem) -> Answer | None:
        there = current.record(MarkerRecord)
        return None if there is None else _repeated(call, there)

    return [
        Put(
            Item(call.keys.marker(path, key), marker, expires=expires),
            unless_exists=taken,
            condition=absent_or_before("expires_at", instant_text(call.now)),
        ),
        Put(Item(place, snapshot, expires=expires), condition=None),
    ]

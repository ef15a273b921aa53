"""The one way to write: load, decide, commit.

``commit`` does what every write needs:

- it verifies the caller in the operation's own batch, on strict routes;
- it looks for a replay before it refuses anything;
- it answers a dry run;
- it writes the idempotency key and the customer's guard in the transaction of the effect;
- it decides again with the current item where another write came first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from shared.call import Answer, Call
from shared.codec import Item
from shared.customer_guard import CustomerGuard
from shared.customer_state import require_readable, state_at
from shared.errors import ApiError, Busy, IdempotencyKeyReused, NotFound
from shared.fields import instant_text
from shared.idempotency import MarkerRecord, SnapshotRecord
from shared.keys import Key, record_of_answer
from shared.records import Get, Read, Records
from shared.table import Failed
from shared.writes import (
    Count,
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
    """The record that an answer is about: its id and its partition. The answer that replays get is
    stored in that partition, and erased with the record. The id becomes a part of its key: of one
    that a caller chose, this is the hash (``Kind.named_in_keys``)."""

    partition: str
    record_id: str


@dataclass(frozen=True, slots=True)
class Step:
    """A decision: the writes, all or none; the answer if they succeed; and the record that the
    answer is about. ``guards``: one for each customer that is also written to. ``kept``: the data
    that a replay gets, where some of the answer's data must not be stored."""

    answer: Answer
    subject: Subject
    writes: Sequence[Write] = ()
    guards: Sequence[CustomerGuard] = ()
    kept: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CustomerStep:
    """A decision about a customer's records. The guard is checked before anything is answered. It
    is also a part of the transaction, which stores the answer for replays too."""

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


@dataclass(frozen=True, slots=True)
class Retelling:
    """What a replay needs beside the answer that was kept. ``reads``: for the record of this id,
    in the trip that reads the answer; a hint that saves trips. ``told``: the answer to the replay,
    made of the kept one and these records. It may refuse what must not be shown any more."""

    reads: Callable[[str], Sequence[Read]]
    told: Callable[[Answer, Records], Answer]


Decide = Callable[[Call, Records], Step | CustomerStep]
Original = Callable[[MarkerRecord], Answer]


def commit(
    call: Call,
    reads: Sequence[Read],
    decide: Decide,
    retelling: Retelling | None = None,
    *,
    known: Records | None = None,
) -> Answer:
    """Loads, decides and writes. Returns the answer. ``reads`` are a hint that saves trips. Without
    reads, a route that is not strict reads nothing first: a creation then takes one trip, and the
    conditions of its writes refuse what is not allowed. A replay takes one more. ``known``: what
    was read for many decisions at once, in the place of ``reads``. It may be out of date, so it is
    only for a decision whose writes check all that it stands on, and whose answer shows no
    record."""
    original = partial(_original_answer, call, retelling)
    if known is not None:
        return _decide_and_write(call, known, decide, original)
    records = Records()
    read_first = bool(reads) or call.route.strict
    if read_first:
        call, records = call.verified([*reads, *marker_reads(call)])
        replay = _find_replay(call, records, original)
        if replay is not None:
            return replay
    try:
        return _decide_and_write(call, records, decide, original)
    except ApiError:
        # A creation has not looked for its replay yet. A retry of a call that succeeded must get
        # its answer, not an error.
        if read_first:
            raise
        replay = _find_replay(call, call.table.load(marker_reads(call)), original)
        if replay is None:
            raise
        return replay


def _decide_and_write(call: Call, records: Records, decide: Decide, original: Original) -> Answer:
    change_id, attempt = call.new_id(), 0
    while True:
        step = call.decided(records, lambda known: _guarded(decide(call, known), known))
        if call.facts.dry_run:
            return Answer({**step.answer.data, "dry_run": True}, step.answer.revision)
        # The idempotency key comes first: where several conditions fail, a replay wins.
        writes = [*_idempotency_writes(call, step, original), *step.writes]
        if not writes:
            return step.answer
        writes += [write for guard in step.guards for write in guard.writes(records)]
        _ensure_guarded(call, step.guards, writes)
        failed = call.table.transact(writes, change_id, attempt)
        if failed is None:
            return step.answer
        answer = _answer_to_failure(failed)
        if answer is not None:
            return answer
        # Another write came first: decide again with the items that the failure brought.
        for write, current in failed.writes:
            records.learn(key_written(write), current)
        if not call.table.retry_budget.may_retry_after_pause(conflict=True):
            raise Busy()
        attempt += 1


def _guarded(step: Step | CustomerStep, records: Records) -> Step | CustomerStep:
    """Returns the step once its guards allow it: before any answer, even of a dry run or of a call
    that changes nothing, because an answer shows records."""
    for guard in step.guards:
        guard.ensure(records)
    return step


def _answer_to_failure(failed: Failed) -> Answer | None:
    """Raises or returns what the first failed write with an ``on_failure`` stands for: an error or
    an answer. Returns None where the decision has to be made again."""
    for write, current in failed.writes:
        result = failure_of(write)
        if callable(result):
            result = result(current)
        if isinstance(result, ApiError):
            raise result
        if isinstance(result, Answer):
            return result
    return None


def _ensure_guarded(call: Call, guards: Sequence[CustomerGuard], writes: Sequence[Write]) -> None:
    """Raises ``ValueError`` (a defect) where a write puts something into a customer's partition and
    no guard of the transaction covers that customer. Such an item could outlive the erasure."""
    guarded = {guid for guard in guards for guid in guard.covers}
    for write in writes:
        # A delete leaves nothing behind that could outlive anything.
        if isinstance(write, Put | Update | Touch | Count):
            guid = call.keys.customer_in(key_written(write)[0])
            if guid is not None and guid not in guarded:
                raise ValueError(f"a write for a customer without a guard: {type(write).__name__}")


# ---------------------------------------------------------------- idempotency


def marker_reads(call: Call) -> list[Get[MarkerRecord]]:
    """Returns the read of the call's idempotency key, where the call binds one."""
    key = _bound_key(call)
    if key is None or call.facts.dry_run:
        return []
    return [Get(call.keys.marker(call.route.path, key), MarkerRecord)]


def _bound_key(call: Call) -> str | None:
    """Returns the idempotency key that the call binds. Some routes bind none."""
    return call.facts.idempotency_key if call.route.binds_key else None


def _find_replay(call: Call, records: Records, original: Original) -> Answer | None:
    marker = bound_marker(call, records)
    return None if marker is None else original(marker)


def bound_marker(call: Call, records: Records) -> MarkerRecord | None:
    """Returns the live marker of the call's idempotency key, or None where the key is free. Raises
    409 where it belongs to another request."""
    for get in marker_reads(call):
        marker = records.get(get)
        if marker is not None and marker.expires_at > call.now:
            _ensure_own(call, marker)
            return marker
    return None


def _ensure_own(call: Call, marker: MarkerRecord) -> None:
    if marker.request_hash != call.facts.request_hash:
        raise IdempotencyKeyReused()


def _original_answer(call: Call, retelling: Retelling | None, marker: MarkerRecord) -> Answer:
    """Returns the original answer. Raises 409 where the key belongs to another request. Raises 404
    where the record of the answer is gone, or the deletion of its customer has begun."""
    _ensure_own(call, marker)
    snapshot_at = Get((marker.at_pk, marker.at_sk), SnapshotRecord)
    customer_guid = call.keys.customer_in(marker.at_pk)
    states = [] if customer_guid is None else [state_at(call.keys, customer_guid)]
    more = [] if retelling is None else retelling.reads(record_of_answer(snapshot_at.key))
    records = call.table.load([snapshot_at, *states, *more])
    snapshot = records.get(snapshot_at)
    if snapshot is None:
        raise NotFound()
    for get in states:
        require_readable(records.get(get))
    answer = Answer(snapshot.data, snapshot.answered_revision, replayed=True)
    if retelling is None:
        return answer
    told = retelling.told
    return call.decided(records, lambda known: told(answer, known))


def _idempotency_writes(call: Call, step: Step | CustomerStep, original: Original) -> list[Write]:
    """Returns the writes of the idempotency key and of the answer that replays get. They are in the
    transaction of the effect, so an effect never exists without its key."""
    key = _bound_key(call)
    if key is None:
        return []
    path, subject = call.route.path, step.subject
    place = call.keys.snapshot(subject.partition, subject.record_id, path, key)
    data = step.answer.data if step.kept is None else step.kept
    snapshot = SnapshotRecord(data=data, answered_revision=step.answer.revision)

    def on_taken_key(current: CurrentItem) -> Answer | None:
        existing = current.record(MarkerRecord)
        return None if existing is None else original(existing)

    marker = marker_write(call, place, on_taken_key)
    return [*marker, Put(Item(place, snapshot, expires=_expires(call)), condition=None)]


def marker_write(
    call: Call, answer_at: Key, on_taken: Callable[[CurrentItem], Answer | None] | None = None
) -> list[Write]:
    """Returns the write that binds the call's idempotency key, where it binds one. ``answer_at``:
    where its repeats find their answer. ``on_taken``: what to do where the key is taken."""
    expires = _expires(call)
    return [
        Put(
            Item(
                get.key,
                MarkerRecord(
                    request_hash=call.facts.request_hash,
                    at_pk=answer_at[0],
                    at_sk=answer_at[1],
                    expires_at=expires,
                ),
                expires=expires,
            ),
            unless_exists=on_taken,
            # The table deletes expired markers late, so an expired one may be overwritten.
            condition=absent_or_before("expires_at", instant_text(call.now)),
        )
        for get in marker_reads(call)
    ]


def _expires(call: Call) -> datetime:
    return call.now + timedelta(days=call.settings.idempotency_days)

"""The course of a subscription: what time changes by itself, what callers change, and which
occurrences are due.

A *turn* is a change that time makes: the end of a pause, a cancellation at the end of a period, the
end. Reads show the subscription as it is ``at`` a time, all turns taken. Writes take the turns
first (``settled``), each as a revision of its own.

No write drops an occurrence that was due before it. Where the schedule changes, what is due and not
yet announced becomes ``overdue``: it keeps its number and its date, and is announced before
anything else. An active subscription has no need of that, because its schedule stays the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from lambdas.subscription.models.records import Overdue, SubscriptionRecord
from lambdas.subscription.rules.dates import (
    NEVER,
    TICK,
    anchor_at,
    date_of,
    end_of,
    first_from,
    local_time,
)
from shared.codec import shown_value
from shared.errors import Busy, InvalidInput, InvalidState
from shared.states import next_revision, steps

STEPS = steps({"active": "paused cancelled", "paused": "active cancelled"})
"""What callers may do. ``ended`` comes by itself; it and ``cancelled`` are final."""
OVERDUE = 100
"""How many times a schedule may change while nothing is announced."""

Status = Literal["active", "cancelled", "ended"]


@dataclass(frozen=True, slots=True)
class Turn:
    """What time changes: when, and the status from then on."""

    when: datetime
    status: Status


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence: its number, and when it is."""

    number: int
    date: datetime


# ---------------------------------------------------------------- time


def next_turn(record: SubscriptionRecord) -> Turn | None:
    """Returns what time will change next, or has changed and nobody has written yet."""
    turns = []
    if record.status == "active" and record.cancel_at is not None:
        turns.append(Turn(record.cancel_at, "cancelled"))
    if record.status in STEPS and record.end_date is not None:
        turns.append(Turn(end_of(record), "ended"))
    if record.status == "paused" and record.resume_at is not None:
        turns.append(Turn(record.resume_at, "active"))
    return min(turns, key=lambda turn: turn.when, default=None)


def turned(record: SubscriptionRecord, turn: Turn) -> SubscriptionRecord:
    """Returns the subscription after a turn. A date at the very time is after it."""
    if turn.status == "active":
        return _running(_left(record, turn.when))
    return _closed(record, turn.status, turn.when, before=turn.when)


def settled(
    record: SubscriptionRecord, now: datetime
) -> tuple[SubscriptionRecord, list[tuple[Turn, SubscriptionRecord]]]:
    """Returns the subscription with every turn taken, and each turn with the revision after it."""
    taken = []
    while (turn := next_turn(record)) is not None and turn.when <= now:
        record = next_revision(turned(record, turn), now)
        taken.append((turn, record))
    return record, taken


def at(record: SubscriptionRecord, now: datetime) -> SubscriptionRecord:
    """Returns the subscription as it is at a time. Revision and times stay those of the record."""
    while (turn := next_turn(record)) is not None and turn.when <= now:
        record = turned(record, turn)
    return _left(record, now + TICK) if record.status == "paused" else record


# ---------------------------------------------------------------- what is due


def next_occurrence(record: SubscriptionRecord) -> Occurrence | None:
    """Returns the first occurrence that is still to be announced: one from before the last change
    of the schedule, else the next one of a subscription that runs."""
    if record.overdue:
        first = record.overdue[0]
        return Occurrence(first.first, date_of(record, first.first, first.anchor))
    if record.status != "active":
        return None
    date = date_of(record, record.next_number)
    return Occurrence(record.next_number, date) if date < _limit(record) else None


def next_step(record: SubscriptionRecord, now: datetime) -> Occurrence | Turn | None:
    """Returns what the sweeper has to write next, in the order of the calendar: an occurrence to
    announce, or a turn. None: nothing yet."""
    due, turn = next_occurrence(record), next_turn(record)
    if due is not None and due.date <= now:
        return due
    return turn if turn is not None and turn.when <= now else None


def next_moment(record: SubscriptionRecord) -> datetime | None:
    """Returns when the sweeper has something to write; None: never again by itself."""
    due, turn = next_occurrence(record), next_turn(record)
    moments = [] if due is None else [due.date]
    moments += [] if turn is None else [turn.when]
    return min(moments, default=None)


def announced(record: SubscriptionRecord) -> SubscriptionRecord:
    """Returns the subscription after the announcement of its first occurrence."""
    if not record.overdue:
        return replace(record, next_number=record.next_number + 1)
    first, *others = record.overdue
    if first.first + 1 < first.end:
        others.insert(0, replace(first, first=first.first + 1))
    return replace(record, overdue=tuple(others))


def upcoming(record: SubscriptionRecord, now: datetime) -> Iterator[Occurrence]:
    """Yields what is still to be announced, as far as it is known by now: the overdue ones, then
    those of the schedule, with a pause that ends by itself."""
    record = at(record, now)
    while record.overdue:
        due = next_occurrence(record)
        assert due is not None, "what is overdue has a date"
        yield due
        record = announced(record)
    if record.status == "paused" and record.resume_at is not None:
        record = at(record, record.resume_at)
    while (due := next_occurrence(record)) is not None:
        yield due
        record = announced(record)


def number_of(record: SubscriptionRecord, coming: Occurrence | None) -> int:
    """Returns the number of the next occurrence, whether its date is known (``coming``) or not."""
    return record.next_number if coming is None else coming.number


def period_end(record: SubscriptionRecord, now: datetime) -> datetime | None:
    """Returns the end of the current period: the next date of the calendar, or the end of the last
    day where that comes first. None before the first date, and where the subscription does not
    run."""
    if record.status != "active":
        return None
    number = first_from(record, now + TICK, record.anchor.number)
    end = min(date_of(record, number), end_of(record))
    return end if number > 0 and end != NEVER else None


# ---------------------------------------------------------------- what callers change


def started(record: SubscriptionRecord, *, skips: bool) -> SubscriptionRecord:
    """Returns a new subscription. ``skips``: the start was named, so dates before the creation are
    skipped; without a name the start is the creation itself."""
    if not skips:
        return record
    number = first_from(record, record.created_at, 0)
    return replace(record, next_number=number, skipped=number)


def paused(
    record: SubscriptionRecord, now: datetime, resume_at: datetime | None
) -> SubscriptionRecord:
    """Returns the subscription paused. Raises 409 from another state than ``active``, and where
    its cancellation is scheduled."""
    if resume_at is not None and resume_at <= now:
        raise InvalidInput.of("resume_at", "must lie in the future")
    if record.status != "active":
        raise refusal(record)
    if record.cancel_at is not None:
        raise refusal(record, cancel_at=shown_value(record.cancel_at))
    left = _left(record, now + TICK)
    if len(left.overdue) > OVERDUE:
        # The sweeper is far behind, and each pause needs some room until it has caught up.
        raise Busy()
    return next_revision(left, now, status="paused", paused_at=now, resume_at=resume_at)


def resumed(record: SubscriptionRecord, now: datetime, *, restarts: bool) -> SubscriptionRecord:
    """Returns the subscription running again. What fell into the pause is skipped. ``restarts``:
    the next date is an interval from now; the numbers go on."""
    if record.status != "paused":
        raise refusal(record)
    after = _running(_left(record, now + TICK))
    if restarts:
        here = local_time(now, record.timezone)
        after = replace(after, anchor=anchor_at(here, after.next_number - 1))
    return next_revision(after, now)


def kept(record: SubscriptionRecord, now: datetime, *, restarts: bool) -> SubscriptionRecord:
    """Returns an active subscription without the cancellation that was scheduled for it. Its dates
    are still those it had, so a restart is refused."""
    if restarts:
        raise refusal(record, cancel_at=shown_value(record.cancel_at))
    return next_revision(record, now, cancel_at=None)


def cancelled(record: SubscriptionRecord, now: datetime) -> SubscriptionRecord:
    """Returns the subscription cancelled at once. What is due by now is announced all the same."""
    if record.status not in STEPS:
        raise refusal(record)
    return next_revision(_closed(record, "cancelled", now, before=now + TICK), now)


def cancelled_at_period_end(record: SubscriptionRecord, now: datetime) -> SubscriptionRecord:
    """Returns the subscription with its cancellation scheduled; the same object where it is
    scheduled already. Without a current period it is cancelled at once."""
    if record.cancel_at is not None and record.status == "active":
        return record
    end = period_end(record, now)
    if end is None:
        return cancelled(record, now)
    return next_revision(record, now, cancel_at=end)


def anonymized(record: SubscriptionRecord, now: datetime) -> SubscriptionRecord:
    """Returns the subscription as the anonymization of its customer leaves it: it has ended."""
    record, _ = settled(record, now)
    if record.status in STEPS:
        record = _closed(record, "cancelled", now, before=now + TICK)
    return record


def refusal(record: SubscriptionRecord, **more: Any) -> InvalidState:
    """Returns the 409 of a step that the state does not allow. Under a scheduled cancellation there
    is no pause."""
    steps = STEPS.get(record.status, frozenset())
    allowed = steps if record.cancel_at is None else steps - {"paused"}
    return InvalidState(detail={"state": record.status, "allowed": sorted(allowed), **more})


# ---------------------------------------------------------------- parts of a step


def _limit(record: SubscriptionRecord) -> datetime:
    """Returns from when on there are no dates any more."""
    return min(record.cancel_at or NEVER, end_of(record))


def _left(record: SubscriptionRecord, before: datetime) -> SubscriptionRecord:
    """Returns the subscription with the dates before a time behind it: those of a pause are
    skipped, the others are overdue."""
    number = first_from(record, before, record.next_number)
    if number == record.next_number or record.status not in STEPS:
        return record
    if record.status == "paused":
        missed = number - record.next_number
        return replace(record, next_number=number, skipped=record.skipped + missed)
    overdue = list(record.overdue)
    new = Overdue(record.anchor, record.next_number, number)
    if overdue and (overdue[-1].anchor, overdue[-1].end) == (new.anchor, new.first):
        new = replace(new, first=overdue.pop().first)
    return replace(record, next_number=number, overdue=(*overdue, new))


def _running(record: SubscriptionRecord) -> SubscriptionRecord:
    return replace(record, status="active", paused_at=None, resume_at=None)


def _closed(
    record: SubscriptionRecord, status: str, when: datetime, *, before: datetime
) -> SubscriptionRecord:
    """Returns the subscription at its end. ``before``: earlier dates are due or skipped."""
    return replace(
        _left(record, before),
        status=status,
        ended_at=when,
        cancelled_at=when if status == "cancelled" else None,
        paused_at=None,
        resume_at=None,
        cancel_at=None,
    )

"""The course of a subscription, against a simulation that looks at the clock each hour."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.subscription.models.records import SubscriptionRecord
from lambdas.subscription.rules import course
from lambdas.subscription.rules.course import Occurrence, Turn
from shared.errors import Busy, InvalidState
from shared.states import next_revision
from tests.lambdas.subscription.records import CREATED, subscription

HOUR = timedelta(hours=1)
FREQUENCIES = {"daily": relativedelta(days=1), "monthly": relativedelta(months=1)}


@dataclass
class Naive:
    """A subscription in UTC that looks at the clock each hour, and remembers all it has done."""

    step: relativedelta
    start: datetime
    end: datetime | None
    now: datetime = CREATED
    status: str = "active"
    number: int = 0
    skipped: int = 0
    resume_at: datetime | None = None
    cancel_at: datetime | None = None
    due: list[tuple[int, datetime]] = field(default_factory=list)
    first: int = 0

    def __post_init__(self) -> None:
        while self.date() < self.now:
            self.number += 1
            self.skipped += 1

    def date(self, number: int | None = None) -> datetime:
        number = self.number if number is None else number
        return self.start + self.step * (number - self.first)

    def wait(self, until: datetime) -> None:
        """Goes on hour by hour, and does what the hour brings."""
        self.hour()
        while self.now < until:
            self.now += HOUR
            self.hour()

    def hour(self) -> None:
        if self.status == "active" and self.cancel_at is not None and self.now >= self.cancel_at:
            self.status = "cancelled"
        elif self.status in ("active", "paused") and self.end is not None and self.now >= self.end:
            self.status = "ended"
        if self.status == "paused" and self.resume_at is not None and self.now >= self.resume_at:
            self.status, self.resume_at = "active", None
        while self.status in ("active", "paused") and self.date() <= self.now:
            if self.status == "paused":
                self.skipped += 1
            else:
                self.due.append((self.number, self.date()))
            self.number += 1

    def pause(self, hours: int | None) -> None:
        if self.status != "active" or self.cancel_at is not None:
            raise InvalidState()
        self.status = "paused"
        self.resume_at = None if hours is None else self.now + hours * HOUR

    def resume(self, restarts: bool) -> None:
        if self.status == "active" and self.cancel_at is not None and not restarts:
            self.cancel_at = None
        elif self.status == "paused":
            self.status, self.resume_at = "active", None
            if restarts:
                self.start, self.first = self.now, self.number - 1
        else:
            raise InvalidState()

    def cancel(self, at_period_end: bool) -> None:
        if self.status not in ("active", "paused"):
            raise InvalidState()
        if at_period_end and self.status == "active" and self.number > 0:
            ends = [self.date()] if self.end is None else [self.date(), self.end]
            self.cancel_at = self.cancel_at or min(ends)
        else:
            self.status = "cancelled"


@dataclass
class Swept:
    """The same by the rules, with a sweeper that comes now and then."""

    record: SubscriptionRecord
    due: list[tuple[int, datetime]] = field(default_factory=list)

    def sweep(self, now: datetime, at_most: int) -> None:
        for _ in range(at_most):
            step = course.next_step(self.record, now)
            if step is None:
                return
            assert course.next_moment(self.record) is not None
            if isinstance(step, Turn):
                self.record = next_revision(course.turned(self.record, step), now)
            else:
                assert isinstance(step, Occurrence)
                self.due.append((step.number, step.date))
                self.record = next_revision(course.announced(self.record), now)

    def apply(self, act: tuple[Any, ...], now: datetime) -> None:
        record, _ = course.settled(self.record, now)
        kind, choice = act
        if kind == "pause":
            resume_at = None if choice is None else now + choice * HOUR
            record = course.paused(record, now, resume_at)
        elif kind == "resume" and record.status == "active" and record.cancel_at is not None:
            record = course.kept(record, now, restarts=choice)
        elif kind == "resume":
            record = course.resumed(record, now, restarts=choice)
        elif choice:
            if record.status not in course.STEPS:
                raise course.refusal(record)
            record = course.cancelled_at_period_end(record, now)
        else:
            record = course.cancelled(record, now)
        self.record = record


ACTS = st.one_of(
    st.tuples(st.just("pause"), st.none() | st.integers(1, 24 * 70)),
    st.tuples(st.just("resume"), st.booleans()),
    st.tuples(st.just("cancel"), st.sampled_from([True, True, True, False])),
    st.tuples(st.just("sweep"), st.integers(1, 40)),
)
LIVES = st.lists(st.tuples(st.integers(0, 24 * 45), ACTS), max_size=10)


@given(
    frequency=st.sampled_from(sorted(FREQUENCIES)),
    start=st.integers(-24 * 60, 24 * 40),
    days=st.none() | st.integers(40, 300),
    life=LIVES,
)
@settings(max_examples=150)
def test_a_life_is_that_of_a_naive_simulation(
    frequency: str, start: int, days: int | None, life: list[tuple[int, tuple[Any, ...]]]
) -> None:
    began = CREATED + start * HOUR
    # A day that every month has: the simulation counts each date from the start as well.
    last = None if days is None else date(2026, 1, 1) + timedelta(days=days)
    end = None if last is None else datetime(last.year, last.month, last.day, tzinfo=UTC)
    naive = Naive(FREQUENCIES[frequency], began, end and end + timedelta(days=1))
    text = began.replace(tzinfo=None).isoformat()
    swept = Swept(subscription(text, frequency=frequency, end_date=last))
    now = CREATED
    for hours, act in life:
        now += hours * HOUR
        naive.wait(now)
        if act[0] == "sweep":
            swept.sweep(now, act[1])
        else:
            assert refused(lambda: swept.apply(act, now)) == refused(  # noqa: B023
                lambda: getattr(naive, act[0])(act[1])  # noqa: B023
            )
            naive.hour()
        alike(naive, swept, now)
    now += timedelta(days=100)
    naive.wait(now)
    swept.sweep(now, 10_000)
    alike(naive, swept, now)
    assert swept.due == naive.due
    assert [number for number, _ in swept.due] == sorted({number for number, _ in swept.due})


def allowed_instead(swept: Swept, act: tuple[Any, ...], now: datetime) -> list[str] | None:
    """What a refusal of the step says is allowed; None: the step is done."""
    try:
        swept.apply(act, now)
    except InvalidState as refusal:
        return list(refusal.detail["allowed"])
    return None


def refused(act: Any) -> bool:
    try:
        act()
    except InvalidState:
        return True
    return False


def alike(naive: Naive, swept: Swept, now: datetime) -> None:
    shown = course.at(swept.record, now)
    assert shown.status == naive.status
    assert shown.skipped == naive.skipped
    assert shown.cancel_at == (naive.cancel_at if naive.status == "active" else None)
    waiting = naive.due[len(swept.due) :]
    coming = [(one.number, one.date) for one in islice(course.upcoming(swept.record, now), 60)]
    assert coming[: len(waiting)] == waiting[:60]
    if naive.status == "active" and not waiting and coming:
        assert coming[0] == (naive.number, naive.date())
    if naive.status in ("cancelled", "ended"):
        assert coming == waiting[:60]


def at_noon(day: int, month: int = 1) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


def test_a_pause_that_ends_at_a_date_lets_it_run_and_one_that_is_ended_then_does_not() -> None:
    daily = subscription("2026-01-01T12:00:00")
    told = Swept(daily)
    told.sweep(at_noon(3), 10)
    paused = course.paused(told.record, at_noon(3), at_noon(6))
    assert course.at(paused, at_noon(6)).next_number == 5
    assert course.at(paused, at_noon(6)).skipped == 2
    by_hand = course.resumed(paused, at_noon(6), restarts=False)
    assert (by_hand.next_number, by_hand.skipped) == (6, 3)


def test_a_restart_counts_from_now_and_the_numbers_go_on() -> None:
    monthly = subscription("2026-01-31T09:00:00", frequency="monthly")
    told = Swept(monthly)
    told.sweep(at_noon(31), 5)
    told.apply(("pause", None), at_noon(1, 2))
    told.apply(("resume", True), at_noon(10, 4))
    told.sweep(at_noon(10, 7), 9)
    # Those of February and March fell into the pause.
    assert [number for number, _ in told.due] == [0, 3, 4, 5]
    assert [f"{when:%m-%d %H}" for _, when in told.due[1:]] == ["05-10 12", "06-10 12", "07-10 12"]
    assert told.record.skipped == 2


@pytest.mark.parametrize("state", ["active", "scheduled", "paused", "cancelled", "ended"])
def test_a_refusal_never_names_the_step_that_it_refuses(state: str) -> None:
    told = Swept(subscription("2026-01-01T12:00:00", end_date=date(2026, 2, 1)))
    now = at_noon(3)
    if state in ("scheduled", "cancelled"):
        told.apply(("cancel", state == "scheduled"), now)
    elif state == "paused":
        told.apply(("pause", None), now)
    elif state == "ended":
        now = at_noon(3, 2)
    acts = {
        "paused": [("pause", None)],
        "active": [("resume", False), ("resume", True)],
        "cancelled": [("cancel", False), ("cancel", True)],
    }
    done = set()
    for leads_to, ways in acts.items():
        for act in ways:
            allowed = allowed_instead(Swept(told.record), act, now)
            if allowed is None:
                done.add(leads_to)
            else:
                assert leads_to not in allowed, act
    assert done == {
        "active": {"paused", "cancelled"},
        "scheduled": {"active", "cancelled"},
        "paused": {"active", "cancelled"},
    }.get(state, set())


def test_a_cancellation_at_the_end_of_the_period_comes_before_the_date() -> None:
    told = Swept(subscription("2026-01-01T12:00:00"))
    told.apply(("cancel", True), at_noon(2) + HOUR)
    assert told.record.cancel_at == at_noon(3)
    told.sweep(at_noon(9), 20)
    assert told.due == [(0, at_noon(1)), (1, at_noon(2))]
    assert (told.record.status, told.record.cancelled_at) == ("cancelled", at_noon(3))
    assert course.next_moment(told.record) is None


@pytest.mark.parametrize("last", [2, 5, 7, 8, 9])
def test_a_period_ends_with_the_last_day_at_the_latest(last: int) -> None:
    told = Swept(subscription("2026-01-01T12:00:00", frequency="weekly", end_date=day_of(last)))
    over = datetime(2026, 1, last + 1, tzinfo=UTC)
    # The next date is the eighth: is it earlier than the end of the last day?
    end = min(at_noon(8), over)
    now = at_noon(2)
    assert course.period_end(told.record, now) == end
    told.apply(("cancel", True), now)
    assert told.record.cancel_at == course.period_end(told.record, now) == end
    assert course.at(told.record, end - HOUR).status == "active"
    gone = course.at(told.record, end)
    # What was promised by ``cancel_at`` is what happens, even where the last day is over then.
    assert (gone.status, gone.cancelled_at, gone.ended_at) == ("cancelled", end, end)
    told.sweep(at_noon(30), 9)
    assert told.due == [(0, at_noon(1))]


def day_of(day: int) -> date:
    return date(2026, 1, day)


def test_before_the_first_date_there_is_no_period_to_wait_for() -> None:
    ahead = subscription("2026-02-01T12:00:00")
    assert course.period_end(ahead, at_noon(1)) is None
    assert course.cancelled_at_period_end(ahead, at_noon(1)).status == "cancelled"
    paused = course.paused(subscription(), at_noon(5), None)
    assert course.cancelled_at_period_end(paused, at_noon(6)).status == "cancelled"


def test_the_last_day_is_a_day_of_the_zone() -> None:
    auckland = subscription(
        "2026-01-01T23:30:00",
        timezone="Pacific/Auckland",
        end_date=date(2026, 1, 3),
        created_at=datetime(2025, 12, 31, tzinfo=UTC),
    )
    told = Swept(auckland)
    told.sweep(at_noon(9), 20)
    assert [number for number, _ in told.due] == [0, 1, 2]
    # The third of January is over there eleven hours before it is in UTC.
    assert told.record.ended_at == datetime(2026, 1, 3, 11, tzinfo=UTC)


def test_what_lies_behind_a_sweeper_that_never_comes_is_bounded() -> None:
    record, now = subscription("2026-01-01T12:00:00"), at_noon(1)
    for _ in range(course.OVERDUE):
        record = course.paused(record, now, None)
        now += timedelta(days=2)
        record = course.resumed(record, now, restarts=False)
        now += timedelta(days=1)
    with pytest.raises(Busy):
        course.paused(record, now, None)
    assert len(record.overdue) == course.OVERDUE
    assert course.cancelled(record, now).status == "cancelled", "an end needs no room"


def test_pauses_without_a_date_between_them_leave_one_range() -> None:
    record = subscription("2026-01-01T12:00:00")
    for hour in range(1, 5):
        record = course.paused(record, at_noon(1) + hour * timedelta(days=1, hours=1), None)
        record = course.resumed(record, record.updated_at + HOUR, restarts=False)
    assert [(one.first, one.end) for one in record.overdue] == [(0, 5)]


def test_an_anonymization_cancels_what_runs_and_leaves_what_has_ended() -> None:
    daily = subscription("2026-01-01T12:00:00")
    gone = course.anonymized(daily, at_noon(3))
    assert (gone.status, gone.cancelled_at, gone.ended_at) == ("cancelled", at_noon(3), at_noon(3))
    assert [one.number for one in course.upcoming(gone, at_noon(9))] == [0, 1, 2]
    assert course.anonymized(gone, at_noon(4)) is gone
    ended = replace(daily, end_date=date(2026, 1, 2))
    assert course.anonymized(ended, at_noon(3)).status == "ended"

"""The dates of subscriptions, against a library that counts them in its own way. It knows no change
of the clocks after 2037."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from dateutil import tz
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from lambdas.subscription.rules import course, starting
from lambdas.subscription.rules.dates import (
    DAYS,
    LAST_DAY,
    NEVER,
    date_of,
    end_of,
    first_from,
)
from tests.lambdas.subscription.records import subscription
from tests.zones import LAST_DAYS, ZONES, changes_of_the_clocks, end_of_day

ENDS = ("1997-01-31T02:30:00", "1996-02-29T00:15:00")
SUNDAYS = ("1997-01-26T02:15:00.500", "1997-01-26T01:45:00")
"""In these zones the clocks change on Sundays, mostly at these hours."""
STEPS = {
    "daily": relativedelta(days=1),
    "weekly": relativedelta(weeks=1),
    "monthly": relativedelta(months=1),
    "quarterly": relativedelta(months=3),
    "yearly": relativedelta(years=1),
}


def expected(start: str, zone: str, frequency: str, interval: int, number: int) -> datetime:
    """What dateutil says: it shifts a time that the clocks skip, and takes the first of two."""
    local = datetime.fromisoformat(start) + STEPS[frequency] * (interval * number)
    where = tz.gettz(zone)
    assert where is not None
    return tz.resolve_imaginary(local.replace(tzinfo=where, fold=0)).astimezone(UTC)


def dates(record: Any, numbers: range) -> list[datetime]:
    return [date_of(record, number) for number in numbers]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("frequency", STEPS)
def test_forty_years_of_dates_are_those_of_another_library(zone: str, frequency: str) -> None:
    many = {"daily": 365 * 40, "weekly": 52 * 40, "monthly": 480, "quarterly": 160, "yearly": 40}
    stride = {"daily": 7}.get(frequency, 1)
    for start in (*ENDS, *SUNDAYS):
        for interval in (1, 3):
            record = subscription(start, frequency=frequency, interval=interval, timezone=zone)
            for number in range(0, many[frequency] // interval, stride):
                found = date_of(record, number)
                assert found == expected(start, zone, frequency, interval, number), number


@pytest.mark.parametrize(
    ("zone", "start", "number", "found"),
    [
        ("Europe/Berlin", "2026-03-28T02:30:00", 1, "2026-03-29T01:30:00Z"),  # 03:30 there
        ("Europe/Berlin", "2026-10-24T02:30:00", 1, "2026-10-25T00:30:00Z"),  # the first 02:30
        ("America/New_York", "2026-03-07T02:30:00", 1, "2026-03-08T07:30:00Z"),
        ("America/New_York", "2026-10-31T01:30:00", 1, "2026-11-01T05:30:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T02:10:00", 1, "2026-10-03T15:40:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T01:45:00", 1, "2026-04-04T14:45:00Z"),
        ("Pacific/Apia", "2011-12-29T10:00:00", 1, "2011-12-30T20:00:00Z"),  # the 31st, 10:00
        ("Pacific/Apia", "2011-12-29T10:00:00", 2, "2011-12-30T20:00:00Z"),
    ],
)
def test_a_time_that_the_clocks_skip_is_later_and_of_two_the_first_counts(
    zone: str, start: str, number: int, found: str
) -> None:
    assert date_of(subscription(start, timezone=zone), number) == datetime.fromisoformat(found)


@pytest.mark.parametrize("zone", ZONES[1:])
def test_a_start_that_is_now_is_never_before_now(zone: str) -> None:
    edges = changes_of_the_clocks(zone)
    assert len(edges) >= (6 if zone == "Pacific/Apia" else 60)
    twice = 0
    for now in (edge + n * timedelta(minutes=15) for edge in edges for n in range(-12, 13)):
        start = starting.start_of(None, None, zone, now)
        record = subscription(
            starting.anchor_at(start, 0).local,
            anchor=starting.anchor_at(start, 0),
            timezone=zone,
            created_at=now,
        )
        twice += record.anchor.is_second
        assert date_of(record, 0) == now
        assert (record.next_number, record.skipped) == (0, 0)
        # From then on it is the wall time that counts.
        assert date_of(record, 1) == expected(record.start_date, zone, "daily", 1, 1)
        assert first_from(record, now + timedelta(microseconds=1), 0) == 1
    assert twice


@pytest.mark.parametrize("zone", ZONES)
def test_the_last_day_ends_where_another_library_ends_it(zone: str) -> None:
    edges = [edge.date() for edge in changes_of_the_clocks(zone)]
    days = {edge + timedelta(days=n) for edge in edges for n in (-1, 0, 1)}
    days |= {date(year, month, 28) for year in range(1996, 2036) for month in (2, 12)}
    for day in days:
        assert end_of(subscription(timezone=zone, end_date=day)) == end_of_day(zone, day), day


@pytest.mark.parametrize(("zone", "day"), LAST_DAYS)
def test_a_date_on_the_last_day_is_due_and_none_after_it(zone: str, day: str) -> None:
    last = date.fromisoformat(day)
    for clock in ("00:00:00", "12:00:00", "23:59:59"):
        start = f"{last - timedelta(days=2)}T{clock}"
        record = subscription(start, timezone=zone, end_date=last)
        coming = [one.number for one in course.upcoming(record, record.created_at)]
        # Dates before the creation are skipped, all others are due.
        assert coming == [n for n in range(3) if n >= record.skipped], clock
        assert date_of(record, 2) < end_of_day(zone, last) <= date_of(record, 3), clock


def test_the_end_of_a_short_month_shifts_no_later_date() -> None:
    monthly = subscription("2026-01-31T09:00:00", frequency="monthly")
    days = [f"{date:%m-%d}" for date in dates(monthly, range(5))]
    assert days == ["01-31", "02-28", "03-31", "04-30", "05-31"]
    leap = subscription("2024-02-29T09:00:00", frequency="yearly")
    days = [f"{date:%y-%m-%d}" for date in dates(leap, range(5))]
    assert days == ["24-02-29", "25-02-28", "26-02-28", "27-02-28", "28-02-29"]
    end = subscription("2025-11-30T09:00:00", frequency="quarterly")
    assert [f"{date:%m-%d}" for date in dates(end, range(3))] == ["11-30", "02-28", "05-30"]


def test_after_the_last_day_there_is_no_date() -> None:
    for frequency, step in STEPS.items():
        record = subscription("8999-06-15T09:00:00", frequency=frequency, interval=1000)
        assert date_of(record, 0) < NEVER
        assert date_of(record, 9) == NEVER, step
        assert date_of(record, 10**9) == NEVER


@given(
    start=st.datetimes(datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2060-01-01")),
    zone=st.sampled_from(ZONES),
    frequency=st.sampled_from(sorted(STEPS)),
    interval=st.integers(1, 1000),
    low=st.integers(0, 50),
    moment=st.datetimes(
        datetime.fromisoformat("1985-01-01"),
        datetime.fromisoformat("2400-01-01"),
        timezones=st.just(UTC),
    ),
    near=st.integers(-2, 400),
)
def test_the_first_date_from_a_time_on_is_found_by_a_guess(
    start: datetime,
    zone: str,
    frequency: str,
    interval: int,
    low: int,
    moment: datetime,
    near: int,
) -> None:
    text = start.replace(microsecond=0).isoformat()
    record = subscription(
        text, frequency=frequency, interval=interval, timezone=zone, created_at=moment
    )
    times = [moment, date_of(record, max(near, 0)) + timedelta(microseconds=near % 3 - 1)]
    for time in times:
        if time.year >= LAST_DAY.year:
            continue
        number = first_from(record, time, low)
        assert date_of(record, number) >= time
        assert number == low or date_of(record, number - 1) < time


@pytest.mark.parametrize("frequency", DAYS)
def test_centuries_take_no_longer_than_a_day(
    frequency: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lambdas.subscription.rules import dates as module

    asked: list[int] = []
    real = module.date_of

    def counted(record: Any, number: int, anchor: Any = None) -> datetime:
        asked.append(number)
        return real(record, number, anchor)

    record = subscription("1900-01-01T02:30:00", frequency=frequency, timezone="Europe/Berlin")
    monkeypatch.setattr(module, "date_of", counted)
    first_from(record, datetime(8000, 6, 1, tzinfo=UTC), 0)
    assert len(asked) < 10

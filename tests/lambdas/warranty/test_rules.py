"""The calendar of the warranties, against an independent library over forty years, and their
statuses."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest
from dateutil.relativedelta import relativedelta
from dateutil.rrule import DAILY, rrule

from lambdas.warranty import rules
from lambdas.warranty.models.records import Duration
from shared.calendars import has_day, months_after
from shared.errors import InvalidInput

ONE_DAY = timedelta(days=1)
FORTY_YEARS = [
    moment.date() for moment in rrule(DAILY, dtstart=date(2000, 1, 1), until=date(2040, 1, 1))
]
MONTHS = (1, 2, 3, 6, 11, 12, 13, 18, 24, 36, 48, 60, 120)


def covered_by_hand(start: date, **step: int) -> date:
    """Counts the days on which it is not yet so many months later."""
    end: date = start + relativedelta(**step)  # type: ignore[arg-type]
    same_day = end.day == start.day
    return end + relativedelta(days=-1) if same_day else end


def test_months_and_years_are_those_of_an_independent_calendar() -> None:
    assert len(FORTY_YEARS) > 14_600
    for start in FORTY_YEARS:
        for months in MONTHS:
            assert months_after(start, months) == start + relativedelta(months=months)
        for months in (1, 6, 13):
            found = rules.last_day_covered(start, Duration(value=months, unit="months"))
            assert found == covered_by_hand(start, months=months), (start, months)
        for years in (1, 2, 4):
            found = rules.last_day_covered(start, Duration(value=years, unit="years"))
            assert found == covered_by_hand(start, years=years), (start, years)
        days = rules.last_day_covered(start, Duration(value=90, unit="days"))
        assert days == start + relativedelta(days=89)
        assert rules.status_on("active", days, start + relativedelta(days=89)) == "active"
        assert rules.status_on("active", days, start + relativedelta(days=90)) == "expired"


@pytest.mark.parametrize(
    ("start", "value", "unit", "last"),
    [
        ("2026-01-31", 1, "months", "2026-02-28"),
        ("2028-01-31", 1, "months", "2028-02-29"),
        ("2026-01-28", 1, "months", "2026-02-27"),
        ("2026-01-29", 1, "months", "2026-02-28"),
        ("2028-01-29", 1, "months", "2028-02-28"),
        ("2026-03-31", 1, "months", "2026-04-30"),
        ("2026-01-31", 2, "months", "2026-03-30"),
        ("2028-02-29", 1, "years", "2029-02-28"),
        ("2028-02-29", 4, "years", "2032-02-28"),
        ("2026-01-01", 1, "years", "2026-12-31"),
        ("2026-01-01", 1, "days", "2026-01-01"),
        ("2026-12-31", 2, "days", "2027-01-01"),
    ],
)
def test_the_last_day_covered(start: str, value: int, unit: str, last: str) -> None:
    duration = Duration(value=value, unit=unit)
    assert rules.last_day_covered(date.fromisoformat(start), duration).isoformat() == last


def test_a_day_that_a_month_does_not_have_is_told() -> None:
    assert not has_day(date(2026, 1, 31), 1)
    assert has_day(date(2026, 1, 31), 2)
    assert not has_day(date(2028, 2, 29), 12)
    assert has_day(date(2028, 2, 29), 48)


@pytest.mark.parametrize("unit", ["days", "months", "years"])
def test_a_duration_beyond_the_calendar_is_refused(unit: str) -> None:
    with pytest.raises(InvalidInput):
        rules.last_day_covered(date(9999, 12, 31), Duration(value=100, unit=unit))


DAY = date(2026, 3, 10)


def test_every_status_with_every_last_day() -> None:
    shifts = (None, -400, -1, 0, 1, 400)
    for status, shift in product(("active", "voided", "doomed"), shifts):
        last = None if shift is None else DAY + timedelta(days=shift)
        found = rules.status_on(status, last, DAY)
        is_over = shift is not None and shift < 0
        assert found == ("expired" if status == "active" and is_over else status)
        low, high = rules.days_of(found, DAY)
        assert (low or date.min) <= (last or date.max) <= (high or date.max)

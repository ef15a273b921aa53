"""Days that are hard to count, and what another library says of them. It knows no change of the
clocks after 2037."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from dateutil import tz
from dateutil.relativedelta import relativedelta

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # It moves its clocks by half an hour.
    "Africa/Casablanca",  # It moves them for Ramadan, by a table.
    "Pacific/Apia",  # It has no 30 December 2011.
)
LAST_DAYS = (
    ("UTC", "2026-03-10"),
    ("Pacific/Auckland", "2026-03-10"),
    ("America/Los_Angeles", "2026-03-10"),
    ("Europe/Berlin", "2026-03-29"),  # 23 hours
    ("Europe/Berlin", "2026-10-25"),  # 25 hours
    ("Europe/Berlin", "2028-02-29"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("America/Havana", "2026-03-07"),  # The next day begins at 01:00.
    ("America/Havana", "2026-11-01"),  # It has its first hour twice.
)
"""Zones, and days that are the last ones of something there."""
HOUR = timedelta(hours=1)


def end_of_day(zone: str, day: date) -> datetime:
    """Returns when a day is over: the first instant of the next one."""
    where = tz.gettz(zone)
    assert where is not None
    midnight = datetime.combine(day + relativedelta(days=1), time(), where)
    return tz.resolve_imaginary(midnight).astimezone(UTC)


@cache
def changes_of_the_clocks(zone: str) -> tuple[datetime, ...]:
    """Returns the hours of forty years in which the clocks of the zone change."""
    hour, found = datetime(1996, 1, 1, tzinfo=UTC), list[datetime]()
    before = hour.astimezone(ZoneInfo(zone)).utcoffset()
    while hour.year < 2036:
        hour += HOUR
        now = hour.astimezone(ZoneInfo(zone)).utcoffset()
        if now != before:
            found.append(hour)
        before = now
    return tuple(found)

"""Calendar arithmetic: months and years later, clamped to the end of the month.

A step is always counted from one fixed day. Thirty-first of January, one month later, is the last
day of February; two months later it is the thirty-first of March again.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date


def months_after(day: date, months: int) -> date:
    """Returns the same day of the month, so many months later; the last day of that month where it
    has no such day. Raises ``ValueError`` beyond the year 9999."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def has_day(day: date, months: int) -> bool:
    """Whether the month that lies so many months later has this day, so that nothing is clamped."""
    return months_after(day, months).day == day.day

"""How a subscription begins: from when its dates are counted, and until when."""

from __future__ import annotations

from datetime import date, datetime

from lambdas.subscription.rules.dates import anchor_at as anchor_at
from lambdas.subscription.rules.dates import local_time
from shared.calendars import months_after
from shared.errors import InvalidInput


def start_of(named: datetime | None, timezone: str, now: datetime) -> datetime:
    """Returns the local time of the start: the one that was named, else now. Raises 400 where it
    lies more than a year back."""
    here = local_time(now, timezone)
    if named is None:
        return here
    if (named.date(), named.time()) < (months_after(here.date(), -12), here.time()):
        raise InvalidInput.of("subscription.start_date", "must lie at most a year back")
    return named


def ensure_end(end: date | None, start: datetime, timezone: str, now: datetime) -> None:
    """Raises 400 where the last day lies before that of the start, or is over. Whether a date falls
    on a day until then is not asked: a subscription that has none ends with its last day."""
    if end is not None and end < max(start.date(), local_time(now, timezone).date()):
        field = "subscription.end_date"
        raise InvalidInput.of(field, "must lie neither before the start nor before today")

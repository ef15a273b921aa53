"""How a subscription begins: from when its dates are counted, and until when."""

from __future__ import annotations

from datetime import date, datetime

from lambdas.subscription.rules.dates import anchor_at as anchor_at
from lambdas.subscription.rules.dates import local_time
from shared.calendars import months_after
from shared.errors import Fault, InvalidInput


def start_of(named: datetime | None, end: date | None, timezone: str, now: datetime) -> datetime:
    """Returns the local time of the start: the one that was named, else now. Raises 400 where it
    lies more than a year back, and where the last day lies before that of the start, or is
    over."""
    here = local_time(now, timezone)
    # Whether a date falls on a day until the end is not asked: a subscription that has none ends
    # with its last day.
    start, found = here if named is None else named, []
    if named is not None and (named.date(), named.time()) < (
        months_after(here.date(), -12),
        here.time(),
    ):
        message = "must lie at most a year back"
        found.append(Fault("invalid", "subscription.start_date", message))
    if end is not None and end < max(start.date(), here.date()):
        message = "must lie neither before the start nor before today"
        found.append(Fault("invalid", "subscription.end_date", message))
    if found:
        raise InvalidInput(minor=found)
    return start

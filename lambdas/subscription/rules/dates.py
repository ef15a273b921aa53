"""The dates of a subscription: occurrence n is always counted from the anchor, never from the one
before, so that the end of a short month or a change of the clocks shifts no later date.

The wall time of the anchor counts in the subscription's zone. Where the clocks skip it, the date is
later by what they skip; where they show it twice, the first time counts. Only an anchor that was
taken from the clocks, by a call in the second of two such hours, is that very time.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from lambdas.subscription.models.records import Anchor, SubscriptionRecord
from shared.calendars import months_after

DAYS = {"daily": 1, "weekly": 7}
MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}
LAST_DAY = date(9000, 1, 1)
"""No occurrence has a later day. So calendar arithmetic never leaves what Python can count."""
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Stands for the date of an occurrence that would come after the last day."""
TICK = timedelta(microseconds=1)
"""The smallest step of time: ``before now + TICK`` means ``not after now``."""


def instant(local: datetime, timezone: str) -> datetime:
    """Returns the instant of a wall time, in UTC. Its ``fold`` says which of two it is."""
    return local.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)


def local_time(moment: datetime, timezone: str) -> datetime:
    """Returns what the clocks of the zone show, to the millisecond. Its ``fold`` is 1 where they
    show it for the second time."""
    wall = moment.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    return wall.replace(microsecond=wall.microsecond // 1000 * 1000)


def local_text(local: datetime) -> str:
    """Returns the one form of a local time: milliseconds only where there are any."""
    return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")


def anchor_at(local: datetime, number: int) -> Anchor:
    """Returns the anchor of an occurrence at a local time."""
    return Anchor(local_text(local), number, is_second=local.fold == 1)


def date_of(record: SubscriptionRecord, number: int, anchor: Anchor | None = None) -> datetime:
    """Returns when an occurrence is, counted from the record's anchor or from an earlier one."""
    anchor = anchor or record.anchor
    local = datetime.fromisoformat(anchor.local)
    steps = (number - anchor.number) * record.interval
    day = _later(local.date(), record.frequency, steps)
    if day is None:
        return NEVER
    fold = int(anchor.is_second and steps == 0)
    return instant(datetime.combine(day, local.time().replace(fold=fold)), record.timezone)


def first_from(record: SubscriptionRecord, moment: datetime, low: int) -> int:
    """Returns the number of the first occurrence from ``low`` on that is not before a time. It
    guesses the number and corrects the guess, so that it takes no longer for a long time."""
    number = max(low, _guess(record, moment))
    while number > low and date_of(record, number - 1) >= moment:
        number -= 1
    while date_of(record, number) < moment:
        number += 1
    return number


def end_of(record: SubscriptionRecord) -> datetime:
    """Returns when the last day of the subscription is over; ``NEVER`` without one."""
    if record.end_date is None:
        return NEVER
    after = datetime.combine(record.end_date + timedelta(days=1), time())
    return instant(after, record.timezone)


def _later(day: date, frequency: str, steps: int) -> date | None:
    """Returns the day so many steps later, or None where it would lie after the last day."""
    if frequency in DAYS:
        days = steps * DAYS[frequency]
        return None if days > (LAST_DAY - day).days else day + timedelta(days=days)
    months = steps * MONTHS[frequency]
    if months > (LAST_DAY.year - day.year) * 12 - day.month:
        return None
    return months_after(day, months)


def _guess(record: SubscriptionRecord, moment: datetime) -> int:
    """Returns about the number of the first occurrence from a time on: at most a few off, because
    a month's end or the clocks shift a date by less than one day and a month."""
    there = moment.astimezone(ZoneInfo(record.timezone)).date()
    here = datetime.fromisoformat(record.anchor.local).date()
    if record.frequency in DAYS:
        apart, step = (there - here).days, DAYS[record.frequency]
    else:
        apart = (there.year - here.year) * 12 + there.month - here.month
        step = MONTHS[record.frequency]
    return record.anchor.number + apart // (step * record.interval)

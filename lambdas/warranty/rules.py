"""How long a warranty covers, what it is on a day, and which steps it may take. Values in, values
out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from lambdas.warranty.models.records import Duration, LiveSerialRecord, WarrantyRecord
from shared.calendars import has_day, months_after
from shared.errors import InvalidInput, InvalidState
from shared.fields import instant_shown
from shared.states import next_revision, require_step, steps, with_changes

STEPS = steps({"active": "voided doomed", "expired": "voided doomed", "voided": "", "doomed": ""})
ONE_DAY = timedelta(days=1)
FIRST_DAY = date.min + ONE_DAY
MOST_TRANSFERS = 100

# ---------------------------------------------------------------- the calendar


def in_warranty(name: str) -> str:
    """Returns where a field stands in a request that has all of them in ``warranty``."""
    return f"warranty.{name}"


def last_day_covered(
    starts_on: date, duration: Duration, place_of: Callable[[str], str] = in_warranty
) -> date:
    """Returns the last day that a duration covers: the one before the same day of a later month.
    Where that month has no such day, its last day is covered. 400 beyond the year 9999.
    ``place_of`` tells where a field stands in the request."""
    try:
        if duration.unit == "days":
            return starts_on + timedelta(days=duration.value) - ONE_DAY
        months = duration.value * (12 if duration.unit == "years" else 1)
        end = months_after(starts_on, months)
        return end - ONE_DAY if has_day(starts_on, months) else end
    except (ValueError, OverflowError):
        message = "ends beyond the calendar"
        raise InvalidInput.of(f"{place_of('terms')}.duration", message) from None


def status_on(status: str, expires_on: date | None, day: date) -> str:
    """Returns the status that a warranty has on a day."""
    is_over = expires_on is not None and expires_on < day
    return "expired" if status == "active" and is_over else status


def status_of(warranty: WarrantyRecord, day: date) -> str:
    return status_on(warranty.status, warranty.expires_on, day)


def days_of(status: str, day: date) -> tuple[date | None, date | None]:
    """Returns between which last days the warranties lie that have this status on a day; None: no
    bound."""
    if status == "active":
        return day, None
    return (None, max(day, FIRST_DAY) - ONE_DAY) if status == "expired" else (None, None)


# ---------------------------------------------------------------- serial numbers


def is_live(guard: LiveSerialRecord, today: date) -> bool:
    """Whether a guard still stands for a warranty that covers."""
    return guard.last_day is None or guard.last_day >= today


def is_taken(guard: LiveSerialRecord, warranty: WarrantyRecord, today: date) -> bool:
    """Whether a warranty that would cover finds another one in its place."""
    is_other = guard.holder != warranty.warranty_id and is_live(guard, today)
    return is_other and status_of(warranty, today) == "active"


def one_live(guards: Sequence[LiveSerialRecord], today: date) -> str | None:
    """Returns the warranty that covers a serial number, or None. 409 where several products have
    this serial number, and so several warranties cover it."""
    live = [guard.holder for guard in guards if is_live(guard, today)]
    if len(live) > 1:
        raise InvalidState(
            "Several products have this serial number: name one.", detail={"count": len(live)}
        )
    return live[0] if live else None


# ---------------------------------------------------------------- steps


def ensure_forwards(
    starts_on: date, expires_on: date | None, place_of: Callable[[str], str] = in_warranty
) -> None:
    """400 for a warranty that would end before it begins."""
    if expires_on is not None and expires_on < starts_on:
        raise InvalidInput.of(place_of("expires_on"), "must not be before starts_on")


def registered(
    warranty: WarrantyRecord, *, given: bool, place_of: Callable[[str], str] = in_warranty
) -> WarrantyRecord:
    """Returns a new warranty with its last day: the one that was ``given``, or what follows from
    its duration."""
    last = warranty.expires_on
    if not given:
        assert warranty.terms is not None
        assert warranty.terms.duration is not None, "the request is refused without"
        duration = warranty.terms.duration
        last = last_day_covered(warranty.starts_on, duration, place_of)
    ensure_forwards(warranty.starts_on, last, place_of)
    return replace(warranty, expires_on=last, last_day=last)


def changed(
    warranty: WarrantyRecord, values: Mapping[str, Any], customer: str, now: datetime
) -> WarrantyRecord:
    """Returns the warranty with the changes and its customer; the very same object where they
    change nothing. 409 where it is over for good."""
    after = with_changes(warranty, _stored(warranty, values, customer, now), now)
    if after is warranty:
        return warranty
    if not STEPS[warranty.status]:
        raise InvalidState(detail={"state": warranty.status, "allowed": []})
    ensure_forwards(after.starts_on, after.expires_on)
    if len(after.transfers) > MOST_TRANSFERS:
        detail = {"transfers": MOST_TRANSFERS}
        raise InvalidState("The warranty was transferred too often.", detail=detail)
    return replace(after, last_day=after.expires_on)


def _stored(
    warranty: WarrantyRecord, values: Mapping[str, Any], customer: str, now: datetime
) -> dict[str, Any]:
    """Returns the changes as the record holds them, with what follows from them."""
    stored = dict(values)
    terms, before = values.get("terms"), warranty.terms
    duration = None if terms is None else terms.duration
    is_known = before is not None and duration == before.duration
    if duration is not None and not is_known and "expires_on" not in values:
        stored["expires_on"] = last_day_covered(warranty.starts_on, duration)
    if customer != warranty.customer_id:
        transfer = {"from": warranty.customer_id, "to": customer, "at": instant_shown(now)}
        stored |= {"customer_id": customer, "transfers": (*warranty.transfers, transfer)}
    return stored


def with_status(
    warranty: WarrantyRecord, status: str, today: date, now: datetime
) -> WarrantyRecord:
    """Returns the warranty with the status; the very same object where it has it already, by the
    calendar or because it was set. What is voided covers today for the last time."""
    current = status_of(warranty, today)
    require_step(STEPS, current, status)
    if status == current:
        return warranty
    last = today if warranty.last_day is None else min(today, warranty.last_day)
    return next_revision(warranty, now, status=status, last_day=last)


def changes(warranty: WarrantyRecord, status: str, today: date) -> bool:
    """Whether this status can be set, and is another one."""
    return status in STEPS[status_of(warranty, today)]


def without(warranty: WarrantyRecord, customer_guids: Collection[str]) -> WarrantyRecord:
    """Returns a warranty whose transfers do not name these customers."""
    transfers = tuple(
        {name: value for name, value in one.items() if value not in customer_guids}
        for one in warranty.transfers
    )
    return replace(warranty, transfers=transfers)

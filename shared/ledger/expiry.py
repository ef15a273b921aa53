"""Which points will expire, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shared.ledger.holdings import Holdings
from shared.ledger.lots import NEVER, Lot, moment_text

DATES_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Expiring:
    """Points that expire at one instant, or (``later``) after the last of the dates that are
    shown."""

    points: int
    expires_at: datetime | None = None
    later: bool | None = None


def expiring_of(lots: Iterable[Lot], at: datetime) -> tuple[Expiring, ...]:
    """Returns the points that will expire after ``at``, soonest first: the first 100 dates, then
    the rest in one sum."""
    dates: dict[datetime, int] = {}
    for lot in lots:
        ends = lot.terms.expires_at
        if ends is not None and lot.remaining and not lot.terms.expired(at):
            dates[ends] = dates.get(ends, 0) + lot.remaining
    first = sorted(dates)[:DATES_SHOWN]
    found = [Expiring(dates.pop(ends), ends) for ends in first]
    later = sum(dates.values())
    return tuple(found) if later == 0 else (*found, Expiring(later, later=True))


def expiring(holdings: Holdings) -> tuple[Expiring, ...]:
    """Returns the same of everything that is held. Pages that end after the dates that are shown
    need not be read: their sums are in the directory."""
    at = holdings.at
    found = expiring_of(holdings.loaded(), at)
    blanks = holdings.blanks(lambda entry: entry.expires and entry.split(at) != (0, 0))
    if not blanks:
        return found
    dates = [date for date in found if not date.later]
    last = moment_text(dates[-1].expires_at or at) if len(dates) == DATES_SHOWN else NEVER
    later = sum(date.points for date in found if date.later)
    unsure = []
    for entry in blanks:
        sums = entry.split(at)
        if sums is None or entry.expiry <= last or entry.last.startswith(NEVER):
            unsure.append(entry)
        else:
            later += sum(sums)
    if unsure:
        raise holdings.need(holdings.at_once(unsure))
    return (*dates, Expiring(later, later=True))

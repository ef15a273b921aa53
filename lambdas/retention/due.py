"""Whose time is past: the lists of each kind, and how a run and a dry run read them.

A record is past its time where its age, counted from the field that its kind declares, is as long
as the policy keeps it. The lists may hold others too, and lag behind; the record itself decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from lambdas.kinds import KINDS
from lambdas.retention.models.records import RetentionPolicyRecord
from shared.codec import Wire, view_of
from shared.customer_state import WRITABLE, CustomerStateRecord, state_at
from shared.keys import SECOND_ORDER, Keys
from shared.kinds import Kind
from shared.paging import Listing, page
from shared.table import Table

CUSTOMER = "customer"
PAGES, PAGE = 10, 256
"""How much a dry run reads of each list."""


@dataclass(frozen=True, slots=True)
class Before:
    """The end of the time for which something is kept: what ended earlier has had its time."""

    moment: datetime
    day: date

    def has_passed(self, ended: datetime | date | None) -> bool:
        """Returns whether this end lies so far back; False for what has not ended."""
        if ended is None:
            return False
        # A last day is covered whole, so it has passed on the day after.
        return ended <= self.moment if isinstance(ended, datetime) else ended < self.day


def before(now: datetime, timezone: str, days: int) -> Before:
    """Returns the end of the time for what is kept so many days."""
    moment = now - timedelta(days=days)
    today = now.astimezone(ZoneInfo(timezone)).date()
    return Before(moment, today - timedelta(days=days))


def aging(policy_kind: str) -> list[Kind]:
    """Returns the kinds of records that the policy keeps under this name, and lists by age."""
    return [kind for kind in KINDS if kind.retained == policy_kind and kind.aging is not None]


def listing(keys: Keys, kind: Kind, end: Before) -> Listing:
    """Returns the list in which every record of the kind is that has had its time."""
    assert kind.aging is not None, "only such kinds are looked for"
    return kind.aging(keys, end.moment, end.day)


def idle_customers(keys: Keys, end: Before) -> Listing:
    """Returns the list of the customers whose last activity was in the month of that day, or
    before."""
    return Listing(
        keys.customer_activities(), SECOND_ORDER, last=f"{end.day:%Y-%m}~", newest_first=False
    )


def is_idle(states: Sequence[CustomerStateRecord], end: Before) -> bool:
    """Returns whether nothing was heard of a customer, nor of anybody who was merged into it."""
    return max(state.active_on for state in states) <= end.day


# ---------------------------------------------------------------- the dry run


def would_remove(
    table: Table, keys: Keys, policy: RetentionPolicyRecord, now: datetime, timezone: str
) -> dict[str, dict[str, Any]]:
    """Returns how many records of each kind are past their time, by the lists alone: nothing says
    yet what keeps one of them all the same."""
    found = {}
    for name, days in sorted(policy.days.items()):
        end = before(now, timezone, days)
        counts = [_count(table, listing(keys, kind, end), kind, end) for kind in aging(name)]
        if name == CUSTOMER:
            counts = [_count_customers(table, keys, end)]
        more = {"more": True} if any(more for _, more in counts) else {}
        found[name] = {"count": sum(count for count, _ in counts), **more}
    return found


def _count(table: Table, place: Listing, kind: Kind, end: Before) -> tuple[int, bool]:
    def past(wire: Wire) -> bool | None:
        ended = view_of(wire).get(kind.aged_by or "")
        # What the list is sorted by is not shown, and needs no second look.
        return True if ended is None or end.has_passed(_parsed(ended)) else None

    count, cursor = 0, None
    for _ in range(PAGES):
        entries, cursor = page(table, place, PAGE, cursor, past)
        count += len(entries)
        if cursor is None:
            return count, False
    return count, True


def _parsed(text: str) -> datetime | date:
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _count_customers(table: Table, keys: Keys, end: Before) -> tuple[int, bool]:
    count, cursor = 0, None
    for _ in range(PAGES):
        views, cursor = page(table, idle_customers(keys, end), PAGE, cursor, view_of)
        places = [state_at(keys, view["customer_guid"]) for view in views]
        records = table.load(places)
        states = [state for at in places if (state := records.get(at)) is not None]
        count += sum(state.status in WRITABLE and is_idle([state], end) for state in states)
        if cursor is None:
            return count, False
    return count, True

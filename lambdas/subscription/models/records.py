"""What is stored of a subscription: one record, in the partition of its customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from shared.fields import Money
from shared.marks import FreeText, Id, Word


@dataclass(frozen=True, slots=True)
class Anchor:
    """From where occurrences are counted: ``number`` is at the local time ``local`` (ISO 8601,
    without an offset), the next one is an interval later. ``is_second``: the clocks show that time
    twice on that day, and it is the second one."""

    local: Word
    number: int
    is_second: bool = False


@dataclass(frozen=True, slots=True)
class Overdue:
    """Occurrences that were due before the subscription was paused or ended, and that nobody has
    announced yet: from number ``first`` on, before number ``end``, counted from ``anchor``."""

    anchor: Anchor
    first: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionRecord:
    """A subscription as the last write left it. Time may have changed it since (``rules.course``).

    - ``customer_guid``: the customer at the creation; it may be merged into another one by now.
    - ``start_date``: the local time of the start, without an offset.
    - ``anchor``: the start, or the last restart.
    - ``next_number``: the first occurrence that is neither announced nor skipped nor ``overdue``.
    - ``ended_at``: when it was cancelled, or ended with its ``end_date``.
    """

    KIND: ClassVar[str] = "subscription"
    subscription_id: Id
    customer_guid: Id
    plan_id: Id
    frequency: Word
    interval: int = 1
    status: Word
    start_date: Word
    timezone: Word
    end_date: date | None = None
    anchor: Anchor
    next_number: int
    overdue: tuple[Overdue, ...] = ()
    skipped: int = 0
    paused_at: datetime | None = None
    resume_at: datetime | None = None
    cancel_at: datetime | None = None
    cancelled_at: datetime | None = None
    ended_at: datetime | None = None
    amount: Money | None = None
    items: FreeText[tuple[dict[str, Any], ...]] = ()
    metadata: FreeText[dict[str, Any] | None] = None
    revision: int = 1
    created_at: datetime
    updated_at: datetime

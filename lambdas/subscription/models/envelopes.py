"""What goes out: answers, and the data of events."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from lambdas.subscription.models.requests import Frequency, SubscriptionStatus
from shared.fields import MoneyOut, Shape


class Occurrence(Shape):
    """A date of the calendar that is still to be announced."""

    n: int
    """The number of the occurrence; the start has 0."""
    date: datetime
    """When it is."""


class SubscriptionSummary(Shape):
    """A subscription as lists of the org show it."""

    subscription_id: str
    """The subscription."""
    customer_id: str
    """The customer. A list of the org shows the one that it was made for, even after a merge."""
    plan_id: str
    """What the customer subscribes to."""
    frequency: Frequency
    interval: int
    """Every how many days, weeks, months, quarters or years."""
    status: SubscriptionStatus
    """The status by the calendar, even where no event has told it yet."""
    start_date: str
    """The local time of occurrence 0, without an offset."""
    timezone: str
    """The time zone that all dates are counted in."""
    end_date: date | None = None
    """The last local day on which an occurrence may fall."""
    next_run_at: datetime | None = None
    """The first occurrence that is neither announced nor skipped; absent where none will come. It
    lies in the past for a moment, until `subscription-due` tells it."""
    occurrence: int
    """The number of the next occurrence; the start has 0."""
    current_period_end: datetime | None = None
    """The next date by the calendar, or the end of `end_date` where that comes first; absent before
    the first date, and where it does not run."""
    skipped: int
    """How many dates were skipped: those before the creation, and those of a pause."""
    paused_at: datetime | None = None
    """When it was paused."""
    resume_at: datetime | None = None
    """When the pause ends by itself."""
    cancel_at: datetime | None = None
    """When the cancellation that is scheduled takes effect. A date at that time is not due."""
    cancelled_at: datetime | None = None
    """When it was cancelled."""
    amount: MoneyOut | None = None
    """What one occurrence costs."""
    revision: int
    created_at: datetime
    updated_at: datetime


class Subscription(SubscriptionSummary):
    """A subscription."""

    items: list[dict[str, Any]] | None = None
    """What one occurrence delivers, as it was sent."""
    metadata: dict[str, Any] | None = None


class SubscriptionData(Shape):
    """The subscription as the call leaves it."""

    subscription: Subscription
    occurrences: list[Occurrence] | None = None
    """The next dates, where they were asked for: as many as are certain by now."""
    redirected_from: str | None = None


class SubscriptionEnvelope(Shape):
    data: SubscriptionData
    revision: int


class SubscriptionPage(Shape):
    """A page of subscriptions: whole ones with a customer named, else summaries."""

    customer_id: str | None = None
    """The customer that answers, where one was named."""
    redirected_from: str | None = None
    subscriptions: list[Subscription]
    """The subscriptions of this page."""
    next_token: str | None = None


class SubscriptionListEnvelope(Shape):
    data: SubscriptionPage


# ---------------------------------------------------------------- events


class SubscriptionChanged(Shape):
    """A subscription that was created or changed, by a call or by the calendar."""

    subscription_id: str
    """The subscription."""
    customer_id: str
    """The customer."""
    plan_id: str
    """What the customer subscribes to."""
    frequency: Frequency
    interval: int
    status: SubscriptionStatus
    previous_status: SubscriptionStatus | None = None
    """The status before; absent for a new one."""
    occurrence: int
    """The number of the next occurrence."""
    next_run_at: datetime | None = None
    skipped: int
    resume_at: datetime | None = None
    """When the pause ends by itself."""
    cancel_at: datetime | None = None
    cancelled_at: datetime | None = None
    """When it was cancelled."""


class SubscriptionDue(Shape):
    """An occurrence that is due. Each is told once, in the order of the numbers, even late."""

    subscription_id: str
    """The subscription."""
    customer_id: str
    """The customer."""
    plan_id: str
    """What the customer subscribes to."""
    n: int
    """The number of the occurrence; the start has 0."""
    date: datetime
    """When it was due."""

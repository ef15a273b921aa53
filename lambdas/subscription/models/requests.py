"""What comes in."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from shared.codec import dumps
from shared.fields import (
    Day,
    ForeignId,
    FreeMap,
    Guid,
    Instant,
    MoneyIn,
    Page,
    Request,
    refuse,
)

Frequency = Literal["daily", "weekly", "monthly", "quarterly", "yearly"]
"""How often an order is due."""
SubscriptionStatus = Literal["active", "paused", "cancelled", "ended"]
"""`active` runs; `paused` stands still; `cancelled` and `ended` (its `end_date` is over) are
final."""
ResumeMode = Literal["keep_schedule", "restart"]
"""`keep_schedule`: the dates stay as they were, and what fell into the pause is skipped. `restart`:
the next date is an interval from now, and the others follow it."""

LONGEST_INTERVAL, MOST_ITEMS, MOST_DATES = 1000, 100, 60
ITEMS_BYTES = 32 * 1024
LATEST_YEAR = 8999
_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?)?")


def _local_start(value: Any) -> Any:
    text = value.strip() if isinstance(value, str) else ""
    try:
        if _LOCAL.fullmatch(text):
            day = date.fromisoformat(text[:10])
            clock = time.fromisoformat(text[11:]) if len(text) > 10 else time()
            return datetime.combine(day, clock)
    except ValueError:
        pass
    raise refuse(
        "local-time", "must be a local time without an offset, YYYY-MM-DDThh:mm:ss, or a date"
    )


def _not_far(value: Any) -> Any:
    if value.year > LATEST_YEAR:
        raise refuse("far", f"must not lie after the year {LATEST_YEAR}")
    return value


@cache
def _zones() -> frozenset[str]:
    # The list of the package that is shipped: what is accepted depends on no machine.
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())


def _zone(value: str) -> str:
    text = value.strip()
    if text not in _zones():
        raise refuse("timezone", "must be the name of a time zone, as in Europe/Berlin")
    return text


def _together_small(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(dumps(items).encode()) > ITEMS_BYTES:
        raise refuse("too-long", f"must be at most {ITEMS_BYTES} bytes together")
    return items


LocalStart = Annotated[
    datetime,
    BeforeValidator(_local_start),
    AfterValidator(_not_far),
    WithJsonSchema(
        {
            "title": "LocalStart",
            "type": "string",
            "pattern": r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?)?$",
            "description": "A local time without an offset, or a date, which stands for 00:00.",
            "examples": ["2026-02-01T09:00:00"],
        }
    ),
]
Zone = Annotated[
    str,
    AfterValidator(_zone),
    WithJsonSchema(
        {
            "title": "TimeZone",
            "type": "string",
            "pattern": "^[A-Za-z][A-Za-z0-9_+/-]{1,62}$",
            "description": "The IANA name of a time zone.",
            "examples": ["Europe/Berlin"],
        }
    ),
]
EndDay = Annotated[Day, AfterValidator(_not_far)]
ResumeInstant = Annotated[Instant, AfterValidator(_not_far)]
Items = Annotated[list[FreeMap], Field(max_length=MOST_ITEMS), AfterValidator(_together_small)]


class SubscriptionNew(Request):
    """A new subscription. One of ``customer_id`` and ``customer_guid`` names its customer."""

    exactly_one = ("customer_id", "customer_guid")

    customer_id: Guid | None = None
    """The id of the customer."""
    customer_guid: Guid | None = None
    """Another name of `customer_id`."""
    plan_id: ForeignId
    """What the customer subscribes to: the id of a plan in your own system."""
    frequency: Frequency
    """How often an order is due."""
    interval: Annotated[int, Field(ge=1, le=LONGEST_INTERVAL)] = 1
    """Every how many days, weeks, months, quarters or years."""
    start_date: LocalStart | None = None
    """When occurrence 0 is, by the clocks of `timezone`; at most a year back. Without it: now."""
    timezone: Zone = "UTC"
    """The time zone that all dates are counted in."""
    end_date: EndDay | None = None
    """The last local day on which an occurrence may fall."""
    amount: MoneyIn | None = None
    """What one occurrence costs, for your billing."""
    items: Items = Field(default_factory=list)
    """What one occurrence delivers, in your own form; the service keeps it and does not read it."""
    metadata: FreeMap | None = None
    """Fields of your own; the service keeps them and does not read them."""

    @property
    def customer(self) -> str:
        """Returns the customer, by whichever name it was sent."""
        return self.customer_id or self.customer_guid or ""

    @property
    def customer_at(self) -> str:
        """Returns where the request names the customer."""
        name = "customer_id" if self.customer_guid is None else "customer_guid"
        return f"subscription.{name}"


class SubscriptionCreateRequest(Request):
    subscription: SubscriptionNew


class SubscriptionGetRequest(Request):
    subscription_id: Guid
    """The subscription."""
    occurrences: Annotated[int, Field(ge=0, le=MOST_DATES)] = 0
    """How many of the next dates to answer beside the subscription."""


class SubscriptionListRequest(Page):
    """Filters of the list. Both together narrow it together."""

    at_most_one = ("customer_id", "customer_guid")

    status: SubscriptionStatus | None = None
    customer_id: Guid | None = None
    """Only those of this customer, and of everyone who was merged into it, as whole records."""
    customer_guid: Guid | None = None
    """Another name of `customer_id`."""


class SubscriptionPauseRequest(Request):
    subscription_id: Guid
    """The subscription."""
    resume_at: ResumeInstant | None = None
    """When the pause ends by itself. A date at that very time runs."""


class SubscriptionResumeRequest(Request):
    subscription_id: Guid
    """The subscription."""
    mode: ResumeMode = "keep_schedule"


class SubscriptionCancelRequest(Request):
    subscription_id: Guid
    """The subscription."""
    at_period_end: bool = False
    """Whether it runs on until the current period ends; without it, it is cancelled at once."""

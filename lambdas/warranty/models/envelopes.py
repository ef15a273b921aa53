"""What goes out: answers, and the data of events."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from lambdas.warranty.models.requests import DurationUnit, WarrantyStatus
from shared.fields import Shape


class DurationOut(Shape):
    """How long a warranty lasts."""

    value: int
    """How many of the unit."""
    unit: DurationUnit


class WarrantyTermsOut(Shape):
    """What was promised."""

    name: str | None = None
    """What the warranty is called."""
    coverage: str | None = None
    """What it covers."""
    duration: DurationOut | None = None
    """How long it lasts."""


class WarrantyTransfer(Shape):
    """A change of the customer. A customer who is forgotten is left out."""

    from_: str | None = Field(default=None, alias="from")
    """The customer whom it covered until then."""
    to: str | None = None
    """The customer whom it covered from then on."""
    at: datetime
    """When that was."""


class WarrantySummary(Shape):
    """What lists show of a warranty."""

    warranty_id: str
    """The id of the warranty."""
    serial_number: str
    """The serial number, as it was given."""
    product_id: str | None = None
    """The product."""
    customer_id: str
    """The customer whom it covers."""
    starts_on: date
    """The first day that it covers."""
    expires_on: date | None = None
    """The last day that it covers; absent: it covers for ever."""
    status: WarrantyStatus
    revision: int
    created_at: datetime
    updated_at: datetime


class Warranty(WarrantySummary):
    """A warranty."""

    terms: WarrantyTermsOut | None = None
    """What was promised."""
    purchase_ref: str | None = None
    """What the thing was bought with."""
    transfers: list[WarrantyTransfer] | None = None
    """Every change of the customer, the first one first."""
    metadata: dict[str, Any] | None = None


class WarrantyData(Shape):
    """The warranty as the call leaves it."""

    warranty: Warranty


class WarrantyEnvelope(Shape):
    data: WarrantyData
    revision: int


class WarrantyListData(Shape):
    """A page of warranties."""

    customer_id: str | None = None
    """The customer of the list: the survivor, where the one that was named was merged."""
    customer_guid: str | None = None
    """The same, where the request named the customer by this field."""
    redirected_from: str | None = None
    """The customer that was named, where that was merged into another one."""
    warranties: list[Warranty]
    """The warranties of this page: whole ones where only `serial_number` and `status` were given,
    else summaries."""
    next_token: str | None = None


class WarrantyListEnvelope(Shape):
    data: WarrantyListData


# ---------------------------------------------------------------- events


class WarrantyChanged(Shape):
    """A warranty that was registered or changed."""

    warranty_id: str
    customer_id: str
    """The customer whom it covers."""
    product_id: str | None = None
    """The product."""
    status: WarrantyStatus
    starts_on: date
    """The first day that it covers."""
    expires_on: date | None = None
    """The last day that it covers; absent: it covers for ever."""
    previous_customer_id: str | None = None
    """The customer before a transfer."""
    changed: list[str] | None = None


class WarrantyStatusChanged(Shape):
    """A warranty whose status was set."""

    warranty_id: str
    customer_id: str
    """The customer whom it covers."""
    previous_status: WarrantyStatus
    status: WarrantyStatus

"""What is stored: warranties, what is known by their serial numbers, and the links of customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from shared.marks import FreeText, Id, Personal, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """How long a warranty lasts: a number of days, months or years."""

    value: int
    unit: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class WarrantyTerms:
    """What was promised."""

    name: FreeText[str | None] = None
    coverage: FreeText[str | None] = None
    duration: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WarrantyRecord:
    """A warranty. ``expires_on`` is the last day that it covers; without one it covers for ever.
    ``transfers`` says of each change of the customer ``from`` whom, ``to`` whom and ``at`` what
    time; a customer who is forgotten is left out of them. ``last_day`` is the last day on which it
    covered anything; a warranty that was voided has one even without ``expires_on``. ``sent_hash``
    tells a repeat of the registration. ``fenced_by`` names the deletion that is about to remove
    it."""

    KIND: ClassVar[str] = "warranty"
    warranty_id: Id
    serial_number: Id
    product_id: Id | None = None
    customer_id: Id
    terms: WarrantyTerms | None = None
    starts_on: date
    expires_on: date | None = None
    purchase_ref: Personal[str | None] = None
    status: Word
    transfers: tuple[Mapping[str, Id], ...] = ()
    metadata: FreeText[dict[str, Any] | None] = None
    last_day: date | None = None
    sent_hash: Id | None = None
    fenced_by: Id | None = None
    revision: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSerialRecord:
    """The warranty that covers a serial number of a product, until ``last_day``. After that day the
    next warranty may take its place."""

    KIND: ClassVar[str] = "live_serial"
    holder: Id
    last_day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialHistoryRecord:
    """That a warranty was registered for a serial number."""

    KIND: ClassVar[str] = "serial_history"
    holder: Id
    product_id: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WarrantyLinkRecord:
    """Leads from a customer to a warranty of theirs."""

    KIND: ClassVar[str] = "warranty_link"
    warranty_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class WarrantyPastLinkRecord:
    """From a customer to a warranty that was theirs before a transfer, which mentions them."""

    KIND: ClassVar[str] = "warranty_past_link"
    warranty_id: Id

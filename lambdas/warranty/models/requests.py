"""What comes in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, WithJsonSchema

from lambdas.warranty.models.records import Duration, WarrantyTerms
from shared.errors import Fault
from shared.fields import (
    Day,
    ForeignId,
    FreeMap,
    Guid,
    Name,
    Note,
    OrderRef,
    Page,
    Positive,
    RecordId,
    Request,
    ShortText,
    refuse,
)
from shared.settings import OrgSettings

WarrantyStatus = Literal["active", "expired", "voided", "doomed"]
"""`expired` follows from the calendar; `voided` and `doomed` are set, and final."""
DurationUnit = Literal["days", "months", "years"]
"""What a duration counts."""
LONGEST = {"days": 36_525, "months": 1_200, "years": 100}
"""How long a warranty may last at most, by unit."""


def folded(serial: str) -> str:
    """Returns a serial number in the form in which two are compared."""
    return re.sub(r"[\s-]", "", serial).upper()


def _with_a_sign(serial: str) -> str:
    if not folded(serial):
        raise refuse("form", "must have more than spaces and hyphens")
    return serial


SerialNumber = Annotated[
    ShortText,
    AfterValidator(_with_a_sign),
    WithJsonSchema(
        {
            "title": "SerialNumber",
            "type": "string",
            "maxLength": 64,
            "pattern": r"^[!-~ ]*[!-,.-~][!-~ ]*$",
            "description": "The serial number, as it is on the thing; compared without case, "
            "spaces and hyphens. At most 64 bytes.",
            "examples": ["SN-4711-0815"],
        }
    ),
]
CustomerNames = ("customer_id", "customer_guid")
"""The two names of the field that names the customer."""


class DurationIn(Request):
    """How long a warranty lasts, counted by the calendar; at most 100 years."""

    value: Positive
    """How many of the unit."""
    unit: DurationUnit

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        if self.value > LONGEST[self.unit]:
            yield Fault("invalid", "value", f"must be at most {LONGEST[self.unit]} {self.unit}")

    def duration(self) -> Duration:
        return Duration(value=self.value, unit=self.unit)


class WarrantyTermsIn(Request):
    """What was promised."""

    name: Name | None = None
    """What the warranty is called."""
    coverage: Note | None = None
    """What it covers, for people to read."""
    duration: DurationIn | None = None
    """How long it lasts, from `starts_on` on; `expires_on` has precedence."""

    def terms(self) -> WarrantyTerms:
        duration = None if self.duration is None else self.duration.duration()
        return WarrantyTerms(name=self.name, coverage=self.coverage, duration=duration)


class WarrantyFields(Request):
    """The fields that a registration and an update share. ``null`` for ``expires_on`` means: for
    ever."""

    at_most_one = CustomerNames
    clearable: ClassVar[frozenset[str]] = frozenset({"expires_on"})

    customer_id: Guid | None = None
    """The customer whom it covers."""
    customer_guid: Guid | None = None
    """The same as `customer_id`."""
    terms: WarrantyTermsIn | None = None
    """What was promised."""
    expires_on: Day | None = None
    """The last day that it covers; `null`: it covers for ever."""
    purchase_ref: OrderRef | None = None
    """What the thing was bought with: an order or a receipt."""
    metadata: FreeMap | None = None
    """Fields of your own; the service keeps them and does not read them."""

    @property
    def customer(self) -> str | None:
        return self.customer_id or self.customer_guid

    @property
    def customer_name(self) -> str:
        """Returns the name by which the customer was sent."""
        return "customer_id" if self.customer_guid is None else "customer_guid"


class WarrantyNew(WarrantyFields):
    """A new warranty. It needs ``expires_on``, which may be ``null``, or ``terms.duration``."""

    serial_number: SerialNumber | None = None
    """The serial number of the thing."""
    product_id: ForeignId | None = None
    """The product, where serial numbers alone do not tell two things apart."""
    starts_on: Day | None = None
    """The first day that it covers; without it today."""

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        first, last = self.starts_on, self.expires_on
        if first is not None and last is not None and last < first:
            yield Fault("invalid", "expires_on", "must not be before starts_on")


class WarrantyRegisterRequest(WarrantyNew):
    """The fields stand in ``warranty``, or beside it; what stands beside it has precedence."""

    warranty: WarrantyNew | None = None

    def given(self) -> WarrantyNew:
        """Returns all fields, from both places."""
        inner = {} if self.warranty is None else _sent(self.warranty)
        outer = _sent(self)
        outer.pop("warranty", None)
        if any(name in outer for name in CustomerNames):
            inner = {name: value for name, value in inner.items() if name not in CustomerNames}
        return WarrantyNew.model_construct(_fields_set={*inner, *outer}, **{**inner, **outer})

    def place_of(self, *names: str) -> str:
        """Returns where a field of one of these names was sent, beside ``warranty`` or in it. One
        that was not sent belongs into ``warranty``, where there is one."""
        inner = [] if self.warranty is None else [("warranty.", self.warranty)]
        for where, part in [("", self), *inner]:
            for name in names:
                if name in part.model_fields_set:
                    return f"{where}{name}"
        return names[0] if self.warranty is None else f"warranty.{names[0]}"

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        given = self.given()
        if given.serial_number is None:
            yield Fault("missing", self.place_of("serial_number"), "is required")
        if given.customer is None:
            yield Fault("missing", self.place_of(*CustomerNames), "is required")
        counted = given.terms is not None and given.terms.duration is not None
        if not counted and "expires_on" not in given.model_fields_set:
            message = "is required without terms.duration; null means for ever"
            yield Fault("missing", self.place_of("expires_on"), message)


def _sent(part: Request) -> dict[str, Any]:
    return {name: getattr(part, name) for name in part.model_fields_set}


class WarrantyGetRequest(Request):
    """Names a warranty by exactly one of its id and its serial number."""

    exactly_one = ("warranty_id", "serial_number")
    warranty_id: Guid | None = None
    """The id of the warranty."""
    serial_number: Annotated[SerialNumber, RecordId()] | None = None
    product_id: ForeignId | None = None
    """The product of the serial number, where several have it."""

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        if self.product_id is not None and self.serial_number is None:
            yield Fault("invalid", "product_id", "is only for serial_number")


class WarrantyListRequest(Page):
    """Filters of the list. Several filters narrow it together."""

    at_most_one = CustomerNames
    status: WarrantyStatus | None = None
    """Warranties with this status."""
    customer_id: Guid | None = None
    """Warranties of this customer."""
    customer_guid: Guid | None = None
    """The same as `customer_id`."""
    serial_number: Annotated[SerialNumber, RecordId()] | None = None
    """Every warranty of this serial number, of whichever product."""


class WarrantyChanges(WarrantyFields):
    """The fields of a warranty that an update may set. ``null`` clears a field; an absent field
    stays as it is. ``terms`` are set as a whole."""

    clearable: ClassVar[frozenset[str]] = frozenset(
        {"expires_on", "terms", "purchase_ref", "metadata"}
    )

    def values(self) -> dict[str, Any]:
        """Returns the given fields in the form that records hold, the customer excepted."""
        values = {n: v for n, v in _sent(self).items() if n not in CustomerNames}
        if self.terms is not None:
            values["terms"] = self.terms.terms()
        return values


class WarrantyUpdateRequest(Request):
    warranty_id: Guid
    """The id of the warranty."""
    warranty: WarrantyChanges = WarrantyChanges()


class WarrantyStatusSetRequest(Request):
    warranty_id: Guid
    """The id of the warranty."""
    status: WarrantyStatus
    """The status to set; `voided` and `doomed` need a `reason`."""

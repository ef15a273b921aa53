"""What goes out: the answers of the customers' routes, and the data of their events."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from lambdas.customer.models.requests import ConsentState, CustomerKind, CustomerStatus
from shared.contact_points import AddressOut
from shared.fields import Shape, SourceRefOut


class CustomerSummary(Shape):
    """What lists show of a customer."""

    customer_guid: str
    customer_code: str | None = None
    kind: CustomerKind
    status: CustomerStatus
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    company_name: str | None = None
    merged_into: str | None = None
    """The customer that this one was merged into."""
    revision: int
    created_at: datetime
    updated_at: datetime


class Customer(CustomerSummary):
    """A customer."""

    email: str | None = None
    phone: str | None = None
    alternate_emails: list[str] | None = None
    alternate_phones: list[str] | None = None
    addresses: list[AddressOut] | None = None
    date_of_birth: date | None = None
    language: str | None = None
    home_logical_guid: str | None = None
    external_refs: list[SourceRefOut] | None = None
    tags: list[str] | None = None
    attributes: dict[str, Any] | None = None


class CustomerData(Shape):
    """The customer as the call leaves it."""

    customer: Customer
    redirected_from: str | None = None


class CustomerEnvelope(Shape):
    data: CustomerData
    revision: int


class CustomerHit(Customer):
    """A whole customer from search, a summary from list. With ``q``, ``match_fields`` names the
    fields that matched."""

    match_fields: list[str] | None = None
    """The fields in which `q` was found."""


class CustomerListData(Shape):
    """A page of customers."""

    customers: list[CustomerHit]
    """The customers of this page."""
    next_token: str | None = None


class CustomerListEnvelope(Shape):
    data: CustomerListData


# ---------------------------------------------------------------- data of events


class CustomerChanged(Shape):
    """A customer who was made or changed."""

    customer_guid: str
    customer_code: str | None = None
    kind: CustomerKind
    status: CustomerStatus
    previous_status: CustomerStatus | None = None
    changed: list[str] | None = None


class ConsentMoved(Shape):
    """One decision of a call: what it is about, what it says, and whether it counts now."""

    decision_id: str
    """The id of the decision."""
    consent_type: str
    channel: str | None = None
    consent_state: ConsentState
    applied: bool
    """Whether it is in force now."""


class CustomerConsentSet(Shape):
    """Decisions about a customer's consents."""

    customer_guid: str
    decisions: list[ConsentMoved]
    """The decisions of the call."""

"""What is stored: accounts, their contacts, the orders that used their credit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from shared.fields import (
    Money,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """The head of an account. ``credit_available`` is kept beside ``credit_used`` because a
    condition cannot compute it; ``ancestors`` runs from the parent up."""

    KIND: ClassVar[str] = "account"
    account_guid: str
    account_code: str
    company_name: str
    legal_name: str | None = None
    tax_id: str | None = None
    email: str | None = None
    phone: str | None = None
    website: str | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    payment_terms: str | None = None
    parent_account_guid: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] | None = None
    status: str
    credit_limit: Money
    credit_used: Money
    credit_available: Money
    credit_hold: bool = False
    credit_hold_reason: str | None = None
    primary_contact_guid: str | None = None
    ancestors: tuple[str, ...] = ()
    revision: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChildrenRecord:
    """How many accounts name this one as their parent; its own record, so that a new child does
    not disturb whoever changes the parent."""

    KIND: ClassVar[str] = "account_children"
    children: int
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCodeRecord:
    """Makes a code unique in its org."""

    KIND: ClassVar[str] = "account_code"
    account_guid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRecord:
    KIND: ClassVar[str] = "contact"
    contact_guid: str
    account_guid: str
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    title: str | None = None
    email: str | None = None
    phone: str | None = None
    roles: tuple[str, ...] = ()
    customer_guid: str | None = None
    status: str
    revision: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactLinkRecord:
    """From a customer to the contact that is the same person."""

    KIND: ClassVar[str] = "contact_link"
    contact_guid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditOrderRecord:
    """What an order took of an account's credit, what came back, and the answer it was given."""

    KIND: ClassVar[str] = "credit_order"
    order_ref: str
    consumed: Money
    released: int = 0
    answer: dict[str, Any] = field(default_factory=dict)
    answered_revision: int
    revision: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditReleaseRecord:
    """The answer of a release that no key tells apart, for its repeats."""

    KIND: ClassVar[str] = "credit_release"
    answer: dict[str, Any] = field(default_factory=dict)
    answered_revision: int
    created_at: datetime

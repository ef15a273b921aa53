"""What is stored: accounts, their contacts, and the orders that used their credit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from shared.contact_points import Address
from shared.fields import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """An account. ``ancestors`` runs from the parent up to the top."""

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
    """How many accounts have this one as their parent. It is a record of its own, so that a new
    child does not change the revision of the parent."""

    KIND: ClassVar[str] = "account_children"
    children: int
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCodeRecord:
    """Makes a code unique in its org, and finds the account by it."""

    KIND: ClassVar[str] = "account_code"
    account_guid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRecord:
    """A contact of an account. Its account keeps which contact is primary."""

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
    """Leads from a customer to a contact that is the same person."""

    KIND: ClassVar[str] = "contact_link"
    contact_guid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditOrderRecord:
    """What an order took of an account's credit, how much of it came back, and the answer that the
    consumption got. ``released`` counts minor units of the currency of ``consumed``."""

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
    """The answer to a release that had no idempotency key, for its repeats."""

    KIND: ClassVar[str] = "credit_release"
    answer: dict[str, Any] = field(default_factory=dict)
    answered_revision: int
    created_at: datetime

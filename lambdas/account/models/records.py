"""What is stored: accounts, their contacts, and the orders that used their credit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from shared.contact_points import Address
from shared.fields import Money
from shared.marks import FreeText, Id, Personal, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """An account. ``ancestors`` runs from the parent up to the top."""

    KIND: ClassVar[str] = "account"
    account_guid: Id
    account_code: Id
    company_name: FreeText[str]
    legal_name: FreeText[str | None] = None
    tax_id: FreeText[str | None] = None
    email: Personal[str | None] = None
    phone: Personal[str | None] = None
    website: FreeText[str | None] = None
    billing_address: Personal[Address | None] = None
    shipping_address: Personal[Address | None] = None
    payment_terms: FreeText[str | None] = None
    parent_account_guid: Id | None = None
    tags: FreeText[tuple[str, ...]] = ()
    metadata: FreeText[dict[str, Any] | None] = None
    status: Word
    credit_limit: Money
    credit_used: Money
    credit_available: Money
    credit_hold: bool = False
    credit_hold_reason: FreeText[str | None] = None
    primary_contact_guid: Id | None = None
    ancestors: tuple[Id, ...] = ()
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
    account_guid: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRecord:
    """A contact of an account. Its account keeps which contact is primary."""

    KIND: ClassVar[str] = "contact"
    contact_guid: Id
    account_guid: Id
    first_name: Personal[str | None] = None
    last_name: Personal[str | None] = None
    display_name: Personal[str | None] = None
    title: Personal[str | None] = None
    email: Personal[str | None] = None
    phone: Personal[str | None] = None
    roles: tuple[Word, ...] = ()
    customer_guid: Id | None = None
    status: Word
    revision: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactLinkRecord:
    """Leads from a customer to a contact that is the same person."""

    KIND: ClassVar[str] = "contact_link"
    contact_guid: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditOrderRecord:
    """What an order took of an account's credit, how much of it came back, and the answer that the
    consumption got. ``released`` counts minor units of the currency of ``consumed``."""

    KIND: ClassVar[str] = "credit_order"
    order_ref: Id
    consumed: Money
    released: int = 0
    answer: Personal[dict[str, Any]] = field(default_factory=dict)
    answered_revision: int
    revision: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditReleaseRecord:
    """The answer to a release that had no idempotency key, for its repeats."""

    KIND: ClassVar[str] = "credit_release"
    answer: Personal[dict[str, Any]] = field(default_factory=dict)
    answered_revision: int
    created_at: datetime

"""What goes out: answers, and the data of events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lambdas.account.models.requests import AccountStatus, ContactRole, ContactStatus
from shared.contact_points import AddressOut
from shared.fields import MoneyOut, Shape


class AccountSummary(Shape):
    """What lists show of an account."""

    account_guid: str
    account_code: str
    company_name: str
    status: AccountStatus
    parent_account_guid: str | None = None
    credit_limit: MoneyOut
    credit_used: MoneyOut
    """What orders use at present."""
    credit_available: MoneyOut
    """The limit less what is used."""
    credit_hold: bool
    revision: int
    created_at: datetime
    updated_at: datetime


class Account(AccountSummary):
    """An account. ``credit_available`` is the limit less what is used; it is negative where the
    limit was set below that."""

    legal_name: str | None = None
    tax_id: str | None = None
    email: str | None = None
    phone: str | None = None
    website: str | None = None
    billing_address: AddressOut | None = None
    shipping_address: AddressOut | None = None
    payment_terms: str | None = None
    tags: list[str] | None = None
    metadata: dict[str, Any] | None = None
    credit_hold_reason: str | None = None


class Credit(Shape):
    """What a call asked of an account's credit, and what it did. ``floored``: ``applied`` is less
    than ``requested``, because no more could come back."""

    order_ref: str | None = None
    """The order that the credit was for."""
    requested: MoneyOut
    """What was asked for."""
    applied: MoneyOut
    """What was done."""
    floored: bool
    """Whether less was done than was asked for."""


class AccountData(Shape):
    """The account as the call leaves it."""

    account: Account
    credit: Credit | None = None
    """What the call did to the credit; only in the answers of consume and release."""


class AccountEnvelope(Shape):
    data: AccountData
    revision: int


class AccountListData(Shape):
    """A page of accounts."""

    accounts: list[AccountSummary]
    """The accounts of this page."""
    next_token: str | None = None


class AccountListEnvelope(Shape):
    data: AccountListData


# ---------------------------------------------------------------- contacts


class ContactSummary(Shape):
    """What the list of the org's contacts shows of a contact."""

    contact_guid: str
    account_guid: str
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    roles: list[ContactRole] | None = None
    is_primary: bool
    customer_guid: str | None = None
    status: ContactStatus
    revision: int
    created_at: datetime
    updated_at: datetime


class Contact(ContactSummary):
    """A contact. Under a closed account its ``status`` is ``inactive``. At most one contact of an
    account has ``is_primary``."""

    title: str | None = None
    email: str | None = None
    phone: str | None = None


class ContactData(Shape):
    """The contact as the call leaves it."""

    contact: Contact


class AccountContactEnvelope(Shape):
    data: ContactData
    revision: int


class ContactListData(Shape):
    """A page of contacts."""

    contacts: list[Contact]
    """The contacts of this page, whole ones where `account_guid` was given."""
    next_token: str | None = None


class AccountContactListEnvelope(Shape):
    data: ContactListData


# ---------------------------------------------------------------- events


class AccountChanged(Shape):
    """An account that was made or changed."""

    account_guid: str
    account_code: str
    status: AccountStatus
    parent_account_guid: str | None = None
    changed: list[str] | None = None


class AccountStatusChanged(Shape):
    """An account whose status changed."""

    account_guid: str
    account_code: str
    previous_status: AccountStatus
    status: AccountStatus


class CreditMoved(Shape):
    """Credit that an order used or gave back."""

    account_guid: str
    order_ref: str | None = None
    requested: MoneyOut
    applied: MoneyOut
    floored: bool
    credit_used: MoneyOut
    credit_available: MoneyOut


class ContactChanged(Shape):
    """A contact that was made or changed."""

    contact_guid: str
    account_guid: str
    customer_guid: str | None = None
    status: ContactStatus
    is_primary: bool
    changed: list[str] | None = None


class ContactStatusChanged(Shape):
    """A contact whose status changed."""

    contact_guid: str
    account_guid: str
    previous_status: ContactStatus
    status: ContactStatus

"""What comes in, what is stored, what goes out: accounts, contacts, credit. No side is reused for
another."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, model_validator

from shared.fields import (
    Code,
    FreeMap,
    Guid,
    Money,
    MoneyIn,
    MoneyOrZeroIn,
    MoneyOut,
    Name,
    OrderRef,
    Page,
    Request,
    Shape,
    ShortText,
    Tags,
    refuse,
)
from shared.reach import AddressIn, AddressOut, Email, Phone

AccountStatus = Literal["pending", "active", "on_hold", "inactive", "closed"]
ContactStatus = Literal["active", "inactive"]
ContactRole = Literal["buyer", "approver", "payer", "sales_rep"]
MADE_ACCOUNT, MADE_CONTACT = "acct_", "cont_"

# ---------------------------------------------------------------- in


def _free(code: str) -> str:
    if code.lower().startswith(MADE_ACCOUNT):
        raise refuse("account-code", f"must not begin with {MADE_ACCOUNT}")
    return code


ChosenCode = Annotated[Code, AfterValidator(_free)]


class AccountChanges(Request):
    """The fields of an account that an update may set; ``null`` clears one."""

    clearable: ClassVar[frozenset[str]] = frozenset(
        {
            "legal_name",
            "tax_id",
            "email",
            "phone",
            "website",
            "billing_address",
            "shipping_address",
            "payment_terms",
            "parent_account_guid",
            "tags",
            "metadata",
            "credit_hold_reason",
        }
    )

    company_name: Name | None = None
    legal_name: Name | None = None
    tax_id: ShortText | None = None
    email: Email | None = None
    phone: Phone | None = None
    website: Name | None = None
    billing_address: AddressIn | None = None
    shipping_address: AddressIn | None = None
    payment_terms: ShortText | None = None
    parent_account_guid: Guid | None = None
    tags: Tags | None = None
    metadata: FreeMap | None = None
    credit_limit: MoneyOrZeroIn | None = None
    credit_hold: bool | None = None
    credit_hold_reason: Name | None = None


class AccountNew(AccountChanges):
    clearable: ClassVar[frozenset[str]] = frozenset()

    company_name: Name
    account_code: ChosenCode | None = None
    status: Literal["pending", "active"] = "active"


class AccountCreateRequest(Request):
    account: AccountNew


class AccountGetRequest(Request):
    """Exactly one of the two."""

    account_guid: Guid | None = None
    account_code: Code | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> AccountGetRequest:
        if (self.account_guid is None) == (self.account_code is None):
            raise refuse("exactly-one", "must name exactly one of account_guid, account_code")
        return self


class AccountListRequest(Page):
    status: AccountStatus | None = None
    account_code: Code | None = None
    q: Name | None = None


class AccountUpdateRequest(Request):
    account_guid: Guid
    account: AccountChanges = AccountChanges()


class AccountStatusSetRequest(Request):
    account_guid: Guid
    status: AccountStatus


class AccountCreditConsumeRequest(Request):
    """Without ``order_ref``, the first source of kind ``order`` names the order."""

    account_guid: Guid
    amount: MoneyIn
    order_ref: OrderRef | None = None


class AccountCreditReleaseRequest(Request):
    """With an order: that much of it, or all that is left. Without: ``amount`` and a key."""

    account_guid: Guid
    amount: MoneyIn | None = None
    order_ref: OrderRef | None = None


class ContactChanges(Request):
    """The fields of a contact that an update may set; ``null`` clears one."""

    clearable: ClassVar[frozenset[str]] = frozenset(
        {"first_name", "last_name", "display_name", "title", "email", "phone", "customer_guid"}
        | {"roles"}
    )

    first_name: Name | None = None
    last_name: Name | None = None
    display_name: Name | None = None
    title: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    roles: list[ContactRole] | None = None
    is_primary: bool | None = None
    customer_guid: Guid | None = None


class ContactNew(ContactChanges):
    clearable: ClassVar[frozenset[str]] = frozenset()

    account_guid: Guid
    status: ContactStatus = "active"


class AccountContactCreateRequest(Request):
    contact: ContactNew


class AccountContactGetRequest(Request):
    contact_guid: Guid


class AccountContactListRequest(Page):
    account_guid: Guid | None = None
    status: ContactStatus | None = None
    role: ContactRole | None = None


class AccountContactUpdateRequest(Request):
    contact_guid: Guid
    contact: ContactChanges = ContactChanges()


class AccountContactStatusSetRequest(Request):
    contact_guid: Guid
    status: ContactStatus


# ---------------------------------------------------------------- stored


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


# ---------------------------------------------------------------- out


class AccountSummary(Shape):
    """What lists show of an account."""

    account_guid: str
    account_code: str
    company_name: str
    status: AccountStatus
    parent_account_guid: str | None = None
    credit_limit: MoneyOut
    credit_used: MoneyOut
    credit_available: MoneyOut
    credit_hold: bool
    revision: int
    created_at: datetime
    updated_at: datetime


class Account(AccountSummary):
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
    """What a movement of credit did: how much was asked for, how much it moved, and whether that
    was less because no more could come back."""

    order_ref: str | None = None
    requested: MoneyOut
    applied: MoneyOut
    floored: bool


class AccountData(Shape):
    account: Account
    credit: Credit | None = None


class AccountEnvelope(Shape):
    data: AccountData
    revision: int


class AccountListData(Shape):
    accounts: list[AccountSummary]
    next_token: str | None = None


class AccountListEnvelope(Shape):
    data: AccountListData


class ContactSummary(Shape):
    """What the list of all the org's contacts shows."""

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
    title: str | None = None
    email: str | None = None
    phone: str | None = None


class ContactData(Shape):
    contact: Contact


class AccountContactEnvelope(Shape):
    data: ContactData
    revision: int


class ContactListData(Shape):
    contacts: list[Contact]
    next_token: str | None = None


class AccountContactListEnvelope(Shape):
    data: ContactListData


# ---------------------------------------------------------------- events


class AccountChanged(Shape):
    account_guid: str
    account_code: str
    status: AccountStatus
    parent_account_guid: str | None = None
    changed: list[str] | None = None


class AccountStatusChanged(Shape):
    account_guid: str
    account_code: str
    previous_status: AccountStatus
    status: AccountStatus


class ContactChanged(Shape):
    contact_guid: str
    account_guid: str
    customer_guid: str | None = None
    status: ContactStatus
    is_primary: bool
    changed: list[str] | None = None


class ContactStatusChanged(Shape):
    contact_guid: str
    account_guid: str
    previous_status: ContactStatus
    status: ContactStatus


class CreditMoved(Shape):
    account_guid: str
    order_ref: str | None = None
    requested: MoneyOut
    applied: MoneyOut
    floored: bool
    credit_used: MoneyOut
    credit_available: MoneyOut

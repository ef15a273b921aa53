"""What comes in: the bodies of the routes."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from shared.contact_points import AddressIn, Email, Phone, Website
from shared.fields import (
    Code,
    FreeMap,
    Guid,
    MoneyIn,
    MoneyOrZeroIn,
    Name,
    OrderRef,
    Page,
    Request,
    SearchText,
    ShortText,
    Tags,
    refuse,
)
from shared.keys import ACCOUNT_PREFIX

AccountStatus = Literal["pending", "active", "on_hold", "inactive", "closed"]
"""`pending` is not opened yet; `active` can use credit; `on_hold` and `inactive` cannot; `closed`
is final."""
FirstAccountStatus = Literal["pending", "active"]
"""The states in which an account can begin."""
ContactStatus = Literal["active", "inactive"]
"""A contact of a closed account is `inactive`."""
ContactRole = Literal["buyer", "approver", "payer", "sales_rep"]
"""What a contact does: orders (`buyer`), agrees to orders (`approver`), pays (`payer`), or looks
after the account (`sales_rep`)."""


def _not_like_a_guid(code: str) -> str:
    # Whoever finds a guid and a code side by side must be able to tell which is which.
    if code.lower().startswith(ACCOUNT_PREFIX):
        raise refuse("account-code", f"must not begin with {ACCOUNT_PREFIX}")
    return code


def _each_once(roles: list[str]) -> list[str]:
    return list(dict.fromkeys(roles))


AccountCode = Annotated[Code, AfterValidator(_not_like_a_guid)]
ContactRoles = Annotated[list[ContactRole], Field(max_length=100), AfterValidator(_each_once)]


class Changes(Request):
    """The fields of a record that its creation and its update share. Each may be absent."""

    phone: Phone | None = None
    """The phone number; answered as E.164."""

    def values(self) -> dict[str, Any]:
        """Returns the given fields in the form that records hold. ``None`` clears a field."""
        values = {name: getattr(self, name) for name in self.model_fields_set}
        for name, value in values.items():
            if isinstance(value, MoneyOrZeroIn):
                values[name] = value.money()
            elif isinstance(value, AddressIn):
                values[name] = value.address()
            elif isinstance(value, list):
                values[name] = tuple(value)
        return values


# ---------------------------------------------------------------- accounts


class AccountChanges(Changes):
    """The fields of an account that an update may set. ``null`` clears a field."""

    clearable: ClassVar[frozenset[str]] = frozenset({
        "legal_name", "tax_id", "email", "phone", "website", "billing_address", "shipping_address",
        "payment_terms", "parent_account_guid", "tags", "metadata", "credit_hold_reason",
    })  # fmt: skip

    company_name: Name | None = None
    """The name that the company goes by."""
    legal_name: Name | None = None
    """The registered name, where it is another one."""
    tax_id: ShortText | None = None
    """The tax number as the company writes it, such as `DE123456789`; not checked."""
    email: Email | None = None
    """The e-mail address; others may have the same one."""
    website: Website | None = None
    """The company's website."""
    billing_address: AddressIn | None = None
    """Where invoices go."""
    shipping_address: AddressIn | None = None
    """Where goods go."""
    payment_terms: ShortText | None = None
    """What was agreed on paying, such as `NET30`; for people to read."""
    parent_account_guid: Guid | None = None
    """The account above this one, in the same org; at most five levels deep, without a circle."""
    tags: Tags | None = None
    """Short texts to sort by; a repeated one counts once."""
    metadata: FreeMap | None = None
    """Fields of your own; the service keeps them and does not read them."""
    credit_limit: MoneyOrZeroIn | None = None
    """How much may be owed at once. Its currency cannot change while credit is used."""
    credit_hold: bool | None = None
    """Whether new credit is refused, whatever the status."""
    credit_hold_reason: Name | None = None
    """Why new credit is refused; for people to read."""


class AccountNew(AccountChanges):
    """A new account. The service makes the code where none is given."""

    clearable: ClassVar[frozenset[str]] = frozenset()

    company_name: Name
    account_code: AccountCode | None = None
    """A code that people use for the account, unique in its org and never changed; the service
    makes one where none is given."""
    status: FirstAccountStatus = "active"
    """The status to begin with."""


class AccountCreateRequest(Request):
    account: AccountNew


class AccountGetRequest(Request):
    """Names an account by exactly one of its guid and its code."""

    exactly_one = ("account_guid", "account_code")
    account_guid: Guid | None = None
    """The id of the account."""
    account_code: Code | None = None


class AccountListRequest(Page):
    """Filters of the list. Several filters narrow it together."""

    status: AccountStatus | None = None
    account_code: Code | None = None
    q: SearchText | None = None
    """Words, or their beginnings, of the names, the code or the e-mail's part before the @; all
    must match."""


class AccountUpdateRequest(Request):
    account_guid: Guid
    account: AccountChanges = AccountChanges()


class AccountStatusSetRequest(Request):
    account_guid: Guid
    status: AccountStatus


# ---------------------------------------------------------------- credit


class AccountCreditConsumeRequest(Request):
    """Without ``order_ref``, the first source of kind ``order`` names the order."""

    named_by = ("order",)
    needs_order = True
    account_guid: Guid
    amount: MoneyIn
    """How much the order uses."""
    order_ref: OrderRef | None = None


class AccountCreditReleaseRequest(Request):
    """Without ``order_ref``, the first source of kind ``order`` names the order. A release for no
    order needs ``amount`` and ``idempotency_key``."""

    named_by = ("order",)
    instead_of_order = ("amount",)
    account_guid: Guid
    amount: MoneyIn | None = None
    """How much to give back; without it all that is left of the order."""
    order_ref: OrderRef | None = None


# ---------------------------------------------------------------- contacts


class ContactChanges(Changes):
    """The fields of a contact that an update may set. ``null`` clears a field."""

    clearable: ClassVar[frozenset[str]] = frozenset({
        "first_name", "last_name", "display_name", "title", "email", "phone", "roles",
        "customer_guid",
    })  # fmt: skip

    first_name: Name | None = None
    """The given name."""
    last_name: Name | None = None
    """The family name."""
    display_name: Name | None = None
    """How to address the contact, where the names do not say it."""
    title: Name | None = None
    """The position in the company, such as `Head of Purchasing`."""
    email: Email | None = None
    roles: ContactRoles | None = None
    """What the contact is asked for; a repeated one counts once."""
    is_primary: bool | None = None
    """Whether to ask this contact first; an account has one such contact at most."""
    customer_guid: Guid | None = None
    """The customer who is the same person."""


class ContactNew(ContactChanges):
    """A new contact of an account."""

    clearable: ClassVar[frozenset[str]] = frozenset()

    account_guid: Guid
    status: ContactStatus = "active"


class AccountContactCreateRequest(Request):
    contact: ContactNew


class AccountContactGetRequest(Request):
    contact_guid: Guid
    """The id of the contact."""


class AccountContactListRequest(Page):
    """Filters of the list. Without ``account_guid`` it shows the contacts of the whole org."""

    account_guid: Guid | None = None
    status: ContactStatus | None = None
    role: ContactRole | None = None
    """Contacts that have this role."""


class AccountContactUpdateRequest(Request):
    contact_guid: Guid
    contact: ContactChanges = ContactChanges()


class AccountContactStatusSetRequest(Request):
    contact_guid: Guid
    status: ContactStatus

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
ContactStatus = Literal["active", "inactive"]
ContactRole = Literal["buyer", "approver", "payer", "sales_rep"]


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
    legal_name: Name | None = None
    tax_id: ShortText | None = None
    email: Email | None = None
    website: Website | None = None
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
    """A new account. The service makes the code where none is given."""

    clearable: ClassVar[frozenset[str]] = frozenset()

    company_name: Name
    account_code: AccountCode | None = None
    status: Literal["pending", "active"] = "active"


class AccountCreateRequest(Request):
    account: AccountNew


class AccountGetRequest(Request):
    """Names an account by exactly one of its guid and its code."""

    exactly_one = ("account_guid", "account_code")
    account_guid: Guid | None = None
    account_code: Code | None = None


class AccountListRequest(Page):
    """Filters of the list. Several filters narrow it together."""

    status: AccountStatus | None = None
    account_code: Code | None = None
    q: SearchText | None = None


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
    order_ref: OrderRef | None = None


class AccountCreditReleaseRequest(Request):
    """Without ``order_ref``, the first source of kind ``order`` names the order. A release for no
    order needs ``amount`` and ``idempotency_key``."""

    named_by = ("order",)
    instead_of_order = ("amount",)
    account_guid: Guid
    amount: MoneyIn | None = None
    order_ref: OrderRef | None = None


# ---------------------------------------------------------------- contacts


class ContactChanges(Changes):
    """The fields of a contact that an update may set. ``null`` clears a field."""

    clearable: ClassVar[frozenset[str]] = frozenset({
        "first_name", "last_name", "display_name", "title", "email", "phone", "roles",
        "customer_guid",
    })  # fmt: skip

    first_name: Name | None = None
    last_name: Name | None = None
    display_name: Name | None = None
    title: Name | None = None
    email: Email | None = None
    roles: ContactRoles | None = None
    is_primary: bool | None = None
    customer_guid: Guid | None = None


class ContactNew(ContactChanges):
    """A new contact of an account."""

    clearable: ClassVar[frozenset[str]] = frozenset()

    account_guid: Guid
    status: ContactStatus = "active"


class AccountContactCreateRequest(Request):
    contact: ContactNew


class AccountContactGetRequest(Request):
    contact_guid: Guid


class AccountContactListRequest(Page):
    """Filters of the list. Without ``account_guid`` it shows the contacts of the whole org."""

    account_guid: Guid | None = None
    status: ContactStatus | None = None
    role: ContactRole | None = None


class AccountContactUpdateRequest(Request):
    contact_guid: Guid
    contact: ContactChanges = ContactChanges()


class AccountContactStatusSetRequest(Request):
    contact_guid: Guid
    status: ContactStatus

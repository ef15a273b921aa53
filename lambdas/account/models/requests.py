"""What comes in: accounts, contacts, credit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, model_validator

from shared.contact_points import AddressIn, Email, Phone, Website, not_a_phone
from shared.errors import Fault
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
from shared.settings import OrgSettings

AccountStatus = Literal["pending", "active", "on_hold", "inactive", "closed"]
ContactStatus = Literal["active", "inactive"]
ContactRole = Literal["buyer", "approver", "payer", "sales_rep"]
MADE_ACCOUNT, MADE_CONTACT = "acct_", "cont_"


def _free(code: str) -> str:
    if code.lower().startswith(MADE_ACCOUNT):
        raise refuse("account-code", f"must not begin with {MADE_ACCOUNT}")
    return code


ChosenCode = Annotated[Code, AfterValidator(_free)]


class Reached(Request):
    """Who has a phone: a number that can exist, read in the org's region."""

    phone: Phone | None = None

    def faults(self, now: datetime, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(now, org)
        yield from not_a_phone("phone", self.phone, org.region)


class AccountChanges(Reached):
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
    q: SearchText | None = None


class AccountUpdateRequest(Request):
    account_guid: Guid
    account: AccountChanges = AccountChanges()


class AccountStatusSetRequest(Request):
    account_guid: Guid
    status: AccountStatus


class AccountCreditConsumeRequest(Request):
    """Without ``order_ref``, the first source of kind ``order`` names the order."""

    named_by = ("order",)
    needs_order = True
    account_guid: Guid
    amount: MoneyIn
    order_ref: OrderRef | None = None


class AccountCreditReleaseRequest(Request):
    """With an order: that much of it, or all that is left. Without: ``amount`` and a key."""

    named_by = ("order",)
    account_guid: Guid
    amount: MoneyIn | None = None
    order_ref: OrderRef | None = None


class ContactChanges(Reached):
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

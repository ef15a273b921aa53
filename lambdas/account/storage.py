"""Where the family's records lie, and how they come back."""

from __future__ import annotations

from typing import Any

from lambdas.account.models import (
    AccountChildrenRecord,
    AccountCodeRecord,
    AccountRecord,
    ContactLinkRecord,
    ContactRecord,
    CreditOrderRecord,
    CreditReleaseRecord,
)
from shared.codec import Item, shown
from shared.commit import Subject
from shared.keys import ALL_OF_KIND, BY_STATUS, SECOND_ORDER, Keys, account_of_contact
from shared.records import Get

UNSEEN = ("ancestors", "primary_contact_guid")
SUMMARY = (
    "account_guid",
    "account_code",
    "company_name",
    "status",
    "parent_account_guid",
    "credit_limit",
    "credit_used",
    "credit_available",
    "credit_hold",
    "revision",
    "created_at",
    "updated_at",
)
CONTACT_SUMMARY = (
    "contact_guid",
    "account_guid",
    "first_name",
    "last_name",
    "display_name",
    "roles",
    "customer_guid",
    "status",
    "revision",
    "created_at",
    "updated_at",
)


def account_shown(account: AccountRecord) -> dict[str, Any]:
    return shown(account, without=UNSEEN)


def summary(account: AccountRecord) -> dict[str, Any]:
    whole = account_shown(account)
    return {name: whole[name] for name in SUMMARY if name in whole}


def account_item(keys: Keys, account: AccountRecord) -> Item[AccountRecord]:
    sort = account.account_guid
    return Item(
        keys.account(account.account_guid),
        account,
        indexes=keys.listed(ALL_OF_KIND, "account", sort)
        | keys.listed(BY_STATUS, "account", sort, account.status),
        view=summary(account),
    )


def subject(keys: Keys, account_guid: str) -> Subject:
    """An answer that speaks of the account is kept in its partition."""
    return Subject(keys.account(account_guid)[0], account_guid)


def contact_subject(keys: Keys, contact_guid: str) -> Subject:
    return Subject(keys.contact(contact_guid)[0], contact_guid)


def account_at(keys: Keys, account_guid: str) -> Get[AccountRecord]:
    return Get(keys.account(account_guid), AccountRecord)


def children_item(
    keys: Keys, account_guid: str, children: AccountChildrenRecord
) -> Item[AccountChildrenRecord]:
    return Item(keys.account_children(account_guid), children)


def children_at(keys: Keys, account_guid: str) -> Get[AccountChildrenRecord]:
    return Get(keys.account_children(account_guid), AccountChildrenRecord)


def code_item(keys: Keys, account: AccountRecord) -> Item[AccountCodeRecord]:
    place = keys.unique("account-code", account.account_code.upper())
    return Item(place, AccountCodeRecord(account_guid=account.account_guid))


def code_at(keys: Keys, account_code: str) -> Get[AccountCodeRecord]:
    return Get(keys.unique("account-code", account_code.upper()), AccountCodeRecord)


def contact_shown(contact: ContactRecord, *, status: str, is_primary: bool) -> dict[str, Any]:
    return shown(contact, status=status, is_primary=is_primary)


def contact_item(keys: Keys, contact: ContactRecord) -> Item[ContactRecord]:
    whole = shown(contact)
    return Item(
        keys.contact(contact.contact_guid),
        contact,
        indexes=keys.listed(SECOND_ORDER, "contact", contact.contact_guid),
        view={name: whole.get(name) for name in CONTACT_SUMMARY},
    )


def contact_at(keys: Keys, contact_guid: str) -> Get[ContactRecord]:
    return Get(keys.contact(contact_guid), ContactRecord)


def contacts_account_at(keys: Keys, contact_guid: str) -> Get[AccountRecord]:
    """The account of a contact, found by the contact's guid alone."""
    return account_at(keys, account_of_contact(contact_guid))


def contact_link(keys: Keys, customer_guid: str, contact_guid: str) -> Item[ContactLinkRecord]:
    place = keys.customer_link(customer_guid, "CONTACT", contact_guid)
    return Item(place, ContactLinkRecord(contact_guid=contact_guid))


def order_item(keys: Keys, account_guid: str, order: CreditOrderRecord) -> Item[CreditOrderRecord]:
    return Item(keys.credit_order(account_guid, order.order_ref), order)


def order_at(keys: Keys, account_guid: str, order_ref: str) -> Get[CreditOrderRecord]:
    return Get(keys.credit_order(account_guid, order_ref), CreditOrderRecord)


def release_at(
    keys: Keys, account_guid: str, order_ref: str, asked: str
) -> Get[CreditReleaseRecord]:
    return Get(keys.credit_release(account_guid, order_ref, asked), CreditReleaseRecord)

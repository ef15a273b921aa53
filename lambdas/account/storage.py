"""Where the family's records lie, what is shown of them, and the writes that change them."""

from __future__ import annotations

from typing import Any

from lambdas.account.kinds import KINDS
from lambdas.account.models import envelopes
from lambdas.account.models.records import (
    AccountChildrenRecord,
    AccountCodeRecord,
    AccountRecord,
    ContactRecord,
    CreditOrderRecord,
    CreditReleaseRecord,
)
from shared.api import Call
from shared.codec import Item, shown
from shared.events import change_event, event_data
from shared.fields import Shape
from shared.keys import ALL_OF_KIND, BY_STATUS, SECOND_ORDER, Keys, account_of_contact
from shared.records import Get
from shared.writes import Condition, Put, Update, Write

Evented = AccountRecord | ContactRecord
"""The records whose changes are published."""
OPEN = Condition(
    "attribute_exists(pk) AND #s <> :closed", {"#s": "status"}, {":closed": {"S": "closed"}}
)
"""The account is there and not closed, at the moment of the write."""
EVENTS = {action: shape for kind in KINDS for action, shape in kind.events.items()}
"""The shape of each event's data. An event that no kind names cannot be made."""

# ---------------------------------------------------------------- places


def account_at(keys: Keys, account_guid: str) -> Get[AccountRecord]:
    return Get(keys.account(account_guid), AccountRecord)


def children_at(keys: Keys, account_guid: str) -> Get[AccountChildrenRecord]:
    return Get(keys.account_children(account_guid), AccountChildrenRecord)


def code_at(keys: Keys, account_code: str) -> Get[AccountCodeRecord]:
    return Get(keys.unique("account-code", account_code.upper()), AccountCodeRecord)


def order_at(keys: Keys, account_guid: str, order_ref: str) -> Get[CreditOrderRecord]:
    return Get(keys.credit_order(account_guid, order_ref), CreditOrderRecord)


def release_at(
    keys: Keys, account_guid: str, order_ref: str, asked: str
) -> Get[CreditReleaseRecord]:
    return Get(keys.credit_release(account_guid, order_ref, asked), CreditReleaseRecord)


def contact_and_account_at(
    keys: Keys, contact_guid: str
) -> tuple[Get[ContactRecord], Get[AccountRecord]]:
    """Returns where a contact and its account lie. The contact's guid alone says both, so one trip
    reads them."""
    account_guid = account_of_contact(contact_guid)
    return Get(keys.contact(contact_guid), ContactRecord), account_at(keys, account_guid)


# ---------------------------------------------------------------- what is shown


def account_shown(account: AccountRecord) -> dict[str, Any]:
    return shown(account, without=("ancestors", "primary_contact_guid"))


def account_summary(account: AccountRecord) -> dict[str, Any]:
    return _summary(envelopes.AccountSummary, account_shown(account))


def _summary(shape: type[Shape], whole: dict[str, Any]) -> dict[str, Any]:
    return {name: whole[name] for name in shape.model_fields if name in whole}


# ---------------------------------------------------------------- writes


def account_item(keys: Keys, account: AccountRecord) -> Item[AccountRecord]:
    guid = account.account_guid
    return Item(
        keys.account(guid),
        account,
        indexes=keys.listed(ALL_OF_KIND, "account", guid)
        | keys.listed(BY_STATUS, "account", guid, account.status),
        view=account_summary(account),
    )


def contact_item(keys: Keys, contact: ContactRecord) -> Item[ContactRecord]:
    # The view has no ``is_primary``: the account keeps that, and the list reads the accounts.
    return Item(
        keys.contact(contact.contact_guid),
        contact,
        indexes=keys.listed(SECOND_ORDER, "contact", contact.contact_guid),
        view=_summary(envelopes.ContactSummary, shown(contact)),
    )


def creation(call: Call, record: Evented, action: str, **more: Any) -> Put:
    """Returns the write of a new account or contact, with its event. The event says of the record
    what its shape asks for, and ``more``."""
    item, event = _item_and_event(call, record, action, more)
    return Put(item, events=[event])


def changes(call: Call, before: Evented, after: Evented, action: str, **more: Any) -> list[Write]:
    """Returns the write of the next state of an account or a contact, with its event; no write
    where ``after`` is the very same object."""
    if after is before:
        return []
    item, event = _item_and_event(call, after, action, more)
    return [Update(item, if_revision=before.revision, events=[event])]


def _item_and_event(
    call: Call, record: Evented, action: str, more: dict[str, Any]
) -> tuple[Item[Any], dict[str, Any]]:
    item: Item[Any]
    if isinstance(record, AccountRecord):
        guid, item = record.account_guid, account_item(call.keys, record)
    else:
        guid, item = record.contact_guid, contact_item(call.keys, record)
    data = event_data(EVENTS[action], record, **more)
    return item, change_event(call, action, (record.KIND, guid, record.revision), data)

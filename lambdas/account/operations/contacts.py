"""Contacts: create, get, list, update, set the status.

Which contact is primary, and whether the contacts count as inactive, is for their account to say.
So most of these operations read or check the account beside the contact.
"""

from __future__ import annotations

from typing import Any

from lambdas.account import rules, storage
from lambdas.account.models import requests
from lambdas.account.models.records import AccountRecord, ContactLinkRecord, ContactRecord
from shared.api import Answer, Call
from shared.codec import Item, Wire, decode, shown, view_of
from shared.commit import Step, Subject, commit
from shared.customer_guard import CustomerGuard
from shared.errors import ApiError, NotFound
from shared.keys import SECOND_ORDER, contact_of_account
from shared.lists import answer_list
from shared.paging import Listing
from shared.records import Records
from shared.states import next_revision, with_changes, with_status
from shared.writes import Check, CurrentItem, Delete, Put, Write


def account_contact_create(call: Call, body: requests.AccountContactCreateRequest) -> Answer:
    """Creates a contact of an account that is not closed. A contact that is created as primary
    takes the mark from the contact that has it."""
    given = body.contact
    account_at = storage.account_at(call.keys, given.account_guid)
    values = {"status": given.status, **given.values()}
    is_primary = bool(values.pop("is_primary", False))
    contact = ContactRecord(
        **values,
        contact_guid=contact_of_account(given.account_guid, call.new_id()),
        created_at=call.now,
        updated_at=call.now,
    )

    def decide(call: Call, records: Records) -> Step:
        links, guards = _linked(call, contact.contact_guid, None, contact.customer_guid)
        mark = {"is_primary": is_primary}
        # The mark moves on the account, so that must be read. Without it a check is enough.
        if is_primary:
            account = records.require(account_at)
            rules.ensure_open(account)
            _, of_account = _marked(call, account, contact.contact_guid)
        else:
            of_account = [Check(account_at.key, storage.OPEN, on_failure=_not_open)]
        return Step(
            Answer({"contact": {**shown(contact), **mark}}, contact.revision),
            Subject(call.keys.contact(contact.contact_guid)[0], contact.contact_guid),
            [
                storage.creation(call, contact, "account-contact-created", **mark),
                *of_account,
                *links,
            ],
            guards,
        )

    return commit(call, [account_at] if is_primary else [], decide)


def account_contact_get(call: Call, body: requests.AccountContactGetRequest) -> Answer:
    """Returns a contact. Under a closed account its status is ``inactive``."""
    contact_at, account_at = storage.contact_and_account_at(call.keys, body.contact_guid)
    records = call.load(contact_at, account_at)
    contact = records.require(contact_at)
    return Answer(_data(contact, records.get(account_at)), contact.revision)


def account_contact_list(call: Call, body: requests.AccountContactListRequest) -> Answer:
    """Lists the contacts of an account, newest first. Without ``account_guid`` it lists the
    contacts of the whole org, as summaries."""
    if body.account_guid is None:
        return _list_of_org(call, body)
    account_at = storage.account_at(call.keys, body.account_guid)
    account = Records()

    def keep(wire: Wire) -> dict[str, Any] | None:
        return _filtered(body, _shown(decode(ContactRecord, wire), account.get(account_at)))

    partition, prefix = call.keys.contacts(body.account_guid)
    return answer_list(
        call,
        Listing((partition,), prefix=prefix),
        body,
        keep,
        plural="contacts",
        beside=lambda: account.add(call.load(account_at)),
    )


def account_contact_update(call: Call, body: requests.AccountContactUpdateRequest) -> Answer:
    """Changes the given fields. ``null`` clears a field; an absent field stays as it is. A contact
    that becomes primary takes the mark from the contact that has it."""
    contact_at, account_at = storage.contact_and_account_at(call.keys, body.contact_guid)
    values = body.contact.values()
    marks = values.pop("is_primary", None)

    def decide(call: Call, records: Records) -> Step:
        contact, account = records.require(contact_at), records.require(account_at)
        call.facts.ensure_revision(contact.revision, _data(contact, account))
        was_primary = account.primary_contact_guid == contact.contact_guid
        is_primary = was_primary if marks is None else marks
        after = with_changes(contact, values, call.now)
        if after is contact and is_primary != was_primary:
            # The account keeps the mark, but whoever reads the contact sees it change.
            after = next_revision(contact, call.now)
        more = {"is_primary": is_primary, "changed": sorted(body.contact.model_fields_set)}
        writes = storage.changes(call, contact, after, "account-contact-updated", **more)
        if writes:
            rules.ensure_open(account)
        if is_primary != was_primary:
            primary = contact.contact_guid if is_primary else None
            account, marked = _marked(call, account, primary)
            writes += marked
        elif writes:
            # An account that is closed at this very moment refuses when the decision is made again.
            writes.append(Check(account_at.key, storage.OPEN))
        links, guards = _linked(
            call, contact.contact_guid, contact.customer_guid, after.customer_guid
        )
        subject = Subject(contact_at.key[0], contact.contact_guid)
        answer = Answer(_data(after, account), after.revision)
        return Step(answer, subject, [*writes, *links], guards)

    return commit(call, [contact_at, account_at], decide)


def account_contact_status_set(call: Call, body: requests.AccountContactStatusSetRequest) -> Answer:
    """Makes a contact active or inactive. Under a closed account it cannot become active. To set
    the status that it has changes nothing."""
    contact_at, account_at = storage.contact_and_account_at(call.keys, body.contact_guid)

    def decide(call: Call, records: Records) -> Step:
        contact, account = records.require(contact_at), records.require(account_at)
        call.facts.ensure_revision(contact.revision, _data(contact, account))
        if body.status == "active":
            rules.ensure_open(account)
        after = with_status(contact, rules.CONTACT_STEPS, body.status, call.now)
        action, previous = "account-contact-status-set", {"previous_status": contact.status}
        changes = storage.changes(call, contact, after, action, **previous)
        subject = Subject(contact_at.key[0], contact.contact_guid)
        return Step(Answer(_data(after, account), after.revision), subject, changes)

    return commit(call, [contact_at, account_at], decide)


def _shown(contact: ContactRecord, account: AccountRecord | None) -> dict[str, Any]:
    standing = rules.contact_standing(contact.contact_guid, contact.status, account)
    return shown(contact, **standing)


def _data(contact: ContactRecord, account: AccountRecord | None) -> dict[str, Any]:
    return {"contact": _shown(contact, account)}


# ---------------------------------------------------------------- lists


def _filtered(
    body: requests.AccountContactListRequest, contact: dict[str, Any]
) -> dict[str, Any] | None:
    """Returns the contact where all filters let it pass, else None."""
    passes = body.status in (None, contact["status"])
    passes = passes and (body.role is None or body.role in contact.get("roles", []))
    return contact if passes else None


def _list_of_org(call: Call, body: requests.AccountContactListRequest) -> Answer:
    """Lists from the index. A second trip reads the accounts of the page's contacts."""

    def complete(found: list[dict[str, Any]]) -> list[dict[str, Any] | None]:
        guids = {contact["account_guid"] for contact in found}
        places = {guid: storage.account_at(call.keys, guid) for guid in guids}
        accounts = call.load(*places.values())
        completed = []
        for contact in found:
            account = accounts.get(places[contact["account_guid"]])
            standing = rules.contact_standing(contact["contact_guid"], contact["status"], account)
            completed.append(_filtered(body, {**contact, **standing}))
        return completed

    listing = Listing((call.keys.list_of("contact"),), SECOND_ORDER)
    return answer_list(call, listing, body, view_of, plural="contacts", complete=complete)


# ---------------------------------------------------------------- what a write needs beside it


def _not_open(current: CurrentItem) -> ApiError:
    """Returns the refusal where the account is not there, or is closed."""
    return NotFound() if current.wire is None else rules.account_closed()


def _marked(
    call: Call, account: AccountRecord, contact_guid: str | None
) -> tuple[AccountRecord, list[Write]]:
    """Returns the account with this primary contact, or with none, and its write. The write carries
    an event of its own, because the account changes beside the contact."""
    after = next_revision(account, call.now, primary_contact_guid=contact_guid)
    names = ["primary_contact_guid"]
    return after, storage.changes(call, account, after, "account-updated", changed=names)


def _linked(
    call: Call, contact_guid: str, before: str | None, after: str | None
) -> tuple[list[Write], list[CustomerGuard]]:
    """Returns the writes that move the link from one customer to another, and the guard of the new
    one. The link tells the customer's erasure of the contact."""
    if before == after:
        return [], []
    writes: list[Write] = []
    if before is not None:
        writes.append(Delete(call.keys.customer_link(before, "CONTACT", contact_guid)))
    if after is None:
        return writes, []
    place = call.keys.customer_link(after, "CONTACT", contact_guid)
    link = Item(place, ContactLinkRecord(contact_guid=contact_guid))
    # A customer who was merged may be linked: the survivor finds the link. To be linked is no
    # activity of the customer, so it does not put off what retention does.
    guard = call.guard(after, statuses=("active", "inactive", "merged"), active=False)
    return [*writes, Put(link, condition=None)], [guard]

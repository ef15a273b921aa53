"""Contacts: create, get, list, update, set the status. Who is primary is one pointer on the
account, so two can never be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lambdas.account import rules, storage
from lambdas.account.models import (
    MADE_ACCOUNT,
    MADE_CONTACT,
    AccountContactCreateRequest,
    AccountContactGetRequest,
    AccountContactListRequest,
    AccountContactStatusSetRequest,
    AccountContactUpdateRequest,
    AccountRecord,
    ContactChanges,
    ContactRecord,
)
from lambdas.account.operations.accounts import account_event
from shared.api import Answer, Call
from shared.codec import Wire, decode, view_of
from shared.commit import Step, commit
from shared.contact_points import phone
from shared.customer_state import CustomerGuard
from shared.errors import ApiError, InvalidState, NotFound
from shared.events import change_event
from shared.keys import SECOND_ORDER
from shared.lists import answer_list
from shared.paging import Listing
from shared.records import Records
from shared.states import advance
from shared.writes import Check, Condition, CurrentItem, Delete, Put, Update, Write


def account_contact_create(call: Call, body: AccountContactCreateRequest) -> Answer:
    """Adds a contact to an account that is not closed."""
    given = body.contact
    account_at = storage.account_at(call.keys, given.account_guid)
    owner = given.account_guid.removeprefix(MADE_ACCOUNT)
    values = _values(call, given)
    contact = ContactRecord(
        **values,
        contact_guid=f"{MADE_CONTACT}{call.new_id()}{owner}",
        account_guid=given.account_guid,
        status=given.status,
        created_at=call.now,
        updated_at=call.now,
    )

    def decide(call: Call, records: Records) -> Step:
        item = storage.contact_item(call.keys, contact)
        data = storage.contact_shown(
            contact, status=contact.status, is_primary=bool(given.is_primary)
        )
        event = _event(call, "account-contact-created", contact, is_primary=bool(given.is_primary))
        writes: list[Write] = [Put(item, events=[event])]
        if given.is_primary:
            account = records.require(account_at)
            _not_closed(account.status)
            writes.append(_marked(call, account, contact.contact_guid))
        else:
            writes.append(_open_account(call, given.account_guid))
        writes += _linked(call, None, contact.customer_guid, contact.contact_guid)
        return Step(
            Answer({"contact": data}, contact.revision),
            storage.contact_subject(call.keys, contact.contact_guid),
            writes,
            _linked_customer(call, None, contact.customer_guid),
        )

    # Only the mark needs the account itself; without it a condition is enough, and one trip.
    return commit(call, [account_at] if given.is_primary else [], decide)


def account_contact_get(call: Call, body: AccountContactGetRequest) -> Answer:
    """Answers a contact by its guid. Under a closed account it reads as inactive."""
    contact_at = storage.contact_at(call.keys, body.contact_guid)
    account_at = storage.contacts_account_at(call.keys, body.contact_guid)
    records = call.load(contact_at, account_at)
    contact = records.require(contact_at)
    return Answer({"contact": _shown(contact, records.get(account_at))}, contact.revision)


def account_contact_list(call: Call, body: AccountContactListRequest) -> Answer:
    """Lists the contacts of an account, or of the whole org, newest first."""
    if body.account_guid is None:
        return _list_of_org(call, body)
    account_at = storage.account_at(call.keys, body.account_guid)
    partition = account_at.key[0]
    account: list[AccountRecord] = []

    def keep(wire: Wire) -> dict[str, Any] | None:
        # The head lies in the same partition and sorts before its contacts' prefix, so it is read
        # beside the page and known here.
        contact = decode(ContactRecord, wire)
        return _kept(body, _shown(contact, account[0] if account else None))

    def beside() -> None:
        found = call.table.load([account_at]).get(account_at)
        account.extend([] if found is None else [found])

    listing = Listing((partition,), prefix="K#")
    return answer_list(call, listing, body, keep, plural="contacts", beside=beside)


def account_contact_update(call: Call, body: AccountContactUpdateRequest) -> Answer:
    """Changes what is given, clears what is ``null``. Marking a contact as primary takes the mark
    from whoever has it."""
    contact_at = storage.contact_at(call.keys, body.contact_guid)
    account_at = storage.contacts_account_at(call.keys, body.contact_guid)
    values, marks = _values(call, body.contact), body.contact.is_primary

    def decide(call: Call, records: Records) -> Step:
        contact, account = records.require(contact_at), records.require(account_at)
        call.facts.ensure_revision(contact.revision, {"contact": _shown(contact, account)})
        primary = account.primary_contact_guid == contact.contact_guid
        moves_mark = marks is not None and marks != primary
        after = rules.contact_changed(contact, values, call.now, moves_mark=moves_mark)
        writes: list[Write] = []
        if after is not contact:
            _not_closed(account.status)
            names = sorted(body.contact.model_fields_set)
            event = _event(
                call,
                "account-contact-updated",
                after,
                is_primary=bool(primary if marks is None else marks),
                changed=names,
            )
            item = storage.contact_item(call.keys, after)
            writes = [Update(item, if_revision=contact.revision, events=[event])]
            writes += _linked(
                call, contact.customer_guid, after.customer_guid, contact.contact_guid
            )
            if moves_mark:
                account_after = contact.contact_guid if marks else None
                writes.append(_marked(call, account, account_after))
                account = replace(account, primary_contact_guid=account_after)
            else:
                writes.append(_open_account(call, contact.account_guid))
        return Step(
            Answer({"contact": _shown(after, account)}, after.revision),
            storage.contact_subject(call.keys, contact.contact_guid),
            writes,
            _linked_customer(call, contact.customer_guid, after.customer_guid),
        )

    return commit(call, [contact_at, account_at], decide)


def account_contact_status_set(call: Call, body: AccountContactStatusSetRequest) -> Answer:
    """Makes a contact active or inactive."""
    contact_at = storage.contact_at(call.keys, body.contact_guid)
    account_at = storage.contacts_account_at(call.keys, body.contact_guid)

    def decide(call: Call, records: Records) -> Step:
        contact, account = records.require(contact_at), records.require(account_at)
        call.facts.ensure_revision(contact.revision, {"contact": _shown(contact, account)})
        if account.status == "closed" and body.status == "active":
            _not_closed(account.status)
        after, writes = contact, []
        if advance(rules.CONTACT_STEPS, contact.status, body.status):
            after = replace(
                contact, status=body.status, revision=contact.revision + 1, updated_at=call.now
            )
            event = change_event(
                call,
                "account-contact-status-set",
                ("contact", contact.contact_guid, after.revision),
                {
                    "contact_guid": contact.contact_guid,
                    "account_guid": contact.account_guid,
                    "previous_status": contact.status,
                    "status": after.status,
                },
            )
            item = storage.contact_item(call.keys, after)
            writes = [Update(item, if_revision=contact.revision, events=[event])]
        answer = Answer({"contact": _shown(after, account)}, after.revision)
        return Step(answer, storage.contact_subject(call.keys, contact.contact_guid), writes)

    return commit(call, [contact_at, account_at], decide)


# ---------------------------------------------------------------- how they do it


def _values(call: Call, given: ContactChanges) -> dict[str, Any]:
    names = given.model_fields_set & set(ContactChanges.model_fields) - {"is_primary"}
    values: dict[str, Any] = {name: getattr(given, name) for name in names}
    if values.get("phone") is not None:
        values["phone"] = phone(values["phone"], call.settings.region, "contact.phone")
    if "roles" in values:
        values["roles"] = tuple(dict.fromkeys(values["roles"] or ()))
    return values


def _shown(contact: ContactRecord, account: AccountRecord | None) -> dict[str, Any]:
    primary = account is not None and account.primary_contact_guid == contact.contact_guid
    return storage.contact_shown(
        contact, status=rules.contact_status(contact, account), is_primary=primary
    )


def _kept(body: AccountContactListRequest, found: dict[str, Any]) -> dict[str, Any] | None:
    right_status = body.status in (None, found["status"])
    right_role = body.role is None or body.role in found.get("roles", [])
    return found if right_status and right_role else None


def _list_of_org(call: Call, body: AccountContactListRequest) -> Answer:
    """The org's contacts. Whether one reads as inactive only its account knows: the page's accounts
    are read in a second trip, as many as the page has."""
    partition = call.keys.list_of("contact")

    def complete(found: list[dict[str, Any]]) -> list[dict[str, Any] | None]:
        wants = {c["account_guid"]: storage.account_at(call.keys, c["account_guid"]) for c in found}
        records = call.table.load(wants.values())
        completed = []
        for contact in found:
            account = records.get(wants[contact["account_guid"]])
            closed = account is None or account.status == "closed"
            primary = account is not None and (
                account.primary_contact_guid == contact["contact_guid"]
            )
            status = "inactive" if closed else contact["status"]
            completed.append(_kept(body, {**contact, "status": status, "is_primary": primary}))
        return completed

    listing = Listing((partition,), SECOND_ORDER)
    return answer_list(call, listing, body, view_of, plural="contacts", complete=complete)


def _event(
    call: Call,
    action: str,
    contact: ContactRecord,
    *,
    is_primary: bool,
    changed: list[str] | None = None,
) -> dict[str, Any]:
    return change_event(
        call,
        action,
        ("contact", contact.contact_guid, contact.revision),
        {
            "contact_guid": contact.contact_guid,
            "account_guid": contact.account_guid,
            "customer_guid": contact.customer_guid,
            "status": contact.status,
            "is_primary": is_primary,
            "changed": changed,
        },
    )


def _not_closed(status: str) -> None:
    if status == "closed":
        raise InvalidState("The account is closed.", detail={"state": "closed"})


def _open_account(call: Call, account_guid: str) -> Check:
    """The account is there and not closed, at the moment of the write."""

    def refused(fresh: CurrentItem) -> ApiError:
        if fresh.wire is None:
            return NotFound()
        return InvalidState("The account is closed.", detail={"state": "closed"})

    condition = Condition(
        "attribute_exists(pk) AND #s <> :closed",
        {"#s": "status"},
        {":closed": {"S": "closed"}},
    )
    return Check(storage.account_at(call.keys, account_guid).key, condition, on_failure=refused)


def _marked(call: Call, account: AccountRecord, contact_guid: str | None) -> Update:
    """The account with its pointer moved: two things change, so there are two events."""
    after = replace(
        account,
        primary_contact_guid=contact_guid,
        revision=account.revision + 1,
        updated_at=call.now,
    )
    event = account_event(call, "account-updated", after, changed=["primary_contact_guid"])
    item = storage.account_item(call.keys, after)
    return Update(item, if_revision=account.revision, events=[event])


def _linked(call: Call, before: str | None, after: str | None, contact_guid: str) -> list[Write]:
    """Moves the link from the customer who is the same person."""
    if before == after:
        return []
    writes: list[Write] = []
    if before is not None:
        writes.append(Delete(call.keys.customer_link(before, "CONTACT", contact_guid)))
    if after is not None:
        writes.append(Put(storage.contact_link(call.keys, after, contact_guid), condition=None))
    return writes


def _linked_customer(call: Call, before: str | None, after: str | None) -> list[CustomerGuard]:
    """The customer who is linked from now on must be there, and not under erasure. One who was
    merged may be named: the link is found through the survivor."""
    if after is None or before == after:
        return []
    return [call.guard(after, statuses=("active", "inactive", "merged"), active=False)]

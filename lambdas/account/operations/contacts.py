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
from shared.call import Step
from shared.codec import Wire, decode, view_of
from shared.contact_points import phone
from shared.errors import ApiError, InvalidState, NotFound
from shared.keys import SECOND_ORDER
from shared.paging import Listing
from shared.states import advance
from shared.table import Records
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

    def decide(call: Call, seen: Records) -> Step:
        item = storage.contact_item(call.keys, contact)
        data = storage.contact_shown(
            contact, status=contact.status, is_primary=bool(given.is_primary)
        )
        event = _event(call, "account-contact-created", contact, is_primary=bool(given.is_primary))
        writes: list[Write] = [Put(item, events=[event])]
        if given.is_primary:
            account = seen.get(account_at)
            if account is None:
                raise NotFound()
            _not_closed(account.status)
            writes.append(_marked(call, account, contact.contact_guid))
        else:
            writes.append(_open_account(call, given.account_guid))
        writes += _linked(call, None, contact.customer_guid, contact.contact_guid)
        return Step(Answer({"contact": data}, contact.revision), item.key[0], writes)

    # Only the mark needs the account itself; without it a condition is enough, and one trip.
    return call.write([account_at] if given.is_primary else [], decide)


def account_contact_get(call: Call, body: AccountContactGetRequest) -> Answer:
    """Answers a contact by its guid. Under a closed account it reads as inactive."""
    contact_at = storage.contact_at(call.keys, body.contact_guid)
    account_at = storage.contacts_account_at(call.keys, body.contact_guid)
    seen = call.load(contact_at, account_at)
    contact = seen.get(contact_at)
    if contact is None:
        raise NotFound()
    return Answer({"contact": _shown(contact, seen.get(account_at))}, contact.revision)


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
    return call.page(listing, body, keep, plural="contacts", beside=beside)


def account_contact_update(call: Call, body: AccountContactUpdateRequest) -> Answer:
    """Changes what is given, clears what is ``null``. Marking a contact as primary takes the mark
    from whoever has it."""
    contact_at = storage.contact_at(call.keys, body.contact_guid)
    account_at = storage.contacts_account_at(call.keys, body.contact_guid)
    values, marks = _values(call, body.contact), body.contact.is_primary

    def decide(call: Call, seen: Records) -> Step:
        contact, account = seen.get(contact_at), seen.get(account_at)
        if contact is None or account is None:
            raise NotFound()
        call.expect(contact.revision, {"contact": _shown(contact, account)})
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
            contact_at.key[0],
            writes,
        )

    return call.write([contact_at, account_at], decide)


def account_contact_status_set(call: Call, body: AccountContactStatusSetRequest) -> Answer:
    """Makes a contact active or inactive."""
    contact_at = storage.contact_at(call.keys, body.contact_guid)
    account_at = storage.contacts_account_at(call.keys, body.contact_guid)

    def decide(call: Call, seen: Records) -> Step:
        contact, account = seen.get(contact_at), seen.get(account_at)
        if contact is None or account is None:
            raise NotFound()
        call.expect(contact.revision, {"contact": _shown(contact, account)})
        if account.status == "closed" and body.status == "active":
            _not_closed(account.status)
        after, writes = contact, []
        if advance(rules.CONTACT_STEPS, contact.status, body.status):
            after = replace(
                contact, status=body.status, revision=contact.revision + 1, updated_at=call.now
            )
            event = call.event(
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
        return Step(answer, contact_at.key[0], writes)

    return call.write([contact_at, account_at], decide)


# ---------------------------------------------------------------- how they do it


def _values(call: Call, given: ContactChanges) -> dict[str, Any]:
    names = given.model_fields_set & set(ContactChanges.model_fields) - {"is_primary"}
    values: dict[str, Any] = {name: getattr(given, name) for name in names}
    if values.get("phone") is not None:
        values["phone"] = phone(values["phone"], call.caller.settings.region, "contact.phone")
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
        seen = call.table.load(wants.values())
        completed = []
        for contact in found:
            account = seen.get(wants[contact["account_guid"]])
            closed = account is None or account.status == "closed"
            primary = account is not None and (
                account.primary_contact_guid == contact["contact_guid"]
            )
            status = "inactive" if closed else contact["status"]
            completed.append(_kept(body, {**contact, "status": status, "is_primary": primary}))
        return completed

    listing = Listing((partition,), SECOND_ORDER)
    return call.page(listing, body, view_of, plural="contacts", complete=complete)


def _event(
    call: Call,
    action: str,
    contact: ContactRecord,
    *,
    is_primary: bool,
    changed: list[str] | None = None,
) -> dict[str, Any]:
    return call.event(
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
    """Moves the link from the customer who is the same person; the new one must be live."""
    if before == after:
        return []
    writes: list[Write] = []
    if before is not None:
        writes.append(Delete(call.keys.customer_link(before, "CONTACT", contact_guid)))
    if after is not None:
        live = Condition(
            "#s IN (:active, :inactive, :merged) AND attribute_not_exists(job_id)",
            {"#s": "status"},
            {f":{s}": {"S": s} for s in ("active", "inactive", "merged")},
        )
        state = call.keys.customer_state(after)
        link = storage.contact_link(call.keys, after, contact_guid)
        writes += [Check(state, live, on_failure=NotFound()), Put(link, condition=None)]
    return writes

"""Accounts: create, get, list, update, set the status."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lambdas.account import rules, storage
from lambdas.account.models import (
    MADE_ACCOUNT,
    AccountChanges,
    AccountChildrenRecord,
    AccountCreateRequest,
    AccountGetRequest,
    AccountListRequest,
    AccountRecord,
    AccountStatusSetRequest,
    AccountUpdateRequest,
    Address,
)
from shared.api import Answer, Call
from shared.codec import view_of
from shared.commit import Step, commit
from shared.contact_points import phone
from shared.errors import AlreadyExists, InvalidState
from shared.events import change_event
from shared.fields import Money
from shared.keys import ALL_OF_KIND, BY_STATUS
from shared.lists import answer_list, answer_walk
from shared.paging import Listing
from shared.records import Get, Records
from shared.search import asked, find, matching
from shared.writes import Check, Condition, Put, Update, Write


def account_create(call: Call, body: AccountCreateRequest) -> Answer:
    """Creates an account. Without a credit limit it has no credit; without a code it gets one."""
    given = body.account
    rules.may_set(frozenset(given.model_fields_set), manages=call.caller.has("crm_manage"))
    account_guid = MADE_ACCOUNT + call.new_id()
    parent_guid = given.parent_account_guid
    wants = _parent_wants(call, parent_guid)

    def decide(call: Call, records: Records) -> Step:
        values = _values(call, given, account_guid=account_guid)
        limit = values.pop("credit_limit", None) or Money(call.settings.currency, 0)
        account = AccountRecord(
            **values,
            account_code=given.account_code or f"A{call.new_id()[-12:]}",
            status=given.status,
            credit_limit=limit,
            credit_used=Money(limit.currency, 0),
            credit_available=limit,
            ancestors=_ancestors(call, records, parent_guid),
            created_at=call.now,
            updated_at=call.now,
        )
        item = storage.account_item(call.keys, account)
        return Step(
            Answer({"account": storage.account_shown(account)}, account.revision),
            storage.subject(call.keys, account_guid),
            [
                Put(item, events=[account_event(call, "account-created", account)]),
                # A code of our own making that is taken is simply made again.
                Put(
                    storage.code_item(call.keys, account),
                    unless_exists=_code_taken() if given.account_code else None,
                ),
                *_adopted(call, records, parent_guid),
            ],
        )

    return commit(call, wants, decide)


def account_get(call: Call, body: AccountGetRequest) -> Answer:
    """Answers an account, by its guid or its code."""
    account_guid = body.account_guid
    if account_guid is None:
        code = call.require(storage.code_at(call.keys, str(body.account_code)))
        account_guid = code.account_guid
    account = call.require(storage.account_at(call.keys, account_guid))
    return Answer({"account": storage.account_shown(account)}, account.revision)


def account_list(call: Call, body: AccountListRequest) -> Answer:
    """Lists accounts, newest first: all, those of a status, the one of a code, or those in which
    every word of ``q`` begins a word of the names, the code or the e-mail's local part, or lies
    within a name. ``q`` lags behind writes by a moment, an exact code excepted."""
    if body.account_code is not None:
        return _list_by_code(call, body, body.account_code)
    if body.q is not None:
        return _list_by_words(call, body, body.q)
    index = ALL_OF_KIND if body.status is None else BY_STATUS
    partition = call.keys.list_of("account", body.status or "")
    return answer_list(call, Listing((partition,), index), body, view_of, plural="accounts")


def account_update(call: Call, body: AccountUpdateRequest) -> Answer:
    """Changes what is given, clears what is ``null``, leaves what is absent. An account moves under
    another parent only while it has no children."""
    given = body.account
    rules.may_set(frozenset(given.model_fields_set), manages=call.caller.has("crm_manage"))
    moves = "parent_account_guid" in given.model_fields_set
    account_at = storage.account_at(call.keys, body.account_guid)
    subject = storage.subject(call.keys, body.account_guid)
    wants: list[Get[Any]] = [account_at]
    if moves:
        wants += _parent_wants(call, given.parent_account_guid)
        wants.append(storage.children_at(call.keys, body.account_guid))

    def decide(call: Call, records: Records) -> Step:
        account = records.require(account_at)
        call.facts.ensure_revision(account.revision, {"account": storage.account_shown(account)})
        changes = _values(call, given)
        moved = moves and given.parent_account_guid != account.parent_account_guid
        if moved and account.parent_account_guid is not None:
            records.ensure(storage.children_at(call.keys, account.parent_account_guid))
        if moved:
            changes["ancestors"] = _ancestors(
                call, records, given.parent_account_guid, account.account_guid
            )
        after = rules.changed(account, changes, call.now)
        writes: list[Write] = []
        if after is not account:
            names = sorted(given.model_fields_set)
            writes.append(
                Update(
                    storage.account_item(call.keys, after),
                    if_revision=account.revision,
                    events=[account_event(call, "account-updated", after, changed=names)],
                )
            )
        if moved:
            writes += _moved(call, records, account, given.parent_account_guid)
        answer = Answer({"account": storage.account_shown(after)}, after.revision)
        return Step(answer, subject, writes)

    return commit(call, wants, decide)


def account_status_set(call: Call, body: AccountStatusSetRequest) -> Answer:
    """Moves an account to another status. Closing is final, and refused while credit is used."""
    account_at = storage.account_at(call.keys, body.account_guid)
    subject = storage.subject(call.keys, body.account_guid)

    def decide(call: Call, records: Records) -> Step:
        account = records.require(account_at)
        call.facts.ensure_revision(account.revision, {"account": storage.account_shown(account)})
        after = rules.with_status(account, body.status, call.now)
        answer = Answer({"account": storage.account_shown(after)}, after.revision)
        if after is account:
            return Step(answer, subject)
        event = change_event(
            call,
            "account-status-set",
            ("account", after.account_guid, after.revision),
            {
                "account_guid": after.account_guid,
                "account_code": after.account_code,
                "previous_status": account.status,
                "status": after.status,
            },
        )
        item = storage.account_item(call.keys, after)
        return Step(answer, subject, [Update(item, if_revision=account.revision, events=[event])])

    return commit(call, [account_at], decide)


# ---------------------------------------------------------------- how they do it


def _values(call: Call, given: AccountChanges, **more: Any) -> dict[str, Any]:
    """The given fields as the record holds them; ``None`` clears."""
    values: dict[str, Any] = {
        name: getattr(given, name)
        for name in given.model_fields_set & set(AccountChanges.model_fields)
    }
    for name in ("billing_address", "shipping_address"):
        if values.get(name) is not None:
            values[name] = Address(**values[name].model_dump())
    if values.get("phone") is not None:
        values["phone"] = phone(values["phone"], call.settings.region, "account.phone")
    if values.get("credit_limit") is not None:
        values["credit_limit"] = values["credit_limit"].money()
    if "tags" in values:
        values["tags"] = tuple(values["tags"] or ())
    return {**values, **more}


def account_event(
    call: Call, action: str, account: AccountRecord, changed: list[str] | None = None
) -> dict[str, Any]:
    return change_event(
        call,
        action,
        ("account", account.account_guid, account.revision),
        {
            "account_guid": account.account_guid,
            "account_code": account.account_code,
            "status": account.status,
            "parent_account_guid": account.parent_account_guid,
            "changed": changed,
        },
    )


def _code_taken() -> AlreadyExists:
    return AlreadyExists.of("account.account_code", "is taken")


def _list_by_code(call: Call, body: AccountListRequest, account_code: str) -> Answer:
    code_at = storage.code_at(call.keys, account_code)
    code = call.load(code_at).get(code_at)
    accounts = []
    if code is not None:
        account = call.require(storage.account_at(call.keys, code.account_guid))
        query = asked(body.q, None) if body.q is not None else ()
        found = storage.account_shown(account)
        if body.status in (None, account.status) and (
            not query or matching("account", found, query)
        ):
            accounts.append(storage.summary(account))
    return answer_walk(call, body, lambda *_: (accounts, None), plural="accounts")


def _list_by_words(call: Call, body: AccountListRequest, q: str) -> Answer:
    query = asked(q, None)

    def live(ids: list[str]) -> list[tuple[str, dict[str, Any]]]:
        wants = [storage.account_at(call.keys, account_guid) for account_guid in ids]
        records = call.table.load(wants)
        accounts = [account for want in wants if (account := records.get(want)) is not None]
        return [
            (account.account_guid, storage.summary(account))
            for account in accounts
            if body.status in (None, account.status)
            and matching("account", storage.account_shown(account), query)
        ]

    def certain() -> list[str]:
        code_at = storage.code_at(call.keys, q)
        code = call.table.load([code_at]).get(code_at)
        return [] if code is None else [code.account_guid]

    return answer_walk(
        call,
        body,
        lambda limit, cursor: find(
            call.table,
            call.keys,
            "account",
            query,
            limit=limit,
            cursor=cursor,
            certain=certain,
            live=live,
        ),
        plural="accounts",
    )


# ---------------------------------------------------------------- the tree of accounts


def _parent_wants(call: Call, parent_guid: str | None) -> list[Get[Any]]:
    if parent_guid is None:
        return []
    return [
        storage.account_at(call.keys, parent_guid),
        storage.children_at(call.keys, parent_guid),
    ]


def _ancestors(
    call: Call, records: Records, parent_guid: str | None, account_guid: str | None = None
) -> tuple[str, ...]:
    if parent_guid is None:
        return ()
    parent = records.require(storage.account_at(call.keys, parent_guid))
    return rules.below(parent, account_guid)


def _adopted(call: Call, records: Records, parent_guid: str | None) -> list[Write]:
    """One child more for the parent, who stays where it is in the tree and is not closed."""
    if parent_guid is None:
        return []
    parent = records.require(storage.account_at(call.keys, parent_guid))
    names, values = {"#s": "status"}, {":closed": {"S": "closed"}}
    place = "attribute_not_exists(parent_account_guid)"
    if parent.parent_account_guid is not None:
        place = "parent_account_guid = :parent"
        values[":parent"] = {"S": parent.parent_account_guid}
    still = Condition(f"attribute_exists(pk) AND #s <> :closed AND {place}", names, values)
    return [
        Check(storage.account_at(call.keys, parent_guid).key, still),
        _counted(call, records, parent_guid, 1),
    ]


def _counted(call: Call, records: Records, parent_guid: str, change: int) -> Write:
    """The parent's number of children, one more or one less."""
    there = records.get(storage.children_at(call.keys, parent_guid))
    if there is None:
        first = AccountChildrenRecord(children=max(0, change))
        return Put(storage.children_item(call.keys, parent_guid, first))
    after = replace(there, children=there.children + change, revision=there.revision + 1)
    return Update(storage.children_item(call.keys, parent_guid, after), if_revision=there.revision)


def _moved(
    call: Call, records: Records, account: AccountRecord, parent_guid: str | None
) -> list[Write]:
    """What a move needs beside the account: no children now or by now, one less here, one more
    there."""
    own = storage.children_at(call.keys, account.account_guid)
    children = records.get(own)
    if children is not None and children.children > 0:
        raise _has_children()
    none = Condition("attribute_not_exists(pk) OR children = :none", values={":none": {"N": "0"}})
    writes: list[Write] = [Check(own.key, none, on_failure=_has_children())]
    if account.parent_account_guid is not None:
        writes.append(_counted(call, records, account.parent_account_guid, -1))
    return writes + _adopted(call, records, parent_guid)


def _has_children() -> InvalidState:
    return InvalidState(
        "An account that has children cannot move.",
        detail={"field": "account.parent_account_guid"},
    )

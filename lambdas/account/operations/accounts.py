"""Accounts: create, get, list, update, set the status; and the tree that parents make of them."""

from __future__ import annotations

from typing import Any

from lambdas.account import rules, storage
from lambdas.account.models import requests
from lambdas.account.models.records import AccountChildrenRecord, AccountCodeRecord, AccountRecord
from shared.api import Answer, Call
from shared.codec import Item, view_of
from shared.commit import Step, Subject, commit
from shared.errors import AlreadyExists, InvalidState
from shared.fields import Money
from shared.keys import ACCOUNT_PREFIX, ALL_OF_KIND, BY_STATUS
from shared.lists import answer_list, answer_walk
from shared.paging import Listing
from shared.records import Get, Records
from shared.search import asked, find, matched_fields
from shared.writes import Check, Condition, Put, Update, Write


def account_create(call: Call, body: requests.AccountCreateRequest) -> Answer:
    """Creates an account. Without ``credit_limit`` it has no credit. Without ``account_code`` the
    service makes a code. A code cannot be changed later. Only ``crm_manage`` may set
    ``credit_limit``, ``credit_hold``, ``credit_hold_reason`` and ``payment_terms``."""
    given = body.account
    rules.ensure_may_set(given.model_fields_set, manages=call.caller.has("crm_manage"))
    account_guid = ACCOUNT_PREFIX + call.new_id()
    account_at = storage.account_at(call.keys, account_guid)

    def decide(call: Call, records: Records) -> Step:
        values = {
            "account_code": f"A{call.new_id()[-12:]}",
            "status": given.status,
            # An account never has unlimited credit by an oversight.
            "credit_limit": Money(call.settings.currency, 0),
            **given.values(),
        }
        limit = values["credit_limit"]
        ancestors, links = _placed_under(call, records, given.parent_account_guid)
        account = AccountRecord(
            **values,
            account_guid=account_guid,
            credit_used=Money(limit.currency, 0),
            credit_available=limit,
            ancestors=ancestors,
            created_at=call.now,
            updated_at=call.now,
        )
        code_at = storage.code_at(call.keys, account.account_code)
        code = Item(code_at.key, AccountCodeRecord(account_guid=account_guid))
        # Where the service's own code is taken, the decision is made again with another code.
        taken = AlreadyExists.of("account.account_code", "is taken") if given.account_code else None
        return Step(
            _answer(account),
            Subject(account_at.key[0], account_guid),
            [
                storage.creation(call, account, "account-created"),
                Put(code, unless_exists=taken),
                *links,
            ],
        )

    return commit(call, _parent_reads(call, given.parent_account_guid), decide)


def account_get(call: Call, body: requests.AccountGetRequest) -> Answer:
    """Returns an account, by its guid or by its code."""
    account_guid = body.account_guid
    if account_guid is None:
        account_guid = call.require(storage.code_at(call.keys, str(body.account_code))).account_guid
    return _answer(call.require(storage.account_at(call.keys, account_guid)))


def account_list(call: Call, body: requests.AccountListRequest) -> Answer:
    """Lists accounts as summaries, newest first. ``account_code`` finds the account of this code.
    ``q`` finds the accounts in which every word of ``q`` begins a word of the company name, the
    legal name, the code or the e-mail's local part, or lies within one of the names. ``q`` lags
    behind writes by a moment; ``account_code`` does not."""
    if body.account_code is not None:
        guids = _guids_of_code(call, body.account_code)
        found = [summary for _, summary in _filtered(call, body, guids)]
        return answer_walk(call, body, lambda *_: (found, None), plural="accounts")
    if body.q is not None:
        return _list_by_words(call, body, body.q)
    index = ALL_OF_KIND if body.status is None else BY_STATUS
    partition = call.keys.list_of("account", body.status or "")
    return answer_list(call, Listing((partition,), index), body, view_of, plural="accounts")


def account_update(call: Call, body: requests.AccountUpdateRequest) -> Answer:
    """Changes the given fields. ``null`` clears a field; an absent field stays as it is. Only an
    account without children can move to another parent. Only ``crm_manage`` may set
    ``credit_limit``, ``credit_hold``, ``credit_hold_reason`` and ``payment_terms``."""
    given, parent_guid = body.account, body.account.parent_account_guid
    rules.ensure_may_set(given.model_fields_set, manages=call.caller.has("crm_manage"))
    names_parent = "parent_account_guid" in given.model_fields_set
    account_at = storage.account_at(call.keys, body.account_guid)
    reads: list[Get[Any]] = [account_at]
    if names_parent:
        reads += _parent_reads(call, parent_guid)
        reads.append(storage.children_at(call.keys, body.account_guid))

    def decide(call: Call, records: Records) -> Step:
        account = records.require(account_at)
        call.facts.ensure_revision(account.revision, _data(account))
        values, links = given.values(), list[Write]()
        if names_parent and parent_guid != account.parent_account_guid:
            values["ancestors"], links = _moved(call, records, account, parent_guid)
        after = rules.changed(account, values, call.now)
        names = sorted(given.model_fields_set)
        changes = storage.changes(call, account, after, "account-updated", changed=names)
        subject = Subject(account_at.key[0], body.account_guid)
        return Step(_answer(after), subject, [*changes, *links])

    return commit(call, reads, decide)


def account_status_set(call: Call, body: requests.AccountStatusSetRequest) -> Answer:
    """Sets the status of an account. ``closed`` is final; an account that uses credit cannot be
    closed. To set the status that it has changes nothing."""
    account_at = storage.account_at(call.keys, body.account_guid)

    def decide(call: Call, records: Records) -> Step:
        account = records.require(account_at)
        call.facts.ensure_revision(account.revision, _data(account))
        after = rules.with_account_status(account, body.status, call.now)
        previous = {"previous_status": account.status}
        changes = storage.changes(call, account, after, "account-status-set", **previous)
        return Step(_answer(after), Subject(account_at.key[0], body.account_guid), changes)

    return commit(call, [account_at], decide)


def _data(account: AccountRecord) -> dict[str, Any]:
    return {"account": storage.account_shown(account)}


def _answer(account: AccountRecord) -> Answer:
    return Answer(_data(account), account.revision)


# ---------------------------------------------------------------- lists


def _guids_of_code(call: Call, account_code: str) -> list[str]:
    """Returns the guid of the account that has the code, or none."""
    code_at = storage.code_at(call.keys, account_code)
    code = call.load(code_at).get(code_at)
    return [] if code is None else [code.account_guid]


def _filtered(
    call: Call, body: requests.AccountListRequest, guids: list[str]
) -> list[tuple[str, dict[str, Any]]]:
    """Returns the guid and the summary of each of these accounts that all filters let pass."""
    query = () if body.q is None else asked(body.q, None)
    places = [storage.account_at(call.keys, guid) for guid in guids]
    records = call.load(*places)
    accounts = [account for at in places if (account := records.get(at)) is not None]
    return [
        (account.account_guid, storage.account_summary(account))
        for account in accounts
        if body.status in (None, account.status)
        and (not query or matched_fields("account", storage.account_shown(account), query))
    ]


def _list_by_words(call: Call, body: requests.AccountListRequest, q: str) -> Answer:
    query = asked(q, None)

    def walk(limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        return find(
            call.table,
            call.keys,
            "account",
            query,
            limit=limit,
            cursor=cursor,
            # A whole code finds its account before the search entries are written.
            certain=lambda: _guids_of_code(call, q),
            live=lambda guids: _filtered(call, body, guids),
        )

    return answer_walk(call, body, walk, plural="accounts")


# ---------------------------------------------------------------- the tree of accounts
#
# The tree stays without a cycle under concurrent moves because an account that has children never
# moves: the ancestors of a parent are fixed, and the parent's own place is checked in the write.


def _parent_reads(call: Call, parent_guid: str | None) -> list[Get[Any]]:
    if parent_guid is None:
        return []
    keys = call.keys
    return [storage.account_at(keys, parent_guid), storage.children_at(keys, parent_guid)]


def _placed_under(
    call: Call, records: Records, parent_guid: str | None, account_guid: str | None = None
) -> tuple[tuple[str, ...], list[Write]]:
    """Returns the ancestors of an account with this parent, and the writes that make it a child.
    ``account_guid`` is None for a new account."""
    if parent_guid is None:
        return (), []
    parent_at = storage.account_at(call.keys, parent_guid)
    parent = records.require(parent_at)
    ancestors = rules.ancestors_below(parent, account_guid)
    same_place, values = "attribute_not_exists(parent_account_guid)", dict(storage.OPEN.values)
    if parent.parent_account_guid is not None:
        same_place = "parent_account_guid = :parent"
        values[":parent"] = {"S": parent.parent_account_guid}
    # Not the revision: a parent whose credit is used all day must still get its children.
    text = f"{storage.OPEN.expression} AND {same_place}"
    unchanged = Check(parent_at.key, Condition(text, storage.OPEN.names, values))
    return ancestors, [unchanged, _children_counted(call, records, parent_guid, 1)]


def _children_counted(call: Call, records: Records, parent_guid: str, change: int) -> Write:
    """Returns the write of the parent's number of children: one more or one less."""
    children_at = storage.children_at(call.keys, parent_guid)
    before = records.get(children_at)
    if before is None:
        assert change > 0, "a parent's children are counted from the first on"
        return Put(Item(children_at.key, AccountChildrenRecord(children=change)))
    after = AccountChildrenRecord(children=before.children + change, revision=before.revision + 1)
    return Update(Item(children_at.key, after), if_revision=before.revision)


def _moved(
    call: Call, records: Records, account: AccountRecord, parent_guid: str | None
) -> tuple[tuple[str, ...], list[Write]]:
    """Returns the ancestors of the account after the move, and the writes that the move needs
    beside the account's own."""
    ancestors, links = _placed_under(call, records, parent_guid, account.account_guid)
    children_at = storage.children_at(call.keys, account.account_guid)
    children = records.get(children_at)
    if children is not None and children.children > 0:
        raise InvalidState(
            "An account that has children cannot move.",
            detail={"field": "account.parent_account_guid"},
        )
    # The first child may come at this very moment. The decision is made again then, and refused.
    none = Condition("attribute_not_exists(pk) OR children = :none", values={":none": {"N": "0"}})
    links.append(Check(children_at.key, none))
    if account.parent_account_guid is not None:
        links.append(_children_counted(call, records, account.parent_account_guid, -1))
    return ancestors, links

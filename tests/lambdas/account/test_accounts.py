"""Accounts: fields, states, the tree, lists and search."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.builders import WHY, Response, World, euro
from tests.faults import Faults, meanwhile

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def create(world: World, **fields: Any) -> Response:
    return world.owner("/account/create", {"account": {"company_name": "X", **fields}, **WHY})


def update(world: World, account: dict[str, Any], **changes: Any) -> Response:
    body = {
        "account_guid": account["account_guid"],
        "expected_revision": account["revision"],
        "account": changes,
        **WHY,
    }
    return world.owner("/account/update", body)


def set_status(world: World, account: dict[str, Any], status: str) -> Response:
    body = {
        "account_guid": account["account_guid"],
        "expected_revision": account["revision"],
        "status": status,
        **WHY,
    }
    return world.owner("/account/status/set", body)


def test_an_account_keeps_every_field_it_is_given(world: World) -> None:
    address = {"line1": "1 High St", "city": "Leeds", "postal_code": "LS1", "country": "gb"}
    given = {
        "company_name": " Café Zoë ",
        "legal_name": "Zoë Ltd",
        "tax_id": "GB123",
        "email": "Sales@Example.com",
        "phone": "(202) 555-0123",
        "website": "https://example.com",
        "billing_address": address,
        "shipping_address": address,
        "payment_terms": "NET30",
        "tags": ["b", "a", "b"],
        "metadata": {"n": 1.25, "deep": {"x": [None, True]}},
        "credit_limit": euro(500),
        "credit_hold": True,
        "credit_hold_reason": "late",
    }
    made = create(world, **given)
    account = made.data["account"]
    expected = {
        **given,
        "company_name": "Café Zoë",
        "phone": "+12025550123",
        "tags": ["b", "a"],
        "billing_address": {**address, "country": "GB"},
        "shipping_address": {**address, "country": "GB"},
    }
    assert expected.items() <= account.items()
    assert (made.body["revision"], account["revision"]) == (1, 1)
    read = world.owner("/account/get", {"account_guid": account["account_guid"]})
    assert read.data["account"] == account
    assert world.owner("/account/get", account["account_guid"]).data["account"] == account


def test_no_limit_means_no_credit(world: World) -> None:
    account = create(world).data["account"]
    nothing = {"currency": "USD", "amount": 0}
    assert account["credit_limit"] == account["credit_available"] == nothing
    body = {"account_guid": account["account_guid"], "order_ref": "1", "expected_revision": 1}
    dollar = {"amount": {"currency": "USD", "amount": 1}}
    answer = world.owner("/account/credit/consume", {**body, **dollar})
    assert (answer.status, answer.tag) == (409, "credit-limit-exceeded")
    assert answer.detail["available"] == nothing


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("company_name", "", "account.company_name"),
        ("company_name", "x" * 201, "account.company_name"),
        ("company_name", "a\x00b", "account.company_name"),
        ("account_code", "-x", "account.account_code"),
        ("account_code", "ACCT_1", "account.account_code"),
        ("email", "nobody", "account.email"),
        ("phone", "12", "account.phone"),
        ("phone", "+1555", "account.phone"),
        ("status", "closed", "account.status"),
        ("credit_limit", {"currency": "EUR", "amount": -1}, "account.credit_limit.amount"),
        ("credit_limit", {"currency": "EUR", "amount": 1.5}, "account.credit_limit.amount"),
        ("credit_limit", {"currency": "XXZ", "amount": 1}, "account.credit_limit.currency"),
        ("credit_limit", {"currency": "EUR", "amount": "1"}, "account.credit_limit.amount"),
        ("billing_address", {"country": "ZZ"}, "account.billing_address.country"),
        ("metadata", {str(n): n for n in range(51)}, "account.metadata"),
        ("metadata", {"x": "y" * 9000}, "account.metadata"),
        ("tags", ["x"] * 51, "account.tags"),
        ("legal_name", None, "account.legal_name"),
        ("no_such", 1, "account.no_such"),
    ],
)
def test_a_bad_field_is_named(world: World, field: str, value: Any, path: str) -> None:
    answer = create(world, **{field: value})
    assert (answer.status, answer.tag) == (400, "invalid-input")
    assert answer.fields == [path]


def test_every_fault_is_named_at_once_and_no_value_is_repeated(world: World) -> None:
    secret = "s3cr3t-value"
    answer = create(world, email=secret, phone=[secret], tax_id=None, **{secret: 1})
    fields = answer.fields
    assert {"account.email", "account.phone", "account.tax_id"} <= set(fields)
    messages = [m["message"] for m in answer.body["error"]["minor"]]
    assert all(secret not in message for message in messages)


def test_a_code_is_unique_in_any_case_and_another_orgs_code_is_not(
    world: World, other_world: World
) -> None:
    assert create(world, account_code="Acme-1").status == 200
    taken = create(world, account_code="ACME-1")
    assert (taken.status, taken.tag) == (409, "already-exists")
    assert taken.fields == ["account.account_code"]
    assert create(other_world, account_code="acme-1").status == 200
    found = world.owner("/account/get", {"account_code": "aCME-1"})
    assert found.data["account"]["account_code"] == "Acme-1"


def test_credit_terms_are_for_managers(world: World) -> None:
    editor = world.person("crm_edit")
    terms = {"credit_limit": euro(1), "credit_hold": True, "payment_terms": "NET30"}
    body = {"account": {"company_name": "X", **terms}, **WHY}
    refused = editor("/account/create", body)
    assert (refused.status, refused.tag) == (403, "forbidden")
    assert refused.fields == [f"account.{name}" for name in sorted(terms)]
    assert world.person("crm_manage")("/account/create", body).status == 200
    assert editor("/account/create", {"account": {"company_name": "X"}, **WHY}).status == 200


def test_null_clears_absent_stays_and_nothing_changed_is_no_revision(world: World) -> None:
    account = world.account(legal_name="Old", website="https://old.example")
    after = update(world, account, legal_name=None, tax_id="T").data["account"]
    assert "legal_name" not in after
    assert (after["tax_id"], after["website"], after["revision"]) == ("T", "https://old.example", 2)
    assert update(world, after, tax_id="T").body["revision"] == 2
    assert update(world, after, company_name=None).fields == ["account.company_name"]
    assert update(world, after, account_code="NEW").fields == ["account.account_code"]


def test_a_limit_below_use_leaves_less_than_nothing_available(world: World) -> None:
    account = world.account(limit=1000)
    guid = {"account_guid": account["account_guid"]}
    consume = {**guid, "amount": euro(600), "order_ref": "1", "expected_revision": 1}
    used = world.owner("/account/credit/consume", consume).data["account"]
    after = update(world, used, credit_limit=euro(500)).data["account"]
    assert after["credit_available"] == euro(-100)
    other = update(world, after, credit_limit={"currency": "USD", "amount": 1000})
    assert (other.status, other.tag) == (409, "invalid-state")
    world.owner("/account/credit/release", {**guid, "order_ref": "1"})
    freed = world.owner("/account/get", guid).data["account"]
    assert update(world, freed, credit_limit={"currency": "USD", "amount": 1}).status == 200


STEPS = {
    "pending": {"active", "closed"},
    "active": {"on_hold", "inactive", "closed"},
    "on_hold": {"active", "inactive", "closed"},
    "inactive": {"active", "closed"},
    "closed": set(),
}


@pytest.mark.parametrize("state", STEPS)
def test_only_the_steps_of_the_page_are_taken(world: World, state: str) -> None:
    for to in STEPS:
        account = create(world, status="pending").data["account"]
        if state != "pending":
            for step in {"active", state} - {"closed"}:
                if account["status"] == "pending" or step == state:
                    account = set_status(world, account, "active").data["account"]
            if account["status"] != state:
                account = set_status(world, account, state).data["account"]
        assert account["status"] == state
        answer = set_status(world, account, to)
        if to == state:
            assert answer.body["revision"] == account["revision"]
        elif to in STEPS[state]:
            assert answer.data["account"]["status"] == to
        else:
            assert (answer.status, answer.tag) == (409, "invalid-state")
            assert answer.detail == {"state": state, "allowed": sorted(STEPS[state])}


def test_an_account_that_uses_credit_is_not_closed(world: World) -> None:
    account = world.account()
    guid = {"account_guid": account["account_guid"]}
    consume = {**guid, "amount": euro(1), "order_ref": "1", "expected_revision": 1}
    used = world.owner("/account/credit/consume", consume).data["account"]
    assert set_status(world, used, "closed").tag == "invalid-state"
    freed = world.owner("/account/credit/release", {**guid, "order_ref": "1"}).data["account"]
    assert set_status(world, freed, "closed").status == 200


def test_the_tree_is_five_deep_has_no_cycle_and_parents_stay(world: World) -> None:
    chain = [world.account()]
    for _ in range(4):
        chain.append(world.account(parent_account_guid=chain[-1]["account_guid"]))
    too_deep = create(world, parent_account_guid=chain[-1]["account_guid"])
    assert too_deep.fields == ["account.parent_account_guid"]
    nobody = create(world, parent_account_guid="acct_nobody")
    assert (nobody.status, nobody.tag) == (404, "not-found")
    under_itself = update(world, chain[4], parent_account_guid=chain[4]["account_guid"])
    assert under_itself.status == 400
    with_children = update(world, chain[3], parent_account_guid=chain[0]["account_guid"])
    assert (with_children.status, with_children.tag) == (409, "invalid-state")
    moved = update(world, chain[4], parent_account_guid=chain[0]["account_guid"]).data["account"]
    assert moved["parent_account_guid"] == chain[0]["account_guid"]
    free_now = update(world, chain[3], parent_account_guid=chain[0]["account_guid"])
    assert free_now.status == 200
    assert update(world, moved, parent_account_guid=None).status == 200


def test_a_closed_parent_takes_no_child(world: World) -> None:
    parent, child = world.account(), world.account()
    assert set_status(world, parent, "closed").status == 200
    guid = parent["account_guid"]
    assert create(world, parent_account_guid=guid).tag == "invalid-state"
    assert update(world, child, parent_account_guid=guid).tag == "invalid-state"


def test_a_parent_that_closes_meanwhile_takes_no_child(world: World, faults: Faults) -> None:
    parent = world.account()
    closes = meanwhile(lambda: set_status(world, parent, "closed"))
    faults.inject(closes, operation="transact_write_items")
    answer = create(world, parent_account_guid=parent["account_guid"])
    assert (answer.tag, answer.detail["state"]) == ("invalid-state", "closed")
    assert len(walk(world, "/account/list", "accounts")) == 1


def test_an_account_whose_first_child_comes_meanwhile_does_not_move(
    world: World, faults: Faults
) -> None:
    top, account = world.account(), world.account()
    guid = account["account_guid"]
    faults.inject(
        meanwhile(lambda: world.account(parent_account_guid=guid)),
        operation="transact_write_items",
    )
    answer = update(world, account, parent_account_guid=top["account_guid"])
    assert (answer.tag, answer.detail) == (
        "invalid-state",
        {"field": "account.parent_account_guid"},
    )
    assert "parent_account_guid" not in world.owner("/account/get", guid).data["account"]


def test_the_depth_counts_where_the_parent_is_at_the_moment_of_the_write(
    world: World, faults: Faults
) -> None:
    chain = [world.account()]
    for _ in range(4):
        chain.append(world.account(parent_account_guid=chain[-1]["account_guid"]))
    parent = world.account()
    moves = meanwhile(lambda: update(world, parent, parent_account_guid=chain[3]["account_guid"]))
    faults.inject(moves, operation="transact_write_items")
    deepest = create(world, parent_account_guid=parent["account_guid"])
    assert deepest.fields == ["account.parent_account_guid"]


def walk(world: World, path: str, plural: str, **body: Any) -> list[dict[str, Any]]:
    found, token = [], None
    while True:
        page = world.owner(path, {**body, **({"next_token": token} if token else {})}).data
        found += page[plural]
        token = page.get("next_token")
        if token is None:
            return found
        assert page[plural], "no page is empty"


def test_a_walk_sees_each_account_once_whatever_happens_meanwhile(world: World) -> None:
    made = [world.account() for _ in range(7)]
    first = world.owner("/account/list", {"limit": 3}).data
    world.account()
    set_status(world, made[1], "inactive")
    rest, token = [], first["next_token"]
    while token:
        page = world.owner("/account/list", {"limit": 3, "next_token": token}).data
        rest += page["accounts"]
        token = page.get("next_token")
    seen = [a["account_guid"] for a in first["accounts"] + rest]
    assert seen == [a["account_guid"] for a in reversed(made)]


def test_a_full_last_page_has_no_token(world: World) -> None:
    for _ in range(3):
        world.account()
    assert "next_token" not in world.owner("/account/list", {"limit": 3}).data
    assert len(walk(world, "/account/list", "accounts", limit=1)) == 3
    assert len(world.owner("/account/list", {"limit": 0}).data["accounts"]) == 1
    assert len(world.owner("/account/list", {"limit": 9999}).data["accounts"]) == 3
    assert world.owner("/account/list", {"limit": "3"}).fields == ["limit"]


def test_a_token_is_for_its_list_its_org_and_a_day(world: World, other_world: World) -> None:
    for w in (world, other_world):
        w.account(), w.account()
    first = world.owner("/account/list", {"limit": 1}, now=NOW).data["next_token"]
    body = {"limit": 1, "next_token": first}
    assert world.owner("/account/list", body, now=NOW).status == 200
    refused = [
        other_world.owner("/account/list", body, now=NOW),
        world.owner("/account/list", {**body, "status": "active"}, now=NOW),
        world.owner("/account/list", body, now=NOW + timedelta(hours=25)),
        world.owner("/account/list", {**body, "next_token": first[:-2] + "AA"}, now=NOW),
        world.owner("/account/list", {**body, "next_token": "nonsense"}, now=NOW),
    ]
    assert {r.tag for r in refused} == {"invalid-next-token"}


def test_accounts_are_found_by_the_beginnings_of_words(
    world: World, other_world: World, search_kept: Callable[[], None]
) -> None:
    zoe = world.account(company_name="Café Zoë Trading", account_code="ZT-77")
    world.account(company_name="Northwind", email="zorro@example.com")
    other_world.account(company_name="Zoë elsewhere")
    search_kept()

    def hits(q: str, **more: Any) -> list[str]:
        page = world.owner("/account/list", {"q": q, **more}).data["accounts"]
        return [a["company_name"] for a in page]

    assert hits("zoe") == ["Café Zoë Trading"]
    assert hits("CAFE trad") == ["Café Zoë Trading"]
    assert hits("radin") == ["Café Zoë Trading"]
    assert hits("zo") == ["Northwind", "Café Zoë Trading"]
    assert hits("zt-77") == ["Café Zoë Trading"]
    assert hits("zoe nothing") == []
    assert hits("zoe", status="closed") == []
    assert hits("z") == []
    update(world, zoe, company_name="Plain Name")
    search_kept()
    assert hits("cafe") == []
    assert hits("plain") == ["Plain Name"]


def test_an_exact_code_is_found_before_the_index_knows(world: World) -> None:
    world.account(account_code="FRESH")
    assert len(world.owner("/account/list", {"account_code": "fresh"}).data["accounts"]) == 1
    assert len(world.owner("/account/list", {"q": "fresh"}).data["accounts"]) == 1
    assert world.owner("/account/list", {"account_code": "none"}).data["accounts"] == []


def test_filters_of_a_list_narrow_it_together(world: World) -> None:
    world.account(account_code="ONE", company_name="Northwind")

    def found(**filters: Any) -> int:
        return len(world.owner("/account/list", filters).data["accounts"])

    assert found(account_code="ONE", status="active", q="north") == 1
    assert found(account_code="ONE", status="closed") == 0
    assert found(account_code="ONE", q="south") == 0

"""Contacts: the primary mark, closed accounts, lists and links."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.builders import WHY, Response, World
from tests.faults import Faults, meanwhile


def update(world: World, contact: dict[str, Any], **changes: Any) -> Response:
    body = {
        "contact_guid": contact["contact_guid"],
        "expected_revision": contact["revision"],
        "contact": changes,
        **WHY,
    }
    return world.owner("/account/contact/update", body)


def read(world: World, contact: dict[str, Any]) -> dict[str, Any]:
    guid = {"contact_guid": contact["contact_guid"]}
    return dict(world.owner("/account/contact/get", guid).data["contact"])


def set_status(world: World, contact: dict[str, Any], status: str) -> Response:
    body = {
        "contact_guid": contact["contact_guid"],
        "expected_revision": contact["revision"],
        "status": status,
        **WHY,
    }
    return world.owner("/account/contact/status/set", body)


def close(world: World, guid: str) -> None:
    revision = world.owner("/account/get", guid).body["revision"]
    body = {"account_guid": guid, "status": "closed", "expected_revision": revision, **WHY}
    assert world.owner("/account/status/set", body).status == 200


def test_a_contact_keeps_what_it_is_given(world: World) -> None:
    guid = world.account()["account_guid"]
    given = {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "display_name": "Ada L.",
        "title": "Buyer",
        "email": "ada@example.com",
        "phone": "+12025550123",
        "roles": ["buyer", "approver"],
    }
    made = world.contact(guid, **given)
    assert {**given, "account_guid": guid, "status": "active", "is_primary": False}.items() <= (
        made.items()
    )
    assert read(world, made) == made
    cleared = update(world, made, title=None, roles=None).data["contact"]
    assert "title" not in cleared
    assert "roles" not in cleared


def test_there_is_one_primary_however_many_want_to_be(world: World) -> None:
    guid = world.account()["account_guid"]
    contacts = [world.contact(guid, is_primary=n == 0) for n in range(6)]
    assert contacts[0]["is_primary"]
    with ThreadPoolExecutor(5) as pool:
        marked = list(pool.map(lambda c: update(world, c, is_primary=True).status, contacts[1:]))
    assert set(marked) <= {200, 409}
    listed = world.owner("/account/contact/list", {"account_guid": guid}).data["contacts"]
    assert sum(c["is_primary"] for c in listed) == 1
    primary = next(c for c in listed if c["is_primary"])
    assert update(world, primary, is_primary=False).data["contact"]["is_primary"] is False
    assert not any(read(world, c)["is_primary"] for c in contacts)


def test_under_a_closed_account_every_contact_reads_as_inactive(world: World) -> None:
    guid = world.account()["account_guid"]
    contact = world.contact(guid)
    close(world, guid)
    assert read(world, contact)["status"] == "inactive"
    for body in ({"account_guid": guid}, {}):
        found = world.owner("/account/contact/list", body).data["contacts"]
        assert [c["status"] for c in found] == ["inactive"]
        assert world.owner("/account/contact/list", {**body, "status": "active"}).data == {
            "contacts": []
        }
    assert update(world, contact, title="X").tag == "invalid-state"
    assert set_status(world, contact, "active").tag == "invalid-state"
    late = {"contact": {"account_guid": guid}, **WHY}
    assert world.owner("/account/contact/create", late).tag == "invalid-state"


def test_an_account_that_closes_meanwhile_refuses_what_its_contacts_do(
    world: World, faults: Faults
) -> None:
    guid = world.account()["account_guid"]
    faults.inject(meanwhile(lambda: close(world, guid)), operation="transact_write_items")
    late = {"contact": {"account_guid": guid}, **WHY}
    assert world.owner("/account/contact/create", late).tag == "invalid-state"
    other = world.account()["account_guid"]
    contact = world.contact(other)
    faults.inject(meanwhile(lambda: close(world, other)), operation="transact_write_items")
    assert update(world, contact, title="X").tag == "invalid-state"
    assert "title" not in read(world, contact)


def test_a_status_that_a_contact_has_already_changes_nothing(world: World) -> None:
    contact = world.contact(world.account()["account_guid"])
    assert set_status(world, contact, "active").body["revision"] == 1
    inactive = set_status(world, contact, "inactive").data["contact"]
    assert (inactive["status"], inactive["revision"]) == ("inactive", 2)
    assert set_status(world, inactive, "active").data["contact"]["status"] == "active"


def test_roles_count_once_and_are_at_most_a_hundred(world: World) -> None:
    guid = world.account()["account_guid"]
    assert world.contact(guid, roles=["payer", "buyer", "payer"])["roles"] == ["payer", "buyer"]
    many = {"contact": {"account_guid": guid, "roles": ["buyer"] * 101}, **WHY}
    assert world.owner("/account/contact/create", many).fields == ["contact.roles"]


def test_a_mark_that_moves_publishes_an_event_of_the_contact_and_one_of_the_account(
    world: World, published: Callable[[str], list[dict[str, Any]]]
) -> None:
    guid = world.account()["account_guid"]
    world.contact(guid, is_primary=True)
    actions = [(e["action"], e["aggregate_revision"]) for e in published(world.code)]
    assert sorted(actions) == [
        ("account-contact-created", 1),
        ("account-created", 1),
        ("account-updated", 2),
    ]


def test_an_unknown_account_is_not_found(world: World) -> None:
    for more in ({}, {"is_primary": True}):
        body = {"contact": {"account_guid": "acct_none", **more}, **WHY}
        answer = world.owner("/account/contact/create", body)
        assert (answer.status, answer.tag) == (404, "not-found")


def test_lists_filter_by_role_and_status_and_walk_in_pages(world: World) -> None:
    guid = world.account()["account_guid"]
    made = [world.contact(guid, roles=["buyer"] if n % 2 else ["payer"]) for n in range(6)]
    body = {"contact_guid": made[0]["contact_guid"], "status": "inactive", **WHY}
    assert (
        world.owner("/account/contact/status/set", {**body, "expected_revision": 1}).status == 200
    )
    for where in ({"account_guid": guid}, {}):
        path = "/account/contact/list"
        page = world.owner(path, {**where, "role": "buyer", "limit": 2}).data
        assert len(page["contacts"]) == 2
        rest = world.owner(
            path, {**where, "role": "buyer", "limit": 2, "next_token": page["next_token"]}
        ).data
        assert "next_token" not in rest
        seen = [c["contact_guid"] for c in page["contacts"] + rest["contacts"]]
        assert seen == [made[n]["contact_guid"] for n in (5, 3, 1)]
        inactive = world.owner(path, {**where, "status": "inactive"}).data["contacts"]
        assert [c["contact_guid"] for c in inactive] == [made[0]["contact_guid"]]


def test_a_contact_may_be_a_customer_who_exists(world: World) -> None:
    guid = world.account()["account_guid"]
    customer = world.customer(first_name="Ada")["customer_guid"]
    contact = world.contact(guid, customer_guid=customer)
    assert contact["customer_guid"] == customer
    answer = update(world, contact, customer_guid="cust_nobody")
    assert (answer.status, answer.tag) == (404, "not-found")
    assert "customer_guid" not in update(world, contact, customer_guid=None).data["contact"]

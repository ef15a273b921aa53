"""Comments on a record of this service that is gone, for whatever reason: nothing new is said about
it, and what was said may still be changed and taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lambdas.comment import storage
from shared.keys import of_org
from shared.settings import settings
from shared.targets import HEADS
from tests.builders import WHY, World
from tests.conftest import Database
from tests.lambdas.comment.author import Author, customer, on, owner
from tests.lambdas.comment.test_targets import account, card, comment, contact


def notification(world: World) -> str:
    made = world.owner("/inbox/create", {"title": "x", "team_guid": "T1"}).data["notification"]
    return str(made["notification_id"])


def subscription(world: World) -> str:
    plan = {"customer_id": customer(world), "plan_id": "P-1", "frequency": "monthly"}
    made = world.owner("/subscription/create", {"subscription": plan, **WHY}).data["subscription"]
    return str(made["subscription_id"])


THERE: dict[str, Callable[[World], str]] = {
    "account": account,
    "contact": contact,
    "gift_card": card,
    "comment": comment,
    "notification": notification,
    "subscription": subscription,
}
each = pytest.mark.parametrize("target_type", THERE)


def place(world: World, author: Author) -> dict[str, Any]:
    """Returns the key of the record that the comments are on."""
    head = HEADS[author.target["target_type"]]
    pk, sk = head(of_org(world.code), author.target["target_id"])
    return {"TableName": settings().table_name, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}}


@each
def test_what_was_said_about_it_may_be_changed_and_taken_back(
    world: World, database: Database, target_type: str
) -> None:
    author = owner(world, **on(target_type, THERE[target_type](world)))
    made = author.add("one")
    database.client.delete_item(**place(world, author))
    revised = author.revise(made, body="two")
    assert (revised.status, revised.data["comment"]["body"]) == (200, "two")
    for revision, status in ((2, "archived"), (3, "current"), (4, "deleted")):
        assert author.set({**made, "revision": revision}, status).status == 200
    assert "body" not in author.shown(made)
    again = author.set({**made, "revision": 5}, "current")
    assert again.tag == "invalid-state"


@each
def test_nothing_new_is_said_about_it(world: World, database: Database, target_type: str) -> None:
    author = owner(world, **on(target_type, THERE[target_type](world)))
    made = author.add("one")
    database.client.delete_item(**place(world, author))
    for reply in ({}, {"parent_comment_id": made["comment_id"]}):
        refused = author.call("", body="two", **reply)
        assert (refused.status, refused.fields) == (404, ["target_id"])


@each
def test_nothing_is_changed_while_a_deletion_is_about_to_remove_it(
    world: World, database: Database, target_type: str
) -> None:
    author = owner(world, **on(target_type, THERE[target_type](world)))
    made = author.add("one")
    database.client.update_item(
        **place(world, author),
        UpdateExpression="SET fenced_by = :job",
        ExpressionAttributeValues={":job": {"S": "job_1"}},
    )
    for refused in (author.revise(made, body="two"), author.set(made, "archived")):
        assert (refused.status, refused.tag) == (409, "busy")
    assert author.call("", body="two").tag == "busy"


def test_a_comment_on_a_deleted_customer_is_gone_itself(world: World) -> None:
    author = owner(world, **on("customer", customer(world)))
    made = author.add("one")
    about = {"customer_guid": author.target["target_id"], **WHY}
    assert world.owner("/customer/delete", about).status == 200
    refused = [author.get(made), author.revise(made, body="x"), author.set(made, "archived")]
    assert [answer.status for answer in refused] == [404, 404, 404]


def test_a_change_does_not_bring_back_a_comment_that_went_with_its_record(
    world: World, database: Database
) -> None:
    author = owner(world, **on("account", account(world)))
    made = author.add("one")
    database.client.delete_item(**place(world, author))
    pk, sk = storage.comment_at(of_org(world.code), made["comment_id"]).key
    database.client.delete_item(
        TableName=settings().table_name, Key={"pk": {"S": pk}, "sk": {"S": sk}}
    )
    before = database.items(world.code)
    assert author.revise(made, body="two").status == 404
    assert author.set(made, "archived").status == 404
    assert database.items(world.code) == before

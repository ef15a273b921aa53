"""What an erasure does to comments: those on the customer go or lose their texts, those that only
mention it lose the mention."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdas.comment import storage
from lambdas.comment.kinds import KINDS
from lambdas.comment.models.records import CommentRecord
from shared.codec import key_of
from shared.keys import of_org
from shared.table import Table
from tests.builders import WHY, World
from tests.conftest import Database
from tests.lambdas.comment.author import Author, customer, merge, on, owner


def erase(world: World, guid: str, how: str) -> dict[str, Any]:
    answer = world.owner(f"/customer/{how}", {"customer_guid": guid, **WHY})
    assert answer.status == 200, answer.body
    return dict(answer.data)


def of_customers(*guids: str) -> list[dict[str, str]]:
    return [{"kind": "customer", "id": guid} for guid in guids]


def spoken(author: Author, key: str | None = "k") -> dict[str, Any]:
    keyed = {} if key is None else {"idempotency_key": key}
    made = author.call("", body="needle one #needle", **keyed).data["comment"]
    author.revise(made, body="needle two", caption="needle")
    Author(author.caller, on("comment", made["comment_id"])).add("needle above")
    return made


@pytest.mark.parametrize("merged", [False, True])
def test_a_deletion_takes_the_comments_on_its_customer(
    world: World, database: Database, merged: bool
) -> None:
    guid = customer(world)
    author = owner(world, **on("customer", guid))
    made = spoken(author)
    here = guid
    if merged:
        here = customer(world)
        merge(world, guid, here)
    erase(world, here, "delete")
    assert author.get(made).status == 404
    assert author.call("/list").status == 404
    assert author.call("", body="needle one #needle", idempotency_key="k").status == 404
    assert Author(world.owner, {}).listed(user_guid=made["user_guid"], status="all") == []
    assert world.owner("/comment/report").data["items"] == []
    assert "needle" not in json.dumps(database.items(world.code))


def test_an_anonymization_takes_the_texts_and_leaves_the_sizes(
    world: World, database: Database
) -> None:
    guid = customer(world)
    author = owner(world, **on("customer", guid))
    made = spoken(author)
    erase(world, guid, "anonymize")
    shown = author.shown(made)
    assert (shown["status"], shown["current_revision"]) == ("current", 2)
    assert shown["size_bytes"] == len("needleneedle two")
    assert not any("sha256" in content for content in author.history(made))
    assert "needle" not in json.dumps(database.items(world.code))
    assert len(Author(world.owner, {}).ids(user_guid=made["user_guid"])) == 2


@pytest.mark.parametrize("how", ["delete", "anonymize"])
def test_a_comment_that_mentions_the_customer_stays_without_the_mention(
    world: World, database: Database, how: str
) -> None:
    guid, other = customer(world), customer(world)
    author = owner(world)
    sent = {"body": "#tag", "mentions": of_customers(guid, other), "idempotency_key": "k"}
    made = author.call("", **sent).data["comment"]
    erase(world, guid, how)
    if how == "delete":
        shown = author.shown(made)
        assert shown["mentions"] == of_customers(other)
        assert (shown["body"], shown["revision"]) == ("#tag", 2)
        assert author.call("", **sent).data["comment"]["mentions"] == of_customers(other)
        assert guid not in json.dumps(
            [i for i in database.items(world.code) if "M" in i["sk"]["S"]]
        )
        by_author = Author(world.owner, {})
        assert by_author.ids(user_guid=made["user_guid"], hashtag="tag") == [made["comment_id"]]
    assert author.revise(made, body="still mine").status == 200


def test_a_comment_knows_all_that_goes_with_it(world: World, database: Database) -> None:
    """Retention removes a comment with what its kind names beside it."""
    keys, guid = of_org(world.code), customer(world)
    author = owner(world)
    made = author.add("one", mentions=of_customers(guid))
    author.revise(made, body="two")
    place = storage.comment_at(keys, made["comment_id"])
    comment = Table().load([place]).require(place)
    (kind,) = [kind for kind in KINDS if kind.record is CommentRecord]
    assert kind.beside is not None
    named = {place.key, *kind.beside(keys, comment)}
    about = [key_of(i) for i in database.items(world.code) if made["comment_id"] in i["sk"]["S"]]
    assert {*about} == named
    assert len(named) == 4

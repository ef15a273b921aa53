"""Archive, bring back, delete; and what a deletion leaves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lambdas.comment.rules import CONTENTS
from shared import auth
from tests.builders import World
from tests.conftest import Database
from tests.lambdas.comment.author import ORDER, Author, customer, on, owner
from tests.meter import Meter

Published = Callable[[str], list[dict[str, Any]]]


def test_a_comment_goes_to_the_archive_and_back(world: World, published: Published) -> None:
    author = owner(world)
    comment = author.add("one")
    archived = author.set(comment, "archived").data["comment"]
    assert (archived["status"], archived["revision"], archived["body"]) == ("archived", 2, "one")
    assert archived["current_revision"] == 1
    same = author.set(archived, "archived")
    assert (same.status, same.data["comment"]) == (200, archived)
    back = author.set(archived, "current").data["comment"]
    assert (back["status"], back["revision"]) == ("current", 3)
    assert len(published(world.code)) == 3
    assert author.revise(comment, body="two").status == 200


def test_a_status_needs_the_right_revision(world: World) -> None:
    author = owner(world)
    comment = author.add("one")
    missing = author.call("/status", comment_id=comment["comment_id"], status="archived")
    assert (missing.status, missing.tag) == (428, "expected-revision-required")
    stale = author.set({**comment, "revision": 7}, "archived")
    assert (stale.tag, stale.body["data"]) == ("conflict", {"comment": comment})


def test_the_author_and_managers_set_the_status_and_nobody_else(world: World) -> None:
    author = Author(world.person(), ORDER)
    for role, allowed in (("crm_manage", True), ("crm_edit", False)):
        comment = author.add("one")
        other = replace(author, caller=world.person(role))
        answer = other.set(comment, "archived")
        assert answer.status == (200 if allowed else 403)
        stale = other.set({**comment, "revision": 9}, "archived")
        assert stale.status == (409 if allowed else 403), "403 comes before the revision"
    assert author.set(author.add("two"), "deleted").status == 200
    assert replace(author, caller=world.owner).set(author.add("three"), "deleted").status == 200


def test_deleted_is_final_and_get_still_answers(world: World) -> None:
    author = owner(world)
    comment = author.add("one", caption="C")
    author.revise(comment, body="longer")
    deleted = author.set({**comment, "revision": 2}, "deleted").data["comment"]
    assert not {"caption", "body", "hashtags", "mentions", "attachments"} & deleted.keys()
    assert (deleted["status"], deleted["size_bytes"], deleted["revision"]) == ("deleted", 7, 3)
    assert author.shown(comment) == deleted
    for status in ("current", "archived"):
        refused = author.set(deleted, status)
        assert (refused.tag, refused.detail) == (
            "invalid-state",
            {"state": "deleted", "allowed": []},
        )
    assert author.set(deleted, "deleted").data["comment"] == deleted
    assert author.shown(comment, content_revision=1) == {
        **deleted,
        "size_bytes": 4,
        "content_revision": 1,
    }
    history = author.history(comment)
    assert [one.keys() for one in history] == [
        {"content_revision", "size_bytes", "actor", "at"}
    ] * 2
    assert [one["size_bytes"] for one in history] == [7, 4]
    assert author.listed() == []
    assert author.listed(status="deleted") == [deleted]


def test_a_deletion_leaves_no_text_anywhere(world: World, database: Database) -> None:
    """Not in the comment, in its contents, in an index, or in the answers kept for replays."""
    author, mentioned = owner(world), customer(world)
    said = {
        "caption": "needle-caption",
        "body": "needle-body #needle-tag",
        "hashtags": ["needle-own"],
        "attachments": [{"record_id": "needle-file", "filename": "needle-name"}],
        "mentions": [{"kind": "needle-kind", "id": "x"}, {"kind": "customer", "id": mentioned}],
    }
    why = {"reason": "needle-reason", "source_refs": [{"kind": "ticket", "id": "needle-ticket"}]}
    first = {**said, **why, "idempotency_key": "k1"}
    comment = author.call("", **first).data["comment"]
    second = {"body": "needle-second", **why, "idempotency_key": "k2"}
    assert author.revise(comment, **second).status == 200
    hashes = [
        hashlib.sha256(text.encode()).hexdigest()
        for text in ("needle-captionneedle-body #needle-tag", "needle-captionneedle-second")
    ]
    stored = json.dumps(of_comments(database, world))
    assert all(word in stored for word in ("needle-caption", "needle-second", *hashes))
    assert author.call("", **first).data["comment"] == comment
    gone = author.set({**comment, "revision": 2}, "deleted", idempotency_key="k3")
    assert gone.status == 200
    stored = json.dumps(of_comments(database, world))
    assert "needle" not in stored
    assert not any(word in stored for word in (*hashes, mentioned))
    assert "comment_mention" not in json.dumps(database.items(world.code))
    replay = author.call("", **first)
    assert replay.replayed
    assert not {*said} & replay.data["comment"].keys()
    assert author.set({**comment, "revision": 2}, "deleted", idempotency_key="k3").replayed


def of_comments(database: Database, world: World) -> list[dict[str, Any]]:
    """Returns everything that lies beside comments, answers for replays included."""
    found = [item for item in database.items(world.code) if "#T#" in item["pk"]["S"]]
    assert found
    return found


def test_every_one_of_forty_contents_is_emptied_in_one_transaction(world: World) -> None:
    author = owner(world)
    mentions = [{"kind": "customer", "id": customer(world)} for _ in range(20)]
    comment = author.add("1", mentions=mentions)
    for n in range(2, CONTENTS + 1):
        author.revise(comment, body=str(n))
    sent = {**comment, "revision": CONTENTS}
    assert author.set(sent, "deleted", idempotency_key="k").status == 200
    history = author.history(comment, limit=40)
    assert len(history) == CONTENTS
    assert not any({"body", "sha256"} & one.keys() for one in history)


@pytest.mark.parametrize("path", ["", "/revise"])
def test_a_replay_has_the_texts_that_it_had_even_after_further_revisions(
    world: World, path: str
) -> None:
    author = owner(world)
    comment = author.add("zero")
    named = {} if path == "" else {"comment_id": comment["comment_id"]}
    sent = {
        **named,
        "caption": "C",
        "body": "one #a",
        "attachments": [{"record_id": "f"}],
        "mentions": [{"kind": "user", "id": "u1"}],
        "idempotency_key": "k",
    }
    first = author.call(path, **sent)
    author.revise(first.data["comment"], body="two", mentions=[{"kind": "user", "id": "u2"}])
    again = author.call(path, **sent)
    assert again.replayed
    assert again.data == first.data
    assert author.call(path, **{**sent, "body": "x"}).tag == "idempotency-key-reused"


def test_a_replay_of_a_new_comment_takes_one_trip_more_than_the_comment_did(
    world: World, meter: Meter
) -> None:
    for target in (ORDER, on("customer", customer(world))):
        author = owner(world, **target).at(auth.now())
        assert author.listed() == [], "the caller is known from here on"
        sent = {"body": "one #a", "idempotency_key": f"k{target['target_type']}"}
        with meter.measuring() as costs:
            first = author.call("", **sent)
        assert costs[0].trips == 1
        with meter.measuring() as costs:
            again = author.call("", **sent)
        assert (again.replayed, again.data) == (True, first.data)
        assert costs[0].trips == 2

"""Revisions: every content is kept, whoever races."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lambdas.comment.rules import CONTENTS
from shared.fields import instant_shown
from tests.builders import WHY, World
from tests.faults import GONE_WRONG, Crash, Faults, then
from tests.lambdas.comment.author import NOW, ORDER, Author, customer, on, owner

Published = Callable[[str], list[dict[str, Any]]]
CALLS = {"": 1, "/revise": 2, "/status": 3}
"""The calls of the database that each route makes."""
LATER = NOW + timedelta(minutes=5)


def texts(author: Author, comment: dict[str, Any]) -> list[str]:
    """Returns every content, the oldest first. Their numbers have no gap."""
    history = author.history(comment, limit=256)[::-1]
    assert [one["content_revision"] for one in history] == [*range(1, len(history) + 1)]
    return [one["body"] for one in history]


def test_a_revision_appends_a_content_and_changes_what_it_names(world: World) -> None:
    author = owner(world)
    comment = author.add("one #a", caption="C", hashtags=["mine"])
    answer = author.at(LATER).revise(comment, body="two #b", **WHY)
    assert answer.data["comment"] == {
        **comment,
        "body": "two #b",
        "hashtags": ["mine", "b"],
        "current_revision": 2,
        "revision": 2,
        "size_bytes": 7,
        "updated_at": instant_shown(LATER),
        "revised_at": instant_shown(LATER),
    }
    assert answer.body["revision"] == 2
    assert author.shown(comment) == answer.data["comment"]
    actor = comment["user_guid"]
    assert author.history(comment) == [
        {
            "content_revision": 2,
            "caption": "C",
            "body": "two #b",
            "size_bytes": 7,
            "sha256": hashlib.sha256(b"Ctwo #b").hexdigest(),
            "actor": actor,
            "at": instant_shown(LATER),
            **WHY,
        },
        {
            "content_revision": 1,
            "caption": "C",
            "body": "one #a",
            "size_bytes": 7,
            "sha256": hashlib.sha256(b"Cone #a").hexdigest(),
            "actor": actor,
            "at": instant_shown(NOW),
        },
    ]


def test_an_earlier_content_is_shown_by_its_number(world: World) -> None:
    author = owner(world)
    files = [{"record_id": "file-1"}]
    comment = author.add("one #a", caption="C", attachments=files)
    revised = author.revise(comment, body="two", caption=None, attachments=None).data["comment"]
    assert not {"caption", "attachments", "hashtags"} & revised.keys()
    first = author.shown(comment, content_revision=1)
    assert (first["content_revision"], first["current_revision"], first["revision"]) == (1, 2, 2)
    assert (first["caption"], first["body"], first["attachments"]) == ("C", "one #a", files)
    assert (first["hashtags"], first["size_bytes"]) == (["a"], 7)
    assert author.shown(comment, content_revision=2) == {**revised, "content_revision": 2}
    missing = author.get(comment, content_revision=3)
    assert (missing.status, missing.fields) == (404, ["content_revision"])
    for sent in ({"history": True, "content_revision": 1}, {"next_token": "x"}):
        assert author.get(comment, **sent).status == 400
    assert author.get(comment, history=True, next_token="x").tag == "invalid-next-token"


def test_the_same_content_is_unchanged_and_writes_nothing(
    world: World, published: Published
) -> None:
    author = owner(world)
    comment = author.add("one", caption="C", hashtags=["x"], mentions=[{"kind": "a", "id": "b"}])
    same = {name: comment[name] for name in ("body", "caption", "hashtags", "mentions")}
    for sent in ({}, same, {"visibility": "internal"}, {"attachments": None}):
        answer = author.at(LATER).revise(comment, **sent)
        assert answer.data == {"comment": comment, "unchanged": True}
    assert author.set({**comment}, "archived").status == 200
    assert author.revise(comment, **same).data["unchanged"], "before the state is asked"
    assert [event["action"] for event in published(world.code)] == [
        "comment-created",
        "comment-status-set",
    ]


def test_only_the_author_revises_and_owners_are_no_exception(world: World) -> None:
    author = Author(world.person(), ORDER)
    comment = author.add("one")
    others = [world.owner, world.person("crm_manage"), world.key("crm_manage")]
    for caller in others:
        refused = replace(author, caller=caller).revise(comment, body="two", expected_revision=9)
        assert (refused.status, refused.tag) == (403, "forbidden")
        assert "data" not in refused.body
    author.set(comment, "archived")
    assert replace(author, caller=world.owner).revise(comment, body="two").status == 403
    assert author.revise(comment, body="two").tag == "invalid-state"
    assert texts(author, comment) == ["one"]


def test_an_archived_or_deleted_comment_is_not_revised(world: World) -> None:
    author = owner(world)
    for status in ("archived", "deleted"):
        comment = author.add("one")
        author.set(comment, status)
        refused = author.revise(comment, body="two")
        assert (refused.tag, refused.detail) == ("invalid-state", {"state": status, "allowed": []})


def test_a_comment_has_forty_contents_and_history_has_pages(world: World) -> None:
    author = owner(world)
    comment = author.add("1")
    for n in range(2, CONTENTS + 1):
        assert author.revise(comment, body=str(n)).status == 200
    full = author.revise(comment, body="more")
    assert (full.tag, full.detail["limit"]) == ("invalid-state", CONTENTS)
    assert author.revise(comment, body=str(CONTENTS)).data["unchanged"]
    assert texts(author, comment) == [str(n) for n in range(1, CONTENTS + 1)]
    for limit in (1, 7, 39, 40):
        pages = author.history(comment, limit=limit)
        assert [one["content_revision"] for one in pages] == [*range(CONTENTS, 0, -1)]
    page = author.get(comment, history=True).data
    assert (len(page["history"]), page["comment"]["body"]) == (8, "40")
    other = author.add("other")
    assert author.get(other, history=True, next_token=page["next_token"]).status == 400


def test_what_a_comment_shows_sent_back_changes_nothing(world: World) -> None:
    author = owner(world)
    comment = author.add("see #ring", hashtags=["box"])
    same = {name: comment[name] for name in ("body", "hashtags", "visibility")}
    assert author.revise(comment, **same).data == {"comment": comment, "unchanged": True}
    less = author.revise(comment, body="see it").data["comment"]
    assert less["hashtags"] == ["box"], "the word of the body went with the body"


def test_what_mentioned_nobody_mentions_nobody_in_its_replay(world: World) -> None:
    author = owner(world)
    comment = author.add("one", idempotency_key="k")
    author.revise(comment, body="two", mentions=[{"kind": "team", "id": "T1"}])
    assert author.add("one", idempotency_key="k") == comment


# ---------------------------------------------------------------- races


def test_of_two_revisions_from_one_revision_one_hears_a_conflict(
    world: World, faults: Faults
) -> None:
    author = owner(world)
    comment = author.add("one")
    first = then(lambda: author.revise(comment, body="first", expected_revision=1))
    faults.inject(first, operation="transact_write_items")
    second = author.revise(comment, body="second", expected_revision=1)
    assert (second.tag, second.detail) == ("conflict", {"current_revision": 2})
    assert second.body["data"] == {"comment": author.shown(comment)}
    assert texts(author, comment) == ["one", "first"]


def test_without_a_revision_both_are_kept_in_order(world: World, faults: Faults) -> None:
    author = owner(world)
    comment = author.add("one")
    first = then(lambda: author.revise(comment, caption="first"))
    faults.inject(first, operation="transact_write_items")
    second = author.revise(comment, body="second").data["comment"]
    assert (second["caption"], second["body"], second["current_revision"]) == (
        "first",
        "second",
        3,
    )
    assert texts(author, comment) == ["one", "one", "second"]


def test_many_sessions_of_one_author_lose_nothing(world: World) -> None:
    author = owner(world)
    comment = author.add("start")

    def write(n: int) -> int:
        while True:
            answer = author.revise(comment, body=f"text {n}", idempotency_key=f"k{n}")
            if answer.status == 200:
                return int(answer.data["comment"]["current_revision"])
            assert answer.tag == "busy", answer.body

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(write, range(16)))
    assert sorted(numbers) == [*range(2, 18)]
    kept = texts(author, comment)
    assert [kept[number - 1] for number in numbers] == [f"text {n}" for n in range(16)]
    assert author.shown(comment)["body"] == kept[-1]


def test_a_revision_and_a_deletion_at_once_leave_no_text(world: World, faults: Faults) -> None:
    author = owner(world)
    comment = author.add("one")
    overtaking = then(lambda: author.revise(comment, body="two"))
    faults.inject(overtaking, operation="transact_write_items")
    stale = author.set(comment, "deleted")
    assert stale.tag == "conflict"
    between = then(lambda: author.set({**comment, "revision": 2}, "deleted"))
    faults.inject(between, operation="transact_write_items")
    assert author.revise(comment, body="three").tag == "invalid-state"
    history = author.history(comment)
    assert [(one["content_revision"], "body" in one) for one in history] == [(2, False), (1, False)]


def test_a_deletion_whose_reads_are_not_of_one_moment_reads_again(
    world: World, faults: Faults
) -> None:
    author = owner(world)
    comment = author.add("one")
    for operation in ("query", "batch_get_item"):
        revision = author.shown(comment)["revision"]
        text = f"before the {operation}"
        meanwhile = then(lambda text=text: author.revise(comment, body=text))
        faults.clear()
        faults.inject(meanwhile, operation=operation)
        answer = author.set({**comment, "revision": revision}, "deleted")
        assert (answer.tag, answer.detail) == ("conflict", {"current_revision": revision + 1})
        assert faults.count() < 10
    assert len(texts(author, comment)) == 3


def test_a_deletion_that_foresees_a_revision_empties_that_content_too(
    world: World, faults: Faults
) -> None:
    author = owner(world)
    comment = author.add("one")
    meanwhile = then(lambda: author.revise(comment, body="two"))
    faults.inject(meanwhile, operation="batch_get_item")
    assert author.set({**comment, "revision": 2}, "deleted").status == 200
    assert [("body" in one) for one in author.history(comment)] == [False, False]


# ---------------------------------------------------------------- at every call of the database


@pytest.mark.parametrize("wrong", GONE_WRONG)
@pytest.mark.parametrize("path", ["", "/revise", "/status"])
def test_whatever_goes_wrong_a_retry_ends_as_if_it_had_not(
    world: World, faults: Faults, published: Published, wrong: str, path: str
) -> None:
    guid = customer(world)
    author = owner(world, **on("customer", guid))
    mentions = [{"kind": "customer", "id": customer(world)}]
    before = author.add("one #tag")
    named = {"comment_id": before["comment_id"]}
    bodies: dict[str, dict[str, Any]] = {
        "": {"body": "one #tag", "mentions": mentions},
        "/revise": {**named, "body": "two", "mentions": mentions},
        "/status": {**named, "status": "deleted", "expected_revision": 1},
    }
    for at in range(1, CALLS[path] + 1):
        key = {**bodies[path], "idempotency_key": f"k{at}"}
        if path:
            key["comment_id"] = author.add(f"text {at}")["comment_id"]
        told, known = len(published(world.code)), len(author.ids(status="all"))
        faults.clear()
        faults.inject(GONE_WRONG[wrong](), at=at, times=3 if wrong == "throttled" else 1)
        try:
            first = author.call(path, **key)
            assert first.status in (200, 503), first.body
        except Crash:
            pass
        assert faults.pending == 0
        again = author.call(path, **key)
        assert again.status == 200, again.body
        repeat = author.call(path, **key)
        assert (repeat.data, repeat.replayed) == (again.data, True)
        shown = again.data["comment"]
        assert author.shown(shown) == shown
        assert len(author.ids(status="all")) == known + (path == "")
        assert len(published(world.code)) == told + 1
        assert len(author.history(shown)) == (2 if path == "/revise" else 1)

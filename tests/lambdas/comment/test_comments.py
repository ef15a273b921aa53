"""Comments on records of other systems: add, get, list."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.fields import instant_shown
from shared.keys import of_org
from tests.builders import World
from tests.lambdas.comment.author import NOW, ORDER, Author, on, owner
from tests.meter import Meter

Published = Callable[[str], list[dict[str, Any]]]
FILE = {
    "record_id": "file-1",
    "filename": "offer.pdf",
    "content_type": "application/pdf",
    "size_bytes": 1234,
    "checksum": "sha256:abc",
}


def test_the_target_alone_makes_an_empty_comment(world: World) -> None:
    author = owner(world)
    answer = author.call("")
    comment = answer.data["comment"]
    assert comment == {
        "comment_id": comment["comment_id"],
        **ORDER,
        "body": "",
        "visibility": "internal",
        "status": "current",
        "current_revision": 1,
        "revision": 1,
        "size_bytes": 0,
        "user_guid": f"user_guid:u{world.owner.secret}",
        "created_at": instant_shown(NOW),
        "updated_at": instant_shown(NOW),
    }
    assert answer.body["revision"] == 1
    assert author.shown(comment) == comment


def test_a_whole_comment_is_kept_as_it_is_sent(world: World) -> None:
    said = {
        "caption": "Öffnungszeit",
        "body": "Fridays only.\n\t#Delivery",
        "attachments": [FILE, {"record_id": "file-2"}],
        "visibility": "public",
        "hashtags": ["#VIP", "vip", "delivery"],
        "mentions": [{"kind": "user", "id": "user_guid:U7"}] * 2,
    }
    author = owner(world)
    comment = author.call("", **said).data["comment"]
    kept = {**said, "hashtags": ["vip", "delivery"], "mentions": said["mentions"][:1]}
    assert {name: comment[name] for name in kept} == kept
    assert comment["size_bytes"] == len(("Öffnungszeit" + str(said["body"])).encode())
    assert author.shown(comment) == comment
    assert author.listed() == [comment]


def test_an_id_has_the_hash_of_the_target_and_nothing_of_it_in_the_clear(world: World) -> None:
    author = owner(world, **on("Visit of", "Mrs. Smith"))
    comment = author.add()
    assert comment["comment_id"].endswith(of_org(world.code).target_hash("Visit of", "Mrs. Smith"))
    assert len(comment["comment_id"]) <= 64


def test_the_end_of_an_id_may_be_left_out(world: World) -> None:
    author = owner(world)
    comment = author.add()
    short = {**comment, "comment_id": comment["comment_id"][:31]}
    assert author.shown(short) == comment
    assert author.history(short) == author.history(comment)
    elsewhere = owner(world, **on("order", "SO-2"))
    assert elsewhere.get(short).status == 404
    assert author.set(short, "archived").data["comment"]["status"] == "archived"


@pytest.mark.parametrize(
    "wrong", [{"target_id": "SO-2"}, {"target_type": "Order"}, {"comment_id": "cmnt_x"}]
)
def test_the_three_names_must_fit_together(world: World, wrong: dict[str, str]) -> None:
    author = owner(world)
    comment = author.add()
    assert author.get({**comment, **wrong}, **wrong).status == 404
    assert author.revise({**comment, **wrong}, body="x", **wrong).status == 404
    assert author.set({**comment, **wrong}, "archived", **wrong).status == 404
    assert author.shown(comment) == comment


@pytest.mark.parametrize(
    ("sent", "fields"),
    [
        ({"caption": "x" * 201}, ["caption"]),
        ({"caption": "two\nlines"}, ["caption"]),
        ({"body": "x" * 65_537}, ["body"]),
        ({"body": "\u20ac" * 21_846}, ["body"]),
        ({"body": "a\u0007"}, ["body"]),
        ({"attachments": [{"record_id": f"f{n}"} for n in range(21)]}, ["attachments"]),
        ({"attachments": [{"filename": "x"}]}, ["attachments.0.record_id"]),
        ({"attachments": [{**FILE, "size_bytes": -1}]}, ["attachments.0.size_bytes"]),
        ({"mentions": [{"kind": "user", "id": f"u{n}"} for n in range(21)]}, ["mentions"]),
        ({"hashtags": ["two words"]}, ["hashtags.0"]),
        ({"visibility": "secret"}, ["visibility"]),
        ({"target_type": "x" * 65}, ["target_type"]),
        ({"target_id": "x" * 129}, ["target_id"]),
        ({"expected_revision": -1, "caption": None}, ["caption", "expected_revision"]),
    ],
)
def test_what_does_not_fit_is_refused(
    world: World, sent: dict[str, Any], fields: list[str]
) -> None:
    answer = owner(world).call("", **sent)
    assert (answer.status, sorted(answer.fields)) == (400, fields)


def test_the_longest_body_fits(world: World) -> None:
    author = owner(world)
    body = "\u20ac" * 21_845 + "x"
    comment = author.add(body)
    assert (comment["size_bytes"], author.shown(comment)["body"]) == (65_536, body)


# ---------------------------------------------------------------- lists


def test_comments_on_a_record_are_listed_newest_first_and_filtered(world: World) -> None:
    author = owner(world)
    made = [
        author.at(NOW + timedelta(seconds=n)).add(f"#{'even' if n % 2 == 0 else 'Odd'} {n}")
        for n in range(9)
    ]
    other = Author(world.person(), ORDER, NOW + timedelta(minutes=1)).add("#odd")
    owner(world, **on("order", "SO-2")).add("elsewhere")
    archived = author.set(made[0], "archived").data["comment"]
    reply = author.at(NOW + timedelta(hours=1)).add(parent_comment_id=made[1]["comment_id"])
    ids = [one["comment_id"] for one in reversed(made)]
    rest = [reply["comment_id"], other["comment_id"]]
    for limit in (1, 3, 8, 256):
        assert author.ids(limit=limit) == [*rest, *ids[:-1]]
    assert author.ids(status="all", limit=2) == [*rest, *ids]
    assert author.listed(status="archived") == [archived]
    assert author.ids(status="deleted") == []
    assert author.ids(hashtag="#EVEN", limit=2) == ids[:-1:2]
    assert author.ids(user_guid=other["user_guid"]) == [other["comment_id"]]
    assert author.listed(parent_comment_id=made[1]["comment_id"]) == [reply]


def test_comments_of_an_author_are_summaries_whatever_they_are_on(world: World) -> None:
    author, key = owner(world), Author(world.key(), ORDER)
    first = author.add("#Mine", caption="C", mentions=[{"kind": "user", "id": "u1"}])
    second = owner(world, **on("order", "SO-2")).at(NOW + timedelta(seconds=1)).add("#other")
    robot = key.add("beep")
    by_owner = Author(world.owner, {})
    texts = {"caption", "body", "hashtags", "mentions"}
    expected = [{k: v for k, v in one.items() if k not in texts} for one in (second, first)]
    for name in (first["user_guid"], first["user_guid"].removeprefix("user_guid:")):
        assert by_owner.listed(user_guid=name, limit=1) == expected
    assert by_owner.ids(user_guid=first["user_guid"], hashtag="mine") == [first["comment_id"]]
    assert by_owner.ids(user_guid=robot["user_guid"]) == [robot["comment_id"]]
    assert robot["user_guid"].startswith("service_account:")
    author.set(first, "archived")
    assert by_owner.ids(user_guid=first["user_guid"]) == [second["comment_id"]]
    assert len(by_owner.ids(user_guid=first["user_guid"], status="all")) == 2


def test_a_list_needs_a_record_or_an_author(world: World) -> None:
    nobody = Author(world.owner, {})
    assert nobody.call("/list").fields == ["target_type"]
    assert nobody.call("/list", hashtag="x", status="all").fields == ["target_type"]
    assert nobody.call("/list", target_type="order").fields == ["target_id"]
    assert nobody.call("/list", target_id="SO-1", user_guid="u1").fields == ["target_type"]


def test_a_walk_shows_each_comment_once_whatever_happens_meanwhile(world: World) -> None:
    author = owner(world)
    made = [author.at(NOW + timedelta(seconds=n)).add(str(n)) for n in range(6)]
    page = author.call("/list", limit=2).data
    later = author.at(NOW + timedelta(minutes=1))
    later.add("new")
    later.revise(made[2], body="changed")
    later.set(made[1], "deleted")
    rest = author.listed(limit=2, next_token=page["next_token"])
    seen = [one["comment_id"] for one in (*page["items"], *rest)]
    assert seen == [made[n]["comment_id"] for n in (5, 4, 3, 2, 0)]


def test_tokens_are_bound_to_their_list(world: World, other_world: World) -> None:
    author = owner(world)
    for n in range(3):
        author.add(str(n))
    token = author.call("/list", limit=1).data["next_token"]
    assert author.call("/list", limit=2, next_token=token).status == 200
    wrong = [
        author.call("/list", next_token=token, status="all"),
        owner(world, **on("order", "SO-2")).call("/list", next_token=token),
        owner(other_world).call("/list", next_token=token),
        author.call("/list", next_token=token + "A"),
        author.call("/list", next_token=base64.b64encode(b"x" * 40).decode()),
        author.at(NOW + timedelta(hours=25)).call("/list", next_token=token),
    ]
    assert {answer.tag for answer in wrong} == {"invalid-next-token"}


def test_large_comments_make_short_pages_and_lose_nothing(world: World) -> None:
    author = owner(world)
    made = [author.at(NOW + timedelta(seconds=n)).add("x" * 65_000) for n in range(18)]
    page = author.call("/list", limit=256)
    assert 0 < len(page.data["items"]) < 18
    assert len(json.dumps(page.body)) < 1_500_000
    assert author.ids(limit=256) == [one["comment_id"] for one in reversed(made)]


def test_a_get_and_a_list_are_one_trip(world: World, meter: Meter) -> None:
    author = owner(world)
    comment = author.add()
    for body in ({}, {"content_revision": 1}, {"history": True}):
        with meter.measuring() as costs:
            assert author.get(comment, **body).status == 200
        assert costs[0].trips == 1
    for call in (lambda: author.call("/list"), lambda: author.call("/list", user_guid="u1")):
        with meter.measuring() as costs:
            assert call().status == 200
        assert costs[0].trips == 1


def test_an_event_has_ids_and_sizes_and_no_text(world: World, published: Published) -> None:
    author = owner(world)
    texts = {"caption": "needle1", "hashtags": ["needle2"], "attachments": [FILE]}
    comment = author.add("needle3", **texts)
    author.revise(comment, body="needle4")
    author.set({**comment, "revision": 2}, "archived")
    made, revised, archived = published(world.code)
    assert made["action"] == "comment-created"
    assert made["data"] == {
        "target_type": "order",
        "comment_id": comment["comment_id"],
        "visibility": "internal",
        "status": "current",
        "current_revision": 1,
        "size_bytes": 14,
        "user_guid": comment["user_guid"],
    }
    assert (revised["action"], revised["aggregate_revision"]) == ("comment-revised", 2)
    assert revised["data"]["current_revision"] == 2
    assert archived["action"] == "comment-status-set"
    assert archived["data"]["previous_status"] == "current"
    assert archived["data"]["status"] == "archived"
    assert "needle" not in json.dumps([made, revised, archived])


def test_an_event_tells_another_systems_record_by_a_code_and_never_by_its_id(
    world: World, published: Published
) -> None:
    for target_type in ("order", "Needle of Ada", "needle@example.com"):
        author = owner(world, **on(target_type, "needle@example.com"))
        comment = author.add()
        author.revise(comment, body="x")
        author.set({**comment, "revision": 2}, "archived")
    events = published(world.code)
    told = [{k: v for k, v in e["data"].items() if k.startswith("target_")} for e in events]
    assert told == [{"target_type": "order"}] * 3 + [{}] * 6
    assert "needle" not in json.dumps(events).lower()


def test_an_event_tells_a_record_of_this_service_by_its_id(
    world: World, published: Published
) -> None:
    guid = world.customer()["customer_guid"]
    owner(world, **on("Customer", guid)).add()
    data = published(world.code)[-1]["data"]
    assert (data["target_type"], data["target_id"]) == ("customer", guid)


@pytest.mark.parametrize(
    "wrong", ["\u200b", "\u00ad", "SO\u200b1", "SO\n1", "SO\u20281", "x" * 129]
)
def test_the_id_of_what_is_commented_on_prints(world: World, wrong: str) -> None:
    """Two ids that look alike are one, and none looks like nothing."""
    refused = owner(world, **on("order", wrong)).call("", body="Hello")
    assert (refused.status, refused.fields) == (400, ["target_id"])
    message = refused.body["error"]["minor"][0]["message"]
    assert message == "must be 1 to 128 printable characters"
    composed = owner(world, **on("order", "caf\u00e9")).add()
    apart = owner(world, **on("order", "cafe\u0301"))
    assert [one["comment_id"] for one in apart.listed()] == [composed["comment_id"]]

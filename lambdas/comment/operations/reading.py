"""Get, list and report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lambdas.comment import items, rules, storage
from lambdas.comment.models import envelopes, requests
from lambdas.comment.models.records import CommentContentRecord, CommentRecord
from lambdas.comment.operations.access import (
    ROLES,
    Found,
    may_read,
    reads_of,
    require_found,
    require_role,
)
from shared.actors import actor_named
from shared.api import Answer, Call
from shared.codec import Wire, decode, view_of
from shared.keys import BY_STATUS, SECOND_ORDER
from shared.lists import CustomerWalk, Page, answer_walk
from shared.paging import Listing, page
from shared.targets import CUSTOMER

ANSWER_BYTES = 1_000_000
"""How many bytes of texts a page holds, so that no answer is too large to be sent."""

# ---------------------------------------------------------------- get


def comment_get(call: Call, body: requests.CommentGetRequest) -> Answer:
    """Returns a comment with its last content, or with an earlier one by its number. ``history``
    lists all contents beside it. A deleted comment is returned too, without what it said."""
    require_role(call, body.target_type)
    if body.history:
        return _with_history(call, body)
    comment_id = storage.named_id(call.keys, body)
    number = body.content_revision
    content_at = None if number is None else storage.content_at(call.keys, comment_id, number)
    reads = reads_of(call, body)
    records = call.load(*reads, *([] if content_at is None else [content_at]))
    found = call.decided(records, lambda r: require_found(call, r, body, writes=False))
    data = found.data()
    if content_at is not None:
        content = records.get(content_at)
        if content is None and found.has(number):
            content = call.load(content_at).get(content_at)
        if content is None:
            raise rules.unknown("content_revision")
        data["comment"] = {
            **storage.with_texts(data["comment"], content),
            "content_revision": content.content_revision,
        }
    return Answer(data | found.redirect, found.comment.revision)


def _with_history(call: Call, body: requests.CommentGetRequest) -> Answer:
    """Returns a comment and a page of its contents, read in one trip. That is not one moment: where
    a revision comes in between, the contents are those of the comment as it was read."""
    partition, prefix, _ = call.keys.comment_contents(storage.named_id(call.keys, body))
    known: list[Found] = []

    def read_comment() -> None:
        records = call.load(*reads_of(call, body))
        known.append(call.decided(records, lambda r: require_found(call, r, body, writes=False)))

    def keep(wire: Wire) -> dict[str, Any] | None:
        content: CommentContentRecord = decode(CommentContentRecord, wire)
        # A later one came after the comment was read.
        there = content.content_revision <= known[0].comment.current_revision
        return storage.content_shown(content) if there else None

    def walk(limit: int, cursor: str | None) -> Page:
        listing = Listing((partition,), prefix=prefix)
        told, after = page(call.table, listing, limit, cursor, keep, beside=read_comment)
        newest = told[0]["content_revision"] if told else 0
        if cursor is None and newest < known[0].comment.current_revision:
            # It came before the comment was read: once more, so after that.
            told, after = page(call.table, listing, limit, cursor, keep)
        return told, after

    answer = answer_walk(call, body, walk, plural="history")
    (found,) = known
    return Answer(found.data() | answer.data | found.redirect, found.comment.revision)


# ---------------------------------------------------------------- list


def comment_list(call: Call, body: requests.CommentListRequest) -> Answer:
    """Lists the comments on a record as whole ones, or those of an author as summaries, newest
    first. Of a merged customer it lists those on the survivor and on everyone who was merged into
    it. Without a record it leaves out what is on records that the caller may not read."""
    if body.target_type is None or body.target_id is None:
        return _list_of_author(call, body)
    require_role(call, body.target_type)
    target_type, target_id = body.target_type, body.target_id

    def place(some_id: str) -> tuple[str, str]:
        return call.keys.comments(target_type, some_id)

    def keep(wire: Wire, shown_on: str) -> dict[str, Any] | None:
        comment: CommentRecord = decode(CommentRecord, wire)
        tagged = body.hashtag is None or body.hashtag in comment.hashtags
        # The deletion of what the comment is on has begun.
        right = tagged and comment.fenced_by is None
        item = storage.comment_shown(comment, shown_on)
        return item if right and _passes(body, item) else None

    prefix = place(target_id)[1]
    if target_type == CUSTOMER:
        walk = CustomerWalk(call, target_id, place, keep)
        answer = answer_walk(call, body, _within_answer(walk, prefix), plural="items")
        return Answer(answer.data | walk.redirect)

    def walk_of_record(limit: int, cursor: str | None) -> Page:
        listing = Listing((place(target_id)[0],), prefix=prefix)
        return page(call.table, listing, limit, cursor, lambda wire: keep(wire, target_id))

    return answer_walk(call, body, _within_answer(walk_of_record, prefix), plural="items")


def _list_of_author(call: Call, body: requests.CommentListRequest) -> Answer:
    tag = None if body.hashtag is None else items.hashtag_hash(call.keys, body.hashtag)

    def keep(wire: Wire) -> dict[str, Any] | None:
        view = view_of(wire)
        tagged = tag is None or tag in view.get(items.TAGS, ())
        readable = may_read(call, items.audience(view["target_type"]))
        summary = {name: value for name, value in view.items() if name != items.TAGS}
        return summary if tagged and readable and _passes(body, view) else None

    def walk(limit: int, cursor: str | None) -> Page:
        mine = call.keys.list_of(items.COMMENT, actor_named(str(body.user_guid)))
        return page(call.table, Listing((mine,), BY_STATUS), limit, cursor, keep)

    return answer_walk(call, body, walk, plural="items")


def _passes(body: requests.CommentListRequest, comment: dict[str, Any]) -> bool:
    author = None if body.user_guid is None else actor_named(body.user_guid)
    return (
        body.status in ("all", comment["status"])
        and author in (None, comment["user_guid"])
        and body.parent_comment_id in (None, comment.get("parent_comment_id"))
    )


def _within_answer(
    walk: Callable[[int, str | None], Page], prefix: str
) -> Callable[[int, str | None], Page]:
    """Returns the walk with pages that end where their texts are too large for one answer."""

    def bounded(limit: int, cursor: str | None) -> Page:
        found, after = walk(limit, cursor)
        size = 0
        for number, comment in enumerate(found):
            size += comment["size_bytes"]
            if number and size > ANSWER_BYTES:
                return found[:number], f"{prefix}{found[number - 1]['comment_id']}"
        return found, after

    return bounded


# ---------------------------------------------------------------- report


def comment_report(call: Call, body: requests.CommentReportRequest) -> Answer:
    """Returns the largest current comments of the org by the size of caption and body, among those
    on records that the caller may read. Of equal ones the oldest comes first."""
    audiences = [one for one in ROLES if may_read(call, one)]
    listing = Listing(
        tuple(call.keys.list_of(items.COMMENT, one) for one in audiences),
        SECOND_ORDER,
        newest_first=False,
    )
    found, _ = page(call.table, listing, body.limit, None, view_of)
    names = envelopes.ReportedComment.model_fields
    return Answer({"items": [{name: one[name] for name in names} for one in found]})

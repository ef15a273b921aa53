"""Comments: get, list, report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lambdas.comment import rules, storage
from lambdas.comment.access import ensure_may_read, may_read, require_right_target, target_reads
from lambdas.comment.models import requests
from lambdas.comment.models.records import CommentContentRecord, CommentRecord
from shared.api import Answer, Call
from shared.codec import Wire, decode, view_of
from shared.lists import OwnersList, answer_list, answer_walk
from shared.paging import Listing, cursor_of, page, sign
from shared.records import Records
from shared.targets import CUSTOMER, normal_id, require_shown


def comment_get(call: Call, body: requests.CommentGetRequest) -> Answer:
    """Returns a comment with its current content. `content_revision` adds the content of that
    revision, `history` all of them, newest first."""
    ensure_may_read(call, body.target_type)
    comment_at = storage.comment_at(call.keys, body.comment_id)
    contents_at, wanted = storage.contents_of(call.keys, body.comment_id), body.content_revision
    reads = [comment_at, *target_reads(call, body)]
    if body.history:
        reads.append(contents_at)
    elif wanted is not None:
        reads.append(storage.content_at(call.keys, body.comment_id, wanted))

    def answer(records: Records) -> Answer:
        comment = require_shown(records.get(comment_at))
        require_right_target(call, records, comment, body, reading=True)
        data = {"comment": storage.comment_shown(comment)}
        if body.history:
            said = [rules.said_before(comment), *reversed(records.all(contents_at))]
            data |= _history(call, body, said)
        elif wanted == comment.current_revision:
            data["content"] = storage.content_shown(rules.said_before(comment))
        elif wanted is not None:
            place = storage.content_at(call.keys, body.comment_id, wanted)
            data["content"] = storage.content_shown(records.require(place))
        return Answer(data, comment.revision)

    return call.read(reads, answer)


def comment_list(call: Call, body: requests.CommentListRequest) -> Answer:
    """Lists comments on a record, of an author, or both, newest first. Comments on a record come
    whole, those of an author as summaries; the list of a merged customer is that of its survivor.
    Comments on records that the caller may not read are left out."""
    author = None if body.user_guid is None else _actor(body.user_guid)
    if body.target_type is None or body.target_id is None:
        return _list_of_author(call, body, str(author))
    target_type = body.target_type
    if not may_read(call, target_type):
        return Answer({"items": []})
    target_id = normal_id(target_type, body.target_id)

    def keep(wire: Wire, _: str = "") -> dict[str, Any] | None:
        comment = decode(CommentRecord, wire)
        right = author in (None, comment.user_guid) and _passes(body, comment)
        return storage.comment_shown(comment) if right else None

    if target_type == CUSTOMER:
        listed = OwnersList(call, target_id, lambda guid: call.keys.comments(CUSTOMER, guid), keep)
        return answer_walk(call, body, listed.walk, plural="items")
    partition, prefix = call.keys.comments(target_type, target_id)
    return answer_list(call, Listing((partition,), prefix=prefix), body, keep, plural="items")


def comment_report(call: Call, body: requests.CommentReportRequest) -> Answer:
    """Returns the largest current comments of the org, by the bytes of caption and text. Comments
    on records that the caller may not read are left out."""
    names = ("comment_id", "target_type", "target_id", "size_bytes", "user_guid", "created_at")

    def keep(wire: Wire) -> dict[str, Any] | None:
        view = view_of(wire)
        return {n: view[n] for n in names} if may_read(call, view["target_type"]) else None

    items, _ = page(call.table, storage.by_size(call.keys), body.limit, None, keep)
    return Answer({"items": items})


def _history(
    call: Call, body: requests.CommentGetRequest, said: Sequence[CommentContentRecord]
) -> dict[str, Any]:
    """Returns a page of the revisions, newest first. A comment has few, so all were read."""
    scope = f"{call.caller.orgcode} {call.route.path} {body.comment_id}"
    after = None
    if body.next_token is not None:
        after = int(cursor_of(body.next_token, scope, call.now))
    left = [one for one in said if after is None or one.content_revision < after]
    told, more = left[: body.limit], left[body.limit :]
    data: dict[str, Any] = {"history": [storage.content_shown(one) for one in told]}
    if more:
        data["next_token"] = sign(scope, str(told[-1].content_revision), call.now)
    return data


def _list_of_author(call: Call, body: requests.CommentListRequest, author: str) -> Answer:
    """Lists from the index. Only the comments themselves know their words, so a hashtag takes a
    second trip."""

    def keep(wire: Wire) -> dict[str, Any] | None:
        view = view_of(wire)
        right = may_read(call, view["target_type"]) and body.status in ("all", view["status"])
        right = right and body.parent_comment_id in (None, view.get("parent_comment_id"))
        return view if right else None

    def with_word(found: list[dict[str, Any]]) -> list[dict[str, Any] | None]:
        places = [storage.comment_at(call.keys, view["comment_id"]) for view in found]
        records = call.load(*places)
        comments = [records.get(place) for place in places]
        return [
            view if comment is not None and body.hashtag in comment.hashtags else None
            for view, comment in zip(found, comments, strict=True)
        ]

    listing = storage.of_author(call.keys, author)
    complete = None if body.hashtag is None else with_word
    return answer_list(call, listing, body, keep, plural="items", complete=complete)


def _passes(body: requests.CommentListRequest, comment: CommentRecord) -> bool:
    return (
        comment.fenced_by is None
        and body.status in ("all", comment.status)
        and (body.hashtag is None or body.hashtag in comment.hashtags)
        and body.parent_comment_id in (None, comment.parent_comment_id)
    )


def _actor(user_guid: str) -> str:
    return user_guid if ":" in user_guid else f"user_guid:{user_guid}"

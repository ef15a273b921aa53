"""What may happen to a comment. Values in, values out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from lambdas.comment.models.records import CommentContentRecord, CommentRecord
from lambdas.comment.models.requests import HASHTAG
from shared.errors import Forbidden, InvalidState
from shared.states import next_revision, steps, with_changes, with_status

STEPS = steps({"current": "archived deleted", "archived": "current deleted", "deleted": ""})
REVISIONS = 40
"""How many revisions of its content a comment may have."""
HASHTAGS = 100
CUSTOMER = "customer"
_TAG = re.compile(rf"(?<![\w&/#])#({HASHTAG})")
CONTENT = ("caption", "body", "attachments", "hashtags", "mentions", "visibility")
EMPTY: dict[str, Any] = {
    "caption": None, "body": None, "attachments": (), "hashtags": (), "mentions": (),
    "sha256": None,
}  # fmt: skip
"""What a comment says once it is deleted."""


def content(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what follows from the content: the words in the body, the size and the hash."""
    caption, body = values.get("caption") or "", values.get("body") or ""
    found = [tag.lower() for tag in _TAG.findall(body)]
    tags = tuple(dict.fromkeys([*(values.get("hashtags") or ()), *found]))[:HASHTAGS]
    text = f"{caption}\n{body}".encode()
    size = len(caption.encode()) + len(body.encode())
    return {"hashtags": tags, "size_bytes": size, "sha256": hashlib.sha256(text).hexdigest()}


def is_authored_by(comment: CommentRecord, actor: str) -> bool:
    """Whether this caller wrote it. A service account is not the person of the same name."""
    return comment.user_guid == actor


def ensure_author(comment: CommentRecord, actor: str) -> None:
    """403 for anybody but the author; owners are no exception."""
    if not is_authored_by(comment, actor):
        raise Forbidden("Only the author may revise a comment.")


def revised(
    comment: CommentRecord, values: Mapping[str, Any], why: Mapping[str, Any], now: datetime
) -> CommentRecord:
    """Returns the comment with a new content; the very same object where it says the same. Raises
    409 for a comment that is not current, or has too many revisions."""
    before = {name: getattr(comment, name) for name in CONTENT}
    given = with_changes(comment, values, now)
    after = {name: getattr(given, name) for name in CONTENT}
    if "hashtags" not in values:
        # Words that only the old body had go with it.
        own = {tag.lower() for tag in _TAG.findall(comment.body or "")}
        after["hashtags"] = tuple(tag for tag in comment.hashtags if tag not in own)
    derived = content(after)
    if {**after, "hashtags": derived["hashtags"]} == before:
        return comment
    if comment.status != "current":
        raise InvalidState(detail={"state": comment.status, "allowed": []})
    if comment.current_revision >= REVISIONS:
        raise InvalidState(
            f"A comment has at most {REVISIONS} revisions.",
            detail={"state": comment.status, "current_revision": comment.current_revision},
        )
    number = comment.current_revision + 1
    both = {**after, **derived, **why, "current_revision": number, "revised_at": now}
    return next_revision(comment, now, **both)


def said_before(comment: CommentRecord) -> CommentContentRecord:
    """Returns the content that a revision supersedes."""
    return CommentContentRecord(
        comment_id=comment.comment_id,
        content_revision=comment.current_revision,
        caption=comment.caption,
        body=comment.body,
        size_bytes=comment.size_bytes,
        sha256=comment.sha256,
        actor=comment.user_guid,
        at=comment.revised_at,
        reason=comment.reason,
        reason_code=comment.reason_code,
        source_refs=comment.source_refs,
    )


def emptied(said: CommentContentRecord) -> CommentContentRecord:
    """Returns an earlier content of a deleted comment."""
    return replace(said, caption=None, body=None, sha256=None, reason=None, source_refs=())


def with_comment_status(comment: CommentRecord, status: str, now: datetime) -> CommentRecord:
    """Returns the comment with the status; the same object where it has it. A deleted one says
    nothing any more."""
    after = with_status(comment, STEPS, status, now)
    if after is comment or status != "deleted":
        return after
    return replace(after, **EMPTY, reason=None, source_refs=())


def mentioned(comment: CommentRecord) -> tuple[str, ...]:
    """Returns the customers whom a comment mentions."""
    found = (one["id"] for one in comment.mentions if one.get("kind") == CUSTOMER)
    return tuple(dict.fromkeys(found))


def without_mentions(comment: CommentRecord, guids: Collection[str]) -> CommentRecord:
    """Returns the comment without any mention of these customers."""
    left = tuple(
        one
        for one in comment.mentions
        if not (one.get("kind") == CUSTOMER and one.get("id") in guids)
    )
    return comment if left == comment.mentions else replace(comment, mentions=left)

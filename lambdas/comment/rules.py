"""What a comment says and which steps it may take. Values in, values out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from itertools import takewhile
from typing import Any

from lambdas.comment.models.hashtags import TAG_LENGTH, is_of_hashtag, normal_hashtag
from lambdas.comment.models.records import CommentContentRecord, CommentRecord, Mention
from lambdas.comment.models.requests import HASHTAGS
from shared.errors import ApiError, Fault, InvalidInput, InvalidState, NotFound
from shared.states import steps

STEPS = steps({"current": "archived deleted", "archived": "current deleted", "deleted": ""})
CONTENTS = 40
"""How many contents a comment may have: its deletion empties all of them in one transaction."""
# Not after a letter or digit (a part of a word), nor in an address or an entity such as &#39;
_MARK = re.compile(r"(?<![\w&/#])#")
TEXTS = ("caption", "body", "attachments", "hashtags")
"""The fields that every content has of its own."""


# ---------------------------------------------------------------- what a comment says


def hashtags(chosen: tuple[str, ...], body: str) -> tuple[str, ...]:
    """Returns the hashtags that were given and then those of the body, each once."""
    found = dict.fromkeys(chosen)
    for mark in _MARK.finditer(body):
        if len(found) >= HASHTAGS:
            break
        # One character more than fits, so that a longer word is no hashtag instead of a cut one.
        word = "".join(takewhile(is_of_hashtag, body[mark.end() : mark.end() + TAG_LENGTH + 1]))
        tag = normal_hashtag(word.rstrip("-"))
        if tag is not None:
            found[tag] = None
    return tuple(found)


def size_of(caption: str | None, body: str | None) -> int:
    return len(_bytes(caption, body))


def _bytes(caption: str | None, body: str | None) -> bytes:
    return f"{caption or ''}{body or ''}".encode()


def stored(given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the given fields of a request in the form that the record holds. None clears one."""
    forms: dict[str, Callable[[Any], Any]] = {
        "attachments": lambda files: tuple(one.model_dump(exclude_none=True) for one in files),
        "mentions": lambda named: tuple(Mention(kind=one.kind, id=one.id) for one in named),
        "hashtags": tuple,
    }
    values = {
        name: forms[name](value or ()) if name in forms else value for name, value in given.items()
    }
    if "hashtags" in values:
        values["chosen_hashtags"] = values.pop("hashtags")
    return values


def with_content(comment: CommentRecord, given: Mapping[str, Any]) -> CommentRecord:
    """Returns the comment with the given content, and with what follows from it. The number of the
    content, the revision and the times stay."""
    after = replace(comment, **stored(given))
    return replace(
        after,
        hashtags=hashtags(after.chosen_hashtags, after.body or ""),
        size_bytes=size_of(after.caption, after.body),
    )


def revised(comment: CommentRecord, given: Mapping[str, Any], now: datetime) -> CommentRecord:
    """Returns the comment with its next content; the very same object where that shows the same as
    the current one. Raises 409 for a comment that is not current, or has as many contents as fit.
    """
    after = with_content(comment, given) if given else comment
    # Who sends back what a comment shows gives the hashtags of its body too.
    if replace(after, chosen_hashtags=comment.chosen_hashtags) == comment:
        return comment
    if comment.status != "current":
        raise InvalidState(detail={"state": comment.status, "allowed": []})
    if comment.current_revision >= CONTENTS:
        raise InvalidState(
            f"A comment has at most {CONTENTS} contents.",
            detail={"state": comment.status, "allowed": [], "limit": CONTENTS},
        )
    return replace(
        after,
        current_revision=comment.current_revision + 1,
        revision=comment.revision + 1,
        revised_at=now,
        updated_at=now,
    )


def content_of(comment: CommentRecord, actor: str, at: datetime) -> CommentContentRecord:
    """Returns the current content of a comment, as it is kept under its number."""
    return CommentContentRecord(
        comment_id=comment.comment_id,
        content_revision=comment.current_revision,
        caption=comment.caption,
        body=comment.body,
        attachments=comment.attachments,
        hashtags=comment.hashtags,
        size_bytes=comment.size_bytes,
        sha256=sha256(_bytes(comment.caption, comment.body)).hexdigest(),
        actor=actor,
        at=at,
        reason=comment.reason,
        reason_code=comment.reason_code,
        source_refs=comment.source_refs,
    )


# ---------------------------------------------------------------- what a deletion leaves


def emptied(comment: CommentRecord) -> CommentRecord:
    """Returns a deleted comment without what it said."""
    return replace(
        comment,
        caption=None,
        body=None,
        attachments=(),
        chosen_hashtags=(),
        hashtags=(),
        mentions=(),
    )


def emptied_content(content: CommentContentRecord) -> CommentContentRecord:
    """Returns a content of a deleted comment: its number, its size, who wrote it and when."""
    return CommentContentRecord(
        comment_id=content.comment_id,
        content_revision=content.content_revision,
        size_bytes=content.size_bytes,
        actor=content.actor,
        at=content.at,
    )


# ---------------------------------------------------------------- what a comment stands below


def unknown(field: str) -> ApiError:
    return NotFound(minor=[Fault("not-found", field, "does not exist")])


def too_deep(field: str, message: str) -> ApiError:
    return InvalidInput(minor=[Fault("too-deep", field, message)])


def below_deleted() -> ApiError:
    """Returns the refusal of what would be said below a deleted comment."""
    return InvalidState("The comment is deleted.", detail={"state": "deleted", "allowed": []})

"""What the family stores. Comments go where the record goes that they are about."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from lambdas.comment import rules
from lambdas.comment.models import envelopes, records
from shared.keys import Key, Keys
from shared.kinds import Kind, listed_until


def _without_hash(said: Any, _: datetime) -> Any:
    """Returns a content without the hash of what it said."""
    return replace(said, sha256=None)


def _mentions(keys: Keys, comment: records.CommentRecord) -> list[Key]:
    found = rules.mentioned(comment)
    return [keys.customer_link(guid, "MENTION", comment.comment_id) for guid in found]


KINDS = (
    Kind(
        record=records.CommentRecord,
        erasure="delete",
        named_by="comment_id",
        target="comment",
        anonymized=_without_hash,
        forgets=rules.without_mentions,
        hidden=("sha256",),
        retained="comment",
        aged_by="updated_at",
        aging=listed_until("comment"),
        parts=lambda keys, comment: [keys.comment_contents(comment.comment_id)],
        links=_mentions,
        events={
            "comment-created": envelopes.CommentChanged,
            "comment-revised": envelopes.CommentChanged,
            "comment-status-set": envelopes.CommentStatusChanged,
        },
        when={
            "comment-created": "A comment was added.",
            "comment-revised": "A comment got a new content.",
            "comment-status-set": "A comment was archived, deleted, or taken back.",
        },
    ),
    Kind(
        record=records.CommentContentRecord,
        erasure="delete",
        business=False,
        anonymized=_without_hash,
        hidden=("sha256",),
        events={},
    ),
    Kind(
        record=records.MentionLinkRecord,
        erasure="delete",
        business=False,
        mentions=lambda keys, link: keys.comment(link.comment_id),
        events={},
    ),
)

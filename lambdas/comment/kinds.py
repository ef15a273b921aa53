"""The kinds of records that comments store. A comment goes where the record goes that it is on. A
comment on another record that only mentions a customer stays, without the mention."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from lambdas.comment.items import comment_item, mention_item, mentioned_customers
from lambdas.comment.models import envelopes, records
from shared.keys import Key, Keys
from shared.kinds import Kind, listed_until
from shared.targets import CUSTOMER


def without_mentions(
    comment: records.CommentRecord, guids: Collection[str]
) -> records.CommentRecord:
    """Returns the comment without any mention of these customers; the same where it has none."""
    kept = tuple(m for m in comment.mentions if m.kind != CUSTOMER or m.id not in guids)
    return comment if kept == comment.mentions else replace(comment, mentions=kept)


def without_hash(content: records.CommentContentRecord) -> records.CommentContentRecord:
    """Returns the content without the hash, which could prove what it said."""
    return replace(content, sha256=None)


def without_hash_at(
    content: records.CommentContentRecord, now: datetime
) -> records.CommentContentRecord:
    del now
    return without_hash(content)


def parts(keys: Keys, comment: records.CommentRecord) -> list[Key]:
    """Returns the keys of what belongs to a comment: its contents, and the links from the customers
    whom it mentions."""
    comment_id, numbers = comment.comment_id, range(1, comment.current_revision + 1)
    contents = [keys.comment_content(comment_id, number) for number in numbers]
    links = [mention_item(keys, guid, comment_id) for guid in mentioned_customers(comment)]
    return [*contents, *(link.key for link in links)]


KINDS = (
    Kind(
        record=records.CommentRecord,
        erasure="delete",
        named_by="comment_id",
        target="comment",
        item=comment_item,
        beside=parts,
        forgets=without_mentions,
        hidden=("fenced_by",),
        retained="comment",
        aged_by="updated_at",
        aging=listed_until("comment"),
        events={
            "comment-created": envelopes.CommentChanged,
            "comment-revised": envelopes.CommentChanged,
            "comment-status-set": envelopes.CommentStatusChanged,
        },
    ),
    Kind(
        record=records.CommentContentRecord,
        erasure="delete",
        # It is a part of the comment, which counts.
        business=False,
        ends=without_hash,
        anonymized=without_hash_at,
        hidden=("sha256", "fenced_by"),
        events={},
    ),
    Kind(
        record=records.CommentMentionRecord,
        erasure="delete",
        business=False,
        mentions=lambda keys, link: keys.comment(link.comment_id),
        events={},
    ),
)

"""The family's records in their places, with their index entries. Pure: the registry of kinds uses
it too."""

from __future__ import annotations

from typing import Any

from lambdas.comment.models import envelopes
from lambdas.comment.models.records import (
    CommentContentRecord,
    CommentMentionRecord,
    CommentRecord,
)
from shared.codec import Item, shown
from shared.fields import instant_text
from shared.keys import ALL_OF_KIND, BY_STATUS, SECOND_ORDER, Keys
from shared.targets import CUSTOMER, TARGET_TYPES

COMMENT, NOTIFICATION, GIFT_CARD = "comment", "notification", "gift_card"
MENTION = "MENTION"
"""The kind of the link from a customer to a comment that mentions it."""
OPEN, CARDS, RECORDS = "open", "cards", "records"
"""Who may read comments: every member; who may read gift cards; who may read all other records."""
TAGS = "tags"
"""Beside what a list shows of a comment: the hashes of its hashtags, which it is filtered by. Text
that people wrote does not go into an index."""
INNER = ("chosen_hashtags", "fenced_by", "reason", "reason_code", "source_refs")
"""What no answer shows of a comment."""
_LARGEST = 99_999_999


def audience(target_type: str) -> str:
    """Returns for whom the comments on records of a type are."""
    if target_type == GIFT_CARD:
        return CARDS
    if target_type in (COMMENT, NOTIFICATION) or target_type not in TARGET_TYPES:
        return OPEN
    return RECORDS


def comment_item(keys: Keys, comment: CommentRecord) -> Item[CommentRecord]:
    """Returns a comment in its place. Lists find it by its author; retention by its last change;
    the report by its size, the largest first, among the comments of the same audience."""
    comment_id = comment.comment_id
    changed = f"{instant_text(comment.updated_at)}#{comment_id}"
    indexes = keys.listed(BY_STATUS, COMMENT, comment_id, comment.user_guid)
    indexes |= keys.listed(ALL_OF_KIND, COMMENT, changed)
    if comment.status == "current":
        size = f"{_LARGEST - comment.size_bytes:08d}#{comment_id}"
        indexes |= keys.listed(SECOND_ORDER, COMMENT, size, audience(comment.target_type))
    return Item(keys.comment(comment_id), comment, indexes=indexes, view=_view(keys, comment))


def _view(keys: Keys, comment: CommentRecord) -> dict[str, Any]:
    whole = shown(comment)
    view = {name: whole[name] for name in envelopes.CommentSummary.model_fields if name in whole}
    tags = [hashtag_hash(keys, tag) for tag in comment.hashtags]
    return view | ({TAGS: tags} if tags else {})


def hashtag_hash(keys: Keys, hashtag: str) -> str:
    """Returns what stands for a hashtag in an index: 60 bits tell those of one author apart."""
    return keys.hash("hashtag", hashtag)[:12]


def content_item(keys: Keys, content: CommentContentRecord) -> Item[CommentContentRecord]:
    return Item(keys.comment_content(content.comment_id, content.content_revision), content)


def mention_item(keys: Keys, customer_guid: str, comment_id: str) -> Item[CommentMentionRecord]:
    place = keys.customer_link(customer_guid, MENTION, comment_id)
    return Item(place, CommentMentionRecord(comment_id=comment_id))


def mentioned_customers(comment: CommentRecord | None) -> tuple[str, ...]:
    """Returns the guids of the customers whom a comment mentions."""
    mentions = () if comment is None else comment.mentions
    return tuple(mention.id for mention in mentions if mention.kind == CUSTOMER)

"""Where comments lie, and how answers show them."""

from __future__ import annotations

from typing import Any

from lambdas.comment.models.envelopes import CommentRevision, CommentSummary
from lambdas.comment.models.records import CommentContentRecord, CommentRecord, MentionLinkRecord
from shared.codec import Item, shown
from shared.fields import instant_text
from shared.keys import ALL_OF_KIND, BY_STATUS, SECOND_ORDER, Keys
from shared.paging import Listing
from shared.records import Get, Query

LARGEST = 10**8
"""More bytes than any comment has: sizes are sorted by what they lack to it."""
BY_SIZE = "comment-size"
HIDDEN = ("sha256", "fenced_by", "reason", "reason_code", "source_refs")


def comment_at(keys: Keys, comment_id: str) -> Get[CommentRecord]:
    return Get(keys.comment(comment_id), CommentRecord)


def content_at(keys: Keys, comment_id: str, number: int) -> Get[CommentContentRecord]:
    return Get(keys.comment_content(comment_id, number), CommentContentRecord)


def contents_of(keys: Keys, comment_id: str) -> Query[CommentContentRecord]:
    return Query(*keys.comment_contents(comment_id), CommentContentRecord, None)


def comment_item(keys: Keys, comment: CommentRecord) -> Item[CommentRecord]:
    """Returns a comment in its place: in the lists of all, of its author and, while it is current,
    in that by size."""
    sort = f"{instant_text(comment.created_at)}#{comment.comment_id}"
    indexes = keys.listed(ALL_OF_KIND, "comment", sort)
    indexes |= keys.listed(BY_STATUS, "comment", sort, comment.user_guid)
    if comment.status == "current":
        size = f"{LARGEST - comment.size_bytes:08d}#{comment.comment_id}"
        indexes |= keys.listed(SECOND_ORDER, BY_SIZE, size)
    place = comment_at(keys, comment.comment_id).key
    return Item(place, comment, indexes=indexes, view=comment_summary(comment))


def content_item(keys: Keys, said: CommentContentRecord) -> Item[CommentContentRecord]:
    return Item(keys.comment_content(said.comment_id, said.content_revision), said)


def mention_item(keys: Keys, customer_guid: str, comment_id: str) -> Item[MentionLinkRecord]:
    place = keys.customer_link(customer_guid, "MENTION", comment_id)
    return Item(place, MentionLinkRecord(comment_id=comment_id))


def of_author(keys: Keys, user_guid: str) -> Listing:
    return Listing((keys.list_of("comment", user_guid),), BY_STATUS)


def by_size(keys: Keys) -> Listing:
    """Returns the list of the current comments, the largest first, and then by id."""
    return Listing((keys.list_of(BY_SIZE),), SECOND_ORDER, newest_first=False)


def comment_shown(comment: CommentRecord) -> dict[str, Any]:
    return shown(comment, without=HIDDEN)


def comment_summary(comment: CommentRecord) -> dict[str, Any]:
    """Returns what lists show of a comment from an index: not what it says."""
    whole = comment_shown(comment)
    return {name: whole[name] for name in CommentSummary.model_fields if name in whole}


def content_shown(said: CommentContentRecord) -> dict[str, Any]:
    whole = shown(said)
    return {name: whole[name] for name in CommentRevision.model_fields if name in whole}

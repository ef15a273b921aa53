"""Where the family's records lie, what is shown of them, and the writes that change them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lambdas.comment import items, rules
from lambdas.comment.kinds import KINDS
from lambdas.comment.models.records import CommentContentRecord, CommentRecord
from shared.api import Call
from shared.codec import shown
from shared.commit import Subject
from shared.customer_guard import CustomerGuard
from shared.events import change_event, event_data
from shared.keys import Keys, whole_comment_id
from shared.records import Get, Query
from shared.targets import told_in_events
from shared.writes import Delete, Put, Update, Write

CREATED, REVISED, STATUS_SET = "comment-created", "comment-revised", "comment-status-set"
EVENTS = {action: shape for kind in KINDS for action, shape in kind.events.items()}
"""The shape of each event's data. An event that no kind names cannot be made."""

# ---------------------------------------------------------------- places


def comment_at(keys: Keys, comment_id: str) -> Get[CommentRecord]:
    return Get(keys.comment(comment_id), CommentRecord)


def named_id(keys: Keys, body: Any) -> str:
    """Returns the whole id of the comment that a request names, with what it is on."""
    return whole_comment_id(body.comment_id, keys.target_hash(body.target_type, body.target_id))


def named_at(keys: Keys, body: Any) -> Get[CommentRecord]:
    return comment_at(keys, named_id(keys, body))


def content_at(keys: Keys, comment_id: str, number: int) -> Get[CommentContentRecord]:
    return Get(keys.comment_content(comment_id, number), CommentContentRecord)


def contents_at(keys: Keys, comment_id: str) -> Query[CommentContentRecord]:
    """Every content of a comment, the oldest first."""
    return Query(*keys.comment_contents(comment_id), CommentContentRecord, None)


def subject(keys: Keys, comment_id: str) -> Subject:
    """Returns what an answer about a comment speaks of: it is kept in the partition of the record
    that the comment is on, and goes with it."""
    return Subject(keys.comment(comment_id)[0], comment_id)


# ---------------------------------------------------------------- what is shown


def comment_shown(comment: CommentRecord, target_id: str) -> dict[str, Any]:
    """Returns a comment as answers show it. ``target_id``: the record that it is on by now."""
    return shown(replace(comment, target_id=target_id), without=items.INNER)


def content_shown(content: CommentContentRecord) -> dict[str, Any]:
    return shown(content, without=("comment_id", "attachments", "hashtags"))


def with_texts(comment: dict[str, Any], content: CommentContentRecord | None) -> dict[str, Any]:
    """Returns a comment as shown, with the texts of this content in the place of its own."""
    texts = {} if content is None else shown(content)
    bare = without_texts(comment)
    return bare | {name: texts[name] for name in (*rules.TEXTS, "size_bytes") if name in texts}


def without_texts(comment: dict[str, Any]) -> dict[str, Any]:
    return {name: v for name, v in comment.items() if name not in (*rules.TEXTS, "mentions")}


# ---------------------------------------------------------------- writes


def creation(call: Call, comment: CommentRecord) -> list[Write]:
    """Returns the writes of a new comment: itself with its event, and its first content."""
    put = Put(items.comment_item(call.keys, comment), events=[_event(call, comment, CREATED)])
    return [put, Put(_content_item(call, comment))]


def revision(call: Call, before: CommentRecord, after: CommentRecord) -> list[Write]:
    """Returns the writes of the next content of a comment: the comment and the content in one
    transaction. No content can take the place of another."""
    return [_update(call, before, after, REVISED), Put(_content_item(call, after))]


def status_change(call: Call, before: CommentRecord, after: CommentRecord) -> list[Write]:
    return [_update(call, before, after, STATUS_SET, previous_status=before.status)]


def _content_item(call: Call, comment: CommentRecord) -> Any:
    return items.content_item(call.keys, rules.content_of(comment, call.caller.actor, call.now))


def _update(
    call: Call, before: CommentRecord, after: CommentRecord, action: str, **more: Any
) -> Write:
    event = _event(call, after, action, **more)
    item = items.comment_item(call.keys, after)
    return Update(item, if_revision=before.revision, events=[event])


def _event(call: Call, comment: CommentRecord, action: str, **more: Any) -> dict[str, Any]:
    aggregate = (comment.KIND, comment.comment_id, comment.revision)
    more["target_type"], more["target_id"] = told_in_events(comment.target_type, comment.target_id)
    return change_event(call, action, aggregate, event_data(EVENTS[action], comment, **more))


def mention_writes(
    call: Call, comment_id: str, before: CommentRecord | None, after: CommentRecord
) -> tuple[list[Write], list[CustomerGuard]]:
    """Returns the writes that move the links from the customers whom a comment mentions, and the
    guards of those whom it mentions now and did not before: they must exist."""
    was, now = items.mentioned_customers(before), items.mentioned_customers(after)
    gone = [guid for guid in was if guid not in now]
    new = [guid for guid in now if guid not in was]
    links: list[Write] = [
        Delete(items.mention_item(call.keys, guid, comment_id).key) for guid in gone
    ]
    links += [Put(items.mention_item(call.keys, guid, comment_id), condition=None) for guid in new]
    places = {mention.id: n for n, mention in reversed([*enumerate(after.mentions)])}
    # To be mentioned is no activity of the customer; one who was merged may be mentioned too.
    guards = [
        call.guard(guid, statuses=None, active=False, named=f"mentions.{places[guid]}.id")
        for guid in new
    ]
    return links, guards

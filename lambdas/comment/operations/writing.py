"""Add, revise, set the status."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from lambdas.comment import items, rules, storage
from lambdas.comment.models import requests
from lambdas.comment.models.records import CommentRecord, Mention
from lambdas.comment.operations.access import customer_of, reads_of, require_found, require_role
from shared.api import Answer, Call
from shared.commit import Retelling, Step, commit
from shared.customer_guard import CustomerGuard
from shared.customer_state import require_customer, require_readable, state_at
from shared.errors import ApiError, Busy, Forbidden
from shared.keys import comment_on
from shared.records import Read, Records, Unread
from shared.states import with_status
from shared.targets import CUSTOMER, NOT_FENCED, about, require_shown
from shared.writes import Check, Condition, CurrentItem, Put, Write

MANAGER = "crm_manage"

# ---------------------------------------------------------------- add


def comment_add(call: Call, body: requests.CommentAddRequest) -> Answer:
    """Adds a comment on a record. A record of this service must exist; of another system any id is
    taken. A comment on a comment takes no comment itself, and a reply takes no reply. Customers
    whom it mentions must exist. Words with ``#`` in the body become hashtags."""
    require_role(call, body.target_type)
    target_hash = call.keys.target_hash(body.target_type, body.target_id)
    bare = CommentRecord(
        comment_id=comment_on(target_hash, call.new_id()),
        target_type=body.target_type,
        target_id=body.target_id,
        parent_comment_id=body.parent_comment_id,
        body="",
        size_bytes=0,
        user_guid=call.caller.actor,
        created_at=call.now,
        updated_at=call.now,
        **_why(call),
    )
    comment = rules.with_content(bare, body.content())

    def decide(call: Call, records: Records) -> Step:
        checks, guards = _target_checks(call, body)
        checks += _parent_checks(call, records, body)
        links, mentioned = storage.mention_writes(call, comment.comment_id, None, comment)
        writes = [*storage.creation(call, comment), *checks, *links]
        data = {"comment": storage.comment_shown(comment, comment.target_id)}
        return _step(call, comment, data, writes, [*guards, *mentioned])

    return commit(call, [], decide, _retelling(call, body))


def _target_checks(
    call: Call, body: requests.CommentAddRequest
) -> tuple[list[Write], list[CustomerGuard]]:
    checks, guards = _about(call, body.target_type, body.target_id, is_new=True)
    if body.target_type != items.COMMENT:
        return checks, guards
    # Of a comment more is asked than that it is there.
    place = storage.comment_at(call.keys, body.target_id)
    text = f"{NOT_FENCED.expression} AND target_type <> :comment AND #s <> :deleted"
    values = {":comment": {"S": items.COMMENT}, ":deleted": {"S": "deleted"}}
    condition = Condition(text, {"#s": "status"}, values)
    return [Check(place.key, condition, on_failure=_bad_target)], guards


def _bad_target(current: CurrentItem) -> ApiError:
    comment = current.record(CommentRecord)
    if comment is None:
        return rules.unknown("target_id")
    if comment.fenced_by is not None:
        return Busy()
    if comment.target_type == items.COMMENT:
        return rules.too_deep("target_id", "is on a comment itself")
    return rules.below_deleted()


def _parent_checks(call: Call, records: Records, body: requests.CommentAddRequest) -> list[Write]:
    """Returns the check that the parent of a reply is on the same record, and is no reply itself.
    Customers who were merged count as one: that is only asked where the parent is on another
    customer than the one that is named."""
    if body.parent_comment_id is None:
        return []
    if (body.target_type, body.target_id) == (items.COMMENT, body.parent_comment_id):
        raise rules.unknown("parent_comment_id")
    place, on = storage.comment_at(call.keys, body.parent_comment_id), body.target_id
    parent = records.if_read(place)
    elsewhere = parent is not None and parent.target_id != on
    if parent is not None and elsewhere:
        on = parent.target_id
        if on not in require_customer(call.keys, records, body.target_id).owners:
            raise rules.unknown("parent_comment_id")
    text = (
        f"{NOT_FENCED.expression} AND target_type = :type AND target_id = :id "
        "AND attribute_not_exists(parent_comment_id) AND #s <> :deleted"
    )
    values = {":type": {"S": body.target_type}, ":id": {"S": on}, ":deleted": {"S": "deleted"}}
    condition = Condition(text, {"#s": "status"}, values)
    return [Check(place.key, condition, on_failure=partial(_bad_parent, body, elsewhere))]


def _bad_parent(
    body: requests.CommentAddRequest, elsewhere: bool, current: CurrentItem
) -> ApiError | None:
    parent = current.record(CommentRecord)
    if parent is None or parent.target_type != body.target_type:
        return rules.unknown("parent_comment_id")
    if parent.target_id != body.target_id and not elsewhere:
        # Perhaps the two customers were merged: decide again with what the parent says.
        return None if body.target_type == CUSTOMER else rules.unknown("parent_comment_id")
    if parent.fenced_by is not None:
        return Busy()
    if parent.parent_comment_id is not None:
        return rules.too_deep("parent_comment_id", "is a reply itself")
    return rules.below_deleted()


# ---------------------------------------------------------------- revise


def comment_revise(call: Call, body: requests.CommentReviseRequest) -> Answer:
    """Gives a current comment its next content. Only its author may; what is absent stays as it is.
    Earlier contents are kept, at most 40 in all. The same content again changes nothing, and the
    answer has ``unchanged``. Without ``expected_revision``, two revisions at once come one after
    the other."""
    require_role(call, body.target_type)
    given = body.content()

    def decide(call: Call, records: Records) -> Step:
        found = require_found(call, records, body, writes=True)
        comment = found.comment
        if comment.user_guid != call.caller.actor:
            raise Forbidden()
        call.facts.ensure_revision(comment.revision, found.data())
        after = rules.revised(comment, given, call.now)
        checks, guards = _still_about(call, comment)
        if after is comment:
            data = {**found.data(), "unchanged": True, **found.redirect}
            return _step(call, comment, data, [], guards)
        after = replace(after, **_why(call))
        links, mentioned = storage.mention_writes(call, comment.comment_id, comment, after)
        writes = [*storage.revision(call, comment, after), *checks, *links]
        data = found.data(after) | found.redirect
        return _step(call, after, data, writes, [*guards, *mentioned])

    return commit(call, reads_of(call, body), decide, _retelling(call, body))


# ---------------------------------------------------------------- status


def comment_status(call: Call, body: requests.CommentStatusRequest) -> Answer:
    """Archives a comment, brings it back, or deletes it for good. Its author may, and whoever has
    the role ``crm_manage``. A deletion removes caption, body, attachments, hashtags, mentions and
    hashes of all its contents; sizes stay. To set the status that it has changes nothing."""
    require_role(call, body.target_type)
    contents_at = storage.contents_at(call.keys, storage.named_id(call.keys, body))

    def decide(call: Call, records: Records) -> Step:
        found = require_found(call, records, body, writes=True)
        comment = found.comment
        if comment.user_guid != call.caller.actor and not call.caller.has(MANAGER):
            raise Forbidden()
        call.facts.ensure_revision(comment.revision, found.data())
        after = with_status(comment, rules.STEPS, body.status, call.now)
        checks, guards = _still_about(call, comment)
        if after is comment:
            return _step(call, comment, found.data() | found.redirect, [], guards)
        after = replace(after, **_why(call))
        more: list[Write] = []
        if body.status == "deleted":
            after = rules.emptied(after)
            more, _ = storage.mention_writes(call, comment.comment_id, comment, after)
            contents = records.all(contents_at)
            if len(contents) != comment.current_revision:
                # The reads of one trip need not be of one moment: make both again.
                raise Unread(contents_at, storage.named_at(call.keys, body))
            emptied = [items.content_item(call.keys, rules.emptied_content(c)) for c in contents]
            more += [Put(item, condition=None) for item in emptied]
        writes = [*storage.status_change(call, comment, after), *checks, *more]
        return _step(call, after, found.data(after) | found.redirect, writes, guards)

    reads = reads_of(call, body)
    if body.status == "deleted":
        reads.append(contents_at)
    return commit(call, reads, decide, _retelling(call, body))


# ---------------------------------------------------------------- what all of them share


def _why(call: Call) -> dict[str, Any]:
    given = call.facts.provenance
    return {
        "reason": given.reason,
        "reason_code": given.reason_code,
        "source_refs": given.source_refs,
    }


def _still_about(call: Call, comment: CommentRecord) -> tuple[list[Write], list[CustomerGuard]]:
    """Returns the checks and guards of a change. What the comment is on may be gone by now: its
    author can still change what it says, and take it back."""
    return _about(call, comment.target_type, comment.target_id, is_new=False)


def _about(
    call: Call, target_type: str, target_id: str, *, is_new: bool
) -> tuple[list[Write], list[CustomerGuard]]:
    return about(call, target_type, target_id, named="target_id", active=True, is_new=is_new)


def _step(
    call: Call,
    comment: CommentRecord,
    data: dict[str, Any],
    writes: list[Write],
    guards: Iterable[CustomerGuard],
) -> Step:
    """Returns the step. The answer that is kept for replays has no texts: they are in the content
    of the comment, and so a deletion takes them from replays too."""
    # The first guard of a customer is that of what the comment is on: it counts as activity.
    each = {guard.customer_guid: guard for guard in reversed([*guards])}
    kept = {**data, "comment": storage.without_texts(data["comment"])}
    subject = storage.subject(call.keys, comment.comment_id)
    return Step(Answer(data, comment.revision), subject, writes, [*each.values()], kept)


def _retelling(call: Call, body: Any) -> Retelling:
    """Returns how a replay gets the texts that the original answer had. It raises 404 where the
    deletion of what the comment is on has begun. Of a new comment the content is known before its
    answer is read: it is the first one."""

    def reads(comment_id: str) -> list[Read]:
        guid = customer_of(body.target_type, body.target_id)
        states = [] if guid is None else [state_at(call.keys, guid)]
        is_new = isinstance(body, requests.CommentAddRequest)
        first = [storage.content_at(call.keys, comment_id, 1)] if is_new else []
        return [storage.comment_at(call.keys, comment_id), *first, *states]

    return Retelling(reads, lambda answer, records: _retold(call, answer, records, body))


def _retold(call: Call, answer: Answer, records: Records, body: Any) -> Answer:
    told = answer.data["comment"]
    comment_at = storage.comment_at(call.keys, told["comment_id"])
    content_at = storage.content_at(call.keys, told["comment_id"], told["current_revision"])
    guid = customer_of(told["target_type"], told["target_id"])
    states = [] if guid is None else [state_at(call.keys, guid)]
    records.ensure(comment_at, content_at, *states)
    comment = require_shown(records.get(comment_at))
    for state in states:
        require_readable(records.get(state))
    whole = storage.with_texts(told, None)
    if comment.status != "deleted":
        whole = storage.with_texts(told, records.get(content_at))
        mentions = _mentioned(comment, told, body)
        if mentions:
            whole["mentions"] = [{"kind": one.kind, "id": one.id} for one in mentions]
    return replace(answer, data={**answer.data, "comment": whole})


def _mentioned(comment: CommentRecord, told: dict[str, Any], body: Any) -> tuple[Mention, ...]:
    """Returns the mentions of the answer to a replay. As long as the content is the current one the
    comment says them, without any customer who was forgotten. No earlier content keeps any: then
    the request says them again. Where a change says nothing of them, the comment's own count."""
    if comment.current_revision == told["current_revision"] or not isinstance(
        body, requests.CommentText
    ):
        return comment.mentions
    unsaid = () if isinstance(body, requests.CommentAddRequest) else comment.mentions
    mentions: tuple[Mention, ...] = rules.stored(body.content()).get("mentions", unsaid)
    return mentions

"""Comments: add, revise, set the status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lambdas.comment import rules, storage
from lambdas.comment.access import ensure_may_read, require_right_target, target_reads
from lambdas.comment.models import requests
from lambdas.comment.models.envelopes import CommentChanged, CommentStatusChanged
from lambdas.comment.models.records import CommentContentRecord, CommentRecord
from shared.api import Answer, Call
from shared.codec import Wire
from shared.commit import Step, Subject, commit
from shared.customer_guard import CustomerGuard
from shared.customer_state import require_customer
from shared.errors import ApiError, Busy, Fault, Forbidden, InvalidState, NotFound
from shared.events import change_event, event_data
from shared.keys import Key, comment_on, target_of_comment
from shared.records import AnyRecord, Query, Records
from shared.targets import CUSTOMER, NOT_FENCED, about, require_unfenced
from shared.writes import Check, Condition, CurrentItem, Delete, Put, Update, Write

COMMENT = "comment"


def comment_add(call: Call, body: requests.CommentAddRequest) -> Answer:
    """Adds a comment on a record. Words that begin with # in the text count as hashtags. Who may
    not read records of the type may not comment on them. A reply to a reply, and a comment on a
    comment on a comment, are refused."""
    ensure_may_read(call, body.target_type)
    made_id, parent_id = call.new_id(), body.parent_comment_id

    def decide(call: Call, records: Records) -> Step:
        target_id = _target_of_reply(call, records, body)
        comment = _drafted(call, body, target_id, made_id)
        checks, guards = _about(call, comment)
        links, mentioned = _links(call, comment.comment_id, (), rules.mentioned(comment))
        event = _event(call, "comment-created", comment)
        return Step(
            _answer(comment),
            _subject(call, comment),
            [
                Put(storage.comment_item(call.keys, comment), events=[event]),
                *checks,
                *([] if parent_id is None else [_parent_check(call, parent_id)]),
                *links,
            ],
            _each_once([*guards, *mentioned]),
        )

    return commit(call, [], decide)


def comment_revise(call: Call, body: requests.CommentReviseRequest) -> Answer:
    """Gives a comment a new content. Only its author may, and only while it is current. Earlier
    revisions stay as they were; a comment has at most 40. What says the same changes nothing."""
    ensure_may_read(call, body.target_type)
    comment_at = storage.comment_at(call.keys, body.comment_id)
    values, given = body.values(), call.facts.provenance
    why = {
        "reason": given.reason,
        "reason_code": given.reason_code,
        "source_refs": given.source_refs,
    }

    def decide(call: Call, records: Records) -> Step:
        comment = _require_comment(call, records, body)
        rules.ensure_author(comment, call.caller.actor)
        call.facts.ensure_revision(comment.revision, _data(comment))
        after = rules.revised(comment, values, why, call.now)
        if after is comment:
            answer = Answer({**_data(comment), "unchanged": True}, comment.revision)
            return Step(answer, _subject(call, comment))
        checks, guards = about(
            call, comment.target_type, comment.target_id, named="target_id", active=True
        )
        links, mentioned = _links(
            call, comment.comment_id, rules.mentioned(comment), rules.mentioned(after)
        )
        said = storage.content_item(call.keys, rules.said_before(comment))
        writes = [
            *_changed(call, comment, after, _event(call, "comment-revised", after)),
            Put(said),
            *checks,
            *links,
        ]
        return Step(
            _answer(after), _subject(call, comment), writes, _each_once([*guards, *mentioned])
        )

    return commit(call, [comment_at, *target_reads(call, body)], decide)


def comment_status(call: Call, body: requests.CommentStatusRequest) -> Answer:
    """Archives a comment, takes it back, or deletes it for good. Its author may, and `crm_manage`.
    A deletion removes the texts of all revisions; the comment still answers, with its sizes."""
    ensure_may_read(call, body.target_type)
    comment_at = storage.comment_at(call.keys, body.comment_id)
    contents_at = storage.contents_of(call.keys, body.comment_id)
    beside = [contents_at] if body.status == "deleted" else []

    def decide(call: Call, records: Records) -> Step:
        comment = _require_comment(call, records, body)
        if not rules.is_authored_by(comment, call.caller.actor) and not call.caller.has(
            "crm_manage"
        ):
            raise Forbidden("Only the author or crm_manage may set the status of a comment.")
        call.facts.ensure_revision(comment.revision, _data(comment))
        after = rules.with_comment_status(comment, body.status, call.now)
        if after is comment:
            return Step(_answer(comment), _subject(call, comment))
        checks, guards = about(
            call, comment.target_type, comment.target_id, named="target_id", active=True
        )
        data = event_data(CommentStatusChanged, after, previous_status=comment.status)
        event = _change(call, "comment-status-set", after, data)
        writes: list[Write] = [*_changed(call, comment, after, event), *checks]
        if body.status == "deleted":
            writes += _emptied(call, records.all(contents_at))
            writes += _links(call, comment.comment_id, rules.mentioned(comment), ())[0]
        return Step(_answer(after), _subject(call, comment), writes, guards)

    answer = commit(call, [comment_at, *target_reads(call, body), *beside], decide)
    if body.status == "deleted":
        _forget_answers(call, body.comment_id)
    return answer


# ---------------------------------------------------------------- what the operations share


def _drafted(
    call: Call, body: requests.CommentAddRequest, target_id: str, made_id: str
) -> CommentRecord:
    values, why = body.values(), call.facts.provenance
    values = {name: value for name, value in values.items() if value is not None}
    target_hash = call.keys.target_hash(body.target_type, target_id)
    return CommentRecord(
        **{"visibility": "internal", **values, **rules.content(values)},
        comment_id=comment_on(target_hash, made_id),
        target_type=body.target_type,
        target_id=target_id,
        parent_comment_id=body.parent_comment_id,
        status="current",
        current_revision=1,
        user_guid=call.caller.actor,
        reason=why.reason,
        reason_code=why.reason_code,
        source_refs=why.source_refs,
        created_at=call.now,
        updated_at=call.now,
        revised_at=call.now,
    )


def _require_comment(
    call: Call,
    records: Records,
    body: requests.CommentReviseRequest | requests.CommentStatusRequest,
) -> CommentRecord:
    comment = require_unfenced(records.get(storage.comment_at(call.keys, body.comment_id)))
    require_right_target(call, records, comment, body, reading=False)
    return comment


def _about(call: Call, comment: CommentRecord) -> tuple[list[Write], list[CustomerGuard]]:
    """Returns the checks and guards of a new comment. A comment on a comment takes none itself."""
    checks, guards = about(
        call, comment.target_type, comment.target_id, named="target_id", active=True
    )
    if comment.target_type != COMMENT:
        return checks, guards
    head = storage.comment_at(call.keys, comment.target_id).key
    text = f"{NOT_FENCED.expression} AND target_type <> :c AND #s <> :d"
    values = {":c": {"S": COMMENT}, ":d": {"S": "deleted"}}

    def on_failure(current: CurrentItem) -> ApiError:
        found = current.record(CommentRecord)
        if found is None:
            return NotFound(minor=[Fault("not-found", "target_id", "does not exist")])
        return _refusal(found, "A comment on a comment takes no comment itself.")

    return [Check(head, Condition(text, {"#s": "status"}, values), on_failure)], guards


def _parent_check(call: Call, parent_id: str) -> Check:
    """Returns the check that a comment takes a reply."""
    text = f"{NOT_FENCED.expression} AND attribute_not_exists(parent_comment_id) AND #s <> :d"
    condition = Condition(text, {"#s": "status"}, {":d": {"S": "deleted"}})

    def on_failure(current: CurrentItem) -> ApiError:
        found = current.record(CommentRecord)
        return _no_parent() if found is None else _refusal(found, "A reply takes no reply itself.")

    return Check(storage.comment_at(call.keys, parent_id).key, condition, on_failure)


def _refusal(found: CommentRecord, message: str) -> ApiError:
    if found.fenced_by is not None:
        return Busy()
    if found.status == "deleted":
        return InvalidState("The comment is deleted.", detail={"state": "deleted", "allowed": []})
    return InvalidState(message, detail={"state": found.status, "allowed": []})


def _no_parent() -> NotFound:
    return NotFound(minor=[Fault("not-found", "parent_comment_id", "does not exist there")])


def _target_of_reply(call: Call, records: Records, body: requests.CommentAddRequest) -> str:
    """Returns the id of the target: that of the parent, where a customer was merged since."""
    target_id, parent_id = body.normal_target_id, body.parent_comment_id
    own_hash = call.keys.target_hash(body.target_type, target_id)
    if parent_id is None or target_of_comment(parent_id) == own_hash:
        return target_id
    if body.target_type != CUSTOMER:
        raise _no_parent()
    parent = records.get(storage.comment_at(call.keys, parent_id))
    if parent is None or parent.target_type != CUSTOMER:
        raise _no_parent()
    if parent.target_id not in require_customer(call.keys, records, target_id).owners:
        raise _no_parent()
    return parent.target_id


def _links(
    call: Call, comment_id: str, before: Sequence[str], after: Sequence[str]
) -> tuple[list[Write], list[CustomerGuard]]:
    """Returns the writes that link customers to the comment that mentions them, and the guards of
    those who are mentioned anew. To be mentioned is no activity of the customer."""
    writes: list[Write] = []
    for guid in before:
        if guid not in after:
            writes.append(Delete(call.keys.customer_link(guid, "MENTION", comment_id)))
    new = [guid for guid in after if guid not in before]
    for guid in new:
        writes.append(Put(storage.mention_item(call.keys, guid, comment_id), condition=None))
    guards = [call.guard(guid, statuses=None, active=False, named="mentions") for guid in new]
    return writes, guards


def _each_once(guards: Iterable[CustomerGuard]) -> list[CustomerGuard]:
    """Returns one guard for each customer: a transaction checks a state once."""
    found: dict[str, CustomerGuard] = {}
    for guard in guards:
        found.setdefault(guard.customer_guid, guard)
    return list(found.values())


def _changed(
    call: Call, before: CommentRecord, after: CommentRecord, event: dict[str, Any]
) -> list[Write]:
    item = storage.comment_item(call.keys, after)
    return [Update(item, if_revision=before.revision, events=[event])]


def _emptied(call: Call, contents: Iterable[CommentContentRecord]) -> list[Write]:
    """Returns the writes that take the texts from the earlier revisions."""
    there = Condition("attribute_exists(pk)")
    items = [storage.content_item(call.keys, rules.emptied(said)) for said in contents]
    return [Put(item, condition=there) for item in items]


def _forget_answers(call: Call, comment_id: str) -> None:
    """Removes the kept answers that show what a deleted comment said. A repeat of the deletion does
    it again, where the first call could not."""
    partition = storage.comment_at(call.keys, comment_id).key[0]
    kept = Query(*call.keys.kept_answers(partition, comment_id), AnyRecord, None)
    wires = call.table.load([kept]).wires([kept])[0]
    call.table.write_batch([], [_key(wire) for wire in wires if '"deleted"' not in str(wire)])


def _key(wire: Wire) -> Key:
    return wire["pk"]["S"], wire["sk"]["S"]


def _subject(call: Call, comment: CommentRecord) -> Subject:
    return Subject(storage.comment_at(call.keys, comment.comment_id).key[0], comment.comment_id)


def _event(call: Call, action: str, comment: CommentRecord) -> dict[str, Any]:
    return _change(call, action, comment, event_data(CommentChanged, comment))


def _change(
    call: Call, action: str, comment: CommentRecord, data: Mapping[str, Any]
) -> dict[str, Any]:
    return change_event(call, action, (COMMENT, comment.comment_id, comment.revision), dict(data))


def _data(comment: CommentRecord) -> dict[str, Any]:
    return {"comment": storage.comment_shown(comment)}


def _answer(comment: CommentRecord) -> Answer:
    return Answer(_data(comment), comment.revision)

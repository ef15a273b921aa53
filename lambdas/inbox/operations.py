"""Notifications: create, get, list, set the status, set the state."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lambdas.inbox import rules, storage
from lambdas.inbox.models import requests
from lambdas.inbox.models.envelopes import InboxCreated, InboxStateChanged, InboxStatusChanged
from lambdas.inbox.models.records import NotificationLinkRecord, NotificationRecord
from shared.actors import actor_named
from shared.api import Answer, Call
from shared.call import repeated
from shared.codec import Wire, decode, utc, view_of
from shared.commit import Step, Subject, commit
from shared.customer_guard import CustomerGuard
from shared.errors import AlreadyExists, ApiError, Fault
from shared.events import change_event, event_data
from shared.fields import Shape
from shared.keys import NOTIFICATION_PREFIX
from shared.lists import CustomerWalk, answer_list, answer_walk
from shared.paging import Listing
from shared.records import Records
from shared.targets import CUSTOMER, about, normal_id, require_shown, require_unfenced
from shared.writes import Check, Condition, CurrentItem, Delete, Put, Update, Write


def inbox_create(call: Call, body: requests.InboxCreateRequest) -> Answer:
    """Creates a notification for a team or the whole org. While one with the same `dedupe_key`
    lives for the same addressee, it is counted up instead: it wakes up, and has the higher of both
    priorities."""
    note = _drafted(call, body)
    live_at = storage.live_at(call.keys, note.addressee, note.dedupe_key or "")

    def decide(call: Call, records: Records) -> Step:
        live = None if note.dedupe_key is None else records.if_read(live_at)
        if live is not None:
            holder = records.get(storage.notification_at(call.keys, live.holder))
            if holder is not None and holder.lives:
                return _counted_up(call, require_unfenced(holder), body.priority)
        checks, guards = _about(call, note)
        event = _event(call, "inbox-created", note, InboxCreated)
        item = storage.notification_item(call.keys, note)
        writes: list[Write] = [Put(item, events=[event]), *_linked(call, note), *checks]
        if note.dedupe_key is not None:
            # Where one lives already, the decision is made again with it.
            stale = None if live is None else _held_by(live.holder)
            mark = storage.live_item(call.keys, note)
            writes.append(Put(mark) if stale is None else Put(mark, condition=stale))
        return Step(_answer(note), _subject(call, note), writes, guards)

    return commit(call, [], decide)


def inbox_get(call: Call, body: requests.InboxGetRequest) -> Answer:
    """Returns a notification. A deleted one says that it is."""
    place = storage.notification_at(call.keys, body.notification_id)
    return _answer(require_shown(call.load(place).get(place)))


def inbox_list(call: Call, body: requests.InboxListRequest) -> Answer:
    """Lists notifications: those of a team or of the whole org with the urgent ones first, and then
    the newest; without an addressee the newest of all, also about one record. What sleeps is left
    out, unless `include_snoozed` is set. Those about a merged customer are listed with its
    survivor's."""
    if body.record_type is not None and body.record_id is not None:
        return _list_about(call, body, body.record_type, body.record_id)
    addressee = _addressee(body)
    if addressee is None:
        listing = storage.of_org(call.keys, body.status)
    else:
        listing = storage.of_addressee(call.keys, addressee, body.status)

    def keep(wire: Wire) -> dict[str, Any] | None:
        return _filtered(call, body, view_of(wire))

    return answer_list(call, listing, body, keep, plural="items")


def inbox_status(call: Call, body: requests.InboxStatusRequest) -> Answer:
    """Archives a notification, takes it back, or deletes it for good. One that would live again
    beside another one with its `dedupe_key` is refused."""
    place = storage.notification_at(call.keys, body.notification_id)

    def decide(call: Call, records: Records) -> Step:
        note = require_unfenced(records.get(place))
        call.facts.ensure_revision(note.revision, _data(note))
        after = rules.in_status(note, body.status, call.now)
        if after is note:
            return Step(_answer(note), _subject(call, note))
        told = {"previous_status": note.status}
        event = _event(call, "inbox-status-set", after, InboxStatusChanged, **told)
        return _moved(call, note, after, event)

    return commit(call, [place], decide)


def inbox_state(call: Call, body: requests.InboxStateRequest) -> Answer:
    """Claims, releases, finishes, dismisses or reopens a notification, or puts it to sleep. Of
    several who claim one, one wins, and the others hear who it was. Only the holder or `crm_manage`
    releases or finishes a claimed one."""
    place = storage.notification_at(call.keys, body.notification_id)
    snoozed_until = None if body.snoozed_until is None else utc(body.snoozed_until)

    def decide(call: Call, records: Records) -> Step:
        note, actor = require_unfenced(records.get(place)), call.caller.actor
        if rules.is_claimed_again(note, body.state, actor):
            return Step(repeated(_data(note), note.revision), _subject(call, note))
        call.facts.ensure_revision(note.revision, _data(note))
        manages = call.caller.has("crm_manage")
        after = rules.in_state(note, body.state, snoozed_until, actor, call.now, manages=manages)
        if after is note:
            return Step(_answer(note), _subject(call, note))
        told = {"previous_state": note.state}
        event = _event(call, "inbox-state-set", after, InboxStateChanged, **told)
        return _moved(call, note, after, event)

    return commit(call, [place], decide)


# ---------------------------------------------------------------- what the operations share


def _drafted(call: Call, body: requests.InboxCreateRequest) -> NotificationRecord:
    return NotificationRecord(
        notification_id=NOTIFICATION_PREFIX + call.new_id(),
        team_guid=body.team_guid,
        org_wide=bool(body.org_wide),
        title=body.title,
        body=body.body,
        record_type=body.record_type,
        record_id=body.normal_record_id,
        priority=body.priority,
        status="inbox",
        state="pending",
        due_at=None if body.due_at is None else utc(body.due_at),
        dedupe_key=body.dedupe_key,
        metadata=body.metadata,
        created_at=call.now,
        updated_at=call.now,
    )


def _counted_up(call: Call, note: NotificationRecord, priority: str) -> Step:
    after = rules.repeated(note, priority, call.now)
    checks, guards = _about(call, note)
    live = storage.live_key(call.keys, note)
    assert live is not None, "it was found by its key"
    event = _event(call, "inbox-repeated", after, InboxCreated)
    writes = _update(call, note, after, event)
    writes.append(Check(live, _held_by(note.notification_id)))
    return Step(_answer(after), _subject(call, after), [*writes, *checks], guards)


def _moved(
    call: Call, before: NotificationRecord, after: NotificationRecord, event: dict[str, Any]
) -> Step:
    """Returns the step of a new status or state. The dedupe key is free while a notification does
    not live, and taken again when it does."""
    checks, guards = _about(call, after)
    writes = [*_update(call, before, after, event), *checks]
    live = storage.live_key(call.keys, after)
    if live is not None and before.lives and not after.lives:
        writes.append(Delete(live, _held_by(after.notification_id)))
    elif live is not None and after.lives and not before.lives:
        writes.append(Put(storage.live_item(call.keys, after), unless_exists=_other_lives))
    return Step(_answer(after), _subject(call, after), writes, guards)


def _other_lives(current: CurrentItem) -> ApiError:
    holder = {} if current.wire is None else {"notification_id": current.wire["holder"]["S"]}
    message = "belongs to another notification that lives"
    return AlreadyExists(minor=[Fault("already-exists", "dedupe_key", message)], detail=holder)


def _held_by(notification_id: str) -> Condition:
    return Condition("holder = :id", values={":id": {"S": notification_id}})


def _about(call: Call, note: NotificationRecord) -> tuple[list[Write], list[CustomerGuard]]:
    """Returns the checks and guards of a notification about a record of this service. To be told of
    is no activity of a customer."""
    if note.record_type is None or note.record_id is None:
        return [], []
    return about(call, note.record_type, note.record_id, named="record_id", active=False)


def _update(
    call: Call, before: NotificationRecord, after: NotificationRecord, event: dict[str, Any]
) -> list[Write]:
    item = storage.notification_item(call.keys, after)
    return [Update(item, if_revision=before.revision, events=[event]), *_linked(call, after)]


def _linked(call: Call, note: NotificationRecord) -> list[Write]:
    """Returns the write of the copy beside the record that it is about: lists about that record
    read it, in one trip."""
    if note.record_type is None:
        return []
    return [Put(storage.link_item(call.keys, note), condition=None)]


def _event(
    call: Call, action: str, note: NotificationRecord, shape: type[Shape], **more: Any
) -> dict[str, Any]:
    aggregate = (note.KIND, note.notification_id, note.revision)
    return change_event(call, action, aggregate, event_data(shape, note, **more))


def _subject(call: Call, note: NotificationRecord) -> Subject:
    place = storage.notification_at(call.keys, note.notification_id)
    return Subject(place.key[0], note.notification_id)


def _data(note: NotificationRecord) -> dict[str, Any]:
    return {"notification": storage.notification_shown(note)}


def _answer(note: NotificationRecord) -> Answer:
    return Answer(_data(note), note.revision)


# ---------------------------------------------------------------- lists


def _addressee(body: requests.InboxListRequest) -> str | None:
    if body.org_wide:
        return "org"
    return None if body.team_guid is None else f"team#{body.team_guid}"


def _filtered(
    call: Call, body: requests.InboxListRequest, view: dict[str, Any]
) -> dict[str, Any] | None:
    """Returns what a list shows of a notification where all filters let it pass, else None."""
    claimed_by = None if body.claimed_by is None else actor_named(body.claimed_by)
    until = view.get("snoozed_until")
    sleeps = until is not None and rules.is_snoozed(datetime.fromisoformat(until), call.now)
    passes = (
        view["status"] == body.status
        and body.state in (None, view["state"])
        and body.priority in (None, view["priority"])
        and claimed_by in (None, view.get("claimed_by"))
        and (body.include_snoozed or not sleeps)
    )
    return view if passes else None


def _list_about(
    call: Call, body: requests.InboxListRequest, record_type: str, record_id: str
) -> Answer:
    """Lists by the links of a record, which have copies of what is shown."""
    addressee = _addressee(body)

    def keep(wire: Wire, _: str = "") -> dict[str, Any] | None:
        link = decode(NotificationLinkRecord, wire)
        view = {**link.summary, "title": link.title}
        to = f"team#{view['team_guid']}" if "team_guid" in view else "org"
        return _filtered(call, body, view) if addressee in (None, to) else None

    named = normal_id(record_type, record_id)
    if record_type == CUSTOMER:
        walk = CustomerWalk(
            call, named, lambda guid: call.keys.notification_links(CUSTOMER, guid), keep
        )
        return answer_walk(call, body, walk, plural="items")
    partition, prefix = call.keys.notification_links(record_type, named)
    return answer_list(call, Listing((partition,), prefix=prefix), body, keep, plural="items")

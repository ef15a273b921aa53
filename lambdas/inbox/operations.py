"""Notifications: create, get, list, set the status, set the state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from lambdas.inbox import rules, storage
from lambdas.inbox.models import requests
from lambdas.inbox.models.envelopes import InboxCreated, InboxStateChanged, InboxStatusChanged
from lambdas.inbox.models.records import (
    LiveNotificationRecord,
    NotificationLinkRecord,
    NotificationRecord,
)
from shared.actors import actor_named
from shared.api import Answer, Call
from shared.call import repeated
from shared.codec import Wire, decode, utc, view_of
from shared.commit import Retelling, Step, Subject, commit
from shared.customer_guard import CustomerGuard
from shared.customer_state import require_readable_customer, state_at
from shared.errors import AlreadyExists, ApiError, Fault
from shared.events import change_event, event_data
from shared.fields import Shape
from shared.keys import NOTIFICATION_PREFIX, Key
from shared.lists import CustomerWalk, answer_list, answer_walk
from shared.owned import ensure_answerable
from shared.paging import Listing
from shared.records import Get, Records
from shared.targets import CUSTOMER, about, require_shown, require_unfenced, told_in_events
from shared.writes import (
    Check,
    Condition,
    CurrentItem,
    Delete,
    Put,
    Update,
    Write,
    at_revision,
    key_written,
)


def inbox_create(call: Call, body: requests.InboxCreateRequest) -> Answer:
    """Creates a notification for a team or the whole org. While one with the same `dedupe_key`
    lives for the same addressee, it is counted up instead: it wakes up, and has the higher of both
    priorities."""
    note = _drafted(call, body)
    live_at = storage.live_at(call.keys, note.addressee, note.dedupe_key or "")

    def decide(call: Call, records: Records) -> Step:
        checks, guards = _about(call, note, is_new=True)
        if note.dedupe_key is not None:
            live = records.if_read(live_at)
            holder = None if live is None else _holder(call, records, live)
            if holder is not None and holder.lives:
                return _counted_up(call, holder, body.priority, live_at.key)
            checks = [*_still_over(call, holder, checks), _taken(call, note, live)]
        event = _created_event(call, "inbox-created", note)
        item = storage.notification_item(call.keys, note)
        writes: list[Write] = [Put(item, events=[event]), *_linked(call, note), *checks]
        return Step(_answer(note), _subject(call, note), writes, guards)

    return commit(call, [], decide, _retelling(call))


def inbox_get(call: Call, body: requests.InboxGetRequest) -> Answer:
    """Returns a notification. A deleted one says that it is."""
    place = storage.notification_at(call.keys, body.notification_id)
    return _answer(require_shown(call.load(place).get(place)))


def inbox_list(call: Call, body: requests.InboxListRequest) -> Answer:
    """Lists notifications: those of a team or of the whole org with the urgent ones first, and then
    the newest; without an addressee the newest of all. With a record it lists those about it, in
    the same order. What sleeps is left out, unless `include_snoozed` is set. Those about a merged
    customer are listed with its survivor's."""
    addressee = _addressee(body)
    if addressee is not None:
        return _list_of_addressee(call, body, addressee)
    if body.record_type is not None and body.record_id is not None:
        return _list_about(call, body, body.record_type, body.record_id)
    listing = storage.of_org(call.keys, body.status)
    return answer_list(
        call, listing, body, lambda wire: _filtered(call, body, view_of(wire)), plural="items"
    )


def inbox_status(call: Call, body: requests.InboxStatusRequest) -> Answer:
    """Archives a notification, takes it back, or deletes it for good. One that would live again
    beside another one with its `dedupe_key` is refused."""
    place = storage.notification_at(call.keys, body.notification_id)

    def decide(call: Call, records: Records) -> Step:
        note = require_unfenced(records.get(place))
        after = _changed(call, records, note, lambda: rules.in_status(note, body.status, call.now))
        if after is note:
            return Step(_answer(note), _subject(call, note))
        told = {"previous_status": note.status}
        event = _event(call, "inbox-status-set", after, InboxStatusChanged, **told)
        return _moved(call, note, after, event)

    return commit(call, [place], decide, _retelling(call))


def inbox_state(call: Call, body: requests.InboxStateRequest) -> Answer:
    """Claims, releases, finishes, dismisses or reopens a notification, or puts it to sleep. Of
    several who claim one, one wins, and the others hear who it was. Only the holder or `crm_manage`
    releases or finishes a claimed one."""
    place = storage.notification_at(call.keys, body.notification_id)
    snoozed_until = None if body.snoozed_until is None else utc(body.snoozed_until)

    def decide(call: Call, records: Records) -> Step:
        note, actor = require_unfenced(records.get(place)), call.caller.actor
        if rules.is_claimed_again(note, body.state, actor):
            _ensure_answerable(call, records, note)
            return Step(repeated(_data(note), note.revision), _subject(call, note))
        manages = call.caller.has("crm_manage")

        def change() -> NotificationRecord:
            return rules.in_state(note, body.state, snoozed_until, actor, call.now, manages=manages)

        after = _changed(call, records, note, change)
        if after is note:
            return Step(_answer(note), _subject(call, note))
        told = {"previous_state": note.state}
        event = _event(call, "inbox-state-set", after, InboxStateChanged, **told)
        return _moved(call, note, after, event)

    return commit(call, [place], decide, _retelling(call))


# ---------------------------------------------------------------- what the operations share


def _drafted(call: Call, body: requests.InboxCreateRequest) -> NotificationRecord:
    return NotificationRecord(
        notification_id=NOTIFICATION_PREFIX + call.new_id(),
        team_guid=body.team_guid,
        org_wide=bool(body.org_wide),
        title=body.title,
        body=body.body,
        record_type=body.record_type,
        record_id=body.record_id,
        priority=body.priority,
        status="inbox",
        state="pending",
        due_at=None if body.due_at is None else utc(body.due_at),
        dedupe_key=body.dedupe_key,
        metadata=body.metadata,
        created_at=call.now,
        updated_at=call.now,
    )


def _counted_up(call: Call, note: NotificationRecord, priority: str, live: Key) -> Step:
    """Returns the step that counts up the notification that ``live``, the place of a dedupe key,
    names. An anonymization takes the key from the notification: it cannot say the place then."""
    after = rules.repeated(note, priority, call.now)
    checks, guards = _about(call, note)
    event = _created_event(call, "inbox-repeated", after)
    writes = _update(call, note, after, event)
    writes.append(Check(live, _held_by(note.notification_id)))
    return Step(_answer(after), _subject(call, after), [*writes, *checks], guards)


def _holder(
    call: Call, records: Records, live: LiveNotificationRecord
) -> NotificationRecord | None:
    """Returns the notification that has a dedupe key, or had it: it need not live any more."""
    holder = records.get(storage.notification_at(call.keys, live.holder))
    return None if holder is None else require_unfenced(holder)


def _taken(call: Call, note: NotificationRecord, live: LiveNotificationRecord | None) -> Write:
    """Returns the write by which a new notification has its dedupe key. Where one lives with it
    already, the decision is made again with that one."""
    mark = storage.live_item(call.keys, note)
    return Put(mark) if live is None else Put(mark, condition=_held_by(live.holder))


def _still_over(call: Call, holder: NotificationRecord | None, checks: list[Write]) -> list[Write]:
    """Returns the checks, with the one that the notification whose dedupe key is taken over is as
    it was read. It may live again by now, and then its key looks as if it had never been free. One
    that is gone does not come back."""
    if holder is None:
        return checks
    place = storage.notification_at(call.keys, holder.notification_id).key
    # The new one may be about it: that check asks for less, and a record can have one only.
    others = [check for check in checks if key_written(check) != place]
    return [*others, Check(place, at_revision(holder.revision))]


def _changed(
    call: Call,
    records: Records,
    note: NotificationRecord,
    change: Callable[[], NotificationRecord],
) -> NotificationRecord:
    """Returns the notification as ``change`` leaves it, from the revision that the call expects."""
    try:
        call.facts.ensure_revision(note.revision, _data(note))
        after = change()
    except ApiError:
        _ensure_answerable(call, records, note)
        raise
    if after is note:
        _ensure_answerable(call, records, note)
    return after


def _ensure_answerable(call: Call, records: Records, note: NotificationRecord) -> None:
    """Raises ``busy`` where the notification is about a customer who is being erased. Only a write
    checks that by itself; what writes nothing, refusals included, must not show the notification
    either."""
    ensure_answerable(call, records, _about(call, note)[1])


def _moved(
    call: Call, before: NotificationRecord, after: NotificationRecord, event: dict[str, Any]
) -> Step:
    """Returns the step of a new status or state. The dedupe key is free while a notification does
    not live, and taken again when it does."""
    checks, guards = _about(call, after)
    writes = [*_update(call, before, after, event), *checks]
    live = storage.live_key(call.keys, after)
    if live is not None and before.lives and not after.lives:
        # An anonymization has taken the key away: then nothing is left to free.
        own = _held_by(after.notification_id)
        free = f"attribute_not_exists(pk) OR {own.expression}"
        writes.append(Delete(live, Condition(free, values=own.values)))
    elif live is not None and after.lives and not before.lives:
        writes.append(Put(storage.live_item(call.keys, after), unless_exists=_other_lives))
    return Step(_answer(after), _subject(call, after), writes, guards)


def _other_lives(current: CurrentItem) -> ApiError:
    holder = {} if current.wire is None else {"notification_id": current.wire["holder"]["S"]}
    message = "belongs to another notification that lives"
    return AlreadyExists(minor=[Fault("already-exists", "dedupe_key", message)], detail=holder)


def _held_by(notification_id: str) -> Condition:
    return Condition("holder = :id", values={":id": {"S": notification_id}})


def _about(
    call: Call, note: NotificationRecord, *, is_new: bool = False
) -> tuple[list[Write], list[CustomerGuard]]:
    """Returns the checks and guards of a notification about a record of this service. That must be
    there for a new one; the work on one goes on although the record is gone. To be told of is no
    activity of a customer."""
    if note.record_type is None or note.record_id is None:
        return [], []
    record_type, record_id = note.record_type, note.record_id
    return about(call, record_type, record_id, named="record_id", active=False, is_new=is_new)


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


def _created_event(call: Call, action: str, note: NotificationRecord) -> dict[str, Any]:
    record_type, record_id = told_in_events(note.record_type, note.record_id)
    named = {"record_type": record_type, "record_id": record_id}
    return _event(call, action, note, InboxCreated, **named)


def _retelling(call: Call) -> Retelling:
    """Returns the look at the notification before a replay: 404 once its deletion has begun."""

    def place(notification_id: str) -> Get[NotificationRecord]:
        return storage.notification_at(call.keys, notification_id)

    def told(answer: Answer, records: Records) -> Answer:
        require_shown(records.get(place(answer.data["notification"]["notification_id"])))
        return answer

    return Retelling(lambda notification_id: [place(notification_id)], told)


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


def _list_of_addressee(call: Call, body: requests.InboxListRequest, addressee: str) -> Answer:
    """Lists by the addressee, whose list has the order. A record is looked for in that list: the
    links of the record know no priority. A customer has several ids, once others were merged into
    it; they are read beside the first page."""
    about, ids = body.record_type, {body.record_id}

    def read_ids() -> None:
        guid = str(body.record_id)
        state = call.read(
            [state_at(call.keys, guid)], lambda r: require_readable_customer(call.keys, r, guid)
        )
        ids.update(state.owners)

    def keep(wire: Wire) -> dict[str, Any] | None:
        view = view_of(wire)
        fits = about is None or (about == view.get("record_type") and view["record_id"] in ids)
        return _filtered(call, body, view) if fits else None

    listing = storage.of_addressee(call.keys, addressee, body.status)
    beside = read_ids if about == CUSTOMER else None
    return answer_list(call, listing, body, keep, plural="items", beside=beside)


def _list_about(
    call: Call, body: requests.InboxListRequest, record_type: str, record_id: str
) -> Answer:
    """Lists by the links of a record, which have copies of what is shown."""

    def keep(wire: Wire, _: str = "") -> dict[str, Any] | None:
        link = decode(NotificationLinkRecord, wire)
        return _filtered(call, body, {**link.summary, "title": link.title})

    if record_type == CUSTOMER:
        walk = CustomerWalk(
            call, record_id, lambda guid: call.keys.notification_links(CUSTOMER, guid), keep
        )
        return answer_walk(call, body, walk, plural="items")
    partition, prefix = call.keys.notification_links(record_type, record_id)
    return answer_list(call, Listing((partition,), prefix=prefix), body, keep, plural="items")

"""One function per route of the warranties, then what they share."""

from __future__ import annotations

from typing import Any

from lambdas.warranty import rules, storage
from lambdas.warranty.models import requests
from lambdas.warranty.models.envelopes import WarrantyChanged, WarrantyStatusChanged
from lambdas.warranty.models.records import LiveSerialRecord, WarrantyRecord
from shared.call import Answer, Call, repeated
from shared.codec import Item, Wire, dumps, view_of
from shared.commit import Step, Subject, commit
from shared.customer_state import state_at
from shared.errors import AlreadyExists, InvalidInput, NotFound
from shared.events import change_event, event_data
from shared.fields import Shape
from shared.idempotency import SnapshotRecord
from shared.keys import SECOND_ORDER, WARRANTY_PREFIX
from shared.lists import WalkDay, answer_customer_list, answer_walk
from shared.owned import ensure_answerable, new_owner, owner_guards
from shared.paging import page
from shared.records import Get, Records
from shared.targets import require_shown, require_unfenced
from shared.writes import Condition, Delete, Put, Update, Write

# ---------------------------------------------------------------- registration


def warranty_register(call: Call, body: requests.WarrantyRegisterRequest) -> Answer:
    """Registers a warranty for a serial number. While it covers, the same registration again is a
    replay, and another one for the same serial number and product 409. `expires_on` has precedence
    over `terms.duration`."""
    given = body.given()
    sent_hash = call.keys.hash("warranty-sent", dumps(_as_sent(given)))
    warranty_id = WARRANTY_PREFIX + call.new_id()
    live_at = storage.live_at(call.keys, str(given.serial_number), given.product_id)

    def decide(call: Call, records: Records) -> Step:
        there = records.if_read(live_at)
        if there is not None and rules.is_live(there, call.today):
            return _repeated(call, records, there, body, sent_hash)
        customer_at = body.place_of(*requests.CustomerNames)
        owner = new_owner(call, records, str(given.customer), customer_at)
        draft = _draft(call, given, warranty_id, owner.customer_guid, sent_hash)
        is_given = "expires_on" in given.model_fields_set
        made = rules.registered(draft, given=is_given, place_of=body.place_of)
        answer = _answer(call, made)
        event = _event(call, "warranty-registered", WarrantyChanged, made)
        first = storage.first_answer_at(call.keys, warranty_id, call.route.path)
        snapshot = SnapshotRecord(data=answer.data, answered_revision=answer.revision)
        link = storage.link_item(call.keys, made.customer_id, warranty_id)
        writes = [
            Put(storage.warranty_item(call.keys, made), events=[event]),
            *_live_writes(call, made),
            Put(storage.history_item(call.keys, made)),
            Put(Item(first.key, snapshot)),
            Put(link, condition=None),
        ]
        return Step(answer, _subject(call, made), writes, [owner.guard])

    return commit(call, [], decide)


def _as_sent(given: requests.WarrantyNew) -> dict[str, Any]:
    """Returns what a registration says. A default that depends on the day is no part of it, and
    both names of the customer say the same."""
    sent = given.model_dump(mode="json", exclude_unset=True, exclude={*requests.CustomerNames})
    serial = requests.folded(str(given.serial_number))
    return {**sent, "serial_number": serial, "customer": given.customer}


def _draft(
    call: Call,
    given: requests.WarrantyNew,
    warranty_id: str,
    customer_id: str,
    sent_hash: str,
) -> WarrantyRecord:
    return WarrantyRecord(
        warranty_id=warranty_id,
        serial_number=str(given.serial_number),
        product_id=given.product_id,
        customer_id=customer_id,
        terms=None if given.terms is None else given.terms.terms(),
        starts_on=given.starts_on or call.today,
        expires_on=given.expires_on,
        purchase_ref=given.purchase_ref,
        metadata=given.metadata,
        status="active",
        sent_hash=sent_hash,
        created_at=call.now,
        updated_at=call.now,
    )


def _repeated(
    call: Call,
    records: Records,
    there: LiveSerialRecord,
    body: requests.WarrantyRegisterRequest,
    sent_hash: str,
) -> Step:
    """Returns the first answer to a registration; 409 where the serial number is covered by
    another one. The refusal says nothing of that one."""
    at = storage.warranty_at(call.keys, there.holder)
    first_at = storage.first_answer_at(call.keys, there.holder, call.route.path)
    records.ensure(at, first_at)
    warranty, first = records.get(at), records.get(first_at)
    if warranty is None or first is None or warranty.sent_hash != sent_hash:
        raise AlreadyExists.of(body.place_of("serial_number"), "has a live warranty already")
    require_unfenced(warranty)
    guards = owner_guards(call, warranty.customer_id)
    ensure_answerable(call, records, guards)
    answer = repeated(first.data, first.answered_revision)
    return Step(answer, _subject(call, warranty), (), guards)


def _live_writes(call: Call, warranty: WarrantyRecord) -> list[Write]:
    """Returns the write by which a warranty that covers has its serial number. It fails while
    another one has it: the decision is made again then, and refused or answered."""
    if rules.status_of(warranty, call.today) != "active":
        return []
    free = Condition(
        "attribute_not_exists(pk) OR last_day < :today OR holder = :own",
        values={
            ":today": {"S": call.today.isoformat()},
            ":own": {"S": warranty.warranty_id},
        },
    )
    return [Put(storage.live_item(call.keys, warranty), condition=free)]


# ---------------------------------------------------------------- reads


def warranty_get(call: Call, body: requests.WarrantyGetRequest) -> Answer:
    """Returns a warranty. By its serial number: the live one, else the newest. Where several
    products have the serial number and none is named, 409 with their number."""

    def work(records: Records) -> Answer:
        warranty_id = body.warranty_id
        if warranty_id is None:
            warranty_id = _found_by_serial(call, records, str(body.serial_number), body.product_id)
        found = require_shown(records.get(storage.warranty_at(call.keys, warranty_id)))
        return _answer(call, found)

    if body.warranty_id is not None:
        return call.read([storage.warranty_at(call.keys, body.warranty_id)], work)
    return call.read([], work)


def _found_by_serial(call: Call, records: Records, serial: str, product_id: str | None) -> str:
    """Returns the id of the live warranty of a serial number, else of the newest. 404 where there
    is none."""
    # With a product, the newest one of it may lie behind those of other products.
    past = storage.history(call.keys, serial, None if product_id is not None else 1)
    if product_id is None:
        every = storage.all_live(call.keys, serial)
        records.ensure(every, past)
        live = records.all(every)
    else:
        one = storage.live_at(call.keys, serial, product_id)
        records.ensure(one, past)
        live = [guard for guard in [records.get(one)] if guard is not None]
    entries = [e.holder for e in records.all(past) if product_id in (None, e.product_id)]
    found = rules.one_live(live, call.today) or next(iter(entries), None)
    if found is None:
        raise NotFound()
    return found


def warranty_list(call: Call, body: requests.WarrantyListRequest) -> Answer:
    """Lists warranties. With ``status`` alone, those that end first come first; otherwise the
    newest. All pages of a walk are of the day of its first page. The warranties of a customer
    include those of everyone who was merged into it."""
    day, keys = WalkDay(call.today), call.keys
    serial = None if body.serial_number is None else requests.folded(body.serial_number)
    field = "customer_guid" if body.customer_guid is not None else "customer_id"

    def keep(wire: Wire, customer_id: str | None = None) -> dict[str, Any] | None:
        found = storage.summary_shown(view_of(wire), day.day)
        if customer_id is not None:
            found["customer_id"] = customer_id
        right_status = body.status in (None, found["status"])
        asked = right_status and serial in (None, requests.folded(found["serial_number"]))
        return found if asked else None

    if getattr(body, field) is not None:
        return answer_customer_list(
            call,
            body,
            lambda guid: (storage.of_owner(keys, guid), ""),
            keep,
            plural="warranties",
            index=SECOND_ORDER,
            day=day,
            field=field,
        )

    def whole(entries: list[dict[str, Any]]) -> list[dict[str, Any] | None]:
        return _wholes(call, body, entries, day)

    def walk(limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        if body.serial_number is not None:
            listing = storage.history_listing(keys, body.serial_number)
            return page(call.table, listing, limit, cursor, _entry, complete=whole)
        if body.status is not None:
            listing = storage.by_last_day(keys, body.status, day.day)
        else:
            listing = storage.in_order_of_creation(keys)
        return page(call.table, listing, limit, cursor, keep)

    return answer_walk(call, body, walk, plural="warranties", day=day)


def _entry(wire: Wire) -> dict[str, Any]:
    return {"warranty_id": wire["holder"]["S"]}


def _wholes(
    call: Call, body: requests.WarrantyListRequest, entries: list[dict[str, Any]], day: WalkDay
) -> list[dict[str, Any] | None]:
    """Returns the whole warranties of these entries, as far as the filter lets them pass."""
    places = [storage.warranty_at(call.keys, entry["warranty_id"]) for entry in entries]
    records = call.load(*places)
    found: list[dict[str, Any] | None] = []
    for place in places:
        warranty = records.get(place)
        if warranty is None or warranty.fenced_by is not None:
            found.append(None)
            continue
        whole = storage.warranty_shown(warranty, day.day)
        found.append(whole if body.status in (None, whole["status"]) else None)
    return found


# ---------------------------------------------------------------- changes


def warranty_update(call: Call, body: requests.WarrantyUpdateRequest) -> Answer:
    """Changes the given fields of a warranty that is not over for good. A new `terms.duration`
    without `expires_on` is counted from `starts_on` again. A new customer is a transfer; the dates
    stay. An expired warranty may become active again, unless another one covers its serial number
    by now."""
    at = storage.warranty_at(call.keys, body.warranty_id)
    named = body.warranty.customer
    reads: list[Get[Any]] = [at]
    if named is not None:
        reads.append(state_at(call.keys, named))

    def decide(call: Call, records: Records) -> Step:
        before = require_unfenced(records.get(at))
        guards = owner_guards(call, before.customer_id)
        if call.facts.expected_revision != before.revision:
            ensure_answerable(call, records, guards)
        call.facts.ensure_revision(before.revision, _data(call, before))
        customer = before.customer_id
        if named is not None:
            owner = new_owner(call, records, named, f"warranty.{body.warranty.customer_name}")
            if customer not in owner.owners:
                customer = owner.customer_guid
                guards.append(owner.guard)
        if not rules.STEPS[before.status]:
            ensure_answerable(call, records, guards)
        after = rules.changed(before, body.warranty.values(), customer, call.now)
        if after is before:
            ensure_answerable(call, records, guards)
        writes = [] if after is before else _update_writes(call, records, before, after, body)
        return Step(_answer(call, after), _subject(call, after), writes, guards)

    return commit(call, reads, decide)


def _update_writes(
    call: Call,
    records: Records,
    before: WarrantyRecord,
    after: WarrantyRecord,
    body: requests.WarrantyUpdateRequest,
) -> list[Write]:
    keys, serial, old = call.keys, after.serial_number, before.customer_id
    live = records.if_read(storage.live_at(keys, serial, after.product_id))
    if live is not None and rules.is_taken(live, after, call.today):
        message = "cannot be: the serial number has another live warranty by now"
        raise AlreadyExists.of("warranty.expires_on", message)
    more: dict[str, Any] = {"changed": sorted(body.warranty.model_fields_set)}
    writes: list[Write] = []
    if after.customer_id != old:
        more["previous_customer_id"] = old
        writes = [
            Delete(keys.customer_link(old, storage.LINK, after.warranty_id)),
            Put(storage.past_link_item(keys, old, after.warranty_id), condition=None),
            Put(storage.link_item(keys, after.customer_id, after.warranty_id), condition=None),
        ]
    event = _event(call, "warranty-updated", WarrantyChanged, after, **more)
    update = Update(storage.warranty_item(keys, after), if_revision=before.revision, events=[event])
    return [update, *_moved_guard(call, before, after), *writes]


def _moved_guard(call: Call, before: WarrantyRecord, after: WarrantyRecord) -> list[Write]:
    """Returns the write of the serial number's guard, where the last day moves."""
    if before.expires_on == after.expires_on:
        return []
    if rules.status_of(after, call.today) == "active":
        return _live_writes(call, after)
    return _released(call, before)


def _released(call: Call, before: WarrantyRecord) -> list[Write]:
    """Returns the removal of the serial number's guard, where the warranty still has it."""
    if rules.status_of(before, call.today) != "active":
        # After its last day the guard stands for nothing, and may be another warranty's by now.
        return []
    place = storage.live_at(call.keys, before.serial_number, before.product_id)
    own = Condition(
        "attribute_not_exists(pk) OR holder = :own", values={":own": {"S": before.warranty_id}}
    )
    return [Delete(place.key, own)]


def warranty_status_set(call: Call, body: requests.WarrantyStatusSetRequest) -> Answer:
    """Voids or dooms a warranty, for good and with a reason. `expired` is never set: it answers 200
    once the last day has passed, and 409 before. To set the status that it has changes nothing."""
    at = storage.warranty_at(call.keys, body.warranty_id)
    if body.status in ("voided", "doomed") and call.facts.provenance.reason is None:
        raise call.refusal(InvalidInput.of("reason", f"is required for {body.status}", "missing"))

    def decide(call: Call, records: Records) -> Step:
        before = require_unfenced(records.get(at))
        guards = owner_guards(call, before.customer_id)
        is_current = call.facts.expected_revision == before.revision
        if not (is_current and rules.changes(before, body.status, call.today)):
            ensure_answerable(call, records, guards)
        call.facts.ensure_revision(before.revision, _data(call, before))
        after = rules.with_status(before, body.status, call.today, call.now)
        writes: list[Write] = []
        if after is not before:
            previous = rules.status_of(before, call.today)
            shape = WarrantyStatusChanged
            event = _event(call, "warranty-status-set", shape, after, previous_status=previous)
            item = storage.warranty_item(call.keys, after)
            update = Update(item, if_revision=before.revision, events=[event])
            writes = [update, *_released(call, before)]
        return Step(_answer(call, after), _subject(call, after), writes, guards)

    return commit(call, [at], decide)


# ---------------------------------------------------------------- answers and events


def _event(
    call: Call, action: str, shape: type[Shape], warranty: WarrantyRecord, **more: Any
) -> dict[str, Any]:
    data = event_data(shape, warranty, status=rules.status_of(warranty, call.today), **more)
    aggregate = (WarrantyRecord.KIND, warranty.warranty_id, warranty.revision)
    return change_event(call, action, aggregate, data)


def _data(call: Call, warranty: WarrantyRecord) -> dict[str, Any]:
    return {"warranty": storage.warranty_shown(warranty, call.today)}


def _answer(call: Call, warranty: WarrantyRecord) -> Answer:
    return Answer(_data(call, warranty), warranty.revision)


def _subject(call: Call, warranty: WarrantyRecord) -> Subject:
    partition, _ = call.keys.warranty(warranty.warranty_id)
    return Subject(partition, warranty.warranty_id)

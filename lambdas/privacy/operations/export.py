"""The right of access: everything that is stored about a customer, from the registry that erasure
uses too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lambdas.privacy import storage
from lambdas.privacy.models.records import ExportRecord
from lambdas.privacy.models.requests import CustomerExportRequest
from lambdas.privacy.operations import any_kind
from lambdas.privacy.operations.linked import kept_answers, linked_items
from lambdas.privacy.rules.redaction import scrubbed
from shared.api import Answer, Call
from shared.codec import Wire, shown
from shared.commit import CustomerStep, commit
from shared.customer_state import (
    CustomerStateRecord,
    redirected,
    require_readable,
    require_readable_customer,
    state_at,
    survivor_of,
)
from shared.events import change_event
from shared.keys import STATE, Keys
from shared.kinds import Kind
from shared.lists import answer_walk
from shared.paging import Listing, page
from shared.records import Records
from shared.table import Table


def customer_export(call: Call, body: CustomerExportRequest) -> Answer:
    """Answers everything that is stored about a customer and everyone merged into it, in a fixed
    order, as a person can read it: own records, then linked ones with the link. It shows no keys,
    no hashes, no secrets and nothing about other people. The first page is recorded: who looked,
    and why."""
    guid = body.customer_guid
    state = state_of(call.keys, call.table, guid)
    owners = state.owners

    def walk(limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        return exported(call.keys, call.table, owners, limit, cursor)

    listed = answer_walk(call, body, walk, plural="records")
    data = {"customer_guid": owners[0], **redirected(guid, state.customer_guid), **listed.data}
    if body.next_token is not None:
        return Answer(data)
    return commit(call, [], lambda call, records: _look(call, records, state, data))


def state_of(keys: Keys, table: Table, guid: str) -> CustomerStateRecord:
    """Returns the state of the customer, or of the one that it was merged into. Raises 404 where
    there is none, or where its deletion has begun."""
    records = table.load([state_at(keys, guid)])
    survivor = survivor_of(keys, records, guid)
    if survivor != guid:
        records.add(table.load([state_at(keys, survivor)]))
    return require_readable_customer(keys, records, guid)


def _look(
    call: Call, records: Records, read: CustomerStateRecord, data: dict[str, Any]
) -> CustomerStep:
    """Returns the write of who looked. A running deletion refuses it, and nothing else does."""
    guid = read.customer_guid
    place = state_at(call.keys, guid)
    # A failed condition has brought the state as it is now.
    gone = records.is_absent(place)
    state = require_readable(None if gone else records.if_read(place) or read)
    record = ExportRecord(
        export_id=f"exp_{call.new_id()}",
        customer_guid=guid,
        actor=call.caller.actor,
        reason=call.facts.provenance.reason,
        exported_at=call.now,
    )
    event = change_event(
        call,
        "customer-exported",
        ("customer_export", record.export_id, 1),
        {"customer_guid": guid, "export_id": record.export_id},
    )
    write = storage.export_write(call.keys, record, event)
    guard = call.guard(guid, state, statuses=None, reading=True, active=False)
    return CustomerStep(Answer(data), guard, [write])


# ---------------------------------------------------------------- the walk


def exported(
    keys: Keys, table: Table, owners: Sequence[str], limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Returns a page of records as a person can read them, and the cursor of the next one: the
    number of the owner, and the last sort key."""
    number, after = _place(cursor)
    found: list[dict[str, Any]] = []
    while number < len(owners):
        partition = keys.customer_state(owners[number])[0]
        listing = Listing((partition,), newest_first=False)
        room = limit - len(found)
        wires, reached = page(table, listing, room, after, lambda wire: wire)
        found += _shown(keys, table, wires, owners)
        if reached is not None:
            return found, f"{number} {reached}"
        number, after = number + 1, STATE
        if len(found) >= limit and number < len(owners):
            return found, f"{number} {after}"
    return found, None


def _place(cursor: str | None) -> tuple[int, str]:
    number, _, after = (cursor or f"0 {STATE}").partition(" ")
    return int(number), after


def _shown(
    keys: Keys, table: Table, wires: Sequence[Wire], owners: Sequence[str]
) -> list[dict[str, Any]]:
    items = linked_items(keys, table, wires, owners)
    answers = kept_answers(keys, table, items)
    linked = {item.key: (item, kept) for item, kept in zip(items, answers, strict=True)}
    found = []
    for wire in wires:
        kind, record = any_kind.kind_of(wire), any_kind.record_of(wire)
        found.append(_readable(kind, record))
        if kind.leads_to is not None:
            item, kept = linked.get(kind.leads_to(keys, record), (None, []))
            if item is not None:
                found.append(_readable(item.kind, item.record))
            found += [_readable(any_kind.kind_of(w), any_kind.record_of(w)) for w in kept]
    return found


def _readable(kind: Kind, record: Any) -> dict[str, Any]:
    return {"kind": kind.name, "record": scrubbed(shown(record), kind.hidden)}

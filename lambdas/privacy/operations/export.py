"""The right of access: everything that is stored about a customer, from the registry that erasure
uses too."""

from __future__ import annotations

from typing import Any

from lambdas.privacy import storage
from lambdas.privacy.models.records import ExportRecord
from lambdas.privacy.models.requests import CustomerExportRequest
from lambdas.privacy.operations.exporting import exported
from shared.api import Answer, Call
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
from shared.keys import Keys
from shared.lists import answer_walk
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

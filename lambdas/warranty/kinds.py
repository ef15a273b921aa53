"""The kinds of records that the warranties store. A warranty goes with the customer whom it covers;
of a customer who had it before, the transfer forgets who that was."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from lambdas.warranty import rules, storage
from lambdas.warranty.models import envelopes, records
from shared.kinds import Kind


def anonymized(warranty: records.WarrantyRecord, now: datetime) -> records.WarrantyRecord:
    """Returns the warranty of an anonymized customer. The hash of what was sent could confirm a
    guess of it."""
    del now
    return replace(warranty, sent_hash=None)


KINDS = (
    Kind(
        record=records.WarrantyRecord,
        erasure="delete",
        named_by="warranty_id",
        target="warranty",
        item=storage.warranty_item,
        beside=storage.serial_keys,
        forgets=rules.without,
        anonymized=anonymized,
        hidden=("sent_hash", "fenced_by"),
        retained="warranty",
        aged_by="last_day",
        events={
            "warranty-registered": envelopes.WarrantyChanged,
            "warranty-updated": envelopes.WarrantyChanged,
            "warranty-status-set": envelopes.WarrantyStatusChanged,
        },
    ),
    # What is known by a serial number belongs to a warranty, and goes with it.
    Kind(record=records.LiveSerialRecord, erasure="keep", business=False, events={}),
    Kind(record=records.SerialHistoryRecord, erasure="keep", business=False, events={}),
    Kind(
        record=records.WarrantyLinkRecord,
        erasure="delete",
        business=False,
        leads_to=lambda keys, link: keys.warranty(link.warranty_id),
        events={},
    ),
    Kind(
        record=records.WarrantyPastLinkRecord,
        erasure="delete",
        business=False,
        mentions=lambda keys, link: keys.warranty(link.warranty_id),
        events={},
    ),
)

"""The kinds of records that the warranties store. A warranty goes with the customer whom it covers;
of a customer who had it before, the transfer forgets who that was."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from lambdas.warranty import rules, storage
from lambdas.warranty.models import envelopes, records
from shared.keys import BY_STATUS, Key, Keys
from shared.kinds import Kind
from shared.paging import Listing


def anonymized(warranty: records.WarrantyRecord, now: datetime) -> records.WarrantyRecord:
    """Returns the warranty of an anonymized customer. The hash of what was sent could confirm a
    guess of it."""
    del now
    return replace(warranty, sent_hash=None)


def _ended_before(keys: Keys, _: datetime, day: date) -> Listing:
    """Returns the list of the warranties whose last day lies before a day."""
    lists = tuple(keys.list_of(storage.KIND, one) for one in ("active", "voided", "doomed"))
    return Listing(lists, BY_STATUS, last=f"{day.isoformat()}~", newest_first=False)


def _active(warranty: records.WarrantyRecord, _: datetime, today: date) -> str | None:
    """Returns why retention keeps the customer of a warranty that still covers."""
    return "warranty" if rules.status_of(warranty, today) == "active" else None


def _links(keys: Keys, warranty: records.WarrantyRecord) -> list[Key]:
    """Returns the links from the customer of a warranty, and from those who had it before."""
    owner, warranty_id = warranty.customer_id, warranty.warranty_id
    past = {guid for move in warranty.transfers if (guid := move.get("from")) is not None}
    own = [] if owner is None else [storage.link_item(keys, owner, warranty_id).key]
    return [*own, *(storage.past_link_item(keys, guid, warranty_id).key for guid in past)]


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
        aging=_ended_before,
        guards_customer=_active,
        links=_links,
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

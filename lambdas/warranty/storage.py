"""Where the records of the warranties lie, and how answers show them."""

from __future__ import annotations

from datetime import date
from typing import Any

from lambdas.warranty import rules
from lambdas.warranty.models.envelopes import WarrantySummary
from lambdas.warranty.models.records import (
    LiveSerialRecord,
    SerialHistoryRecord,
    WarrantyLinkRecord,
    WarrantyPastLinkRecord,
    WarrantyRecord,
)
from lambdas.warranty.models.requests import folded
from shared.codec import Item, shown
from shared.idempotency import SnapshotRecord
from shared.keys import ALL_OF_KIND, BY_STATUS, LAST, SECOND_ORDER, Key, Keys
from shared.paging import Listing
from shared.records import Get, Query

KIND = WarrantyRecord.KIND
HIDDEN = ("last_day", "sent_hash", "fenced_by")
"""The fields that no answer shows."""
LINK, PAST_LINK = "WARRANTY", "WARRANTY_PAST"
NO_END = date.max
NATURAL = ""
"""Stands for the idempotency key in the name of the first answer to a registration, which every
repeat gets. No caller can send an empty key."""

# ---------------------------------------------------------------- places


def warranty_at(keys: Keys, warranty_id: str) -> Get[WarrantyRecord]:
    return Get(keys.warranty(warranty_id), WarrantyRecord)


def live_at(keys: Keys, serial: str, product_id: str | None) -> Get[LiveSerialRecord]:
    """Returns the read of the warranty that covers a serial number of a product. Where no product
    is named, that is as one product."""
    return Get(keys.live_serial(folded(serial), product_id or ""), LiveSerialRecord)


def all_live(keys: Keys, serial: str) -> Query[LiveSerialRecord]:
    return Query(*keys.live_serials(folded(serial)), LiveSerialRecord)


def history(keys: Keys, serial: str, limit: int | None) -> Query[SerialHistoryRecord]:
    """Returns the read of the warranties of a serial number, the newest first."""
    partition, prefix = keys.serials(folded(serial))
    return Query(
        partition, prefix, prefix + LAST, SerialHistoryRecord, limit=limit, newest_first=True
    )


def history_listing(keys: Keys, serial: str) -> Listing:
    partition, prefix = keys.serials(folded(serial))
    return Listing((partition,), prefix=prefix)


def first_answer_at(keys: Keys, warranty_id: str, route: str) -> Get[SnapshotRecord]:
    """Returns the read of the first answer to a registration. It lies with the answers that are
    kept under idempotency keys, so an erasure treats it like them."""
    place = keys.snapshot(keys.warranty(warranty_id)[0], warranty_id, route, NATURAL)
    return Get(place, SnapshotRecord)


def _history_key(keys: Keys, warranty: WarrantyRecord) -> Key:
    # The id begins with the prefix of this part of the partition, and sorts by creation.
    partition, _ = keys.serials(folded(warranty.serial_number))
    return partition, warranty.warranty_id


def serial_keys(keys: Keys, warranty: WarrantyRecord) -> tuple[Key, Key]:
    """Returns the keys under which a warranty is found by its serial number."""
    live = live_at(keys, warranty.serial_number, warranty.product_id)
    return live.key, _history_key(keys, warranty)


# ---------------------------------------------------------------- items


def warranty_item(keys: Keys, warranty: WarrantyRecord) -> Item[WarrantyRecord]:
    by_last_day = f"{(warranty.last_day or NO_END).isoformat()}#{warranty.warranty_id}"
    by_creation = warranty.warranty_id
    indexes = keys.listed(ALL_OF_KIND, KIND, by_creation)
    indexes |= keys.listed(BY_STATUS, KIND, by_last_day, warranty.status)
    indexes |= keys.listed(SECOND_ORDER, KIND, by_creation, warranty.customer_id)
    whole = shown(warranty)
    view = {name: whole[name] for name in WarrantySummary.model_fields if name in whole}
    return Item(warranty_at(keys, warranty.warranty_id).key, warranty, indexes, view)


def live_item(keys: Keys, warranty: WarrantyRecord) -> Item[LiveSerialRecord]:
    place = live_at(keys, warranty.serial_number, warranty.product_id)
    guard = LiveSerialRecord(holder=warranty.warranty_id, last_day=warranty.expires_on)
    return Item(place.key, guard)


def history_item(keys: Keys, warranty: WarrantyRecord) -> Item[SerialHistoryRecord]:
    entry = SerialHistoryRecord(holder=warranty.warranty_id, product_id=warranty.product_id)
    return Item(_history_key(keys, warranty), entry)


def link_item(keys: Keys, customer_id: str, warranty_id: str) -> Item[WarrantyLinkRecord]:
    place = keys.customer_link(customer_id, LINK, warranty_id)
    return Item(place, WarrantyLinkRecord(warranty_id=warranty_id))


def past_link_item(keys: Keys, customer_id: str, warranty_id: str) -> Item[WarrantyPastLinkRecord]:
    place = keys.customer_link(customer_id, PAST_LINK, warranty_id)
    return Item(place, WarrantyPastLinkRecord(warranty_id=warranty_id))


# ---------------------------------------------------------------- lists


def in_order_of_creation(keys: Keys) -> Listing:
    return Listing((keys.list_of(KIND),), ALL_OF_KIND)


def of_owner(keys: Keys, customer_id: str) -> str:
    """Returns the partition of a customer's warranties, by creation."""
    return keys.list_of(KIND, customer_id)


def by_last_day(keys: Keys, status: str, day: date) -> Listing:
    """Returns the list of the warranties that have this status on a day: by their last day, the
    earliest first."""
    first, last = rules.days_of(status, day)
    stored = "active" if status == "expired" else status
    return Listing(
        (keys.list_of(KIND, stored),),
        BY_STATUS,
        first="" if first is None else first.isoformat(),
        last="" if last is None else last.isoformat() + LAST,
        newest_first=False,
    )


# ---------------------------------------------------------------- answers


def warranty_shown(warranty: WarrantyRecord, day: date) -> dict[str, Any]:
    """Returns a warranty as answers show it, with the status that it has on a day."""
    return shown(warranty, without=HIDDEN, status=rules.status_of(warranty, day))


def summary_shown(view: dict[str, Any], day: date) -> dict[str, Any]:
    """Returns a list entry with the status that the warranty has on a day."""
    last = view.get("expires_on")
    expires_on = None if last is None else date.fromisoformat(last)
    return {**view, "status": rules.status_on(view["status"], expires_on, day)}

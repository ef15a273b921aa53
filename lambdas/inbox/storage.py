"""Where notifications lie, and how answers show them."""

from __future__ import annotations

from typing import Any

from lambdas.inbox.models.envelopes import NotificationSummary
from lambdas.inbox.models.records import (
    LiveNotificationRecord,
    NotificationLinkRecord,
    NotificationRecord,
)
from lambdas.inbox.rules import RANKS
from shared.codec import Item, shown
from shared.fields import instant_text
from shared.keys import ALL_OF_KIND, BY_STATUS, SECOND_ORDER, Key, Keys
from shared.paging import Listing
from shared.records import Get

KIND = NotificationRecord.KIND


def notification_at(keys: Keys, notification_id: str) -> Get[NotificationRecord]:
    return Get(keys.notification(notification_id), NotificationRecord)


def live_at(keys: Keys, addressee: str, dedupe_key: str) -> Get[LiveNotificationRecord]:
    """Where it says which notification lives with a dedupe key."""
    place = keys.unique("notification-dedupe", f"{addressee}\n{dedupe_key}")
    return Get(place, LiveNotificationRecord)


def live_key(keys: Keys, note: NotificationRecord) -> Key | None:
    if note.dedupe_key is None:
        return None
    return live_at(keys, note.addressee, note.dedupe_key).key


def notification_item(keys: Keys, note: NotificationRecord) -> Item[NotificationRecord]:
    """Returns a notification in its place. Lists of an addressee have the urgent ones first, and
    then the newest. A deleted one is only in the list of all, which retention reads."""
    sort = f"{instant_text(note.created_at)}#{note.notification_id}"
    indexes = keys.listed(ALL_OF_KIND, KIND, sort)
    if note.status != "deleted":
        indexes |= keys.listed(BY_STATUS, KIND, sort, note.status)
        ranked = f"{RANKS[note.priority]}#{sort}"
        indexes |= keys.listed(SECOND_ORDER, KIND, ranked, f"{note.status}#{note.addressee}")
    place = notification_at(keys, note.notification_id).key
    return Item(place, note, indexes=indexes, view=notification_summary(note))


def live_item(keys: Keys, note: NotificationRecord) -> Item[LiveNotificationRecord]:
    assert note.dedupe_key is not None, "only such a notification has a guard"
    place = live_at(keys, note.addressee, note.dedupe_key).key
    return Item(place, LiveNotificationRecord(holder=note.notification_id))


def link_item(keys: Keys, note: NotificationRecord) -> Item[NotificationLinkRecord]:
    assert note.record_type is not None, "it is about a record"
    assert note.record_id is not None, "it is about a record"
    place = keys.notification_link(note.record_type, note.record_id, note.notification_id)
    summary = notification_summary(note)
    title = summary.pop("title")
    link = NotificationLinkRecord(
        notification_id=note.notification_id, title=title, summary=summary
    )
    return Item(place, link)


def of_addressee(keys: Keys, addressee: str, status: str) -> Listing:
    return Listing((keys.list_of(KIND, f"{status}#{addressee}"),), SECOND_ORDER)


def of_org(keys: Keys, status: str) -> Listing:
    return Listing((keys.list_of(KIND, status),), BY_STATUS)


def notification_shown(note: NotificationRecord) -> dict[str, Any]:
    return shown(note, without=("fenced_by", "org_wide"), org_wide=note.org_wide or None)


def notification_summary(note: NotificationRecord) -> dict[str, Any]:
    """Returns what lists show of a notification."""
    whole = notification_shown(note)
    return {name: whole[name] for name in NotificationSummary.model_fields if name in whole}

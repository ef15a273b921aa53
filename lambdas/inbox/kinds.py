"""What the family stores. Notifications go where the record goes that they are about."""

from __future__ import annotations

from lambdas.inbox import storage
from lambdas.inbox.models import envelopes, records
from shared.keys import Key, Keys
from shared.kinds import Kind, listed_until


def _live_key(keys: Keys, note: records.NotificationRecord) -> list[Key]:
    place = storage.live_key(keys, note)
    return [] if place is None else [place]


def _link(keys: Keys, note: records.NotificationRecord) -> list[Key]:
    return [] if note.record_type is None else [storage.link_item(keys, note).key]


KINDS = (
    Kind(
        record=records.NotificationRecord,
        erasure="delete",
        named_by="notification_id",
        target="notification",
        beside=_live_key,
        # The key derives from what people wrote.
        personal_keys=_live_key,
        retained="inbox",
        aged_by="updated_at",
        aging=listed_until("notification"),
        links=_link,
        events={
            "inbox-created": envelopes.InboxCreated,
            "inbox-repeated": envelopes.InboxCreated,
            "inbox-status-set": envelopes.InboxStatusChanged,
            "inbox-state-set": envelopes.InboxStateChanged,
        },
        when={
            "inbox-repeated": "A notification that lives was created again with its `dedupe_key`.",
        },
    ),
    Kind(
        record=records.NotificationLinkRecord,
        erasure="delete",
        business=False,
        leads_to=lambda keys, link: keys.notification(link.notification_id),
        events={},
    ),
    Kind(record=records.LiveNotificationRecord, erasure="delete", business=False, events={}),
)

"""What the family stores, and what an erasure does to it."""

from __future__ import annotations

from datetime import date, datetime

from lambdas.subscription import storage
from lambdas.subscription.models import envelopes, records
from lambdas.subscription.rules import course
from shared.keys import BY_STATUS, Keys
from shared.kinds import Kind
from shared.paging import Listing


def ends_with_its_customer(record: records.SubscriptionRecord, now: datetime) -> bool:
    """Whether an erasure at this time is what ends the subscription."""
    return course.at(record, now).status in course.STEPS


def _ended(keys: Keys, *_: object) -> Listing:
    """Returns the list of the subscriptions that have ended, at whatever time."""
    lists = tuple(keys.list_of("subscription", status) for status in ("cancelled", "ended"))
    return Listing(lists, BY_STATUS, newest_first=False)


def _goes_on(record: records.SubscriptionRecord, now: datetime, _: date) -> str | None:
    """Returns why retention keeps the customer of an active or paused subscription."""
    return "subscription" if ends_with_its_customer(record, now) else None


KINDS = (
    Kind(
        record=records.SubscriptionRecord,
        erasure="delete",
        target="subscription",
        named_by="subscription_id",
        anonymized=course.anonymized,
        item=storage.subscription_item,
        told=ends_with_its_customer,
        retained="subscription",
        aged_by="ended_at",
        aging=_ended,
        guards_customer=_goes_on,
        events={
            "subscription-created": envelopes.SubscriptionChanged,
            "subscription-updated": envelopes.SubscriptionChanged,
            "subscription-due": envelopes.SubscriptionDue,
            "subscription-ended": envelopes.SubscriptionChanged,
            "subscription-paused": envelopes.SubscriptionChanged,
            "subscription-resumed": envelopes.SubscriptionChanged,
            "subscription-cancelled": envelopes.SubscriptionChanged,
        },
        when={
            "subscription-updated": "A cancellation at the end of the period was scheduled, or "
            "withdrawn.",
            "subscription-due": "The date of an occurrence has come. The service tells it within "
            "a minute or two, and some minutes later where tens of thousands are due at once.",
            "subscription-ended": "The `end_date` is over.",
        },
    ),
)

"""What the family stores, and what an erasure does to it."""

from __future__ import annotations

from datetime import datetime

from lambdas.subscription import storage
from lambdas.subscription.models import envelopes, records
from lambdas.subscription.rules import course
from shared.kinds import Kind


def ends_with_its_customer(record: records.SubscriptionRecord, now: datetime) -> bool:
    """Whether an erasure at this time is what ends the subscription."""
    return course.at(record, now).status in course.STEPS


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
            "a minute or two.",
            "subscription-ended": "The `end_date` is over.",
            "subscription-resumed": "A call resumed it, or its `resume_at` has come.",
            "subscription-cancelled": "A call cancelled it at once, or its `cancel_at` has come.",
        },
    ),
)

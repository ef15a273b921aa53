"""Subscription records for the tests of the rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lambdas.subscription.models.records import Anchor, SubscriptionRecord
from lambdas.subscription.rules import course

CREATED = datetime(2026, 1, 1, tzinfo=UTC)


def subscription(start: str = "2026-01-01T00:00:00", **fields: Any) -> SubscriptionRecord:
    """A subscription that was created with this start."""
    made: dict[str, Any] = {
        "subscription_id": "subs_1",
        "customer_guid": "cust_1",
        "plan_id": "P",
        "frequency": "daily",
        "status": "active",
        "timezone": "UTC",
        "anchor": Anchor(start, 0),
        "created_at": CREATED,
        "updated_at": CREATED,
        **fields,
    }
    record = SubscriptionRecord(start_date=start, next_number=0, **made)
    return course.started(record, skips=True)

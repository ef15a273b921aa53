"""A change of a subscription and its event; several changes make one write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.subscription import storage
from lambdas.subscription.models.envelopes import SubscriptionChanged
from lambdas.subscription.models.records import SubscriptionRecord
from lambdas.subscription.rules import course
from lambdas.subscription.rules.course import Turn
from shared.call import Call
from shared.events import change_event, event_data
from shared.writes import Update, Write

TURNS = {
    "active": "subscription-resumed",
    "cancelled": "subscription-cancelled",
    "ended": "subscription-ended",
}
"""The event of a change that time makes, by the status that it leads to."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change: what its event is called, and the subscription after and before it."""

    action: str
    after: SubscriptionRecord
    before: SubscriptionRecord | None

    @classmethod
    def of_turns(
        cls, before: SubscriptionRecord, turns: Sequence[tuple[Turn, SubscriptionRecord]]
    ) -> list[Change]:
        """Returns the changes that time has made."""
        made = []
        for turn, after in turns:
            made.append(cls(TURNS[turn.status], after, before))
            before = after
        return made

    def event(self, call: Call, customer_guid: str) -> dict[str, Any]:
        """Returns the event of the change, for the customer that answers for the subscription."""
        after, before = self.after, self.before
        coming = next(course.upcoming(after, call.now), None)
        data = event_data(
            SubscriptionChanged,
            after,
            customer_id=customer_guid,
            previous_status=None if before is None else before.status,
            occurrence=course.number_of(after, coming),
            next_run_at=None if coming is None else coming.date,
        )
        return subscription_event(call, self.action, after, data)


def subscription_event(
    call: Call, action: str, record: SubscriptionRecord, data: dict[str, Any]
) -> dict[str, Any]:
    aggregate = ("subscription", record.subscription_id, record.revision)
    return change_event(call, action, aggregate, data)


def changes(
    call: Call, before: SubscriptionRecord, made: Sequence[Change], customer_guid: str
) -> list[Write]:
    """Returns the write of the last of these changes, with the events of all."""
    events = [change.event(call, customer_guid) for change in made]
    item = storage.subscription_item(call.keys, made[-1].after)
    return [Update(item, if_revision=before.revision, events=events)]

"""What a subscription tells by itself: its due occurrences, and what time has changed. The sweeper
asks for it, and no caller does.

It is told in every org, whatever the org's status is. The gate of writes is for what callers want;
an occurrence follows from what was agreed before. Were it held back, an org that comes back would
hear of everything at once. And it is told whatever the customer's status is by now: what was due
before an anonymization is told after it. Neither can tell anything personal, because such an event
has ids, a number and a date.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from lambdas.subscription import storage
from lambdas.subscription.models.envelopes import SubscriptionDue
from lambdas.subscription.models.records import SubscriptionRecord
from lambdas.subscription.operations.changing import TURNS, Change, changes, subscription_event
from lambdas.subscription.rules import course
from shared.call import Answer, Call
from shared.commit import CustomerStep, commit
from shared.customer_state import require_customer, state_at
from shared.errors import NotFound
from shared.events import event_data
from shared.keys import Keys, customer_of_subscription
from shared.records import Get, Records
from shared.states import next_revision
from shared.writes import Update, Write


@dataclass(frozen=True, slots=True)
class Advanced:
    """What one step did: whether it has written anything, and whether more is due by now."""

    written: bool
    more: bool


NOTHING = Advanced(written=False, more=False)


def reads_of(keys: Keys, subscription_id: str) -> list[Get[Any]]:
    """Returns what a step needs to read: the subscription, and the state of its customer."""
    owner = customer_of_subscription(subscription_id)
    return [storage.subscription_at(keys, subscription_id), state_at(keys, owner)]


def advance(call: Call, subscription_id: str, known: Records | None = None) -> Advanced:
    """Writes what comes next, if its time has come: one occurrence, or one change. Returns what it
    did. Several sweepers may call it at once: each write is made under the revision that was read,
    so that each occurrence is announced once, and in order. For the same reason ``known``, what was
    read of many subscriptions at once, may be out of date. Raises ``busy`` while the customer is
    being erased."""
    owner = customer_of_subscription(subscription_id)
    subscription_at = storage.subscription_at(call.keys, subscription_id)

    def decide(call: Call, records: Records) -> CustomerStep:
        record = records.require(subscription_at)
        state = require_customer(call.keys, records, owner)
        # It is no activity of the customer, and names the one who answers for it at that moment.
        guard = call.guard(
            state.customer_guid, state, statuses=None, active=False, absorbed_as_read=True
        )
        # The schedule names the time of its minute, which may lie before the last write.
        now = max(call.now, record.updated_at)
        step = course.next_step(record, now)
        if step is None:
            return CustomerStep(Answer(asdict(NOTHING)), guard)
        after, writes = _written(call, record, step, now, state.customer_guid)
        # Whoever asks again only to hear that there is nothing has read for nothing.
        more = course.next_step(after, now) is not None
        return CustomerStep(Answer(asdict(Advanced(written=True, more=more))), guard, writes)

    try:
        answer = commit(call, reads_of(call.keys, subscription_id), decide, known=known)
    except NotFound:
        # It was deleted, and the list does not know yet.
        return NOTHING
    return Advanced(**answer.data)


def _written(
    call: Call,
    record: SubscriptionRecord,
    step: course.Occurrence | course.Turn,
    now: datetime,
    customer_guid: str,
) -> tuple[SubscriptionRecord, list[Write]]:
    """Returns the subscription after a step, and the write of it."""
    if isinstance(step, course.Turn):
        after = next_revision(course.turned(record, step), now)
        turn = Change(TURNS[step.status], after, record)
        return after, changes(call, record, [turn], customer_guid)
    after = next_revision(course.announced(record), now)
    told = {"customer_id": customer_guid, "n": step.number, "date": step.date}
    data = event_data(SubscriptionDue, after, **told)
    event = subscription_event(call, "subscription-due", after, data)
    item = storage.subscription_item(call.keys, after)
    return after, [Update(item, if_revision=record.revision, events=[event])]

"""What a subscription tells by itself: its due occurrences, and what time has changed. The sweeper
asks for it, and no caller does.

It is told in every org, whatever the org's status is. The gate of writes is for what callers want;
an occurrence follows from what was agreed before. Were it held back, an org that comes back would
hear of everything at once. And it is told whatever the customer's status is by now: what was due
before an anonymization is told after it. Neither can tell anything personal, because such an event
has ids, a number and a date.
"""

from __future__ import annotations

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
from shared.keys import customer_of_subscription
from shared.records import Records
from shared.states import next_revision
from shared.writes import Update, Write


def advance(call: Call, subscription_id: str) -> bool:
    """Writes what comes next, if its time has come: one occurrence, or one change. Returns whether
    it has written anything. Several sweepers may call it at once: each write is made under the
    revision that was read, so that each occurrence is announced once, and in order. Raises
    ``busy`` while the customer is being erased."""
    owner = customer_of_subscription(subscription_id)
    subscription_at = storage.subscription_at(call.keys, subscription_id)

    def decide(call: Call, records: Records) -> CustomerStep:
        record = records.require(subscription_at)
        state = require_customer(call.keys, records, owner)
        # It is no activity of the customer.
        guard = call.guard(state.customer_guid, state, statuses=None, active=False)
        writes = _next_writes(call, record, state.customer_guid)
        return CustomerStep(Answer({"written": bool(writes)}), guard, writes)

    try:
        answer = commit(call, [subscription_at, state_at(call.keys, owner)], decide)
    except NotFound:
        # It was deleted, and the list does not know yet.
        return False
    return bool(answer.data["written"])


def _next_writes(call: Call, record: SubscriptionRecord, customer_guid: str) -> list[Write]:
    # The schedule names the time of its minute, which may lie before the last write.
    now = max(call.now, record.updated_at)
    step = course.next_step(record, now)
    if step is None:
        return []
    if isinstance(step, course.Turn):
        after = next_revision(course.turned(record, step), now)
        return changes(call, record, [Change(TURNS[step.status], after, record)], customer_guid)
    after = next_revision(course.announced(record), now)
    told = {"customer_id": customer_guid, "n": step.number, "date": step.date}
    data = event_data(SubscriptionDue, after, **told)
    event = subscription_event(call, "subscription-due", after, data)
    item = storage.subscription_item(call.keys, after)
    return [Update(item, if_revision=record.revision, events=[event])]

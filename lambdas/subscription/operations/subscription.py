"""One function per route of the subscriptions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from lambdas.subscription import storage
from lambdas.subscription.models import requests
from lambdas.subscription.models.records import SubscriptionRecord
from lambdas.subscription.operations.changing import Change, changes
from lambdas.subscription.rules import course, starting
from shared.call import Answer, Call
from shared.codec import Wire, decode, shown_value, utc
from shared.commit import Step, commit
from shared.customer_guard import CustomerGuard, order_holds_at
from shared.customer_state import (
    CustomerStateRecord,
    redirected,
    require_customer,
    require_readable_customer,
    state_at,
    survivor_of,
)
from shared.errors import Fault, NotFound
from shared.keys import customer_of_subscription, subscription_of
from shared.lists import answer_customer_list, answer_list
from shared.records import Records
from shared.writes import Put

CREATE, ORDER = "subscription.create", "order"
"""The action type that a hold names, and the kind of the source that names its order."""


def subscription_create(call: Call, body: requests.SubscriptionCreateRequest) -> Answer:
    """Creates a subscription of a live customer. Dates before the creation are skipped and counted;
    the start may lie a year back. Refused while a hold or a flag blocks `subscription.create` for
    the customer; the order of such a hold is the first source of kind `order`. Two calls without
    an `idempotency_key` make two subscriptions."""
    given, made_id = body.subscription, call.new_id()

    def decide(call: Call, records: Records) -> Step:
        guard = _creation_guard(call, records, given)
        owner = guard.customer_guid
        subscription_id = subscription_of(owner, made_id)
        if customer_of_subscription(subscription_id) != owner:
            # No customer has such an id. Looking costs what the refusal of any unknown one costs.
            records.ensure(state_at(call.keys, owner))
            raise NotFound(minor=[Fault("not-found", given.customer_at, "does not exist")])
        record = _new(call, owner, subscription_id, given)
        data = {
            "subscription": storage.subscription_shown(record, call.now),
            **redirected(given.customer, owner),
        }
        change = Change("subscription-created", record, None)
        put = Put(
            storage.subscription_item(call.keys, record),
            events=[change.event(call, owner)],
        )
        subject = storage.subject(call.keys, subscription_id)
        return Step(Answer(data, record.revision), subject, [put], [guard])

    return commit(call, [], decide)


def subscription_get(call: Call, body: requests.SubscriptionGetRequest) -> Answer:
    """Answers a subscription as it is now: a pause, a cancellation or an end whose time has come
    counts, even where no event has told it yet. `occurrences` asks for the next dates."""
    owner = customer_of_subscription(body.subscription_id)
    subscription_at = storage.subscription_at(call.keys, body.subscription_id)

    def work(records: Records) -> Answer:
        record = records.require(subscription_at)
        state = require_readable_customer(call.keys, records, owner)
        data = _data(call, record, state.customer_guid)
        if body.occurrences:
            coming = islice(course.upcoming(record, call.now), body.occurrences)
            data["occurrences"] = [{"n": o.number, "date": shown_value(o.date)} for o in coming]
        return Answer(data, record.revision)

    return call.read([subscription_at, state_at(call.keys, owner)], work)


def subscription_list(call: Call, body: requests.SubscriptionListRequest) -> Answer:
    """Lists subscriptions, newest first. With a customer they are whole records, also of everyone
    who was merged into it; else they are summaries. With `status` alone, one whose state the
    calendar has just changed is missing for up to a minute."""
    named = body.customer_id or body.customer_guid
    if named is not None:
        one = body.model_copy(update={"customer_guid": named, "customer_id": None})
        return _list_of_customer(call, one)

    def keep(wire: Wire) -> dict[str, Any] | None:
        return _filtered(body, storage.subscription_shown(storage.subscription_in(wire), call.now))

    return answer_list(
        call, storage.listing_of(call.keys, body.status), body, keep, plural="subscriptions"
    )


def subscription_pause(call: Call, body: requests.SubscriptionPauseRequest) -> Answer:
    """Pauses an active subscription, until `resume_at` where it is given. What was due before is
    announced all the same; dates within the pause are skipped. Refused where a cancellation is
    scheduled: resume it first."""

    def change(call: Call, record: SubscriptionRecord) -> Change:
        resume_at = None if body.resume_at is None else utc(body.resume_at)
        after = course.paused(record, call.now, resume_at)
        return Change("subscription-paused", after, record)

    return _change(call, body.subscription_id, change)


def subscription_resume(call: Call, body: requests.SubscriptionResumeRequest) -> Answer:
    """Resumes a paused subscription: by its old schedule, with the next date after now, or
    counted from now. An active one whose cancellation is scheduled goes on instead."""
    restarts = body.mode == "restart"

    def change(call: Call, record: SubscriptionRecord) -> Change:
        if record.status == "active" and record.cancel_at is not None:
            after = course.kept(record, call.now, restarts=restarts)
            return Change("subscription-updated", after, record)
        after = course.resumed(record, call.now, restarts=restarts)
        return Change("subscription-resumed", after, record)

    return _change(call, body.subscription_id, change)


def subscription_cancel(call: Call, body: requests.SubscriptionCancelRequest) -> Answer:
    """Cancels an active or a paused subscription for good, at once or at the end of the current
    period. What was due before is announced all the same. One without a current period, because
    it is paused or has not had a date yet, is cancelled at once."""

    def change(call: Call, record: SubscriptionRecord) -> Change:
        if body.at_period_end:
            after = course.cancelled_at_period_end(record, call.now)
        else:
            after = course.cancelled(record, call.now)
        action = "cancelled" if after.status == "cancelled" else "updated"
        return Change(f"subscription-{action}", after, record)

    return _change(call, body.subscription_id, change)


# ---------------------------------------------------------------- creating


def _creation_guard(call: Call, records: Records, given: requests.SubscriptionNew) -> CustomerGuard:
    """Returns the guard of the customer, or of the one that it was merged into. Nothing is read for
    it before the write: a failed write brings what there is, and the decision is made again."""
    named, field = given.customer, given.customer_at
    state: CustomerStateRecord | None = records.if_read(state_at(call.keys, named))
    owner = named if state is None else survivor_of(call.keys, records, named)
    state = records.if_read(state_at(call.keys, owner))
    order_ref = call.facts.provenance.source(ORDER)
    if order_ref is None:
        return call.guard(owner, state, action=CREATE, named=field)
    owners = (named, owner, *(() if state is None else state.absorbed))
    holds = order_holds_at(call.keys, owners, CREATE, order_ref)
    orders = {"order_holds": holds, "absorbed_as_read": True}
    return call.guard(owner, state, action=CREATE, named=field, **orders)


def _new(
    call: Call, owner: str, subscription_id: str, given: requests.SubscriptionNew
) -> SubscriptionRecord:
    start = starting.start_of(given.start_date, given.end_date, given.timezone, call.now)
    anchor = starting.anchor_at(start, 0)
    record = SubscriptionRecord(
        subscription_id=subscription_id,
        customer_guid=owner,
        plan_id=given.plan_id,
        frequency=given.frequency,
        interval=given.interval,
        status="active",
        start_date=anchor.local,
        timezone=given.timezone,
        end_date=given.end_date,
        anchor=anchor,
        next_number=0,
        amount=None if given.amount is None else given.amount.money(),
        items=tuple(given.items),
        metadata=given.metadata,
        created_at=call.now,
        updated_at=call.now,
    )
    return course.started(record, skips=given.start_date is not None)


# ---------------------------------------------------------------- changing


def _change(
    call: Call, subscription_id: str, change: Callable[[Call, SubscriptionRecord], Change]
) -> Answer:
    """Changes a subscription, after whatever time has changed by now."""
    owner = customer_of_subscription(subscription_id)
    subscription_at = storage.subscription_at(call.keys, subscription_id)
    subject = storage.subject(call.keys, subscription_id)

    def decide(call: Call, records: Records) -> Step:
        before = records.require(subscription_at)
        state = require_customer(call.keys, records, owner)
        guid = state.customer_guid
        call.facts.ensure_revision(before.revision, _data(call, before, guid))
        record, turns = course.settled(before, call.now)
        made = change(call, record)
        if made.after is record:
            # It is scheduled already, so nothing is refused, and it is no activity.
            guard = call.guard(guid, state, statuses=None, active=False)
            answer = Answer(_data(call, before, guid), before.revision)
            return Step(answer, subject, guards=[guard])
        writes = changes(call, before, [*Change.of_turns(before, turns), made], guid)
        answer = Answer(_data(call, made.after, guid), made.after.revision)
        return Step(answer, subject, writes, [call.guard(guid, state)])

    return commit(call, [subscription_at, state_at(call.keys, owner)], decide)


def _data(call: Call, record: SubscriptionRecord, customer_guid: str) -> dict[str, Any]:
    return {"subscription": storage.subscription_shown(record, call.now, customer_guid)}


# ---------------------------------------------------------------- listing


def _list_of_customer(call: Call, body: requests.SubscriptionListRequest) -> Answer:
    def keep(wire: Wire, customer_guid: str) -> dict[str, Any] | None:
        record: SubscriptionRecord = decode(SubscriptionRecord, wire)
        return _filtered(body, storage.subscription_shown(record, call.now, customer_guid))

    answer = answer_customer_list(call, body, call.keys.subscriptions, keep, plural="subscriptions")
    data = dict(answer.data)
    return Answer({"customer_id": data.pop("customer_guid"), **data})


def _filtered(
    body: requests.SubscriptionListRequest, item: dict[str, Any]
) -> dict[str, Any] | None:
    return item if body.status in (None, item["status"]) else None

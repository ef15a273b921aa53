"""Where subscriptions lie, in which lists they are, and how answers show them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lambdas.subscription.models.records import SubscriptionRecord
from lambdas.subscription.rules import course
from shared.codec import Item, Wire, decode, encode, shown, view_of
from shared.commit import Subject
from shared.fields import instant_text
from shared.keys import (
    ALL_OF_KIND,
    BY_STATUS,
    LAST,
    NO_ORG,
    SECOND_ORDER,
    SUBSCRIPTION_SHARDS,
    Keys,
    of_org,
)
from shared.paging import Listing
from shared.records import Get

DUE = "subscription_due"
HIDDEN = (
    "customer_guid",
    "anchor",
    "next_number",
    "overdue",
    "ended_at",
)
"""What only the service needs to know of a subscription."""


def subscription_at(keys: Keys, subscription_id: str) -> Get[SubscriptionRecord]:
    return Get(keys.subscription(subscription_id), SubscriptionRecord)


def subject(keys: Keys, subscription_id: str) -> Subject:
    """Returns what an answer about a subscription speaks of. The answer is kept beside it, in the
    partition of its customer."""
    return Subject(subscription_at(keys, subscription_id).key[0], subscription_id)


def subscription_item(keys: Keys, record: SubscriptionRecord) -> Item[SubscriptionRecord]:
    """Returns a subscription in its place. It is in the org's lists, and, while something comes by
    itself, in the list of all orgs by the time of that, which the sweeper reads. The lists have
    what the calendar is made of: the status may change without a write."""
    sort = f"{instant_text(record.created_at)}#{record.subscription_id}"
    indexes = keys.listed(ALL_OF_KIND, record.KIND, sort)
    indexes |= keys.listed(BY_STATUS, record.KIND, sort, record.status)
    moment = course.next_moment(record)
    if moment is not None:
        shard = keys.subscription_shard(record.subscription_id)
        due = f"{instant_text(moment)}#{record.subscription_id}"
        indexes |= of_org(NO_ORG).listed(SECOND_ORDER, DUE, due, shard)
    view = {
        "orgcode": keys.org,
        "subscription_id": record.subscription_id,
        "customer_guid": record.customer_guid,
        "record": {k: v for k, v in encode(record).items() if k not in ("items", "metadata")},
    }
    place = subscription_at(keys, record.subscription_id).key
    return Item(place, record, indexes=indexes, view=view)


def subscription_in(wire: Wire) -> SubscriptionRecord:
    """Returns a subscription as an index entry has it: without items and metadata."""
    record: SubscriptionRecord = decode(SubscriptionRecord, view_of(wire)["record"])
    return record


def listing_of(keys: Keys, status: str | None) -> Listing:
    """Returns the list of an org's subscriptions, or of those in a status; newest first."""
    if status is None:
        return Listing((keys.list_of(SubscriptionRecord.KIND),), ALL_OF_KIND)
    return Listing((keys.list_of(SubscriptionRecord.KIND, status),), BY_STATUS)


def due_by(now: datetime) -> Listing:
    """Returns the list of what the sweeper has to write in all orgs by a time, oldest first."""
    partitions = tuple(of_org(NO_ORG).list_of(DUE, shard) for shard in SUBSCRIPTION_SHARDS)
    last = f"{instant_text(now)}#{LAST}"
    return Listing(partitions, SECOND_ORDER, last=last, newest_first=False)


def subscription_shown(
    record: SubscriptionRecord, now: datetime, customer_guid: str | None = None
) -> dict[str, Any]:
    """Returns a subscription as it is at a time. ``customer_guid``: the customer that answers for
    it, where it was merged into another one."""
    current = course.at(record, now)
    coming = next(course.upcoming(record, now), None)
    return shown(
        current,
        without=HIDDEN,
        customer_id=customer_guid or record.customer_guid,
        occurrence=course.number_of(current, coming),
        next_run_at=None if coming is None else coming.date,
        current_period_end=course.period_end(current, now),
    )

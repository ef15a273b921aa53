"""Where the points lie: this family's reads, the writes of a decision, and what answers show."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from lambdas.loyalty.models.records import (
    EarnedOrderRecord,
    ExpiredLotsRecord,
    LoyaltyAnswerRecord,
    PolicyCountRecord,
    PolicyHeadRecord,
    PolicyRecord,
    RedeemedOrderRecord,
    RedeemedPartRecord,
)
from lambdas.loyalty.rules.decision import Decision
from lambdas.loyalty.rules.policy import in_force
from shared.codec import Item, shown, shown_value
from shared.commit import Subject
from shared.fields import instant_text
from shared.keys import Keys
from shared.ledger import (
    CheckpointPart,
    CheckpointRecord,
    Holdings,
    LedgerEntry,
    LedgerStart,
    LotPage,
    expiring,
)
from shared.ledger_storage import balance_at as balance_at
from shared.ledger_storage import change_writes, revised
from shared.ledger_storage import open_page_at as open_page_at
from shared.ledger_storage import page_at as page_at
from shared.ledger_storage import pages_ahead as pages_ahead
from shared.ledger_storage import start_at as start_at
from shared.records import Get, Query, Records, Unread
from shared.writes import Put, Write

LATEST = 1000

# ---------------------------------------------------------------- policies


def policy_subject(keys: Keys, policy: PolicyRecord) -> Subject:
    """Returns what an answer about a policy speaks of; it is kept with the org's policies."""
    return Subject(keys.loyalty_policy_head(policy.channel_code)[0], policy.policy_version)


def policy_head_at(keys: Keys, channel: str | None) -> Get[PolicyHeadRecord]:
    return Get(keys.loyalty_policy_head(channel), PolicyHeadRecord)


def policy_count_at(keys: Keys) -> Get[PolicyCountRecord]:
    return Get(keys.loyalty_policy_count(), PolicyCountRecord)


def policy_named(keys: Keys, policy_version: str) -> Get[PolicyRecord]:
    return Get(keys.loyalty_policy_named(policy_version), PolicyRecord)


def policies_in_force(keys: Keys, channel: str | None, at: datetime) -> list[Query[PolicyRecord]]:
    """Returns the reads of the newest version in force at a time: of the channel's own policy, and
    of the default, which it falls back to."""
    return [
        Query(*keys.loyalty_policies(c, instant_text(at)), PolicyRecord, 1, newest_first=True)
        for c in dict.fromkeys((channel, None))
    ]


def policy_in_force(
    records: Records, keys: Keys, channel: str | None, at: datetime
) -> PolicyRecord | None:
    """Returns the policy in force for a channel at a time."""
    queries = policies_in_force(keys, channel, at)
    return in_force([p for query in queries for p in records.all(query)], at, channel)


def policy_writes(
    keys: Keys, policy: PolicyRecord, count: PolicyCountRecord | None, event: dict[str, Any]
) -> list[Write]:
    """Returns the writes of a version: under its time and under its name, and the counts of its
    channel and its org, which make whoever sets another at the same time decide again."""
    effective, channel = instant_text(policy.effective_from), policy.channel_code
    head = PolicyHeadRecord(latest=policy.policy_version, revision=policy.revision)
    counted = PolicyCountRecord(revision=1 if count is None else count.revision + 1)
    place = keys.loyalty_policy(channel, effective, policy.revision)
    return [
        Put(Item(place, policy), events=[event]),
        Put(Item(keys.loyalty_policy_named(policy.policy_version), policy)),
        revised(Item(keys.loyalty_policy_head(channel), head), head.revision),
        revised(Item(keys.loyalty_policy_count(), counted), counted.revision),
    ]


# ---------------------------------------------------------------- what a customer holds


def all_pages(keys: Keys, customer_guid: str) -> Query[LotPage]:
    return Query(*keys.lot_pages(customer_guid), LotPage, None)


def expired_lots(keys: Keys, customer_guid: str, month: str) -> Query[ExpiredLotsRecord]:
    """What ``expire`` took of the lots that had expired in a month."""
    return Query(*keys.expired_lots_of(customer_guid, month), ExpiredLotsRecord, None)


# ---------------------------------------------------------------- the ledger


def latest_entries(keys: Keys, customer_guid: str) -> Query[LedgerEntry]:
    """The newest entries of a ledger: all of them for nearly every customer."""
    return entries_before(keys, customer_guid, None, LATEST)


def entry_at(keys: Keys, customer_guid: str, sequence: int) -> Get[LedgerEntry]:
    return Get(keys.ledger_entry(customer_guid, sequence), LedgerEntry)


def entries_before(
    keys: Keys, customer_guid: str, sequence: int | None, many: int
) -> Query[LedgerEntry]:
    """So many entries before one (None: the last ones), newest first."""
    places = keys.ledger_entries(customer_guid, before=sequence)
    return Query(*places, LedgerEntry, many, newest_first=True)


def entries_between(
    keys: Keys, customer_guid: str, after: int, before: int | None = None
) -> Query[LedgerEntry]:
    """The entries of a ledger after one and before another (None: to its end), in order."""
    return Query(*keys.ledger_entries(customer_guid, after, before), LedgerEntry, None)


def checkpoints(keys: Keys, customer_guid: str) -> Query[CheckpointRecord]:
    """The heads of a ledger's checkpoints, newest first."""
    places = keys.ledger_checkpoints(customer_guid)
    return Query(*places, CheckpointRecord, None, newest_first=True)


def ledger_begins(keys: Keys, customer_guid: str) -> tuple[Get[LedgerStart], Query[Any]]:
    """Returns the reads that say where a replay of a ledger may begin."""
    return start_at(keys, customer_guid), checkpoints(keys, customer_guid)


def parts_of(keys: Keys, head: CheckpointRecord) -> Query[CheckpointPart]:
    """The lots of a checkpoint."""
    guid, number = head.customer_guid, head.number
    places = keys.checkpoint_parts(guid, number, number, spent=False)
    return Query(*places, CheckpointPart, None)


def archive_of(keys: Keys, head: CheckpointRecord) -> Query[CheckpointPart]:
    """The spent lots that a checkpoint and those before it have archived, in order."""
    guid = head.customer_guid
    places = keys.checkpoint_parts(guid, head.archive_from, head.number, spent=True)
    return Query(*places, CheckpointPart, None)


# ---------------------------------------------------------------- orders


def order_hash(keys: Keys, order_ref: str) -> str:
    return keys.hash("order", order_ref)


def earned_at(keys: Keys, order_hash: str) -> Get[EarnedOrderRecord]:
    return Get(keys.earned_order(order_hash), EarnedOrderRecord)


def redeemed_at(keys: Keys, customer_guid: str, order_hash: str) -> Get[RedeemedOrderRecord]:
    return Get(keys.redeemed_order(customer_guid, order_hash), RedeemedOrderRecord)


def parts_at(
    keys: Keys, order_hash: str, redeemed: RedeemedOrderRecord
) -> list[Get[RedeemedPartRecord]]:
    return [
        Get(keys.redeemed_part(redeemed.customer_guid, order_hash, number), RedeemedPartRecord)
        for number in range(1, redeemed.parts + 1)
    ]


def answer_at(keys: Keys, customer_guid: str, loyalty_txn_id: str) -> Get[LoyaltyAnswerRecord]:
    return Get(keys.loyalty_answer(customer_guid, loyalty_txn_id), LoyaltyAnswerRecord)


# ---------------------------------------------------------------- what a decision writes


def decision_writes(
    keys: Keys, decision: Decision, order_hash: str, events: list[dict[str, Any]]
) -> list[Write]:
    """Returns the writes of all that a decision changes, each under the revision that it was read
    at. The event rides on the balance, whose revisions order it."""
    writes = [] if decision.checkpoint is None else checkpoint_writes(keys, *decision.checkpoint)
    change = decision.change
    if change is None:
        return writes
    guid = change.balance.customer_guid
    writes += change_writes(keys, change, decision.entries, events)
    for expired in decision.expired:
        place = keys.expired_lots(guid, expired.month, expired.sequence)
        writes.append(Put(Item(place, expired)))
    if decision.earned is not None:
        earned = Item(keys.earned_order(order_hash), decision.earned)
        writes.append(revised(earned, decision.earned.revision))
    redeemed = decision.redeemed
    if redeemed is not None:
        # It lies with the customer who redeemed, who may have been merged since.
        place = keys.redeemed_order(redeemed.customer_guid, order_hash)
        writes.append(revised(Item(place, redeemed), redeemed.revision))
        for part in decision.parts:
            place = keys.redeemed_part(redeemed.customer_guid, order_hash, part.number)
            writes.append(Put(Item(place, part)))
    return writes


def checkpoint_writes(
    keys: Keys, head: CheckpointRecord, parts: Iterable[CheckpointPart]
) -> list[Write]:
    """Returns the writes of a checkpoint and of its parts; none of them is there yet."""
    guid = head.customer_guid
    writes: list[Write] = [Put(Item(keys.ledger_checkpoint(guid, head.number), head))]
    for part in parts:
        key = keys.checkpoint_part(guid, part.checkpoint, part.number, spent=part.spent)
        writes.append(Put(Item(key, part)))
    return writes


# ---------------------------------------------------------------- out


def entry_shown(entry: LedgerEntry) -> dict[str, Any]:
    """Returns an entry as answers show it."""
    allocations = [
        {"lot_id": a.lot_id, "points": a.points} | ({"makes_whole": True} if a.makes_whole else {})
        for a in entry.allocations
    ]
    terms = entry.opens
    lot = None if terms is None else shown(terms, without=("policy_version", "opened"))
    hidden = ("opens", "lifetime_delta", "counterpart_guid")
    return shown(entry, without=hidden, allocations=allocations or None, lot=lot)


def begin_shown(start: LedgerStart) -> dict[str, Any]:
    """Returns the checkpoint that a ledger begins with as lists show it."""
    return {
        "customer_guid": start.customer_guid,
        "sequence": start.after,
        "hash": start.last_hash,
        "balance": shown_value(start.totals),
        "as_of": shown_value(start.begins_at),
    }


def balance_shown(holdings: Holdings, revision: int, *, whole: bool = False) -> dict[str, Any]:
    """Returns the balance as of the time that the holdings are settled at. Where the pages that
    were read do not tell all dates of expiry, these are asked for (``whole``) or left out: part of
    them would look like all."""
    dates: list[dict[str, Any]] | None = None
    try:
        dates = [shown(found) for found in expiring(holdings)]
    except Unread:
        if whole:
            raise
    return shown(holdings.totals(), expiring=dates, as_of=holdings.at, revision=revision)

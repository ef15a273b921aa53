"""Where the points lie: policies, balances with their pages of lots, entries, guards of orders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from lambdas.loyalty.rules import (
    Decision,
    EarnedOrder,
    PolicyRecord,
    RedeemedOrder,
    RedeemedPart,
    in_force,
)
from shared.codec import Item, shown
from shared.commit import Subject
from shared.fields import instant_text
from shared.keys import Keys
from shared.ledger import (
    OPEN,
    BalanceRecord,
    CheckpointPart,
    CheckpointRecord,
    Expiring,
    Holdings,
    LedgerEntry,
    LotPage,
    PageEntry,
)
from shared.records import Get, Query, Records, Unread
from shared.writes import Delete, Put, Update, Write, at_revision

PAGES_AHEAD = 4
LATEST = 1000
CHECKPOINTS = 100
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyHeadRecord:
    """How many versions a channel's policy has (``revision``), and the name of the one set last:
    what makes two that are set at once differ."""

    KIND: ClassVar[str] = "loyalty_policy_head"
    latest: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCountRecord:
    """How many versions an org has set, of all channels (``revision``): where the names that it
    does not choose go on."""

    KIND: ClassVar[str] = "loyalty_policy_count"
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoyaltyAnswerRecord:
    """The answer that a repeat of an order's movement gets, as it was."""

    KIND: ClassVar[str] = "loyalty_answer"
    data: dict[str, Any]
    answered_revision: int


# ---------------------------------------------------------------- policies


def policy_subject(keys: Keys, policy: PolicyRecord) -> Subject:
    """An answer that speaks of a policy is kept with the org's policies."""
    return Subject(keys.loyalty_policy_head(policy.channel_code)[0], policy.policy_version)


def policy_head_at(keys: Keys, channel: str | None) -> Get[PolicyHeadRecord]:
    return Get(keys.loyalty_policy_head(channel), PolicyHeadRecord)


def policy_count_at(keys: Keys) -> Get[PolicyCountRecord]:
    return Get(keys.loyalty_policy_count(), PolicyCountRecord)


def policy_named(keys: Keys, policy_version: str) -> Get[PolicyRecord]:
    return Get(keys.loyalty_policy_named(policy_version), PolicyRecord)


def policy_in_force(keys: Keys, channel: str | None, at: datetime) -> Query[PolicyRecord]:
    """The newest version of a channel that is in force at a time: one record."""
    partition, prefix = keys.loyalty_policies(channel)
    high = f"{prefix}{instant_text(at)}#{_LAST}"
    return Query(partition, prefix, high, PolicyRecord, 1, newest_first=True)


def policies_in_force(keys: Keys, channel: str | None, at: datetime) -> list[Query[PolicyRecord]]:
    """The channel's own policy and the one it falls back to."""
    return [policy_in_force(keys, c, at) for c in dict.fromkeys((channel, None))]


def policy_seen(
    records: Records, keys: Keys, channel: str | None, at: datetime
) -> PolicyRecord | None:
    """The policy in force for a channel at a time, of what ``policies_in_force`` had read."""
    ranges = policies_in_force(keys, channel, at)
    return in_force([p for wanted in ranges for p in records.all(wanted)], at, channel)


def policy_writes(
    keys: Keys, policy: PolicyRecord, count: PolicyCountRecord | None, event: dict[str, Any]
) -> list[Write]:
    """A version under its time and under its name, and the counts of its channel and its org.
    Whoever sets another at the same time decides again."""
    effective, channel = instant_text(policy.effective_from), policy.channel_code
    head = PolicyHeadRecord(latest=policy.policy_version, revision=policy.revision)
    number = 1 if count is None else count.revision + 1
    counted = PolicyCountRecord(revision=number)
    place = keys.loyalty_policy(channel, effective, policy.revision)
    return [
        Put(Item(place, policy), events=[event]),
        Put(Item(keys.loyalty_policy_named(policy.policy_version), policy)),
        _revised(Item(keys.loyalty_policy_head(channel), head), head.revision),
        _revised(Item(keys.loyalty_policy_count(), counted), counted.revision),
    ]


# ---------------------------------------------------------------- what a customer holds


def balance_at(keys: Keys, customer_guid: str) -> Get[BalanceRecord]:
    return Get(keys.loyalty_balance(customer_guid), BalanceRecord)


def open_page_at(keys: Keys, customer_guid: str) -> Get[LotPage]:
    return Get(keys.lot_page(customer_guid, OPEN, OPEN), LotPage)


def pages_ahead(keys: Keys, customer_guid: str, now: datetime) -> Query[LotPage]:
    """The pages whose points are spent next: those that end last are not among them."""
    partition, low = keys.lot_page(customer_guid, instant_text(now), "")
    _, high = keys.lot_page(customer_guid, OPEN, "")
    return Query(partition, low, high, LotPage, PAGES_AHEAD)


def all_pages(keys: Keys, customer_guid: str) -> Query[LotPage]:
    partition, low = keys.lot_page(customer_guid, "", "")
    return Query(partition, low[:-1], low[:-1] + _LAST, LotPage, None)


def pages_at(keys: Keys, entries: Iterable[PageEntry]) -> list[Get[LotPage]]:
    """Pages by what the directory says of them."""
    return [Get(_page_key(keys, entry), LotPage) for entry in entries]


def _page_key(keys: Keys, entry: PageEntry) -> tuple[str, str]:
    assert entry.owner is not None, "a page is named with its owner"
    return keys.lot_page(entry.owner, entry.bound, entry.page_id)


def latest_entries(keys: Keys, customer_guid: str) -> Query[LedgerEntry]:
    """The newest entries of a ledger: all of them for nearly every customer."""
    partition, _ = keys.ledger_entry(customer_guid, 0)
    return Query(partition, "L#", "L#" + _LAST, LedgerEntry, LATEST, newest_first=True)


def entry_at(keys: Keys, customer_guid: str, sequence: int) -> Get[LedgerEntry]:
    return Get(keys.ledger_entry(customer_guid, sequence), LedgerEntry)


def entries_before(
    keys: Keys, customer_guid: str, sequence: int | None, many: int
) -> Query[LedgerEntry]:
    """So many entries before one (None: the last ones), newest first."""
    partition, low = keys.ledger_entry(customer_guid, 1)
    high = "L#" + _LAST if sequence is None else keys.ledger_entry(customer_guid, sequence - 1)[1]
    # An end before the beginning is no range: what is before the first entry is nothing.
    low = min(low, high)
    return Query(partition, low, high, LedgerEntry, many, newest_first=True)


def entries_between(
    keys: Keys, customer_guid: str, after: int, before: int | None = None
) -> Query[LedgerEntry]:
    """The entries of a ledger after one and before another (None: to its end), in order."""
    partition, low = keys.ledger_entry(customer_guid, after + 1)
    high = "L#" + _LAST if before is None else keys.ledger_entry(customer_guid, before - 1)[1]
    return Query(partition, low, high, LedgerEntry, None)


# ---------------------------------------------------------------- checkpoints


def checkpoints(keys: Keys, customer_guid: str) -> Query[CheckpointRecord]:
    """The heads of a ledger's checkpoints, newest first."""
    partition, _ = keys.ledger_checkpoint(customer_guid, 0)
    return Query(partition, "LC#", "LC#" + _LAST, CheckpointRecord, CHECKPOINTS, newest_first=True)


def parts_of(keys: Keys, head: CheckpointRecord) -> Query[CheckpointPart]:
    """The lots of a checkpoint."""
    partition, low = keys.checkpoint_part(head.customer_guid, head.number, 0, spent=False)
    return Query(partition, low, low[:-3] + _LAST, CheckpointPart, None)


def archive_of(keys: Keys, head: CheckpointRecord) -> Query[CheckpointPart]:
    """The spent lots that a checkpoint and those before it have archived, in order."""
    guid = head.customer_guid
    partition, low = keys.checkpoint_part(guid, head.archive_from, 0, spent=True)
    _, high = keys.checkpoint_part(guid, head.number, 0, spent=True)
    return Query(partition, low, high[:-3] + _LAST, CheckpointPart, None)


# ---------------------------------------------------------------- orders


def earned_at(keys: Keys, order_hash: str) -> Get[EarnedOrder]:
    return Get(keys.earned_order(order_hash), EarnedOrder)


def redeemed_at(keys: Keys, customer_guid: str, order_hash: str) -> Get[RedeemedOrder]:
    return Get(keys.redeemed_order(customer_guid, order_hash), RedeemedOrder)


def parts_at(keys: Keys, order_hash: str, redeemed: RedeemedOrder) -> list[Get[RedeemedPart]]:
    return [
        Get(_part_key(keys, redeemed.customer_guid, order_hash, number), RedeemedPart)
        for number in range(1, redeemed.parts + 1)
    ]


def _part_key(keys: Keys, customer_guid: str, order_hash: str, number: int) -> tuple[str, str]:
    partition, sort = keys.redeemed_order(customer_guid, order_hash)
    return partition, f"{sort}#{number:03d}"


def answer_at(keys: Keys, customer_guid: str, loyalty_txn_id: str) -> Get[LoyaltyAnswerRecord]:
    partition, _ = keys.loyalty_balance(customer_guid)
    return Get((partition, f"LA#{loyalty_txn_id}"), LoyaltyAnswerRecord)


def place_of(entry: LedgerEntry) -> dict[str, Any]:
    """Returns where an entry lies, for an answer that is kept without it."""
    return {"owner": entry.customer_guid, "sequence": entry.sequence}


def order_hash(keys: Keys, order_ref: str) -> str:
    return keys.hash("order", order_ref)


# ---------------------------------------------------------------- what a decision writes


def decision_writes(
    keys: Keys, decision: Decision, hashed: str, events: list[dict[str, Any]]
) -> list[Write]:
    """Everything that a decision changes, each under the revision that it was read at. The event
    rides on the balance, whose revisions order it."""
    writes = [] if decision.checkpoint is None else _checkpoint_writes(keys, *decision.checkpoint)
    change = decision.change
    if change is None:
        return writes
    balance = change.balance
    guid = balance.customer_guid
    writes.append(_revised(Item(keys.loyalty_balance(guid), balance), balance.revision, events))
    for page in change.put:
        place = keys.lot_page(page.owner, page.bound, page.page_id)
        writes.append(_revised(Item(place, page), page.revision))
    for entry in change.drop:
        writes.append(Delete(_page_key(keys, entry), at_revision(entry.revision)))
    for made in decision.entries:
        writes.append(Put(Item(keys.ledger_entry(made.customer_guid, made.sequence), made)))
    if decision.earned is not None:
        earned = Item(keys.earned_order(hashed), decision.earned)
        writes.append(_revised(earned, decision.earned.revision))
    if decision.redeemed is not None:
        redeemed = decision.redeemed
        place = keys.redeemed_order(redeemed.customer_guid, hashed)
        writes.append(_revised(Item(place, redeemed), redeemed.revision))
        for part in decision.parts:
            key = _part_key(keys, redeemed.customer_guid, hashed, part.number)
            writes.append(Put(Item(key, part)))
    return writes


def _checkpoint_writes(
    keys: Keys, head: CheckpointRecord, parts: Iterable[CheckpointPart]
) -> list[Write]:
    guid = head.customer_guid
    writes: list[Write] = [Put(Item(keys.ledger_checkpoint(guid, head.number), head))]
    for part in parts:
        key = keys.checkpoint_part(guid, part.checkpoint, part.number, spent=part.spent)
        writes.append(Put(Item(key, part)))
    return writes


def _revised(item: Item[Any], revision: int, events: list[dict[str, Any]] | None = None) -> Write:
    """A record at its next revision: the first is new, any other replaces the one before it."""
    if revision == 1:
        return Put(item, events=events or [])
    return Update(item, if_revision=revision - 1, events=events or [])


# ---------------------------------------------------------------- out


def policy_shown(policy: PolicyRecord) -> dict[str, Any]:
    return shown(policy)


def entry_shown(entry: LedgerEntry) -> dict[str, Any]:
    """An entry as answers show it."""
    allocations = [
        {"lot_id": a.lot_id, "points": a.points} | ({"makes_whole": True} if a.makes_whole else {})
        for a in entry.allocations
    ]
    terms = entry.opens
    lot = None if terms is None else shown(terms, without=("policy_version", "opened"))
    hidden = ("opens", "lifetime_delta", "counterpart_guid")
    return shown(entry, without=hidden, allocations=allocations or None, lot=lot)


def balance_shown(holdings: Holdings, revision: int, *, whole: bool = False) -> dict[str, Any]:
    """The balance as of the time that the holdings are settled at. Where the pages that were read
    do not tell all dates of expiry, these are asked for (``whole``) or left out: part of them would
    look like all."""
    expiring: list[dict[str, Any]] | None = None
    try:
        expiring = [_expiring_shown(found) for found in holdings.expiring()]
    except Unread:
        if whole:
            raise
    return shown(holdings.totals(), expiring=expiring, as_of=holdings.at, revision=revision)


def _expiring_shown(found: Expiring) -> dict[str, Any]:
    return shown(found)

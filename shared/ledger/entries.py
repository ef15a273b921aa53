"""Entries of the ledger, and the chain that makes a change to any of them visible.

An entry says what moved: ``allocations`` sum to ``points``. Beside lots they may name accounts that
are no lots: ``debt`` (plus repays it, minus makes it), ``written_off`` (points of a reversal that
nobody owes), ``expired`` (points of a reversal that the order's own lot had lost by expiry before),
and ``others`` (lots of a merge or forfeit, too many to name).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from shared.fields import Money
from shared.ledger.lots import LotTerms, moment_text
from shared.marks import FreeText, Id, Personal, Word

DEBT = "debt"
WRITTEN_OFF = "written_off"
EXPIRED = "expired"
OTHERS = "others"
NO_LOTS = frozenset({DEBT, WRITTEN_OFF, EXPIRED, OTHERS})

ALLOCATIONS = 1024
"""How many allocations one entry may hold, so that it stays within 64 KiB."""

GENESIS = "0" * 64
"""The ``previous_hash`` of the first entry."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """Points that moved into (plus) or out of (minus) one lot. ``makes_whole``: they had repaid
    debt, and a redemption from before that debt was restored."""

    ROW: ClassVar[bool] = True
    lot_id: Id
    points: int
    makes_whole: bool = False


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a ledger at one time; ``pending_points`` are not yet available."""

    available_points: int = 0
    pending_points: int = 0
    lifetime_earned: int = 0
    debt_points: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One entry. The fields after the bar are set when it is posted; none changes afterwards.

    ``opens`` are the terms of the lot that the entry opens. ``lifetime_delta`` is what it adds to
    ``lifetime_earned``. ``counterpart_guid`` is the other customer of a merge.
    """

    KIND: ClassVar[str] = "loyalty_entry"
    loyalty_txn_id: Id
    customer_guid: Id
    kind: Word
    points: int
    effective_at: datetime
    recorded_at: datetime
    allocations: tuple[Allocation, ...] = ()
    opens: LotTerms | None = None
    lifetime_delta: int = 0
    order_ref: Id | None = None
    amount: Money | None = None
    value: Money | None = None
    policy_version: Id | None = None
    parent_txn_id: Id | None = None
    counterpart_guid: Id | None = None
    actor: Id | None = None
    reason: FreeText[str | None] = None
    reason_code: Id | None = None
    source_refs: Personal[tuple[dict[str, str], ...]] = ()
    # ----
    sequence: int = 0
    balance_after: Totals = Totals()
    previous_hash: Id = GENESIS
    hash: Id = ""

    @property
    def balanced(self) -> bool:
        """Whether the allocations sum to the points."""
        return sum(a.points for a in self.allocations) == self.points


def content(entry: LedgerEntry) -> str:
    """Returns what the hash covers: all that settles the balance, who did it and in which order, as
    JSON without spaces, keys sorted. Left out is what people wrote (``reason``, ``reason_code``,
    ``source_refs``), so that erasing it leaves the chain whole."""
    terms = entry.opens
    covered: dict[str, Any] = {
        "loyalty_txn_id": entry.loyalty_txn_id,
        "customer_guid": entry.customer_guid,
        "kind": entry.kind,
        "points": entry.points,
        "lifetime_delta": entry.lifetime_delta,
        "effective_at": moment_text(entry.effective_at),
        "recorded_at": moment_text(entry.recorded_at),
        "allocations": [[a.lot_id, a.points, a.makes_whole] for a in entry.allocations],
        "opens": None if terms is None else [terms.lot_id, terms.points, terms.key, terms.opened],
        "order_ref": entry.order_ref,
        "amount": _money(entry.amount),
        "value": _money(entry.value),
        "policy_version": entry.policy_version,
        "parent_txn_id": entry.parent_txn_id,
        "counterpart_guid": entry.counterpart_guid,
        "actor": entry.actor,
        "sequence": entry.sequence,
        "balance_after": [
            entry.balance_after.available_points,
            entry.balance_after.pending_points,
            entry.balance_after.lifetime_earned,
            entry.balance_after.debt_points,
        ],
        "previous_hash": entry.previous_hash,
    }
    return json.dumps(covered, separators=(",", ":"), sort_keys=True, ensure_ascii=True)


def _money(money: Money | None) -> list[Any] | None:
    return None if money is None else [money.currency, money.amount]


def digest(entry: LedgerEntry) -> str:
    """Returns the entry's hash: SHA-256 of its ``content``, hexadecimal."""
    return hashlib.sha256(content(entry).encode()).hexdigest()


def placed(entry: LedgerEntry, sequence: int, previous_hash: str, after: Totals) -> LedgerEntry:
    """Returns the entry at its place in the chain."""
    entry = replace(
        entry, sequence=sequence, previous_hash=previous_hash, balance_after=after, hash=""
    )
    return replace(entry, hash=digest(entry))


def broken_link(entry: LedgerEntry, sequence: int, previous_hash: str) -> str | None:
    """Returns what is wrong with an entry that should follow, or None."""
    if entry.sequence != sequence + 1:
        return f"entry {sequence + 1} is missing: {entry.sequence} follows {sequence}"
    if entry.previous_hash != previous_hash:
        return f"entry {entry.sequence} does not name the hash of the entry before it"
    if entry.hash != digest(entry):
        return f"entry {entry.sequence} is not what its hash was made of"
    return None


def named(allocations: Iterable[Allocation]) -> tuple[Allocation, ...]:
    """Returns as many allocations as one entry may hold; the rest goes to ``others`` in one sum."""
    every = tuple(allocations)
    if len(every) <= ALLOCATIONS:
        return every
    first, rest = every[: ALLOCATIONS - 1], every[ALLOCATIONS - 1 :]
    return (*first, Allocation(OTHERS, sum(a.points for a in rest)))

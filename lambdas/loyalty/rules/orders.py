"""What is remembered of an order: that it earned, or redeemed, and how much of that was undone.

These guards make each a thing that happens once, and carry what undoing it needs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from lambdas.loyalty.rules.policy import ExpiryPolicy, RestorePolicy, ReversalPolicy
from lambdas.loyalty.rules.quote import Line, Pricing, Sale
from shared.errors import AlreadyExists
from shared.fields import Money
from shared.ledger import (
    Change,
    CheckpointPart,
    CheckpointRecord,
    Holdings,
    LedgerEntry,
    LotTerms,
)

TAKES_TOGETHER = 256
"""How many takes lie in one item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarnedOrder:
    """An order that earned: the sale, how it was priced, the terms of taking points back, and the
    lot that it opened (none for no points); and how much money was ``refunded`` and how many points
    were ``reversed`` since. Whatever policy comes later, an order is undone by its own terms."""

    KIND: ClassVar[str] = "loyalty_earned_order"
    customer_guid: str
    order_ref: str
    loyalty_txn_id: str
    sequence: int
    policy_version: str
    effective_at: datetime
    amount: Money
    lines: tuple[Line, ...] = ()
    channel_code: str | None = None
    points: int
    pricing: Pricing
    reversal: ReversalPolicy
    lot: LotTerms | None = None
    refunded: int = 0
    reversed: int = 0
    revision: int = 1

    @property
    def sale(self) -> Sale:
        return Sale(amount=self.amount, lines=self.lines, channel_code=self.channel_code)

    @property
    def reversible(self) -> int:
        return self.points - self.reversed

    def ensure_repeated_by(self, customers: Collection[str], sale: Sale) -> None:
        """Passes where an earn is this one again, so that its answer can be repeated; else 409.
        ``customers``: the asking customer and all that were merged into it."""
        if self.customer_guid not in customers or self.sale != sale:
            raise AlreadyExists.of("order_ref", "has earned points already")


@dataclass(frozen=True, slots=True)
class Take:
    """Points that a redemption took from a lot. The terms bring the lot back when it was spent."""

    ROW: ClassVar[bool] = True
    terms: LotTerms
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemedOrder:
    """An order that redeemed. ``takes`` in the order of consumption; what is beyond 256 of them
    lies in ``RedeemedPart``s. ``restored`` points came back, of which ``returned`` went to the lots
    they came from: those are the last ones taken. ``restore`` and ``expiry`` are the terms of the
    policy that it redeemed under: what becomes of points whose lot has expired by then."""

    KIND: ClassVar[str] = "loyalty_redeemed_order"
    customer_guid: str
    order_ref: str
    loyalty_txn_id: str
    sequence: int
    points: int
    order_amount: Money | None = None
    channel_code: str | None = None
    value: Money
    policy_version: str
    restore: RestorePolicy
    expiry: ExpiryPolicy
    takes: tuple[Take, ...]
    parts: int = 0
    restored: int = 0
    returned: int = 0
    revision: int = 1

    @property
    def restorable(self) -> int:
        return self.points - self.restored


def repeated(
    orders: Sequence[RedeemedOrder],
    points: int,
    order_amount: Money | None,
    channel_code: str | None,
) -> RedeemedOrder:
    """The redemption that this one is again, so that its answer can be repeated; else 409. There is
    more than one where customers were merged who redeemed for the same order."""
    for order in orders:
        if (order.points, order.order_amount, order.channel_code) == (
            points,
            order_amount,
            channel_code,
        ):
            return order
    raise AlreadyExists.of("order_ref", "has redeemed points already")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemedPart:
    """More takes of a redemption from very many lots; ``number`` counts from 1. Never changes."""

    KIND: ClassVar[str] = "loyalty_redeemed_part"
    number: int
    takes: tuple[Take, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be written, all or nothing: the entries; the balance and the pages that changed;
    the order's guard, new at revision 1; a checkpoint. Without entries the balance stays.
    ``holdings`` are as they then will be."""

    holdings: Holdings
    entries: tuple[LedgerEntry, ...] = ()
    change: Change | None = None
    earned: EarnedOrder | None = None
    redeemed: RedeemedOrder | None = None
    parts: tuple[RedeemedPart, ...] = ()
    checkpoint: tuple[CheckpointRecord, tuple[CheckpointPart, ...]] | None = None
    more: bool = False

    @property
    def entry(self) -> LedgerEntry:
        """The one entry of a decision that always makes one."""
        return self.entries[0]

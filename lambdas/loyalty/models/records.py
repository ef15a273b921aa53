"""What loyalty stores beside the ledger's own records (``shared.ledger``): policies, and what is
remembered of the orders that earned or redeemed.

A policy's version never changes, so an order is undone by the terms that it was made under.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

from shared.fields import Money
from shared.ledger import LotTerms
from shared.marks import FreeText, Id, Word

# ---------------------------------------------------------------- policies


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiplier:
    """Points of a line (kind ``sku`` or ``category``) or of an order (``channel``) count so many
    times."""

    kind: Word
    id: Id
    factor: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class EarnPolicy:
    """``points_per_unit`` points for every ``unit_minor`` minor units, exactly."""

    points_per_unit: Decimal
    unit_minor: int
    rounding: Word = "floor"
    min_amount_minor: int | None = None
    max_points: int | None = None
    pending_days: int = 0
    multipliers: tuple[Multiplier, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PointValue:
    """So many points are worth so much."""

    points: int
    money: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemPolicy:
    mode: Word
    point_value: PointValue
    min_points: int | None = None
    step: int | None = None
    max_points: int | None = None
    max_percent_of_order: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryPolicy:
    mode: Word = "none"
    days: int | None = None
    months: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalPolicy:
    shortfall: Word = "any_lot"
    uncollected: Word = "debt"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePolicy:
    expired: Word = "keep_expired"
    grace_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRecord:
    """One version of the policy of a channel, or (without one) of all channels."""

    KIND: ClassVar[str] = "loyalty_policy"
    policy_version: Id
    currency: Word
    effective_from: datetime
    earn_policy: EarnPolicy
    redeem_policy: RedeemPolicy
    expiry_policy: ExpiryPolicy = field(default_factory=ExpiryPolicy)
    reversal_policy: ReversalPolicy = field(default_factory=ReversalPolicy)
    restore_policy: RestorePolicy = field(default_factory=RestorePolicy)
    channel_code: Id | None = None
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyHeadRecord:
    """How many versions a channel's policy has (``revision``), and the name of the one set last. Of
    two versions that are set at once one fails on it."""

    KIND: ClassVar[str] = "loyalty_policy_head"
    latest: Id
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCountRecord:
    """How many versions an org has set for all its channels (``revision``). The names that the org
    does not choose go on from here."""

    KIND: ClassVar[str] = "loyalty_policy_count"
    revision: int


# ---------------------------------------------------------------- orders that earned


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an order, in minor units of the order's currency."""

    amount: int
    sku: Id | None = None
    category: Id | None = None
    eligible: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """What a sale of ``amount`` minor units earns, and what is left of that when money goes back:
    ``exact`` points for the whole of it, before rounding and bounds."""

    amount: int
    exact: Fraction
    rounding: Word
    min_amount_minor: int | None
    max_points: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EarnedOrderRecord:
    """An order that earned: the sale, how it was priced, the terms of taking points back, and the
    lot that it opened (none for no points). ``refunded`` minor units went back since, and
    ``reversed`` points were taken back. ``reversed_expired`` of these were not taken from anybody,
    because an ``expire`` entry had taken them before."""

    KIND: ClassVar[str] = "loyalty_earned_order"
    customer_guid: Id
    order_ref: Id
    loyalty_txn_id: Id
    sequence: int
    policy_version: Id
    effective_at: datetime
    amount: Money
    lines: tuple[Line, ...] = ()
    channel_code: Id | None = None
    points: int
    pricing: Pricing
    reversal: ReversalPolicy
    lot: LotTerms | None = None
    refunded: int = 0
    reversed: int = 0
    reversed_expired: int = 0
    revision: int = 1

    @property
    def reversible(self) -> int:
        return self.points - self.reversed


@dataclass(frozen=True, slots=True)
class ExpiredLot:
    """Points of a lot that an ``expire`` entry took."""

    ROW: ClassVar[bool] = True
    lot_id: Id
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredLotsRecord:
    """The lots that one call of expire closed, of those that had expired in one ``month``. A lot
    that holds nothing is stored nowhere else, but the refund of its order must know how much of it
    expired unspent. ``sequence`` is that of the call's first entry."""

    KIND: ClassVar[str] = "loyalty_expired_lots"
    month: Word
    sequence: int
    lots: tuple[ExpiredLot, ...]


# ---------------------------------------------------------------- orders that redeemed


@dataclass(frozen=True, slots=True)
class Take:
    """Points that a redemption took from a lot. The terms bring the lot back when it was spent."""

    ROW: ClassVar[bool] = True
    terms: LotTerms
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemedOrderRecord:
    """An order that redeemed. ``takes`` in the order of consumption; what is beyond 256 of them
    lies in ``parts``. ``restored`` points came back, of which ``returned`` went to the lots that
    they came from: those are the last ones taken. ``restore`` and ``expiry`` are the terms of the
    policy that it redeemed under: they say what becomes of points whose lot has expired by then."""

    KIND: ClassVar[str] = "loyalty_redeemed_order"
    customer_guid: Id
    order_ref: Id
    loyalty_txn_id: Id
    sequence: int
    points: int
    order_amount: Money | None = None
    channel_code: Id | None = None
    value: Money
    policy_version: Id
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemedPartRecord:
    """More takes of a redemption from very many lots; ``number`` counts from 1. Never changes."""

    KIND: ClassVar[str] = "loyalty_redeemed_part"
    number: int
    takes: tuple[Take, ...]


ENTRY = "entry"
"""In the kept answer of a movement: where its entry lies. The entry itself may name a thousand
lots; it is read again for a repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoyaltyAnswerRecord:
    """The answer that a repeat of an order's movement gets, as it was. Where retention has removed
    the entry, the answer has the transaction itself."""

    KIND: ClassVar[str] = "loyalty_answer"
    data: FreeText[dict[str, Any]]
    answered_revision: int

"""What goes out: answers, and the data of events."""

from __future__ import annotations

from datetime import datetime

from lambdas.loyalty.models.requests import (
    ExpiryMode,
    MultiplierKind,
    OnExpired,
    RedeemMode,
    Rounding,
    Shortfall,
    TxnKind,
    Uncollected,
)
from shared.fields import MoneyOut, Shape, SourceRefOut


class Multiplier(Shape):
    """What makes points count several times, or less than once."""

    kind: MultiplierKind
    id: str
    factor: float


class EarnPolicy(Shape):
    """What an order earns."""

    points_per_unit: float
    unit_minor: int
    rounding: Rounding
    min_amount_minor: int | None = None
    max_points: int | None = None
    pending_days: int
    multipliers: list[Multiplier] | None = None


class PointValue(Shape):
    """So many points are worth so much."""

    points: int
    """So many points are worth `money`."""
    money: MoneyOut


class RedeemPolicy(Shape):
    """What points pay."""

    mode: RedeemMode
    """How points turn into money."""
    point_value: PointValue
    min_points: int | None = None
    step: int | None = None
    max_points: int | None = None
    max_percent_of_order: float | None = None


class ExpiryPolicy(Shape):
    """When points expire."""

    mode: ExpiryMode
    days: int | None = None
    months: int | None = None


class ReversalPolicy(Shape):
    """How a reversal takes points that are spent."""

    shortfall: Shortfall
    uncollected: Uncollected


class RestorePolicy(Shape):
    """How a restoration gives back points that have expired."""

    expired: OnExpired
    grace_days: int | None = None


class Policy(Shape):
    """A version of a policy; it never changes."""

    policy_version: str
    channel_code: str | None = None
    currency: str
    effective_from: datetime
    earn_policy: EarnPolicy
    redeem_policy: RedeemPolicy
    expiry_policy: ExpiryPolicy
    reversal_policy: ReversalPolicy
    restore_policy: RestorePolicy
    revision: int
    """How many versions the channel has."""


class PolicyData(Shape):
    """The policy in question."""

    policy: Policy
    """The policy."""


class LoyaltyPolicyEnvelope(Shape):
    data: PolicyData
    revision: int


class AllocationOut(Shape):
    """Points into (plus) or out of (minus) a lot, or an account that is no lot: ``debt``,
    ``written_off`` (nobody owes them), ``expired`` (the order's lot had lost them before), or
    ``others`` (lots too many to name)."""

    lot_id: str
    """The lot, or the account that is no lot."""
    points: int
    """How many points moved."""
    makes_whole: bool | None = None
    """Whether it gave back what had repaid debt."""


class LotOut(Shape):
    """A lot that an entry opened: how many points, spendable from when, until when."""

    lot_id: str
    """The id of the lot."""
    points: int
    """How many points it began with."""
    available_from: datetime
    """From when they can be spent."""
    expires_at: datetime | None = None
    """When they expire; absent: never."""


class BalanceAfter(Shape):
    """The points of a customer."""

    available_points: int
    """Points that can be spent."""
    pending_points: int
    """Points that can be spent later."""
    lifetime_earned: int
    """Points that orders have ever earned, less what was reversed."""
    debt_points: int
    """Points that are owed; new points repay them first."""


class Transaction(Shape):
    """One entry of the ledger."""

    loyalty_txn_id: str
    """The id of the transaction."""
    customer_guid: str
    kind: TxnKind
    order_ref: str | None = None
    """The order that it is about."""
    points: int
    """How many points it brought (plus) or took (minus)."""
    amount: MoneyOut | None = None
    """The money that earned, or was refunded."""
    value: MoneyOut | None = None
    """What redeemed points paid."""
    effective_at: datetime
    """From when it counts."""
    recorded_at: datetime
    """When it was written."""
    policy_version: str | None = None
    allocations: list[AllocationOut] | None = None
    """Where the points came from or went; together `points`."""
    lot: LotOut | None = None
    """The lot that it opened."""
    parent_txn_id: str | None = None
    """The transaction that it undoes."""
    sequence: int
    """Its number in the customer's ledger: 1, 2, 3 … without a gap."""
    balance_after: BalanceAfter
    """The balance after it."""
    reason: str | None = None
    """Why, in words."""
    reason_code: str | None = None
    """Why, as CATEGORY.CODE."""
    source_refs: list[SourceRefOut] | None = None
    """What it goes back to."""
    actor: str | None = None
    """Who made it."""
    previous_hash: str
    """The `hash` of the entry before, so that no entry can be changed unseen."""
    hash: str
    """SHA-256 of the entry, hexadecimal."""


class ExpiringPoints(Shape):
    """Points that expire at one date, or ``later`` than all dates that are shown."""

    expires_at: datetime | None = None
    """When they expire."""
    points: int
    """How many points."""
    later: bool | None = None
    """True for the sum of all later dates."""


class Balance(BalanceAfter):
    """``expiring``: the first 100 dates, soonest first, and one element for all ``later`` ones. A
    movement of a customer who has very many lots leaves it out; ``/loyalty/balance/get`` always has
    it."""

    expiring: list[ExpiringPoints] | None = None
    """When points expire, soonest first."""
    as_of: datetime
    """The time that it is of."""
    revision: int


class TxnData(Shape):
    """What the call wrote into the ledger, and the balance."""

    transaction: Transaction
    balance: Balance
    redirected_from: str | None = None


class LoyaltyTxnEnvelope(Shape):
    data: TxnData
    revision: int


class ExpireData(Shape):
    """What was written down as expired."""

    customer_guid: str
    expired_points: int
    """How many points expired."""
    more: bool
    """Whether there is more to write: call again."""
    balance: Balance
    dry_run: bool | None = None
    redirected_from: str | None = None


class LoyaltyExpireEnvelope(Shape):
    data: ExpireData
    revision: int


class QuotedLot(Shape):
    """Points that an order would bring."""

    available_from: datetime
    expires_at: datetime | None = None
    """When they expire; absent: never."""
    points: int
    """How many points."""


class QuoteOut(Shape):
    """What an order would earn."""

    points: int
    """How many points the order earns."""
    amount: MoneyOut
    """What the order comes to."""
    policy_version: str
    rounding: Rounding
    """How the points were rounded."""
    lots: list[QuotedLot]
    """The lots that it opens."""
    explanation: list[str]
    """How the points come about, step by step, for people."""
    quote_hash: str
    """Stands for the quote: send it with the earn to get exactly this."""


class PreviewData(Shape):
    """What an order would earn, and what that makes of the balance."""

    quote: QuoteOut
    balance: Balance | None = None
    """The balance now, where a customer is named."""
    balance_after: Balance | None = None
    """The balance after the order, where a customer is named."""
    redirected_from: str | None = None


class LoyaltyPreviewEnvelope(Shape):
    data: PreviewData


class Difference(Shape):
    """A place where what is stored is not what the ledger says."""

    field: str
    """What differs."""
    stored: int | str | None = None
    """What is stored."""
    derived: int | str | None = None
    """What the ledger says."""
    first_divergent_txn_id: str | None = None
    """The first entry that disagrees with those before it."""
    explanation: str
    """What it means, for people."""


class RecalculateData(Shape):
    """What the ledger says, beside what is stored."""

    customer_guid: str
    equal: bool
    """Whether what is stored is what the ledger says."""
    balance: Balance
    """The balance by the ledger."""
    stored: Balance
    """The balance that was stored."""
    differences: list[Difference]
    """Where they differ: the first 100 places."""
    entries_read: int
    """How many entries were read."""
    chain_ok: bool
    """Whether no entry was changed or is missing."""
    applied: bool
    """Whether what is stored was repaired."""
    redirected_from: str | None = None


class LoyaltyRecalculateEnvelope(Shape):
    data: RecalculateData
    revision: int


class BalanceData(Shape):
    """The balance of a customer."""

    customer_guid: str
    balance: Balance
    redirected_from: str | None = None


class LoyaltyBalanceEnvelope(Shape):
    data: BalanceData
    revision: int


class LedgerCheckpoint(Shape):
    """What a ledger came to with its last entry that was let go."""

    customer_guid: str
    sequence: int
    """The number of that entry; the next one follows it."""
    hash: str
    """The `hash` of that entry: the `previous_hash` of the next one."""
    balance: BalanceAfter
    as_of: datetime
    """The time that the balance is of."""


class LedgerData(Shape):
    """A page of the ledger."""

    transactions: list[Transaction]
    """The entries of this page."""
    checkpoints: list[LedgerCheckpoint] | None = None
    """What the ledger begins with, where its oldest entries were let go: on the last page."""
    next_token: str | None = None
    redirected_from: str | None = None


class LoyaltyLedgerListEnvelope(Shape):
    data: LedgerData


# ---------------------------------------------------------------- events


class PointsMoved(Shape):
    """What a movement did, and what the balance came to."""

    customer_guid: str
    loyalty_txn_id: str
    kind: TxnKind
    points: int
    """How many points it brought (plus) or took (minus), over all entries."""
    entries: int
    """How many entries the call wrote."""
    order_ref: str | None = None
    policy_version: str | None = None
    parent_txn_id: str | None = None
    available_points: int
    pending_points: int
    lifetime_earned: int
    debt_points: int


class PolicyChanged(Shape):
    """A version of a policy that was set."""

    policy_version: str
    channel_code: str | None = None
    currency: str
    effective_from: datetime

"""What goes out: answers, and the data of events."""

from __future__ import annotations

from datetime import datetime

from lambdas.loyalty.models.requests import TxnKind
from shared.fields import MoneyOut, Shape, SourceRefOut


class Multiplier(Shape):
    kind: str
    id: str
    factor: float


class EarnPolicy(Shape):
    points_per_unit: float
    unit_minor: int
    rounding: str
    min_amount_minor: int | None = None
    max_points: int | None = None
    pending_days: int
    multipliers: list[Multiplier] | None = None


class PointValue(Shape):
    points: int
    money: MoneyOut


class RedeemPolicy(Shape):
    mode: str
    point_value: PointValue
    min_points: int | None = None
    step: int | None = None
    max_points: int | None = None
    max_percent_of_order: float | None = None


class ExpiryPolicy(Shape):
    mode: str
    days: int | None = None
    months: int | None = None


class ReversalPolicy(Shape):
    shortfall: str
    uncollected: str


class RestorePolicy(Shape):
    expired: str
    grace_days: int | None = None


class Policy(Shape):
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


class PolicyData(Shape):
    policy: Policy


class LoyaltyPolicyEnvelope(Shape):
    data: PolicyData
    revision: int


class AllocationOut(Shape):
    """Points into (plus) or out of (minus) a lot, or an account that is no lot: ``debt``,
    ``written_off`` (nobody owes them), ``expired`` (the order's lot had lost them before), or
    ``others`` (lots too many to name)."""

    lot_id: str
    points: int
    makes_whole: bool | None = None


class LotOut(Shape):
    """A lot that an entry opened: how many points, spendable from when, until when."""

    lot_id: str
    points: int
    available_from: datetime
    expires_at: datetime | None = None


class BalanceAfter(Shape):
    available_points: int
    pending_points: int
    lifetime_earned: int
    debt_points: int


class Transaction(Shape):
    """One entry of the ledger."""

    loyalty_txn_id: str
    customer_guid: str
    kind: TxnKind
    order_ref: str | None = None
    points: int
    amount: MoneyOut | None = None
    value: MoneyOut | None = None
    effective_at: datetime
    recorded_at: datetime
    policy_version: str | None = None
    allocations: list[AllocationOut] | None = None
    lot: LotOut | None = None
    parent_txn_id: str | None = None
    sequence: int
    balance_after: BalanceAfter
    reason: str | None = None
    reason_code: str | None = None
    source_refs: list[SourceRefOut] | None = None
    actor: str | None = None
    previous_hash: str
    hash: str


class ExpiringPoints(Shape):
    """Points that expire at one date, or ``later`` than all dates that are shown."""

    expires_at: datetime | None = None
    points: int
    later: bool | None = None


class Balance(BalanceAfter):
    """``expiring``: the first 100 dates, soonest first, and one element for all ``later`` ones. A
    movement of a customer who has very many lots leaves it out; ``/loyalty/balance/get`` always has
    it."""

    expiring: list[ExpiringPoints] | None = None
    as_of: datetime
    revision: int


class TxnData(Shape):
    transaction: Transaction
    balance: Balance
    redirected_from: str | None = None


class LoyaltyTxnEnvelope(Shape):
    data: TxnData
    revision: int


class ExpireData(Shape):
    customer_guid: str
    expired_points: int
    more: bool
    balance: Balance
    dry_run: bool | None = None
    redirected_from: str | None = None


class LoyaltyExpireEnvelope(Shape):
    data: ExpireData
    revision: int


class QuotedLot(Shape):
    available_from: datetime
    expires_at: datetime | None = None
    points: int


class QuoteOut(Shape):
    points: int
    amount: MoneyOut
    policy_version: str
    rounding: str
    lots: list[QuotedLot]
    explanation: list[str]
    quote_hash: str


class PreviewData(Shape):
    quote: QuoteOut
    balance: Balance | None = None
    balance_after: Balance | None = None
    redirected_from: str | None = None


class LoyaltyPreviewEnvelope(Shape):
    data: PreviewData


class Difference(Shape):
    field: str
    stored: int | str | None = None
    derived: int | str | None = None
    first_divergent_txn_id: str | None = None
    explanation: str


class RecalculateData(Shape):
    customer_guid: str
    equal: bool
    balance: Balance
    stored: Balance
    differences: list[Difference]
    entries_read: int
    chain_ok: bool
    applied: bool
    redirected_from: str | None = None


class LoyaltyRecalculateEnvelope(Shape):
    data: RecalculateData
    revision: int


class BalanceData(Shape):
    customer_guid: str
    balance: Balance
    redirected_from: str | None = None


class LoyaltyBalanceEnvelope(Shape):
    data: BalanceData
    revision: int


class LedgerData(Shape):
    transactions: list[Transaction]
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
    entries: int
    order_ref: str | None = None
    policy_version: str | None = None
    parent_txn_id: str | None = None
    available_points: int
    pending_points: int
    lifetime_earned: int
    debt_points: int


class PolicyChanged(Shape):
    policy_version: str
    channel_code: str | None = None
    currency: str
    effective_from: datetime

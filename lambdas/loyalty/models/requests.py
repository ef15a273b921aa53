"""What comes in: policies, movements of points, questions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from shared.errors import Fault
from shared.fields import (
    ChannelCode,
    Code,
    Currency,
    Factor,
    Guid,
    Instant,
    MoneyIn,
    MoneyOrZeroIn,
    NotNegative,
    OrderRef,
    Page,
    PastInstant,
    Percent,
    PointsDelta,
    Positive,
    Request,
    ShortText,
    Unordered,
    bounded,
)
from shared.settings import OrgSettings

TxnKind = Literal[
    "earn",
    "redeem",
    "adjust",
    "expire",
    "reverse",
    "restore",
    "merge_in",
    "merge_out",
    "forfeit",
    "recalculate",
]
QuoteHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


LONGEST_DAYS, LONGEST_MONTHS = 36_500, 1_200
Days = Annotated[int, Field(ge=1, le=LONGEST_DAYS)]
DaysOrZero = Annotated[int, Field(ge=0, le=LONGEST_DAYS)]
Months = Annotated[int, Field(ge=0, le=LONGEST_MONTHS)]

# ---------------------------------------------------------------- policies, in


class MultiplierIn(Request):
    kind: Literal["sku", "category", "channel"]
    id: ShortText
    factor: Factor


class EarnPolicyIn(Request):
    """So many points for every ``unit_minor`` minor units (default: one major unit)."""

    points_per_unit: Factor
    unit_minor: Positive | None = None
    rounding: Literal["floor", "half_up", "ceil"] = "floor"
    min_amount_minor: NotNegative | None = None
    max_points: NotNegative | None = None
    pending_days: DaysOrZero = 0
    multipliers: bounded(MultiplierIn, 100) = Field(default_factory=list)  # type: ignore[valid-type]


class PointValueIn(Request):
    points: Positive
    money: MoneyIn


class RedeemPolicyIn(Request):
    """Default value: 100 points are worth one major unit."""

    mode: Literal["per_point"]
    point_value: PointValueIn | None = None
    min_points: NotNegative | None = None
    step: Positive | None = None
    max_points: NotNegative | None = None
    max_percent_of_order: Percent | None = None

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        if self.max_points is not None and self.max_points < (self.min_points or 0):
            yield Fault("invalid", "max_points", "must not be less than min_points")


class ExpiryPolicyIn(Request):
    only_with: ClassVar = {"days": ("mode", "days"), "months": ("mode", "month_end")}
    mode: Literal["none", "days", "month_end"] = "none"
    days: Days | None = None
    months: Months | None = None


class ReversalPolicyIn(Request):
    shortfall: Literal["any_lot", "own_lot"] = "any_lot"
    uncollected: Literal["debt", "write_off", "reject"] = "debt"


class RestorePolicyIn(Request):
    only_with: ClassVar = {"grace_days": ("expired", "grace")}
    expired: Literal["keep_expired", "grace", "reissue"] = "keep_expired"
    grace_days: Days | None = None


class PolicyIn(Request):
    policy_version: Code | None = None
    channel_code: ChannelCode | None = None
    currency: Currency | None = None
    effective_from: Instant | None = None
    earn_policy: EarnPolicyIn
    redeem_policy: RedeemPolicyIn
    expiry_policy: ExpiryPolicyIn | None = None
    reversal_policy: ReversalPolicyIn | None = None
    restore_policy: RestorePolicyIn | None = None

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        value = self.redeem_policy.point_value
        if value is not None and value.money.currency != (self.currency or org.currency):
            field = "redeem_policy.point_value.money.currency"
            yield Fault("currency", field, "must be the policy's currency")


class LoyaltyPolicySetRequest(Request):
    policy: PolicyIn


class LoyaltyPolicyGetRequest(Request):
    """A version, or the one in force at ``as_of`` (default now) for the channel."""

    as_of: Instant | None = None
    policy_version: Code | None = None
    channel_code: ChannelCode | None = None


# ---------------------------------------------------------------- movements, in


class LineIn(Request):
    sku: ShortText | None = None
    category: ShortText | None = None
    amount: MoneyOrZeroIn
    eligible: bool = True


class SaleIn(Request):
    """What was sold. With ``lines`` only they earn, and they come to the amount at most."""

    amount: MoneyOrZeroIn
    lines: Annotated[list[LineIn], Field(max_length=100), Unordered()] = Field(default_factory=list)
    channel_code: ChannelCode | None = None
    policy_version: Code | None = None

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        for number, line in enumerate(self.lines):
            if line.amount.currency != self.amount.currency:
                field = f"lines.{number}.amount.currency"
                yield Fault("currency", field, "must be the currency of amount")
        if sum(line.amount.amount for line in self.lines) > self.amount.amount:
            yield Fault("too-much", "lines", "must come to the amount or less together")


class LoyaltyEarnRequest(SaleIn):
    """``occurred_at`` (default now) is what policy and lot dates count from."""

    customer_guid: Guid
    order_ref: OrderRef
    occurred_at: PastInstant | None = None
    quote_hash: QuoteHash | None = None


class LoyaltyPreviewRequest(SaleIn):
    customer_guid: Guid | None = None
    order_ref: OrderRef | None = None
    as_of: Instant | None = None


class LoyaltyRedeemRequest(Request):
    customer_guid: Guid
    order_ref: OrderRef
    redeem_points: Positive
    order_amount: MoneyIn | None = None
    channel_code: ChannelCode | None = None


class LoyaltyAdjustRequest(Request):
    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {
                    "anyOf": [
                        {"not": {"required": ["expires_at"]}},
                        {"properties": {"points_delta": {"minimum": 1}}},
                    ]
                }
            ]
        }
    )
    customer_guid: Guid
    points_delta: PointsDelta
    expires_at: Instant | None = None
    allow_debt: bool = False
    counts_as_earned: bool = False

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        if self.points_delta < 0 and self.expires_at is not None:
            yield Fault("invalid", "expires_at", "is for points that are given")


class LoyaltyExpireRequest(Request):
    customer_guid: Guid
    as_of: Instant | None = None


class UndoRequest(Request):
    """Names the order itself, by its transaction, or (neither) by the first source of a kind."""

    named_by = ("loyalty_txn", "order")
    needs_order = True
    customer_guid: Guid
    loyalty_txn_id: Guid | None = None
    order_ref: OrderRef | None = None
    points: Positive | None = None


class LoyaltyReverseRequest(UndoRequest):
    """Undoes an earn: by refunded ``amount``, by ``points``, or (neither) the whole rest."""

    at_most_one = ("amount", "points")
    amount: MoneyIn | None = None


class LoyaltyRestoreRequest(UndoRequest):
    """Undoes a redemption, whole or by ``points``."""


class LoyaltyRecalculateRequest(Request):
    customer_guid: Guid
    apply: bool = False


class LoyaltyBalanceGetRequest(Request):
    customer_guid: Guid
    as_of: Instant | None = None


class LoyaltyLedgerListRequest(Page):
    customer_guid: Guid
    kind: TxnKind | None = None
    order_ref: OrderRef | None = None

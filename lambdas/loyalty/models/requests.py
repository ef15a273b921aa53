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
"""`merge_in` and `merge_out` move points to the customer whom another was merged into; `forfeit`
ends them with an anonymized customer."""
MultiplierKind = Literal["sku", "category", "channel"]
"""What a multiplier is for: lines (`sku`, `category`) or whole orders (`channel`)."""
Rounding = Literal["floor", "half_up", "ceil"]
"""`floor` down, `half_up` to the nearest, `ceil` up."""
RedeemMode = Literal["per_point"]
"""`per_point`: each point has its value."""
ExpiryMode = Literal["none", "days", "month_end"]
"""`none`: never; `days`: after so many days; `month_end`: at the end of a month."""
Shortfall = Literal["any_lot", "own_lot"]
"""`any_lot`: the customer's other points; `own_lot`: nothing."""
Uncollected = Literal["debt", "write_off", "reject"]
"""`debt`: later points repay it; `write_off`: nobody does; `reject`: the reversal is refused."""
OnExpired = Literal["keep_expired", "grace", "reissue"]
"""`keep_expired`: they stay expired; `grace`: they live on for some days; `reissue`: they come back
as new points."""
QuoteHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


LONGEST_DAYS, LONGEST_MONTHS = 36_500, 1_200
Days = Annotated[int, Field(ge=1, le=LONGEST_DAYS)]
DaysOrZero = Annotated[int, Field(ge=0, le=LONGEST_DAYS)]
Months = Annotated[int, Field(ge=0, le=LONGEST_MONTHS)]

# ---------------------------------------------------------------- policies, in


class MultiplierIn(Request):
    """What makes points count several times, or less than once."""

    kind: MultiplierKind
    id: ShortText
    """The SKU, the category or the channel."""
    factor: Factor
    """How many times its points count; all that match multiply."""


class EarnPolicyIn(Request):
    """What an order earns."""

    points_per_unit: Factor
    """How many points `unit_minor` of money earn."""
    unit_minor: Positive | None = None
    """The unit in minor units, by default one major unit: 100 for EUR."""
    rounding: Rounding = "floor"
    """How the points of an order become whole."""
    min_amount_minor: NotNegative | None = None
    """The smallest order that earns, in minor units."""
    max_points: NotNegative | None = None
    """The most that one order may bring or take."""
    pending_days: DaysOrZero = 0
    """After how many days the points can be spent."""
    multipliers: bounded(MultiplierIn, 100) = Field(default_factory=list)  # type: ignore[valid-type]
    """What earns more, or less."""


class PointValueIn(Request):
    """So many points are worth so much."""

    points: Positive
    """So many points are worth `money`."""
    money: MoneyIn
    """What they are worth."""


class RedeemPolicyIn(Request):
    """What points pay; by default 100 of them are worth one major unit."""

    mode: RedeemMode
    """How points turn into money."""
    point_value: PointValueIn | None = None
    """What points are worth."""
    min_points: NotNegative | None = None
    """The fewest that an order may redeem."""
    step: Positive | None = None
    """Points are redeemed in multiples of this."""
    max_points: NotNegative | None = None
    max_percent_of_order: Percent | None = None
    """How much of an order points may pay, in percent; a redemption then needs `order_amount`."""

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        if self.max_points is not None and self.max_points < (self.min_points or 0):
            yield Fault("invalid", "max_points", "must not be less than min_points")


class ExpiryPolicyIn(Request):
    """When points expire."""

    only_with: ClassVar = {"days": ("mode", "days"), "months": ("mode", "month_end")}
    mode: ExpiryMode = "none"
    """When points expire, counted from when they can be spent."""
    days: Days | None = None
    """With mode `days`: after how many."""
    months: Months | None = None
    """With mode `month_end`: at the end of the month that comes so many later."""


class ReversalPolicyIn(Request):
    """How a reversal takes points that are spent."""

    shortfall: Shortfall = "any_lot"
    """What else pays, where the order's own points are spent."""
    uncollected: Uncollected = "debt"
    """What becomes of points that nothing pays."""


class RestorePolicyIn(Request):
    """How a restoration gives back points that have expired."""

    only_with: ClassVar = {"grace_days": ("expired", "grace")}
    expired: OnExpired = "keep_expired"
    """What becomes of restored points whose time is over."""
    grace_days: Days | None = None
    """With `grace`: for how many days they can be spent."""


class PolicyIn(Request):
    """A new version of a policy."""

    policy_version: Code | None = None
    """The name of this version, unique in the org; without it `v1`, `v2` …"""
    channel_code: ChannelCode | None = None
    """The sales channel; without it all that have no policy of their own."""
    currency: Currency | None = None
    """The currency, by default the org's: an ISO 4217 code."""
    effective_from: Instant | None = None
    """From when it is in force, until the next version is; without it from now. Not in the past."""
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
    """The time in question; without it now."""
    policy_version: Code | None = None
    """This version, whether or not it is in force."""
    channel_code: ChannelCode | None = None


# ---------------------------------------------------------------- movements, in


class LineIn(Request):
    """A line of an order."""

    sku: ShortText | None = None
    """The article, for multipliers."""
    category: ShortText | None = None
    """Its category, for multipliers."""
    amount: MoneyOrZeroIn
    """What the line comes to."""
    eligible: bool = True
    """False for what earns nothing, such as a gift card."""


class SaleIn(Request):
    """What was sold. With ``lines`` only they earn, and they come to the amount at most."""

    amount: MoneyOrZeroIn
    """What the order comes to."""
    lines: Annotated[list[LineIn], Field(max_length=100), Unordered()] = Field(default_factory=list)
    """The lines; only they earn, where there are any. Their order does not matter."""
    channel_code: ChannelCode | None = None
    policy_version: Code | None = None
    """The version to price by; one that is not in force needs `loyalty_admin`."""

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
    """When the sale was, without it now; not in the future."""
    quote_hash: QuoteHash | None = None
    """The quote of a preview: the earn grants exactly that or is refused."""


class LoyaltyPreviewRequest(SaleIn):
    customer_guid: Guid | None = None
    order_ref: OrderRef | None = None
    as_of: Instant | None = None
    """When the sale is; without it now."""


class LoyaltyRedeemRequest(Request):
    customer_guid: Guid
    order_ref: OrderRef
    redeem_points: Positive
    """How many points to spend."""
    order_amount: MoneyIn | None = None
    """What the order comes to; points worth more are refused."""
    channel_code: ChannelCode | None = None


class LoyaltyAdjustRequest(Request):
    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {
                    "anyOf": [
                        {"not": {"required": ["expires_at"], "properties": {"expires_at": {}}}},
                        {"properties": {"points_delta": {"minimum": 1}}},
                    ]
                }
            ]
        }
    )
    customer_guid: Guid
    points_delta: PointsDelta
    """Points to give (more than 0) or to take (less than 0)."""
    expires_at: Instant | None = None
    """When given points expire; without it never."""
    allow_debt: bool = False
    """Takes more than there is: the rest becomes debt."""
    counts_as_earned: bool = False
    """Whether `lifetime_earned` changes too."""

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        if self.points_delta < 0 and self.expires_at is not None:
            yield Fault("invalid", "expires_at", "is for points that are given")


class LoyaltyExpireRequest(Request):
    customer_guid: Guid
    as_of: Instant | None = None
    """What has expired by then; without it by now. A later time needs `dry_run`."""


class UndoRequest(Request):
    """Names the order itself, by its transaction, or (neither) by the first source of a kind."""

    named_by = ("loyalty_txn", "order")
    needs_order = True
    customer_guid: Guid
    loyalty_txn_id: Guid | None = None
    """The transaction to undo."""
    order_ref: OrderRef | None = None
    points: Positive | None = None
    """How many points to undo; without a number all that is left."""


class LoyaltyReverseRequest(UndoRequest):
    """Undoes an earn: by refunded ``amount``, by ``points``, or (neither) the whole rest."""

    at_most_one = ("amount", "points")
    amount: MoneyIn | None = None
    """The money that was refunded; it takes the points that it had earned."""


class LoyaltyRestoreRequest(UndoRequest):
    """Undoes a redemption, whole or by ``points``."""


class LoyaltyRecalculateRequest(Request):
    customer_guid: Guid
    apply: bool = False
    """Repairs what is stored."""


class LoyaltyBalanceGetRequest(Request):
    customer_guid: Guid
    as_of: Instant | None = None
    """The time in question, past or to come; without it now."""


class LoyaltyLedgerListRequest(Page):
    customer_guid: Guid
    kind: TxnKind | None = None
    order_ref: OrderRef | None = None
    """Entries of this order."""

"""A policy: what it says, when it is in force, and what it makes of money, points and dates.

A version never changes, so anything that was priced by one can be priced again, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

from shared.errors import (
    AlreadyExists,
    CurrencyMismatch,
    Fault,
    Forbidden,
    InvalidInput,
    InvalidState,
)
from shared.fields import Money, major_unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiplier:
    """Points of a line (kind ``sku`` or ``category``) or of an order (``channel``) count so many
    times."""

    kind: str
    id: str
    factor: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class EarnPolicy:
    """``points_per_unit`` points for every ``unit_minor`` minor units, exactly."""

    points_per_unit: Decimal
    unit_minor: int
    rounding: str = "floor"
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
    mode: str
    point_value: PointValue
    min_points: int | None = None
    step: int | None = None
    max_points: int | None = None
    max_percent_of_order: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryPolicy:
    mode: str = "none"
    days: int | None = None
    months: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalPolicy:
    shortfall: str = "any_lot"
    uncollected: str = "debt"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePolicy:
    expired: str = "keep_expired"
    grace_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRecord:
    """One version of the policy of a channel, or (without one) of all channels."""

    KIND: ClassVar[str] = "loyalty_policy"
    policy_version: str
    currency: str
    effective_from: datetime
    earn_policy: EarnPolicy
    redeem_policy: RedeemPolicy
    expiry_policy: ExpiryPolicy = field(default_factory=ExpiryPolicy)
    reversal_policy: ReversalPolicy = field(default_factory=ReversalPolicy)
    restore_policy: RestorePolicy = field(default_factory=RestorePolicy)
    channel_code: str | None = None
    revision: int = 1


# ---------------------------------------------------------------- which one is in force


def in_force(
    versions: Iterable[PolicyRecord], at: datetime, channel_code: str | None
) -> PolicyRecord | None:
    """The newest version in force at a time for a channel, else the default's."""
    begun = [p for p in versions if p.effective_from <= at]
    for channel in (channel_code, None):
        mine = [p for p in begun if p.channel_code == channel]
        if mine:
            return max(mine, key=lambda p: (p.effective_from, p.revision))
    return None


def require_policy(policy: PolicyRecord | None) -> PolicyRecord:
    """The policy, or the 409 of every route that turns money into points or back."""
    if policy is None:
        raise InvalidState(
            "No loyalty policy is in force for the channel.", detail={"state": "no-policy"}
        )
    return policy


def chosen(
    named: PolicyRecord | None, current: PolicyRecord | None, *, may_choose: bool
) -> PolicyRecord:
    """The policy that a sale is priced by: the one it names, or the one in force. Another than the
    one in force is for those who may choose (403)."""
    if named is None or named == current:
        return require_policy(current)
    if not may_choose:
        raise Forbidden(
            minor=[Fault("forbidden", "policy_version", "is not in force: needs loyalty_admin")],
            detail={"roles_any_of": ["loyalty_admin"]},
        )
    return named


def in_currency(currency: str, amount: Money, field: str) -> None:
    """409 for money in another currency than the policy's."""
    if amount.currency != currency:
        raise CurrencyMismatch(
            minor=[Fault("currency-mismatch", field, "must be in the policy's currency")],
            detail={"currency": currency},
        )


# ---------------------------------------------------------------- making a version


def drafted(given: Mapping[str, Any], currency: str, now: datetime) -> PolicyRecord:
    """A version from what was given (names and types of ``PolicyRecord``, parts as mappings, only
    what was said), with the defaults of an org of this currency. Its revision, and its name where
    none was chosen, are still open."""
    currency = given.get("currency") or currency
    major = major_unit(currency)
    earn, redeem = dict(given["earn_policy"]), dict(given["redeem_policy"])
    earn.setdefault("unit_minor", major)
    redeem.setdefault("point_value", PointValue(points=100, money=Money(currency, major)))
    return PolicyRecord(
        policy_version=given.get("policy_version") or "",
        channel_code=given.get("channel_code"),
        currency=currency,
        effective_from=given.get("effective_from") or now,
        earn_policy=EarnPolicy(**earn),
        redeem_policy=RedeemPolicy(**redeem),
        expiry_policy=ExpiryPolicy(**given.get("expiry_policy", {})),
        reversal_policy=ReversalPolicy(**given.get("reversal_policy", {})),
        restore_policy=RestorePolicy(**given.get("restore_policy", {})),
    )


def not_back_dated(policy: PolicyRecord, now: datetime) -> None:
    """400 for a draft that would have been in force already: what was earned stays as it was."""
    if policy.effective_from < now:
        raise InvalidInput.of("policy.effective_from", "must not lie in the past", "past")


def repeats(existing: PolicyRecord | None, draft: PolicyRecord, *, dated: bool) -> bool:
    """Whether a draft only repeats the version of its name; one with other content is a 409.
    ``dated``: the request said from when it is to be in force."""
    if existing is None:
        return False
    same = replace(draft, revision=existing.revision, policy_version=existing.policy_version)
    if not dated:
        same = replace(same, effective_from=existing.effective_from)
    if same != existing:
        raise AlreadyExists.of("policy.policy_version", "stands for another policy")
    return True


# ---------------------------------------------------------------- points, money, dates


def rounded(points: Fraction, rounding: str) -> int:
    """To whole points: ``floor``, ``half_up`` or ``ceil``."""
    if rounding == "ceil":
        return -(-points.numerator // points.denominator)
    if rounding == "half_up":
        points += Fraction(1, 2)
    return points.numerator // points.denominator


def factor(multipliers: Sequence[Multiplier], **matches: str | None) -> Fraction:
    """The product of all multipliers whose kind and id match."""
    product = Fraction(1)
    for multiplier in multipliers:
        if matches.get(multiplier.kind) == multiplier.id:
            product *= Fraction(multiplier.factor)
    return product


def redeemed_value(policy: PolicyRecord, points: int) -> Money:
    """What points are worth at the till, rounded down to a minor unit."""
    value = policy.redeem_policy.point_value
    return Money(value.money.currency, points * value.money.amount // value.points)


def available_from(policy: PolicyRecord, at: datetime) -> datetime:
    """When points that count from ``at`` can be spent."""
    return at + timedelta(days=policy.earn_policy.pending_days)


def expires_at(expiry: ExpiryPolicy, at: datetime) -> datetime | None:
    """When points that count from ``at`` expire. The end of a month is the first instant, UTC, of
    the month after it; ``months`` 0 means the month of ``at`` itself."""
    if expiry.mode == "days" and expiry.days is not None:
        return at + timedelta(days=expiry.days)
    if expiry.mode == "month_end" and expiry.months is not None:
        at = at.astimezone(UTC)
        years, month = divmod(at.month + expiry.months, 12)
        return datetime(at.year + years, month + 1, 1, tzinfo=UTC)
    return None

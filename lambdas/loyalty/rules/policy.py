"""A policy: when it is in force, and what it makes of money, points and dates.

A version never changes, so anything that was priced by one can be priced again, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from fractions import Fraction
from typing import Any

from lambdas.loyalty.models.records import (
    EarnPolicy,
    ExpiryPolicy,
    Multiplier,
    PointValue,
    PolicyRecord,
    RedeemPolicy,
    RestorePolicy,
    ReversalPolicy,
)
from shared.errors import (
    AlreadyExists,
    CurrencyMismatch,
    Fault,
    Forbidden,
    InvalidInput,
    InvalidState,
)
from shared.fields import Money, major_unit

# ---------------------------------------------------------------- which one is in force


def in_force(
    versions: Iterable[PolicyRecord], at: datetime, channel_code: str | None
) -> PolicyRecord | None:
    """Returns the newest version in force at a time for a channel, else the default's."""
    begun = [p for p in versions if p.effective_from <= at]
    for channel in (channel_code, None):
        mine = [p for p in begun if p.channel_code == channel]
        if mine:
            return max(mine, key=lambda p: (p.effective_from, p.revision))
    return None


def require_policy(policy: PolicyRecord | None) -> PolicyRecord:
    """Returns the policy; without one it is the 409 of every route that turns money into points or
    back."""
    if policy is None:
        raise InvalidState(
            "No loyalty policy is in force for the channel.", detail={"state": "no-policy"}
        )
    return policy


def require_pricing_policy(
    named: PolicyRecord | None, current: PolicyRecord | None, *, may_choose: bool
) -> PolicyRecord:
    """Returns the policy that a sale is priced by: the one that it names, or the one in force. 403
    where it names another than the one in force for somebody who may not choose."""
    if named is None or named == current:
        return require_policy(current)
    if not may_choose:
        raise Forbidden(
            minor=[Fault("forbidden", "policy_version", "is not in force: needs loyalty_admin")],
            detail={"roles_any_of": ["loyalty_admin"]},
        )
    return named


def ensure_currency(currency: str, amount: Money, field: str) -> None:
    """409 for money in another currency than the policy's."""
    if amount.currency != currency:
        raise CurrencyMismatch(
            minor=[Fault("currency-mismatch", field, "must be in the policy's currency")],
            detail={"currency": currency},
        )


# ---------------------------------------------------------------- making a version


def drafted(given: Mapping[str, Any], currency: str, now: datetime) -> PolicyRecord:
    """Returns a version with what a request said of it, by the names of the request, and with the
    defaults of an org of this currency. Its revision, and its name where none was chosen, are still
    open."""
    currency = given.get("currency") or currency
    major = major_unit(currency)
    earn, redeem = dict(given["earn_policy"]), dict(given["redeem_policy"])
    worth = redeem.pop("point_value", {"points": 100, "money": {"amount": major}})
    money = Money(currency, worth["money"]["amount"])
    multipliers = tuple(Multiplier(**said) for said in earn.pop("multipliers", ()))
    return PolicyRecord(
        policy_version=given.get("policy_version") or "",
        channel_code=given.get("channel_code"),
        currency=currency,
        effective_from=given.get("effective_from") or now,
        earn_policy=EarnPolicy(**{"unit_minor": major, **earn, "multipliers": multipliers}),
        redeem_policy=RedeemPolicy(
            **redeem, point_value=PointValue(points=worth["points"], money=money)
        ),
        expiry_policy=ExpiryPolicy(**given.get("expiry_policy", {})),
        reversal_policy=ReversalPolicy(**given.get("reversal_policy", {})),
        restore_policy=RestorePolicy(**given.get("restore_policy", {})),
    )


def ensure_not_back_dated(policy: PolicyRecord, now: datetime) -> None:
    """400 for a draft that would have been in force already: what was earned stays as it was."""
    if policy.effective_from < now:
        raise InvalidInput.of("policy.effective_from", "must not lie in the past", "past")


def ensure_repeated(existing: PolicyRecord, draft: PolicyRecord, *, dated: bool) -> None:
    """409 where a draft is not the version that has its name already. ``dated``: the request said
    from when it is to be in force."""
    same = replace(draft, revision=existing.revision, policy_version=existing.policy_version)
    if not dated:
        same = replace(same, effective_from=existing.effective_from)
    if same != existing:
        raise AlreadyExists.of("policy.policy_version", "stands for another policy")


# ---------------------------------------------------------------- points, money, dates


def rounded(points: Fraction, rounding: str) -> int:
    """Returns whole points: ``floor``, ``half_up`` or ``ceil``."""
    if rounding == "ceil":
        return -(-points.numerator // points.denominator)
    if rounding == "half_up":
        points += Fraction(1, 2)
    return points.numerator // points.denominator


def factor(multipliers: Sequence[Multiplier], **matches: str | None) -> Fraction:
    """Returns the product of all multipliers whose kind and id match."""
    product = Fraction(1)
    for multiplier in multipliers:
        if matches.get(multiplier.kind) == multiplier.id:
            product *= Fraction(multiplier.factor)
    return product


def redeemed_value(policy: PolicyRecord, points: int) -> Money:
    """Returns what points are worth at the till, rounded down to a minor unit."""
    value = policy.redeem_policy.point_value
    return Money(value.money.currency, points * value.money.amount // value.points)


def available_from(policy: PolicyRecord, at: datetime) -> datetime:
    """Returns when the points of a sale at ``at`` can be spent."""
    return at + timedelta(days=policy.earn_policy.pending_days)


def expires_at(expiry: ExpiryPolicy, start: datetime, zone: tzinfo) -> datetime | None:
    """Returns when points expire that can be spent from ``start`` on. The end of a month is the
    first instant of the month after it in the org's time zone; ``months`` 0 means the month of
    ``start`` itself."""
    if expiry.mode == "days" and expiry.days is not None:
        return start + timedelta(days=expiry.days)
    if expiry.mode == "month_end" and expiry.months is not None:
        local = start.astimezone(zone)
        years, month = divmod(local.month + expiry.months, 12)
        # Where clocks skip that midnight, the offset before the change names the same instant.
        return datetime(local.year + years, month + 1, 1, tzinfo=zone).astimezone(UTC)
    return None

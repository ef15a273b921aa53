"""What a sale earns. Preview and earn call ``quote`` with the same sale and get the same answer.

With lines only the lines count: what of the amount they leave uncovered (delivery, a tip) earns
nothing. A line multiplies by every ``sku`` and ``category`` multiplier that matches it, the order
by its ``channel``; the exact sum is rounded once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from lambdas.loyalty.rules.policy import (
    EarnPolicy,
    PolicyRecord,
    available_from,
    expires_at,
    factor,
    in_currency,
    rounded,
)
from shared.errors import InvalidInput
from shared.fields import LARGEST_INTEGER, Money, instant_shown, major_unit

LATEST_YEAR = 9000
"""Beyond it, dates that count from a sale might leave the calendar."""

ROUNDED = {"floor": "rounded down", "half_up": "rounded half up", "ceil": "rounded up"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an order, in minor units of the order's currency."""

    amount: int
    sku: str | None = None
    category: str | None = None
    eligible: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """What was sold: all that decides what it earns, beside the policy and the day."""

    amount: Money
    lines: tuple[Line, ...] = ()
    channel_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """What a sale of ``amount`` minor units earns, and what is left of that when money goes back:
    ``exact`` points for the whole of it, before rounding and bounds."""

    amount: int
    exact: Fraction
    rounding: str
    min_amount_minor: int | None
    max_points: int | None

    def points(self, net_minor: int) -> int:
        """The points of what refunds leave of the sale. A refund does not say which lines it takes
        back, so it shrinks all of them alike, exactly."""
        if net_minor == 0 or net_minor < (self.min_amount_minor or 0):
            return 0
        points = rounded(self.exact * net_minor / self.amount, self.rounding)
        return points if self.max_points is None else min(points, self.max_points)


@dataclass(frozen=True, slots=True)
class QuotedLot:
    """The lot that an earn would open."""

    available_from: datetime
    expires_at: datetime | None
    points: int

    def shown(self) -> dict[str, Any]:
        ends = {} if self.expires_at is None else {"expires_at": instant_shown(self.expires_at)}
        return {
            "available_from": instant_shown(self.available_from),
            **ends,
            "points": self.points,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a sale earns under one policy. ``quote_hash`` stands for the whole grant: an earn that
    names it gets exactly that or is refused."""

    points: int
    amount: Money
    policy_version: str
    rounding: str
    lots: tuple[QuotedLot, ...]
    explanation: tuple[str, ...]
    quote_hash: str
    pricing: Pricing

    def shown(self) -> dict[str, Any]:
        """As answers show it, a refusal of a stale quote too."""
        return {
            "points": self.points,
            "amount": {"currency": self.amount.currency, "amount": self.amount.amount},
            "policy_version": self.policy_version,
            "rounding": self.rounding,
            "lots": [lot.shown() for lot in self.lots],
            "explanation": list(self.explanation),
            "quote_hash": self.quote_hash,
        }


def quote(policy: PolicyRecord, sale: Sale, at: datetime) -> Quote:
    """What a sale earns by this policy, with dates that count from ``at``."""
    in_currency(policy.currency, sale.amount, "amount")
    if at.year > LATEST_YEAR:
        raise InvalidInput.of("as_of", f"must not lie beyond the year {LATEST_YEAR}", "too-far")
    assert sum(line.amount for line in sale.lines) <= sale.amount.amount, "the request was checked"
    price = pricing(policy.earn_policy, sale)
    points = price.points(sale.amount.amount)
    if points > LARGEST_INTEGER:
        raise InvalidInput.of("amount", "earns more points than can be counted", "too-much")
    ends = expires_at(policy.expiry_policy, at)
    lots = (QuotedLot(available_from(policy, at), ends, points),) if points else ()
    return Quote(
        points=points,
        amount=sale.amount,
        policy_version=policy.policy_version,
        rounding=policy.earn_policy.rounding,
        lots=lots,
        explanation=tuple(_explanation(policy, sale, price, ends)),
        quote_hash=_quote_hash(policy, sale, points, ends),
        pricing=price,
    )


def pricing(earn: EarnPolicy, sale: Sale) -> Pricing:
    """How a policy prices a sale."""
    return Pricing(
        amount=sale.amount.amount,
        exact=_weight(earn, sale) * Fraction(earn.points_per_unit) / earn.unit_minor,
        rounding=earn.rounding,
        min_amount_minor=earn.min_amount_minor,
        max_points=earn.max_points,
    )


def _weight(earn: EarnPolicy, sale: Sale) -> Fraction:
    """The eligible minor units of a sale, each as many times as its multipliers say."""
    channel = factor(earn.multipliers, channel=sale.channel_code)
    if not sale.lines:
        return channel * sale.amount.amount
    return channel * sum(
        (
            line.amount * factor(earn.multipliers, sku=line.sku, category=line.category)
            for line in sale.lines
            if line.eligible
        ),
        Fraction(0),
    )


def _quote_hash(policy: PolicyRecord, sale: Sale, points: int, ends: datetime | None) -> str:
    """SHA-256 over what decides the grant. The policy's version stands for its rules of dates: that
    points expire so many days after the sale is the same promise a minute later. The end of a month
    is a day in the calendar: where the month has changed, so has the promise."""
    month_end = ends if policy.expiry_policy.mode == "month_end" else None
    parts = [
        policy.policy_version,
        policy.channel_code,
        sale.channel_code,
        [sale.amount.currency, sale.amount.amount],
        [[line.sku, line.category, line.amount, line.eligible] for line in sale.lines],
        points,
        None if month_end is None else month_end.isoformat(),
    ]
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()


# ---------------------------------------------------------------- in words


def _explanation(
    policy: PolicyRecord, sale: Sale, price: Pricing, ends: datetime | None
) -> Sequence[str]:
    earn, amount = policy.earn_policy, sale.amount
    exact, points = price.exact, price.points(amount.amount)
    if amount.amount < (earn.min_amount_minor or 0):
        least = _in_major(Money(amount.currency, earn.min_amount_minor or 0))
        return [f"{_in_major(amount)} is below the least amount that earns, {least}."]
    weight = _weight(earn, sale)
    said = []
    if sale.lines:
        eligible = sum(line.amount for line in sale.lines if line.eligible)
        said.append(f"{_in_major(Money(amount.currency, eligible))} of the lines is eligible.")
    elif weight != amount.amount:
        said.append(f"The channel counts {_number(weight / amount.amount)} times.")
    if sale.lines and earn.multipliers:
        said.append(f"With multipliers that counts as {_number(weight)} minor units.")
    unit = _in_major(Money(amount.currency, earn.unit_minor))
    said.append(f"{earn.points_per_unit} points per {unit} make {_number(exact)} points.")
    whole = rounded(exact, earn.rounding)
    if whole != exact:
        said.append(f"{ROUNDED[earn.rounding].capitalize()}: {whole} points.")
    if points < whole:
        said.append(f"At most {points} points per order.")
    if points and earn.pending_days:
        said.append(f"The points are pending for {earn.pending_days} days.")
    if points:
        said.append("The points never expire." if ends is None else _expiry_said(policy))
    return said


def _expiry_said(policy: PolicyRecord) -> str:
    expiry = policy.expiry_policy
    if expiry.mode == "days":
        return f"The points expire {expiry.days} days after the sale."
    return f"The points expire with the end of a month, {expiry.months} months after the sale's."


def _in_major(money: Money) -> str:
    """An amount as people write it: ``10.01 EUR``."""
    unit = major_unit(money.currency)
    places = len(str(unit)) - 1
    text = f"{money.amount // unit}"
    if places:
        text += f".{money.amount % unit:0{places}d}"
    return f"{text} {money.currency}"


def _number(value: Fraction) -> str:
    """An exact number as a decimal where it has one of few places, else as a fraction."""
    scaled = value * 10**6
    if scaled.denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    whole, places = divmod(scaled.numerator, 10**6)
    return f"{whole}.{places:06d}".rstrip("0").rstrip(".")

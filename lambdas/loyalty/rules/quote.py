"""What a sale earns. Preview and earn call ``quote`` with the same sale and get the same answer.

With lines only the lines count: what of the amount they leave uncovered (delivery, a tip) earns
nothing. A line multiplies by every ``sku`` and ``category`` multiplier that matches it, the order
by its ``channel``; the exact sum is rounded once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, tzinfo
from fractions import Fraction
from typing import Any

from lambdas.loyalty.models.records import EarnPolicy, Line, PolicyRecord, Pricing
from lambdas.loyalty.rules.policy import (
    available_from,
    ensure_currency,
    expires_at,
    factor,
    rounded,
)
from shared.codec import shown_value
from shared.errors import InvalidInput
from shared.fields import LARGEST_INTEGER, Money, major_unit

LATEST_YEAR = 9000
"""Beyond it, dates that count from a sale might leave the calendar."""

ROUNDED = {"floor": "rounded down", "half_up": "rounded half up", "ceil": "rounded up"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """What was sold: all that decides what it earns, beside the policy and the day. The lines are
    in one order, however they were given: the same sale in another order is the same sale."""

    amount: Money
    lines: tuple[Line, ...] = ()
    channel_code: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "lines", tuple(sorted(self.lines, key=line_content)))


def line_content(line: Line) -> tuple[str, str, int, bool]:
    """Returns what makes two lines differ, in a form that sorts."""
    return line.sku or "", line.category or "", line.amount, line.eligible


@dataclass(frozen=True, slots=True)
class QuotedLot:
    """The lot that an earn would open."""

    available_from: datetime
    expires_at: datetime | None
    points: int


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
        """Returns it as answers show it, a refusal of a stale quote too."""
        names = (field.name for field in fields(self) if field.name != "pricing")
        return {name: shown_value(getattr(self, name)) for name in names}


def quote(policy: PolicyRecord, sale: Sale, at: datetime, zone: tzinfo) -> Quote:
    """Returns what a sale earns by this policy. The points can be spent from so many days after
    ``at`` on, and their expiry counts from there: no lot expires before it can be spent. A month
    ends by the calendar of ``zone``."""
    ensure_currency(policy.currency, sale.amount, "amount")
    if at.year > LATEST_YEAR:
        raise InvalidInput.of("as_of", f"must not lie beyond the year {LATEST_YEAR}", "too-far")
    assert sum(line.amount for line in sale.lines) <= sale.amount.amount, "the request was checked"
    price = pricing(policy.earn_policy, sale)
    points = points_of(price, sale.amount.amount)
    if points > LARGEST_INTEGER:
        raise InvalidInput.of("amount", "earns more points than can be counted", "too-much")
    starts = available_from(policy, at)
    ends = expires_at(policy.expiry_policy, starts, zone)
    return Quote(
        points=points,
        amount=sale.amount,
        policy_version=policy.policy_version,
        rounding=policy.earn_policy.rounding,
        lots=(QuotedLot(starts, ends, points),) if points else (),
        explanation=tuple(_explanation(policy, sale, price, ends)),
        quote_hash=_quote_hash(policy, sale, points, ends),
        pricing=price,
    )


def pricing(earn: EarnPolicy, sale: Sale) -> Pricing:
    """Returns how a policy prices a sale."""
    return Pricing(
        amount=sale.amount.amount,
        exact=_weight(earn, sale) * Fraction(earn.points_per_unit) / earn.unit_minor,
        rounding=earn.rounding,
        min_amount_minor=earn.min_amount_minor,
        max_points=earn.max_points,
    )


def points_of(price: Pricing, net_minor: int) -> int:
    """Returns the points of what refunds leave of a sale. A refund does not say which lines it
    takes back, so it shrinks all of them alike, exactly."""
    if net_minor == 0 or net_minor < (price.min_amount_minor or 0):
        return 0
    points = rounded(price.exact * net_minor / price.amount, price.rounding)
    return points if price.max_points is None else min(points, price.max_points)


def _weight(earn: EarnPolicy, sale: Sale) -> Fraction:
    """Returns the eligible minor units of a sale, each as many times as its multipliers say."""
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
    """Returns SHA-256 over what decides the grant. The policy's version stands for its rules of
    dates: that points expire after so many days is the same promise a minute later. The end of a
    month is a day in the calendar: where the month has changed, so has the promise."""
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
    exact, points = price.exact, points_of(price, amount.amount)
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
        return f"The points expire {expiry.days} days after they become available."
    month_end = "the end of the month in which they become available"
    if expiry.months == 0:
        return f"The points expire at {month_end}."
    return f"The points expire {expiry.months} months after {month_end}."


def _in_major(money: Money) -> str:
    """Returns an amount as people write it: ``10.01 EUR``."""
    unit = major_unit(money.currency)
    places = len(str(unit)) - 1
    text = f"{money.amount // unit}"
    if places:
        text += f".{money.amount % unit:0{places}d}"
    return f"{text} {money.currency}"


def _number(value: Fraction) -> str:
    """Returns an exact number as a decimal of few places where it has one, else as a fraction."""
    scaled = value * 10**6
    if scaled.denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    whole, places = divmod(scaled.numerator, 10**6)
    return f"{whole}.{places:06d}".rstrip("0").rstrip(".")

"""The rules of an assessment, as data, and the one function that evaluates them.

A stored assessment names the version of its rule set. The same inputs through the same version at
the same time give the same verdict. So a published version never changes: a new one is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from lambdas.customer.models.risk_records import FraudInputs, FraudReason

HIGHEST = 100


@dataclass(frozen=True, slots=True)
class Stop:
    """Decides alone where one of the facts is not 0: no later rule is asked."""

    rule: str
    facts: tuple[str, ...]
    decision: str
    score: int
    text: str


@dataclass(frozen=True, slots=True)
class Sum:
    """Adds points for each of several things, ``most`` in all."""

    rule: str
    each: tuple[tuple[str, int], ...]
    most: int
    text: str


@dataclass(frozen=True, slots=True)
class Band:
    """A range of a fact, and its points. ``at_least`` and ``below``: None means no limit."""

    points: int
    at_least: int | None = None
    below: int | None = None

    def holds(self, fact: int) -> bool:
        return (self.at_least is None or fact >= self.at_least) and (
            self.below is None or fact < self.below
        )


@dataclass(frozen=True, slots=True)
class Bands:
    """Adds the points of the first range that the fact lies in."""

    rule: str
    fact: str
    bands: tuple[Band, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """Rules in the order in which they are asked. From ``medium_from`` points on a person decides,
    from ``high_from`` on the answer is no."""

    version: str
    rules: tuple[Stop | Sum | Bands, ...]
    medium_from: int
    high_from: int


FIRST = RuleSet(
    version="2026-01",
    rules=(
        Stop(
            "blocked",
            ("block_flags", "critical_flags"),
            "deny",
            HIGHEST,
            "A block flag or a flag of critical severity is open.",
        ),
        Stop("trusted", ("trusted_flags",), "allow", 0, "A trusted flag is open."),
        Sum(
            "open-flags",
            (("low_flags", 10), ("medium_flags", 25), ("high_flags", 45)),
            90,
            "Other flags are open.",
        ),
        Bands(
            "chargeback",
            "chargebacks",
            (Band(20, at_least=1),),
            "The customer has had a chargeback flag.",
        ),
        Bands(
            "new-customer",
            "age_hours",
            (Band(20, below=24), Band(10, below=7 * 24)),
            "The customer is younger than a week.",
        ),
        Bands(
            "many-redemptions",
            "redemptions",
            (Band(35, at_least=11), Band(15, at_least=4)),
            "The customer has redeemed often within the last 24 hours.",
        ),
        Bands(
            "high-value",
            "high_values",
            (Band(20, at_least=1),),
            "The amount reaches the mark for high values.",
        ),
        Bands(
            "pending-hold",
            "pending_elsewhere",
            (Band(30, at_least=1),),
            "A hold for the same action and another order is pending.",
        ),
    ),
    medium_from=30,
    high_from=70,
)
CURRENT = FIRST
RULE_SETS: Mapping[str, RuleSet] = {FIRST.version: FIRST}
"""Every version that an assessment was ever made by."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say."""

    score: int
    risk_level: str
    decision: str
    reasons: tuple[FraudReason, ...]


def facts_of(inputs: FraudInputs, now: datetime) -> dict[str, int]:
    """Returns what the rules ask about, as numbers.

    The amount is compared with the mark in minor units, even where they are of two currencies:
    there is no rate here, and a rough comparison is better than none."""
    amount, mark = inputs.amount, inputs.high_value_mark
    return {
        "block_flags": inputs.block_flags,
        "critical_flags": inputs.critical_flags,
        "trusted_flags": inputs.trusted_flags,
        "low_flags": inputs.low_flags,
        "medium_flags": inputs.medium_flags,
        "high_flags": inputs.high_flags,
        "chargebacks": int(inputs.chargeback),
        "age_hours": (now - inputs.customer_created_at) // timedelta(hours=1),
        "redemptions": inputs.redemptions_24h,
        "high_values": int(amount is not None and amount.amount >= mark.amount),
        "pending_elsewhere": inputs.pending_elsewhere,
    }


def assessed(inputs: FraudInputs, rule_set: RuleSet, now: datetime) -> Verdict:
    """Returns the verdict of a rule set."""
    facts = facts_of(inputs, now)
    reasons: list[FraudReason] = []
    for rule in rule_set.rules:
        match rule:
            case Stop():
                if any(facts[fact] for fact in rule.facts):
                    reason = FraudReason(rule=rule.rule, points=rule.score, text=rule.text)
                    level = _level(rule_set, rule.score)
                    return Verdict(rule.score, level, rule.decision, (reason,))
                continue
            case Sum():
                points = min(rule.most, sum(facts[fact] * each for fact, each in rule.each))
            case Bands():
                fact = facts[rule.fact]
                points = next((band.points for band in rule.bands if band.holds(fact)), 0)
        if points:
            reasons.append(FraudReason(rule=rule.rule, points=points, text=rule.text))
    score = min(HIGHEST, sum(reason.points for reason in reasons))
    level = _level(rule_set, score)
    decision = {"low": "allow", "medium": "review", "high": "deny"}[level]
    return Verdict(score, level, decision, tuple(reasons))


def _level(rule_set: RuleSet, score: int) -> str:
    if score < rule_set.medium_from:
        return "low"
    return "medium" if score < rule_set.high_from else "high"

"""How likely two customers are one person. Values in, values out; scores are in hundredths."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.search.traits import Trait

STRONG = {"external_ref": 100, "customer_code": 100, "email": 85, "phone": 85}
WEAK = {"name": 40, "postal_code": 20, "date_of_birth": 20}
WEIGHTS = STRONG | WEAK
LONE_WEAK, CERTAIN = 60, 100
"""The most that one weak signal alone is worth, and the most of all."""
_ONLY_WITH_NAME = ("postal_code", "date_of_birth")


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that two customers have in common: the field, in what way, and its weight."""

    field: str
    kind: str
    weight: int


def signals(one: Iterable[Trait], other: Iterable[Trait]) -> list[Signal]:
    """Returns what two customers have in common, the strongest first, each field once."""
    theirs = set(other)
    values = {(trait.field, trait.value) for trait in theirs}
    kinds: dict[str, str] = {}
    for trait in one:
        if (trait.field, trait.value) not in values:
            continue
        same = trait in theirs
        if same or trait.field not in kinds:
            kinds[trait.field] = "same" if same else "same-mailbox"
    if "name" in kinds:
        kinds["name"] = "same-name"
    else:
        # Thousands live in one place, and many were born on one day.
        kinds = {field: kind for field, kind in kinds.items() if field not in _ONLY_WITH_NAME}
    found = [Signal(field, kind, WEIGHTS[field]) for field, kind in kinds.items()]
    return sorted(found, key=lambda signal: (-signal.weight, signal.field))


def score(found: Iterable[Signal]) -> int:
    """Returns how likely it is one person: the sum of the signals, at most 100."""
    weights = [signal.weight for signal in found]
    lone = len(weights) == 1 and weights[0] not in STRONG.values()
    return min(sum(weights), LONE_WEAK if lone else CERTAIN)

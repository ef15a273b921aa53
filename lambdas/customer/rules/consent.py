"""Which decision about a consent counts. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from lambdas.customer.models import ConsentDecisionRecord
from shared.contact_points import normal_contact_point

_RANK = {"granted": 0, "pending": 1, "denied": 2, "withdrawn": 3}

ConsentKey = tuple[str, str, str]


def key_of(decision: ConsentDecisionRecord) -> ConsentKey:
    """What a decision is about: the type, the channel and the contact point."""
    point = normal_contact_point(decision.contact_point or "")
    return decision.consent_type.upper(), (decision.channel or "").upper(), point


def counts_more(one: ConsentDecisionRecord, other: ConsentDecisionRecord) -> bool:
    """Whether ``one`` counts before ``other``: the later one, on a tie the more restrictive."""
    return _weight(one) > _weight(other)


def _weight(decision: ConsentDecisionRecord) -> tuple[datetime, int]:
    return decision.effective_at, _RANK[decision.consent_state]


def current(
    decisions: Iterable[ConsentDecisionRecord],
) -> dict[ConsentKey, ConsentDecisionRecord]:
    """The decision that counts, for each thing decided about."""
    found: dict[ConsentKey, ConsentDecisionRecord] = {}
    for decision in decisions:
        there = found.get(key_of(decision))
        if there is None or counts_more(decision, there):
            found[key_of(decision)] = decision
    return found

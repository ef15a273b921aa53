"""Which decision about a consent counts. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from lambdas.customer.models.records import ConsentDecisionRecord
from shared.contact_points import normal_contact_point

# Of two decisions of the same moment the more restrictive one counts.
_RESTRICTION = {"granted": 0, "pending": 1, "denied": 2, "withdrawn": 3}

ConsentKey = tuple[str, str, str]


def key_of(decision: ConsentDecisionRecord) -> ConsentKey:
    """Returns what a decision is about: the type, the channel and the contact point."""
    point = normal_contact_point(decision.contact_point or "")
    return decision.consent_type.upper(), (decision.channel or "").upper(), point


def current(
    decisions: Iterable[ConsentDecisionRecord],
) -> dict[ConsentKey, ConsentDecisionRecord]:
    """Returns the decision that counts for each thing decided about: the latest one, on a tie the
    most restrictive."""
    found: dict[ConsentKey, ConsentDecisionRecord] = {}
    for decision in decisions:
        other = found.get(key_of(decision))
        if other is None or _weight(decision) > _weight(other):
            found[key_of(decision)] = decision
    return found


def _weight(decision: ConsentDecisionRecord) -> tuple[datetime, int]:
    return decision.effective_at, _RESTRICTION[decision.consent_state]

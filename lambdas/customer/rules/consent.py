"""Which decision about a consent counts. Values in, values out.

A decision is about a key: a type of consent, a channel and a contact point. Which decision of a key
counts depends on all of its decisions, and not on the order in which they arrive.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lambdas.customer.models.records import ConsentCurrentRecord, ConsentDecisionRecord
from lambdas.customer.models.requests import REFUSALS
from shared.contact_points import normal_contact_point

# Of two decisions of the same moment the more restrictive one counts.
_RESTRICTION = {"granted": 0, "pending": 1, "denied": 2, "withdrawn": 3}
_NO_TIME = timedelta(0)
_SAID = (
    "consent_state", "method", "opt_in_level", "notice", "jurisdiction", "legal_basis",
    "evidence_ref", "expires_at",
)  # fmt: skip
"""What a decision says, beside what it is about and when."""
BY_DEFAULT, WITH_TIME, WITH_EVIDENCE = 0, 1, 2
"""How well a grant is proven: with a time that we assumed, with a stated time, with evidence."""

ConsentKey = tuple[str, str, str]
"""Type, channel and contact point in the form in which they are compared. An empty channel or
contact point stands for all."""


@dataclass(frozen=True, slots=True)
class Said:
    """A decision, the time from which it counts, and the customer for whom it was recorded. The
    time is that of the decision; for a refusal that went through a merge, that of the merge."""

    decision: ConsentDecisionRecord
    at: datetime
    side: str


def key_of(decision: ConsentDecisionRecord) -> ConsentKey:
    """Returns what a decision is about: the type, the channel and the contact point."""
    point = normal_contact_point(decision.contact_point or "")
    return decision.consent_type.upper(), (decision.channel or "").upper(), point


def is_refusal(decision: ConsentDecisionRecord) -> bool:
    return decision.consent_state in REFUSALS


def is_grant(decision: ConsentDecisionRecord) -> bool:
    return decision.consent_state == "granted"


def proof_of(decision: ConsentDecisionRecord) -> int:
    """Returns how well the decision is proven. Evidence is a stated time, a method, and the notice
    or a reference to the evidence."""
    if not decision.time_stated:
        return BY_DEFAULT
    shown = decision.notice is not None or decision.evidence_ref is not None
    return WITH_EVIDENCE if decision.method is not None and shown else WITH_TIME


def as_said(decisions: Iterable[ConsentDecisionRecord]) -> list[Said]:
    return [Said(one, one.effective_at, one.customer_guid) for one in decisions]


def counting(said: Iterable[Said]) -> dict[ConsentKey, Said]:
    """Returns what counts for each key: the latest, on a tie the most restrictive. A grant without
    evidence never counts where the key has an earlier refusal, even with a pending one between."""
    return {key: counting_of(found) for key, found in by_key(said).items()}


def by_key(said: Iterable[Said]) -> dict[ConsentKey, list[Said]]:
    """Returns what was said about each key."""
    found: dict[ConsentKey, list[Said]] = {}
    for one in said:
        found.setdefault(key_of(one.decision), []).append(one)
    return found


def counting_of(said: list[Said]) -> Said:
    """Returns what counts of all that was said about one key."""
    refused = any(is_refusal(one.decision) for one in said)

    def may_count(one: Said) -> bool:
        # A refusal that is not earlier than the grant outranks it anyway.
        proven = proof_of(one.decision) == WITH_EVIDENCE
        return not (refused and is_grant(one.decision) and not proven)

    return max(filter(may_count, said), key=lambda one: (one.at, _rank(one.decision)))


def current(
    decisions: Iterable[ConsentDecisionRecord],
) -> dict[ConsentKey, ConsentDecisionRecord]:
    """Returns the decision that counts for each key of one customer."""
    return {key: one.decision for key, one in counting(as_said(decisions)).items()}


def counts(decision: ConsentDecisionRecord, said: list[Said]) -> bool:
    """Returns whether this decision is the one that counts, of all that was said about its key."""
    return counting_of(said).decision.decision_id == decision.decision_id


def not_applied(decision: ConsentDecisionRecord, said: Iterable[Said]) -> str:
    """Returns why a decision does not count among all that was said about its key."""
    lacks = is_grant(decision) and proof_of(decision) < WITH_EVIDENCE
    at = decision.effective_at
    refusals = [one for one in said if is_refusal(one.decision)]
    # Evidence would make a difference only where nothing else is as late as the grant.
    if lacks and refusals and all(one.at < at for one in refusals):
        return "evidence-required"
    return "older"


# ---------------------------------------------------------------- what is kept of a key


def decisive(decisions: Iterable[ConsentDecisionRecord]) -> list[ConsentDecisionRecord]:
    """Returns the few decisions of one key that decide, whatever decisions may still come: the
    greatest of each kind. No other one can ever count."""
    greatest: dict[tuple[str, int], ConsentDecisionRecord] = {}
    for one in decisions:
        kind = _kind(one)
        if kind not in greatest or _order(one) > _order(greatest[kind]):
            greatest[kind] = one
    return sorted(greatest.values(), key=_order, reverse=True)


def with_decisions(
    record: ConsentCurrentRecord | None, new: Iterable[ConsentDecisionRecord]
) -> ConsentCurrentRecord:
    """Returns the record of a key with further decisions about it."""
    known = [] if record is None else decisions_of(record)
    kept = decisive([*known, *new])
    (counts,) = current(kept).values()
    others = tuple(one for one in kept if one is not counts)
    if record is None:
        return ConsentCurrentRecord(decision=counts, others=others)
    return replace(record, decision=counts, others=others, revision=record.revision + 1)


def decisions_of(record: ConsentCurrentRecord) -> list[ConsentDecisionRecord]:
    return [record.decision, *record.others]


def changes_nothing(new: ConsentDecisionRecord, now: Said, said: Iterable[Said]) -> bool:
    """Returns whether a decision says only what counts for its key ``now``: the same, without a
    later time of its own. A refusal is no mere repeat where a grant has come since that it would
    overrule."""
    if any(getattr(new, name) != getattr(now.decision, name) for name in _SAID):
        return False
    if new.time_stated and new.effective_at > now.at:
        return False
    about = key_of(new)
    return not is_refusal(new) or not any(
        is_grant(one.decision) and one.at > now.at and covers(about, key_of(one.decision))
        for one in said
    )


def covers(wide: ConsentKey, narrow: ConsentKey) -> bool:
    """Returns whether a refusal of one key is also a refusal of the other: an absent channel or
    contact point stands for all."""
    return wide[0] == narrow[0] and all(
        one in ("", other) for one, other in zip(wide[1:], narrow[1:], strict=True)
    )


# ---------------------------------------------------------------- the order of decisions


def _kind(decision: ConsentDecisionRecord) -> tuple[str, int]:
    if is_refusal(decision):
        return "refusal", 0
    return decision.consent_state, proof_of(decision) if is_grant(decision) else 0


def _order(decision: ConsentDecisionRecord) -> tuple[datetime, tuple[object, ...]]:
    return decision.effective_at, _rank(decision)


def _rank(decision: ConsentDecisionRecord) -> tuple[object, ...]:
    """Returns what decides between decisions of one moment: the restriction, then the earlier end,
    then anything that does not depend on the order of arrival."""
    ends = decision.expires_at
    left = _NO_TIME if ends is None else datetime.max.replace(tzinfo=ends.tzinfo) - ends
    words = tuple(str(getattr(decision, name) or "") for name in _SAID)
    restriction = _RESTRICTION.get(decision.consent_state, len(_RESTRICTION))
    return restriction, left, proof_of(decision), words, decision.decision_id

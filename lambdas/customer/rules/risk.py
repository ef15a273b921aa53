"""The risk of a customer: the summary of flags and holds, and what it blocks. Values in, values
out.

Every change of a flag or a hold changes the summary, and the customer's state is derived from it.
Times that have passed are dropped with the next change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from lambdas.customer.models.risk_records import (
    ActionDenial,
    CustomerRiskRecord,
    FlagRecord,
    OpenFlag,
    PendingHold,
)
from shared.customer_state import BLOCK, EXPIRED, CustomerStateRecord
from shared.errors import InvalidState

ENFORCED = (
    "loyalty.redeem",
    "loyalty.adjust",
    "giftcard.redeem",
    "customer.merge",
    "subscription.create",
)
"""The action types whose routes refuse a customer under a hold, a denial or a ``block`` flag."""
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
OPEN_FLAGS, PENDING_HOLDS = 50, 50
"""How many open flags and pending holds one customer may have."""
TRUSTED, CHARGEBACK, LEGAL_HOLD = "trusted", "chargeback", "legal_hold"
DENIED, REJECTED = "denied", "rejected"
"""Why an action is refused: an assessment denied it, or a person rejected its hold."""


class TooManyOpenFlags(InvalidState):
    message = f"A customer has at most {OPEN_FLAGS} open flags; resolve some of them first."


class TooManyPendingHolds(InvalidState):
    message = f"A customer has at most {PENDING_HOLDS} pending holds; resolve some of them first."


def no_risk(customer_guid: str) -> CustomerRiskRecord:
    """Returns the summary of a customer who has none yet. Its revision is 0."""
    return CustomerRiskRecord(customer_guid=customer_guid, revision=0)


def folded(code: str) -> str:
    """Returns a flag type or an action type in the form in which they are compared."""
    return code.lower()


def settled(risk: CustomerRiskRecord, now: datetime) -> CustomerRiskRecord:
    """Returns the summary without the flags and holds that have expired. A hold without an order
    that nobody approved in time refuses its action from then on."""
    pending = tuple(hold for hold in risk.holds if hold.expires_at > now)
    if len(pending) == len(risk.holds) and all(_is_open(flag, now) for flag in risk.flags):
        return risk
    denials = {denial.action: denial for denial in risk.denials}
    for hold in risk.holds:
        if hold not in pending and hold.order is None and hold.rejects and hold.action in ENFORCED:
            denials.setdefault(hold.action, ActionDenial(hold.action, hold.since, EXPIRED))
    return replace(
        risk,
        flags=tuple(flag for flag in risk.flags if _is_open(flag, now)),
        holds=pending,
        denials=tuple(denials.values()),
    )


def _is_open(flag: OpenFlag, now: datetime) -> bool:
    return flag.expires_at is None or flag.expires_at > now


# ---------------------------------------------------------------- changes


def with_flag(risk: CustomerRiskRecord, flag: FlagRecord, now: datetime) -> CustomerRiskRecord:
    """Returns the summary after a flag was set. Raises 409 where the customer has too many open
    flags. A void flag stays void as long as it is open."""
    before = settled(risk, now)
    kind = folded(flag.flag_type)
    places = [n for n, known in enumerate(before.flags) if known.flag_id == flag.flag_id]
    flags = [known for known in before.flags if known.flag_id != flag.flag_id]
    if flag.status == "open":
        void = any(before.flags[n].void for n in places)
        entry = OpenFlag(flag.flag_id, kind, flag.severity, flag.expires_at, void)
        if _is_open(entry, now):
            flags.insert(places[0] if places else len(flags), entry)
            _ensure_bounds(flags, before.holds, grew=not places)
    chargeback = risk.chargeback or kind == CHARGEBACK
    return _changed(risk, replace(before, flags=tuple(flags), chargeback=chargeback))


def with_hold(risk: CustomerRiskRecord, hold: PendingHold, now: datetime) -> CustomerRiskRecord:
    """Returns the summary with a new pending hold. Raises 409 where there are too many."""
    before = settled(risk, now)
    holds = (*before.holds, hold)
    _ensure_bounds(before.flags, holds, grew=True)
    return _changed(risk, replace(before, holds=holds))


def without_hold(
    risk: CustomerRiskRecord, hold_id: str, action: str, now: datetime, denial: str | None
) -> CustomerRiskRecord:
    """Returns the summary after a hold was resolved. ``denial``: for a hold without an order, what
    the resolution says of the action: ``REJECTED`` denies it, an empty text allows it."""
    before = settled(risk, now)
    after = replace(before, holds=tuple(h for h in before.holds if h.hold_id != hold_id))
    if denial is not None:
        after = _with_denial(after, action, denial, now)
    return _changed(risk, after)


def with_decision(
    risk: CustomerRiskRecord, action: str, decision: str, now: datetime, *, for_order: bool
) -> CustomerRiskRecord:
    """Returns the summary after an assessment. A denial without an order refuses the action; any
    later ``allow`` of the action ends that."""
    before = settled(risk, now)
    if decision == "allow":
        return _changed(risk, _with_denial(before, action, "", now))
    if decision == "deny" and not for_order:
        return _changed(risk, _with_denial(before, action, DENIED, now))
    return risk


def _with_denial(
    risk: CustomerRiskRecord, action: str, reason: str, now: datetime
) -> CustomerRiskRecord:
    """Returns the summary in which the action is denied, or (without a reason) is not."""
    others = tuple(denial for denial in risk.denials if denial.action != action)
    if reason and action in ENFORCED:
        others = (*others, ActionDenial(action, now, reason))
    return replace(risk, denials=others)


def _changed(before: CustomerRiskRecord, after: CustomerRiskRecord) -> CustomerRiskRecord:
    """Returns the next revision, or the very same object where nothing changed."""
    return before if after == before else replace(after, revision=before.revision + 1)


def _ensure_bounds(flags: Iterable[OpenFlag], holds: Iterable[PendingHold], *, grew: bool) -> None:
    """``grew``: what is already there beyond a bound is no reason to refuse another change."""
    if grew and len(tuple(flags)) > OPEN_FLAGS:
        raise TooManyOpenFlags(detail={"reason": "too-many-open-flags", "limit": OPEN_FLAGS})
    if grew and len(tuple(holds)) > PENDING_HOLDS:
        detail = {"reason": "too-many-pending-holds", "limit": PENDING_HOLDS}
        raise TooManyPendingHolds(detail=detail)


# ---------------------------------------------------------------- what it says


@dataclass(frozen=True, slots=True)
class FlagCounts:
    """How many flags are open: by type, and of all other types by severity. A flag of critical
    severity counts as such, whatever its type."""

    block: int
    critical: int
    trusted: int
    low: int
    medium: int
    high: int


def flag_counts(risk: CustomerRiskRecord, now: datetime) -> FlagCounts:
    flags = settled(risk, now).flags
    special = (BLOCK, TRUSTED, CHARGEBACK, LEGAL_HOLD)
    others = [flag.severity for flag in flags if flag.flag_type not in special]
    return FlagCounts(
        block=sum(flag.flag_type == BLOCK for flag in flags),
        critical=sum(flag.severity == "critical" for flag in flags),
        trusted=sum(flag.flag_type == TRUSTED and not flag.void for flag in flags),
        low=others.count("low"),
        medium=others.count("medium"),
        high=others.count("high"),
    )


def pending_for(
    risk: CustomerRiskRecord, action: str, order: str | None, now: datetime
) -> tuple[PendingHold | None, int]:
    """Returns the pending hold of an action for this very order, or without one, if there is one;
    and how many pending holds of the action are about something else."""
    holds = [hold for hold in settled(risk, now).holds if hold.action == action]
    own = next((hold for hold in holds if hold.order == order), None)
    return own, sum(hold.order != order for hold in holds)


def with_risk(
    state: CustomerStateRecord, risk: CustomerRiskRecord, now: datetime
) -> CustomerStateRecord:
    """Returns the state with what the summary blocks; the very same object where that is the
    same."""
    after = replace(state, **blocking(risk, now))
    return state if after == state else replace(after, revision=state.revision + 1)


def blocking(risk: CustomerRiskRecord, now: datetime) -> dict[str, Any]:
    """Returns the fields of the customer's state that the summary decides. They say what holds at
    ``now`` and at every later time, as long as nothing else changes."""
    risk = settled(risk, now)
    barred = _stands_until(risk, BLOCK)
    fields: dict[str, dict[str, Any]] = {
        "blocked": {},
        "blocked_by": {},
        "held_until": {},
        "denied_at": {},
    }
    for action in ENFORCED:
        holds = [hold for hold in risk.holds if hold.action == action]
        denial = next((denial for denial in risk.denials if denial.action == action), None)
        lasting = denial is not None or any(h.order is None and h.rejects for h in holds)
        ends = [hold.expires_at for hold in holds]
        ends += [FOREVER] if lasting else []
        ends += [barred] if barred else []
        if not ends:
            continue
        fields["blocked"][action] = max(ends)
        fields["blocked_by"][action] = BLOCK
        if denial is not None and denial.reason != EXPIRED:
            fields["blocked_by"][action] = denial.reason
            fields["denied_at"][action] = denial.at
        elif holds:
            last = max(holds, key=lambda hold: hold.expires_at)
            fields["blocked_by"][action] = last.hold_id
            fields["held_until"][action] = last.expires_at
        elif denial is not None:
            fields["blocked_by"][action] = EXPIRED
    return {
        **fields,
        "barred_until": barred,
        "legal_hold_until": _stands_until(risk, LEGAL_HOLD),
    }


def _stands_until(risk: CustomerRiskRecord, flag_type: str) -> datetime | None:
    ends = [flag.expires_at or FOREVER for flag in risk.flags if flag.flag_type == flag_type]
    return max(ends, default=None)


# ---------------------------------------------------------------- merged customers


def combined(
    target: CustomerRiskRecord, source: CustomerRiskRecord, now: datetime
) -> CustomerRiskRecord:
    """Returns the summary of a customer into whom another one is merged: the union. A ``trusted``
    flag counts only if both have one. Raises ``TooManyOpenFlags`` or ``TooManyPendingHolds`` where
    the union is beyond the bounds. ``no_risk`` stands for a customer without a summary."""
    one, two = settled(target, now), settled(source, now)
    flags = (*one.flags, *two.flags)
    if not (flag_counts(one, now).trusted and flag_counts(two, now).trusted):
        flags = tuple(replace(f, void=True) if f.flag_type == TRUSTED else f for f in flags)
    holds = (*one.holds, *two.holds)
    _ensure_bounds(flags, holds, grew=True)
    denials: dict[str, ActionDenial] = {}
    # What somebody said outranks what merely expired; of the former the later one stays.
    for denial in sorted((*one.denials, *two.denials), key=lambda d: (d.reason != EXPIRED, d.at)):
        denials[denial.action] = denial
    after = replace(
        one,
        flags=flags,
        holds=holds,
        denials=tuple(denials.values()),
        chargeback=one.chargeback or two.chargeback,
    )
    return _changed(target, after)

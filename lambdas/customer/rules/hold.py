"""Holds: what they are at a time, how they are resolved, and what is said of their order. Values
in, values out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from lambdas.customer.models.risk_records import HoldRecord, PendingHold
from lambdas.customer.rules.risk import DENIED, REJECTED
from shared.codec import shown_value
from shared.customer_state import EXPIRED, OrderHoldRecord
from shared.errors import InvalidState
from shared.states import next_revision, require_step, steps

STEPS = steps(
    {
        "pending": "approved rejected cancelled",
        "expired": "approved",
        "approved": "",
        "rejected": "",
        "cancelled": "",
    }
)
REJECT = "reject"
"""The setting under which an expired hold counts as rejected."""


def status_at(hold: HoldRecord, now: datetime) -> str:
    """Returns the status at a time: nothing marks a hold that expires."""
    return "expired" if hold.status == "pending" and hold.expires_at <= now else hold.status


def is_repeat(hold: HoldRecord, resolution: str) -> bool:
    """Whether the hold was resolved like this before."""
    return hold.resolution == resolution


def resolved(hold: HoldRecord, resolution: str, now: datetime, **how: Any) -> HoldRecord:
    """Returns the resolved hold. ``how``: who resolved it, and why. Raises 409 where it was
    resolved otherwise before, with that resolution, or where it has expired and is not approved."""
    if hold.resolution is not None:
        first = {
            "resolution": hold.resolution,
            "resolved_by": hold.resolved_by,
            "resolved_at": shown_value(hold.resolved_at),
        }
        raise InvalidState(
            "The hold was resolved before; detail has the resolution.",
            detail={"state": hold.status, "allowed": [], **first},
        )
    require_step(STEPS, status_at(hold, now), resolution)
    return next_revision(
        hold, now, status=resolution, resolution=resolution, resolved_at=now, **how
    )


def denial_of(resolution: str) -> str | None:
    """Returns what a resolution of a hold without an order says of the action: why it is denied, an
    empty text where it is allowed, None where it says neither."""
    return {"approved": "", "rejected": REJECTED}.get(resolution)


# ---------------------------------------------------------------- what is said of an order


def said_by_decision(
    last: OrderHoldRecord | None,
    decision: str,
    hold: PendingHold | None,
    now: datetime,
    word_id: str,
) -> OrderHoldRecord | None:
    """Returns what an assessment says of its order, or None where nothing changes. ``last`` is what
    was said before; ``hold`` is the order's pending hold, an older one or that of this review.

    A person's rejection, and a hold that nobody approved in time, stand until an approval. A denial
    stands until the next assessment of the order."""
    if last is not None and last.refuses(now) and last.reason != DENIED:
        return None
    word = OrderHoldRecord(word_id=word_id, said_at=now)
    if decision == "deny":
        return replace(word, refused_from=now, reason=DENIED)
    if hold is not None and hold.rejects:
        if last is not None and last.hold_id == hold.hold_id:
            return None
        return replace(word, refused_from=hold.expires_at, reason=EXPIRED, hold_id=hold.hold_id)
    return word if last is not None and last.reason == DENIED else None


def said_by_resolution(hold: HoldRecord, now: datetime, word_id: str) -> OrderHoldRecord:
    """Returns what an approval or a rejection says of the hold's order."""
    word = OrderHoldRecord(word_id=word_id, said_at=now)
    if hold.resolution == "approved":
        return replace(word, approved_at=now, assessment_id=hold.assessment_id)
    return replace(word, refused_from=now, reason=REJECTED)

"""What may happen to a notification. Values in, values out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lambdas.inbox.models.records import NotificationRecord
from shared.errors import Forbidden, InvalidInput, InvalidState
from shared.states import next_revision, require_step, steps, with_status

STATUS_STEPS = steps({"inbox": "archived deleted", "archived": "inbox deleted", "deleted": ""})
STATE_STEPS = steps(
    {
        "pending": "claimed done dismissed",
        "claimed": "pending done dismissed",
        "done": "pending",
        "dismissed": "pending",
    }
)
RANKS = {"low": 0, "normal": 1, "high": 2, "urgent": 3}


def is_snoozed(snoozed_until: datetime | None, now: datetime) -> bool:
    return snoozed_until is not None and snoozed_until > now


def repeated(note: NotificationRecord, priority: str, now: datetime) -> NotificationRecord:
    """Returns a living notification that was created once more: counted up, awake, and with the
    higher of both priorities."""
    higher = max(note.priority, priority, key=RANKS.__getitem__)
    return next_revision(
        note, now, occurrences=note.occurrences + 1, priority=higher, snoozed_until=None
    )


def is_claimed_again(note: NotificationRecord, state: str, actor: str) -> bool:
    """Whether the holder claims what it has."""
    return state == note.state == "claimed" and note.claimed_by == actor


def is_unchanged(note: NotificationRecord, state: str, snoozed_until: datetime | None) -> bool:
    """Whether the notification has the state already, and sleeps just as long. To claim what is
    claimed is another question: who has it."""
    return state == note.state != "claimed" and snoozed_until == note.snoozed_until


def in_state(
    note: NotificationRecord,
    state: str,
    snoozed_until: datetime | None,
    actor: str,
    now: datetime,
    *,
    manages: bool,
) -> NotificationRecord:
    """Returns the notification in the state; the very same object where nothing changes, wherever
    it lies. Raises 409 outside of the inbox, for a step that is not allowed, and with who has
    claimed it; 403 where another one has."""
    if note.state == "claimed" and state != "claimed" and not (manages or note.claimed_by == actor):
        raise Forbidden("Only the holder or crm_manage may release or finish a notification.")
    if is_unchanged(note, state, snoozed_until):
        return note
    if note.status != "inbox":
        raise InvalidState(
            "The state changes in the inbox only.", detail={"state": note.status, "allowed": []}
        )
    if state == note.state == "claimed":
        raise InvalidState(
            "Somebody else has claimed it.",
            detail={"state": note.state, "claimed_by": note.claimed_by, "allowed": []},
        )
    require_step(STATE_STEPS, note.state, state)
    if snoozed_until is not None and snoozed_until <= now:
        raise InvalidInput.of("snoozed_until", "must lie ahead", "past")
    claims: dict[str, dict[str, Any]] = {
        "pending": {"claimed_by": None, "claimed_at": None},
        "claimed": {"claimed_by": actor, "claimed_at": now},
    }
    claim = claims.get(state, {})
    return next_revision(note, now, state=state, snoozed_until=snoozed_until, **claim)


def in_status(note: NotificationRecord, status: str, now: datetime) -> NotificationRecord:
    """Returns the notification with the status; the very same object where it has it."""
    return with_status(note, STATUS_STEPS, status, now)

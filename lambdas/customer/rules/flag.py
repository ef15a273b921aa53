"""Flags: what they are at a time, and what a change makes of them. Values in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lambdas.customer.models.risk_records import FlagRecord
from lambdas.customer.rules.risk import folded
from shared.errors import InvalidInput
from shared.states import with_changes


def status_at(flag: FlagRecord, now: datetime) -> str:
    """Returns the status at a time: an open flag that has expired counts as resolved."""
    expired = flag.expires_at is not None and flag.expires_at <= now
    return "resolved" if flag.status == "open" and expired else flag.status


def changed(
    flag: FlagRecord,
    flag_type: str,
    changes: Mapping[str, Any],
    why: Mapping[str, Any],
    now: datetime,
) -> FlagRecord:
    """Returns the flag with the changes, or the very same object where nothing changes. ``why`` is
    kept with a change. Raises 400 where the flag is of another type."""
    if folded(flag_type) != folded(flag.flag_type):
        raise InvalidInput.of("flag.flag_type", "must be the flag's own type: it never changes")
    if with_changes(flag, changes, now) is flag:
        return flag
    return with_changes(flag, {**changes, **why}, now)

"""The next state of a record. State machines as data: which steps a record may take, and the one
refusal of all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from shared.errors import InvalidState

Steps = Mapping[str, frozenset[str]]


def steps(table: Mapping[str, str]) -> Steps:
    """Returns a machine from ``{state: "next states, separated by spaces"}``. A state without any
    is final."""
    return {state: frozenset(after.split()) for state, after in table.items()}


def advance(machine: Steps, state: str, to: str) -> bool:
    """Returns whether the step changes anything. 409 for a step that is not allowed, with the state
    and what is allowed from it."""
    if state == to:
        return False
    allowed = machine.get(state, frozenset())
    if to not in allowed:
        raise InvalidState(detail={"state": state, "allowed": sorted(allowed)})
    return True


class Revised(Protocol):
    """A stored record that counts its changes and says when the last one was."""

    @property
    def revision(self) -> int: ...


class InStatus(Revised, Protocol):
    """A stored record that has one of the states of a machine."""

    @property
    def status(self) -> str: ...


R = TypeVar("R", bound=Revised)
S = TypeVar("S", bound=InStatus)


def next_revision(record: R, now: datetime, **changes: Any) -> R:
    """Returns the record with the changes, at its next revision."""
    made: Any = record
    after: R = replace(made, **changes, revision=record.revision + 1, updated_at=now)
    return after


def with_changes(record: R, changes: Mapping[str, Any], now: datetime) -> R:
    """Returns the record with the changes, where ``None`` clears a field. Returns the very same
    object where they change nothing."""
    made: Any = record
    cleared = {f.name: f.default for f in fields(made)}
    after: R = replace(made, **{k: cleared[k] if v is None else v for k, v in changes.items()})
    return record if after == record else next_revision(after, now)


def with_status(record: S, machine: Steps, status: str, now: datetime) -> S:
    """Returns the record in the status; the very same object where it has it already. Refuses a
    step that the machine does not allow."""
    is_step = advance(machine, record.status, status)
    return next_revision(record, now, status=status) if is_step else record

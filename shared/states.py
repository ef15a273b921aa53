"""The next state of a record. State machines are data: they list the steps that a record may take.
Every other step is refused in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from shared.errors import InvalidState

Steps = Mapping[str, frozenset[str]]


def steps(table: Mapping[str, str]) -> Steps:
    """Returns a machine from ``{state: "next states, separated by spaces"}``. A state without next
    states is final."""
    return {state: frozenset(after.split()) for state, after in table.items()}


def require_step(machine: Steps, state: str, to: str) -> None:
    """Raises 409 where the machine does not allow the step, with the allowed ones. A step to the
    same state is always allowed, because it changes nothing."""
    allowed = machine.get(state, frozenset())
    if state != to and to not in allowed:
        raise InvalidState(detail={"state": state, "allowed": sorted(allowed)})


class Revised(Protocol):
    """A stored record that counts its changes."""

    @property
    def revision(self) -> int: ...


class InStatus(Revised, Protocol):
    """A stored record whose ``status`` is a state of a machine."""

    @property
    def status(self) -> str: ...


R = TypeVar("R", bound=Revised)
S = TypeVar("S", bound=InStatus)


def next_revision(record: R, now: datetime, **changes: Any) -> R:
    """Returns the record with the changes and its next revision."""
    made: Any = record
    after: R = replace(made, **changes, revision=record.revision + 1, updated_at=now)
    return after


def with_changes(record: R, changes: Mapping[str, Any], now: datetime) -> R:
    """Returns the record with the changes. ``None`` clears a field. Returns the same object where
    nothing changes, so that callers can compare with ``is``."""
    made: Any = record
    cleared = {f.name: f.default for f in fields(made)}
    after: R = replace(made, **{k: cleared[k] if v is None else v for k, v in changes.items()})
    return record if after == record else next_revision(after, now)


def with_status(record: S, machine: Steps, status: str, now: datetime) -> S:
    """Returns the record with the status; the same object where it has that status already. Raises
    409 for a step that the machine does not allow."""
    require_step(machine, record.status, status)
    return record if record.status == status else next_revision(record, now, status=status)

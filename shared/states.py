"""State machines as data: which steps a record may take, and the one refusal of all others."""

from __future__ import annotations

from collections.abc import Mapping

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

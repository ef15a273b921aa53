"""State machines as data: which steps a record may take, and the one refusal of all others."""

from __future__ import annotations

from collections.abc import Mapping

from shared.errors import InvalidState

Steps = Mapping[str, frozenset[str]]


def steps(table: Mapping[str, str]) -> Steps:
    """A machine from ``{state: "next states in words"}``; a state with none is an end."""
    return {state: frozenset(after.split()) for state, after in table.items()}


def advance(machine: Steps, state: str, to: str) -> bool:
    """Whether the step changes anything. A step that is not allowed is refused, with the state and
    what is allowed from it."""
    if state == to:
        return False
    allowed = machine.get(state, frozenset())
    if to not in allowed:
        raise InvalidState(detail={"state": state, "allowed": sorted(allowed)})
    return True

"""What a transaction is made of: writes, each with its condition and what its failure means.

A failed condition means a refusal, an answer that was already given, or (nothing) that the decision
is made again with the current item, which the failure brings along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.codec import Item, R, Wire, decode, item_wire
from shared.errors import ApiError
from shared.keys import PARTITION, SORT, Key


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on the item that is there; ``names`` and ``values`` as DynamoDB wants them."""

    expression: str
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Wire] = field(default_factory=dict)


ABSENT = Condition(f"attribute_not_exists({PARTITION})")


def at_revision(revision: int) -> Condition:
    """The item is still the one that was read."""
    return Condition("#r = :r", {"#r": "revision"}, {":r": {"N": str(revision)}})


def absent_or_before(attribute: str, moment: str) -> Condition:
    """Nothing is there, or what is there ended before ``moment`` (both in stored form)."""
    return Condition(
        f"attribute_not_exists({PARTITION}) OR #e < :e", {"#e": attribute}, {":e": {"S": moment}}
    )


OnFailure = ApiError | Callable[["CurrentItem"], Any] | None
"""What a failed condition means: this refusal; what the function makes of the current item (a
refusal or an answer); or (None, or a function that returns None) to decide again."""


@dataclass(frozen=True, slots=True)
class Put:
    """A new record where nothing is (or where ``condition`` holds; None: wherever)."""

    item: Item[Any]
    unless_exists: OnFailure = None
    condition: Condition | None = ABSENT
    events: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """The record's next state, while it is still at the revision that was read."""

    item: Item[Any]
    if_revision: int
    on_failure: OnFailure = None
    events: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Delete:
    key: Key
    condition: Condition | None = None
    on_failure: OnFailure = None


@dataclass(frozen=True, slots=True)
class Check:
    """A record that the write only depends on."""

    key: Key
    condition: Condition
    on_failure: OnFailure = None


@dataclass(frozen=True, slots=True)
class Touch:
    """Attributes to set on a record that stays at its revision, while the condition holds."""

    key: Key
    values: Mapping[str, Wire]
    condition: Condition
    on_failure: OnFailure = None


Write = Put | Update | Delete | Check | Touch


@dataclass(frozen=True, slots=True)
class CurrentItem:
    """What lies where a condition failed; ``wire`` is None where nothing is there."""

    wire: Wire | None

    def record(self, cls: type[R]) -> R | None:
        return None if self.wire is None else decode(cls, self.wire)


def action(write: Write, table_name: str, change_id: str) -> dict[str, Any]:
    """Returns the write as DynamoDB wants it; a failed condition brings the item that is there."""
    if isinstance(write, Put | Update):
        condition = at_revision(write.if_revision) if isinstance(write, Update) else write.condition
        wire = item_wire(write.item, change_id, list(write.events))
        return {"Put": _conditioned({"TableName": table_name, "Item": wire}, condition)}
    place = {
        "TableName": table_name,
        "Key": {PARTITION: {"S": write.key[0]}, SORT: {"S": write.key[1]}},
    }
    if isinstance(write, Touch):
        condition = write.condition
        names = {f"#t{n}": name for n, name in enumerate(write.values)}
        values = {f":t{n}": value for n, value in enumerate(write.values.values())}
        place["UpdateExpression"] = "SET " + ", ".join(f"#t{n} = :t{n}" for n in range(len(names)))
        both = Condition(
            condition.expression, {**condition.names, **names}, {**condition.values, **values}
        )
        return {"Update": _conditioned(place, both)}
    verb = "Delete" if isinstance(write, Delete) else "ConditionCheck"
    return {verb: _conditioned(place, write.condition)}


def _conditioned(action: dict[str, Any], condition: Condition | None) -> dict[str, Any]:
    if condition is None:
        return action
    action["ConditionExpression"] = condition.expression
    action["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if condition.names:
        action["ExpressionAttributeNames"] = dict(condition.names)
    if condition.values:
        action["ExpressionAttributeValues"] = dict(condition.values)
    return action


def failure_of(write: Write) -> OnFailure:
    """Returns what the failure of the write's condition means."""
    return write.unless_exists if isinstance(write, Put) else write.on_failure


def key_written(write: Write) -> Key:
    """Returns where a write takes place."""
    return write.item.key if isinstance(write, Put | Update) else write.key

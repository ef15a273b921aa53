"""The writes of a transaction. Each has its condition, and says what to do where that fails.

A failed condition leads to an error, to the answer that was given before, or to a new decision. The
new decision uses the current item, which the database returns with the failure.
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
    """A condition on the current item, with the names and values in DynamoDB's own form."""

    expression: str
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Wire] = field(default_factory=dict)


ABSENT = Condition(f"attribute_not_exists({PARTITION})")


def at_revision(revision: int) -> Condition:
    """Returns the condition that the item has not changed since it was read."""
    return Condition("#r = :r", {"#r": "revision"}, {":r": {"N": str(revision)}})


def absent_or_before(attribute: str, moment: str) -> Condition:
    """Returns the condition that there is no item, or that its ``attribute`` is a time before
    ``moment`` (both in stored form)."""
    return Condition(
        f"attribute_not_exists({PARTITION}) OR #e < :e", {"#e": attribute}, {":e": {"S": moment}}
    )


OnFailure = ApiError | Callable[["CurrentItem"], Any] | None
"""What to do where a condition fails: raise this error, or take what the function returns for the
current item (an error or an answer). None, from either, means: decide again."""


@dataclass(frozen=True, slots=True)
class Put:
    """Writes a record where there is none, or where another ``condition`` holds (None: always)."""

    item: Item[Any]
    unless_exists: OnFailure = None
    condition: Condition | None = ABSENT
    events: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """Writes the next state of a record, if it is still at the revision that was read."""

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
    """A condition on a record that the transaction does not write."""

    key: Key
    condition: Condition
    on_failure: OnFailure = None


@dataclass(frozen=True, slots=True)
class Touch:
    """Sets attributes of a record if the condition holds. The revision stays as it is."""

    key: Key
    values: Mapping[str, Wire]
    condition: Condition
    on_failure: OnFailure = None


@dataclass(frozen=True, slots=True)
class Count:
    """Adds one to a number of a record, whatever the number is. ``item`` is the record as it is
    made where there is none: with one counted. It has no condition, and no revision."""

    item: Item[Any]
    number: str


Write = Put | Update | Delete | Check | Touch | Count


@dataclass(frozen=True, slots=True)
class CurrentItem:
    """The item on which a condition failed; ``wire`` is None where there is no item."""

    wire: Wire | None

    def record(self, cls: type[R]) -> R | None:
        return None if self.wire is None else decode(cls, self.wire)


def action(write: Write, table_name: str, change_id: str) -> dict[str, Any]:
    """Returns the write in DynamoDB's own form. It asks for the current item where the condition
    fails."""
    if isinstance(write, Put | Update):
        condition = at_revision(write.if_revision) if isinstance(write, Update) else write.condition
        wire = item_wire(write.item, change_id, list(write.events))
        return {"Put": _conditioned({"TableName": table_name, "Item": wire}, condition)}
    key = key_written(write)
    place = {
        "TableName": table_name,
        "Key": {PARTITION: {"S": key[0]}, SORT: {"S": key[1]}},
    }
    if isinstance(write, Count):
        wire = item_wire(write.item, change_id, [])
        one = wire.pop(write.number)
        rest = {name: wire[name] for name in wire if name not in (PARTITION, SORT)}
        text, names, values = _setting(rest)
        place["UpdateExpression"] = f"{text} ADD #n :n"
        place["ExpressionAttributeNames"] = {**names, "#n": write.number}
        place["ExpressionAttributeValues"] = {**values, ":n": one}
        return {"Update": place}
    if isinstance(write, Touch):
        condition = write.condition
        place["UpdateExpression"], names, values = _setting(write.values)
        both = Condition(
            condition.expression, {**condition.names, **names}, {**condition.values, **values}
        )
        return {"Update": _conditioned(place, both)}
    verb = "Delete" if isinstance(write, Delete) else "ConditionCheck"
    return {verb: _conditioned(place, write.condition)}


def _setting(attributes: Mapping[str, Wire]) -> tuple[str, dict[str, str], dict[str, Wire]]:
    """Returns an expression that sets attributes, with its names and values."""
    names = {f"#t{n}": name for n, name in enumerate(attributes)}
    values = {f":t{n}": value for n, value in enumerate(attributes.values())}
    return "SET " + ", ".join(f"#t{n} = :t{n}" for n in range(len(names))), names, values


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
    """Returns what to do where the condition of the write fails."""
    if isinstance(write, Count):
        return None
    return write.unless_exists if isinstance(write, Put) else write.on_failure


def key_written(write: Write) -> Key:
    """Returns the key of the record that the write is about."""
    return write.item.key if isinstance(write, Put | Update | Count) else write.key

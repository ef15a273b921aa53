"""The state of a customer: one small record, which every write for the customer checks.

Here lies what a family that is not the customers' own may ask and demand of a customer: whether
there is one, which customer it is by now, and the guard. Nothing is written to a customer who is
being erased, was merged away, or is blocked. The profile, and whoever changes the state, are the
customers' own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import ClassVar

from shared.codec import Item, Wire
from shared.errors import ApiError, Busy, HoldPending, InvalidState, NotFound
from shared.fields import instant_text
from shared.keys import Keys
from shared.marks import Id, Word
from shared.records import Get, Records
from shared.writes import Check, Condition, Put, Touch, Write, at_revision

HOLD = "hold_"
"""What the id of a hold begins with; any other cause of a block is a reason in one word."""
WRITABLE = ("active", "inactive")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerStateRecord:
    """What others must know of a customer. ``blocked``: until when an action type is refused, and
    ``blocked_by``: the hold's id or the reason. ``job_kind``: ``delete`` or ``anonymize``, while
    one runs. ``absorbed``: the customers merged into this one; ``active_on``: the last day on which
    something happened."""

    KIND: ClassVar[str] = "customer_state"
    customer_guid: Id
    status: Word
    job_id: Id | None = None
    job_kind: Word | None = None
    legal_hold: bool = False
    blocked: Mapping[str, datetime] = field(default_factory=dict)
    blocked_by: Mapping[str, Word] = field(default_factory=dict)
    active_on: date
    absorbed: tuple[Id, ...] = ()
    merged_into: Id | None = None
    revision: int = 1
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHoldRecord:
    """An action that is refused for one order only: from ``refused_from`` on, for a ``reason`` in
    one word. While a hold is pending the state's ``blocked`` refuses the action for every order;
    this is what stays of it where it was rejected, ran out, or was never granted."""

    KIND: ClassVar[str] = "order_hold"
    refused_from: datetime
    reason: Word


def state_at(keys: Keys, customer_guid: str) -> Get[CustomerStateRecord]:
    return Get(keys.customer_state(customer_guid), CustomerStateRecord)


def state_item(keys: Keys, state: CustomerStateRecord) -> Item[CustomerStateRecord]:
    return Item(keys.customer_state(state.customer_guid), state)


def survivor_of(keys: Keys, records: Records, customer_guid: str) -> str:
    """Returns the customer that this one is by now: itself, or the one that it was merged into.
    A survivor was not merged itself, because redirects always point at the final one."""
    state = records.get(state_at(keys, customer_guid))
    return customer_guid if state is None else state.merged_into or customer_guid


def require_customer(keys: Keys, records: Records, customer_guid: str) -> CustomerStateRecord:
    """Returns the customer that a write is about, or the one that it was merged into. 404 where
    there is none; ``busy`` while this one is being erased or anonymized. Nothing may be answered
    from its records then, not even by a refusal that shows the current one."""
    state = records.require(state_at(keys, survivor_of(keys, records, customer_guid)))
    if state.job_id is not None:
        raise Busy()
    return state


def require_readable_customer(
    keys: Keys, records: Records, customer_guid: str
) -> CustomerStateRecord:
    """Returns the customer that a read is about, or the one that it was merged into. 404 where
    there is none, or where the deletion has begun."""
    state = records.get(state_at(keys, survivor_of(keys, records, customer_guid)))
    return require_readable(state)


def require_readable(state: CustomerStateRecord | None) -> CustomerStateRecord:
    """404 where there is no customer, or where the deletion of this one has begun."""
    if state is None or state.job_kind == "delete":
        raise NotFound()
    return state


# ---------------------------------------------------------------- the guard of every write


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerGuard:
    """What must be so of a customer when something is written for it.

    The decision asks ``ensure``; the transaction carries ``writes``. Where the condition fails, the
    decision is made again with the current state, so that a repeat of what had happened hears that.

    ``state`` is the state as read, or None where only the write finds out. ``statuses``: those that
    let the write pass (None: every one). ``action``: the action type that a hold or a flag may
    block. ``order_holds``: where the action may be refused for one order. ``absorbed_as_read``:
    nobody else may have been merged into the customer, because the decision has looked into the
    partition of each one.
    ``changed``: the state is written as a part of the step. ``erasing``: not even a running
    erasure stops the write; it leaves the state of such a customer alone. ``active``: the write
    counts as activity of the customer, which retention asks for.
    """

    keys: Keys
    customer_guid: str
    now: datetime
    today: date
    state: CustomerStateRecord | None = None
    statuses: tuple[str, ...] | None = WRITABLE
    action: str | None = None
    order_holds: Sequence[Get[OrderHoldRecord]] = ()
    absorbed_as_read: bool = False
    changed: CustomerStateRecord | None = None
    erasing: bool = False
    active: bool = True

    @property
    def covers(self) -> tuple[str, ...]:
        """The customers whose partitions may be written to under this guard. An erasure fences the
        customer and everyone merged into it in one transaction, so one look serves for all."""
        return (self.customer_guid, *(self.state.absorbed if self.state is not None else ()))

    def ensure(self, records: Records) -> None:
        """Raises the refusal that the state, or a hold on the order, stands for. A state that was
        not read passes: the write finds out, and the decision is made again with what it brings."""
        place = state_at(self.keys, self.customer_guid)
        state = self.state or records.if_read(place)
        if state is not None or records.is_absent(place):
            refusal = _refusal(state, self.now, self.action, self.statuses, erasing=self.erasing)
            if refusal is not None:
                raise refusal
        for hold_at in self.order_holds:
            hold = records.if_read(hold_at)
            if hold is not None and hold.refused_from <= self.now:
                message = "The action is refused for this order."
                raise InvalidState(message, detail={"reason": hold.reason})

    def writes(self, records: Records) -> list[Write]:
        """Returns the same as conditions of the transaction, and what the write changes of the
        state: it advances the day of the last activity at most once a day, and never back."""
        return [self._state_write(records), *(self._order_write(get) for get in self.order_holds)]

    def _state_write(self, records: Records) -> Write:
        place = state_at(self.keys, self.customer_guid)
        if self.changed is not None:
            return self._changed_write(self.changed)
        state = self.state or records.if_read(place)
        known = state is not None and state.active_on >= self.today
        fenced = state is not None and state.job_id is not None
        if known or fenced or not self.active:
            return Check(place.key, self._condition(fenced_too=self.erasing))
        day = {"S": self.today.isoformat()}
        condition = self._condition(fenced_too=False, not_after=day)
        return Touch(place.key, {"active_on": day}, condition)

    def _changed_write(self, changed: CustomerStateRecord) -> Write:
        day = max(self.today, changed.active_on) if self.active else changed.active_on
        item = state_item(self.keys, replace(changed, active_on=day))
        if self.state is None:
            return Put(item)
        # The revision alone is not enough: the day moves without it, and must not move back.
        read, not_after = at_revision(self.state.revision), {":day": {"S": day.isoformat()}}
        text = f"{read.expression} AND active_on <= :day"
        return Put(item, condition=Condition(text, read.names, {**read.values, **not_after}))

    def _condition(self, *, fenced_too: bool, not_after: Wire | None = None) -> Condition:
        """``fenced_too``: a running erasure does not matter. ``not_after``: the last activity is
        not later than this day. Two calls around midnight may come in the other order; whoever
        finds a later day is told so, and leaves it."""
        names: dict[str, str] = {}
        values: dict[str, Wire] = {}
        parts = ["attribute_exists(pk)"]
        if self.statuses is not None:
            names["#s"] = "status"
            values |= {f":{s}": {"S": s} for s in self.statuses}
            parts.append(f"#s IN ({', '.join(f':{s}' for s in self.statuses)})")
        if not fenced_too:
            parts.append("attribute_not_exists(job_id)")
        if not_after is not None:
            values[":day"] = not_after
            parts.append("active_on <= :day")
        if self.action is not None:
            names["#b"] = self.action
            values[":now"] = {"S": instant_text(self.now)}
            parts.append("(attribute_not_exists(blocked.#b) OR blocked.#b <= :now)")
        if self.absorbed_as_read:
            absorbed = () if self.state is None else self.state.absorbed
            parts.append("attribute_not_exists(merged_into)")
            if absorbed:
                values[":absorbed"] = {"N": str(len(absorbed))}
                parts.append("size(absorbed) = :absorbed")
            else:
                parts.append("attribute_not_exists(absorbed)")
        return Condition(" AND ".join(parts), names, values)

    def _order_write(self, hold_at: Get[OrderHoldRecord]) -> Check:
        text = "attribute_not_exists(pk) OR refused_from > :now"
        return Check(hold_at.key, Condition(text, {}, {":now": {"S": instant_text(self.now)}}))


def order_holds_at(
    keys: Keys, owners: Iterable[str], action: str, order_ref: str
) -> list[Get[OrderHoldRecord]]:
    """Returns where an action may be refused for an order: to a customer, and to each one merged
    into it."""
    return [
        Get(keys.order_hold(guid, action, order_ref), OrderHoldRecord)
        for guid in dict.fromkeys(owners)
    ]


def _refusal(
    state: CustomerStateRecord | None,
    now: datetime,
    action: str | None,
    statuses: tuple[str, ...] | None,
    *,
    erasing: bool = False,
) -> ApiError | None:
    if state is None:
        return NotFound()
    if state.job_id is not None and not erasing:
        return Busy()
    if statuses is not None and state.status not in statuses:
        return InvalidState(detail={"state": state.status, "allowed": []})
    until = None if action is None else state.blocked.get(action)
    if action is None or until is None or until <= now:
        return None
    cause = state.blocked_by.get(action, "blocked")
    if cause.startswith(HOLD):
        return HoldPending(detail={"hold_id": cause})
    return InvalidState("The customer is blocked for this action.", detail={"reason": cause})

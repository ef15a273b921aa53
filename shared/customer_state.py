"""The state of a customer: one small record, which every write for the customer checks.

Every family that writes for customers uses this module: it finds the customer, follows a merge, and
guards the write. Nothing is written to a customer who is being erased, was merged into another one,
or is blocked. The profile, and the changes of the state, belong to the customer family.
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
"""The prefix of a hold's id. Any other cause of a block is a reason in one word."""
WRITABLE = ("active", "inactive")
"""The statuses in which a customer may be written to, unless a guard says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerStateRecord:
    """What other families must know about a customer. ``blocked``: until when an action type is
    refused. ``blocked_by``: the id of the hold, or the reason. ``job_id`` and ``job_kind``
    (``delete`` or ``anonymize``): the erasure, while one runs. ``absorbed``: the customers that
    were merged into this one. ``active_on``: the day of the last activity."""

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
    """An action that is refused for one order, from ``refused_from`` on, for a ``reason`` in one
    word. While a hold is pending, the state's ``blocked`` refuses the action for every order. This
    record remains where the hold was rejected, expired, or was never granted."""

    KIND: ClassVar[str] = "order_hold"
    refused_from: datetime
    reason: Word


def state_at(keys: Keys, customer_guid: str) -> Get[CustomerStateRecord]:
    return Get(keys.customer_state(customer_guid), CustomerStateRecord)


def state_item(keys: Keys, state: CustomerStateRecord) -> Item[CustomerStateRecord]:
    return Item(keys.customer_state(state.customer_guid), state)


def survivor_of(keys: Keys, records: Records, customer_guid: str) -> str:
    """Returns the guid of the customer, or of the one that it was merged into. One step is enough:
    ``merged_into`` always names the final survivor."""
    state = records.get(state_at(keys, customer_guid))
    return customer_guid if state is None else state.merged_into or customer_guid


def require_customer(keys: Keys, records: Records, customer_guid: str) -> CustomerStateRecord:
    """Returns the customer that a write is about, or the one that it was merged into. Raises 404
    where there is none, and ``busy`` while it is being deleted or anonymized: no answer may show
    its records then, not even an error that shows the current record."""
    state = records.require(state_at(keys, survivor_of(keys, records, customer_guid)))
    if state.job_id is not None:
        raise Busy()
    return state


def require_readable_customer(
    keys: Keys, records: Records, customer_guid: str
) -> CustomerStateRecord:
    """Returns the customer that a read is about, or the one that it was merged into. Raises 404
    where there is none, or where its deletion has begun."""
    state = records.get(state_at(keys, survivor_of(keys, records, customer_guid)))
    return require_readable(state)


def require_readable(state: CustomerStateRecord | None) -> CustomerStateRecord:
    """Returns the state. Raises 404 where there is none, or where the deletion has begun."""
    if state is None or state.job_kind == "delete":
        raise NotFound()
    return state


# ---------------------------------------------------------------- the guard of every write


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerGuard:
    """The conditions on a customer under which something may be written for it.

    ``ensure`` checks them on the records that were read. ``writes`` puts the same conditions into
    the transaction. Where one fails there, the decision is made again with the current state, so
    that a replay still gets its answer.

    - ``state``: the state as read; None where only the transaction checks it.
    - ``statuses``: the statuses in which the write is allowed (None: all).
    - ``action``: the action type that a hold or a flag may block.
    - ``order_holds``: the records that may refuse the action for one order.
    - ``absorbed_as_read``: fails where another customer was merged into this one since the read.
      For a decision that has read the partition of each absorbed customer.
    - ``changed``: the next state, where the step changes it.
    - ``erasing``: a running erasure does not stop the write. The write then leaves the state of a
      customer under erasure as it is.
    - ``active``: the write counts as activity, from which retention counts.
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
        """The customers whose partitions may be written to under this guard. An erasure marks the
        customer and all that were merged into it in one transaction, so one check covers all."""
        return (self.customer_guid, *(self.state.absorbed if self.state is not None else ()))

    def ensure(self, records: Records) -> None:
        """Raises the error where the state, or a hold on the order, does not allow the write. A
        state that was not read passes: the transaction checks it. Where that fails, the decision is
        made again with the current state."""
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
        """Returns the conditions as parts of the transaction. One of them also changes the state:
        it sets the day of the last activity, at most once a day and never to an earlier day."""
        return [self._state_write(records), *(self._order_write(get) for get in self.order_holds)]

    def _state_write(self, records: Records) -> Write:
        place = state_at(self.keys, self.customer_guid)
        if self.changed is not None:
            return self._changed_write(self.changed)
        state = self.state or records.if_read(place)
        day_is_set = state is not None and state.active_on >= self.today
        is_erased = state is not None and state.job_id is not None
        if day_is_set or is_erased or not self.active:
            return Check(place.key, self._condition(even_erased=self.erasing))
        day = {"S": self.today.isoformat()}
        # A customer whose erasure has begun since the read gets no new day: decide again.
        condition = self._condition(even_erased=False, not_after=day)
        return Touch(place.key, {"active_on": day}, condition)

    def _changed_write(self, changed: CustomerStateRecord) -> Write:
        day = max(self.today, changed.active_on) if self.active else changed.active_on
        item = state_item(self.keys, replace(changed, active_on=day))
        if self.state is None:
            return Put(item)
        # The revision alone is not enough: a new day does not change it, and an earlier day must
        # not overwrite a later one.
        read, not_after = at_revision(self.state.revision), {":day": {"S": day.isoformat()}}
        text = f"{read.expression} AND active_on <= :day"
        return Put(item, condition=Condition(text, read.names, {**read.values, **not_after}))

    def _condition(self, *, even_erased: bool, not_after: Wire | None = None) -> Condition:
        """Returns the condition on the state. ``even_erased``: it also holds during an erasure.
        ``not_after``: it fails where the last activity is later than this day. Two calls around
        midnight may commit in the other order: the later commit then decides again, and keeps the
        later day."""
        names: dict[str, str] = {}
        values: dict[str, Wire] = {}
        parts = ["attribute_exists(pk)"]
        if self.statuses is not None:
            names["#s"] = "status"
            values |= {f":{s}": {"S": s} for s in self.statuses}
            parts.append(f"#s IN ({', '.join(f':{s}' for s in self.statuses)})")
        if not even_erased:
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
    """Returns the reads of the records that may refuse an action for an order. There is one per
    owner: the customer and each one that was merged into it. Owners may repeat."""
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

"""The state of a customer, which every family's write checks: one small record per customer.

Here lies what a family that is not the customers' own may ask and demand of a customer: whether
there is one, which customer it is by now, and that nothing is written to one who is being erased,
was merged away, or is blocked. The profile, and whoever changes the state, are the customers' own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar

from shared.codec import Wire
from shared.errors import ApiError, Busy, HoldPending, InvalidState, NotFound
from shared.fields import instant_text
from shared.keys import Keys
from shared.table import Get, Records
from shared.writes import Check, Condition, CurrentItem

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
    customer_guid: str
    status: str
    job_id: str | None = None
    job_kind: str | None = None
    legal_hold: bool = False
    blocked: Mapping[str, datetime] = field(default_factory=dict)
    blocked_by: Mapping[str, str] = field(default_factory=dict)
    active_on: date
    absorbed: tuple[str, ...] = ()
    merged_into: str | None = None
    revision: int = 1
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHoldRecord:
    """An action that is refused for one order only: from ``refused_from`` on, for a ``reason`` in
    one word. While a hold is pending the state's ``blocked`` refuses the action for every order;
    this is what stays of it where it was rejected, ran out, or was never granted."""

    KIND: ClassVar[str] = "order_hold"
    refused_from: datetime
    reason: str


def state_at(keys: Keys, customer_guid: str) -> Get[CustomerStateRecord]:
    return Get(keys.customer_state(customer_guid), CustomerStateRecord)


def survivor_of(keys: Keys, seen: Records, customer_guid: str) -> str:
    """Which customer this one is by now: itself, or the one that it was merged into. The state of
    a survivor may still have to be read (``Records.has``); it was not merged itself, because
    redirects always point at the final one."""
    state = seen.get(state_at(keys, customer_guid))
    return customer_guid if state is None else state.merged_into or customer_guid


def readable(state: CustomerStateRecord | None) -> CustomerStateRecord:
    """404 where there is no customer, or where the deletion of this one has begun."""
    if state is None or state.job_kind == "delete":
        raise NotFound()
    return state


def writable(
    state: CustomerStateRecord | None, now: datetime, action: str | None = None
) -> CustomerStateRecord:
    """404 where there is no customer; 409 where this one is being erased or anonymized (``busy``),
    is anonymized or merged, or is blocked for the action type."""
    refusal = _refusal(state, now, action)
    if refusal is not None:
        raise refusal
    assert state is not None
    return state


def still_writable(
    keys: Keys,
    customer_guid: str,
    now: datetime,
    action: str | None = None,
    absorbed: tuple[str, ...] | None = None,
) -> Check:
    """The same as a condition, to be part of a family's own transaction. One who was merged away
    meanwhile is decided upon again, so that the decision can follow to the survivor; and so is one
    who took in another than those ``absorbed``, into whose partitions was looked (None: it does not
    matter)."""

    def otherwise(fresh: CurrentItem) -> ApiError | None:
        state = fresh.record(CustomerStateRecord)
        if state is not None and state.merged_into is not None:
            return None
        return _refusal(state, now, action)

    names: dict[str, str] = {"#s": "status"}
    values: dict[str, Wire] = {f":{s}": {"S": s} for s in WRITABLE}
    text = "#s IN (:active, :inactive) AND attribute_not_exists(job_id)"
    if action is not None:
        names["#b"] = action
        values[":now"] = {"S": instant_text(now)}
        text += " AND (attribute_not_exists(blocked.#b) OR blocked.#b <= :now)"
    if absorbed is not None:
        text += f" AND {absorbed_still(absorbed, values)}"
    place = keys.customer_state(customer_guid)
    return Check(place, Condition(text, names, values), on_failure=otherwise)


def absorbed_still(absorbed: tuple[str, ...], values: dict[str, Wire]) -> str:
    """The condition that no further customer was merged into this one; adds its value."""
    if not absorbed:
        return "attribute_not_exists(absorbed)"
    values[":absorbed"] = {"N": str(len(absorbed))}
    return "size(absorbed) = :absorbed"


# ---------------------------------------------------------------- refused for one order


def order_holds_at(
    keys: Keys, owners: Iterable[str], action: str, order_ref: str
) -> list[Get[OrderHoldRecord]]:
    """What may be refused for an order: to a customer, and to each one merged into it."""
    return [
        Get(keys.order_hold(guid, action, order_ref), OrderHoldRecord)
        for guid in dict.fromkeys(owners)
    ]


def not_refused(holds: Iterable[OrderHoldRecord | None], now: datetime) -> None:
    """409 where one of them refuses the order."""
    for hold in holds:
        if hold is not None and hold.refused_from <= now:
            message = "The action is refused for this order."
            raise InvalidState(message, detail={"reason": hold.reason})


def still_not_refused(hold_at: Get[OrderHoldRecord], now: datetime) -> Check:
    """The same as a condition. A failure brings the record, and the decision is made again: by then
    the order may have happened."""
    text = "attribute_not_exists(pk) OR refused_from > :now"
    return Check(hold_at.key, Condition(text, {}, {":now": {"S": instant_text(now)}}))


def _refusal(
    state: CustomerStateRecord | None, now: datetime, action: str | None
) -> ApiError | None:
    if state is None:
        return NotFound()
    if state.job_id is not None:
        return Busy()
    if state.status not in WRITABLE:
        return InvalidState(detail={"state": state.status, "allowed": []})
    until = None if action is None else state.blocked.get(action)
    if action is None or until is None or until <= now:
        return None
    cause = state.blocked_by.get(action, "blocked")
    if cause.startswith(HOLD):
        return HoldPending(detail={"hold_id": cause})
    return InvalidState("The customer is blocked for this action.", detail={"reason": cause})

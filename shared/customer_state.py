"""The state of a customer: one small record, which every write for the customer checks.

Every family that writes for customers uses this module: it finds the customer, follows a merge, and
guards the write. Nothing is written to a customer who is being erased, was merged into another one,
or is blocked. The profile, and the changes of the state, belong to the customer family.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar

from shared.codec import Item
from shared.errors import Busy, NotFound
from shared.keys import Keys
from shared.marks import Id, Word
from shared.records import Get, Records

HOLD = "hold_"
"""The prefix of a hold's id. Any other cause of a block is a reason in one word."""
BLOCK = "block"
"""The reason of a refusal under an open ``block`` flag."""
EXPIRED = "hold-expired"
"""The reason of a refusal after a hold that nobody approved in time."""
WRITABLE = ("active", "inactive")
"""The statuses in which a customer may be written to, unless a guard says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerStateRecord:
    """What other families must know about a customer.

    - ``blocked``: until when an action type is refused. ``blocked_by``: the id of the hold, or the
      reason. ``held_until``: until when that hold is pending; what it blocks after that, it blocks
      because nobody approved it. ``denied_at``: when an action was last denied without an order.
    - ``barred_until``: until when a ``block`` flag stands. It refuses even approved orders.
    - ``legal_hold_until``: until when a legal hold is in force.
    - ``job_id`` and ``job_kind`` (``delete`` or ``anonymize``): the erasure, while one runs.
    - ``absorbed``: the customers that were merged into this one.
    - ``active_on``: the day of the last activity.
    """

    KIND: ClassVar[str] = "customer_state"
    customer_guid: Id
    status: Word
    job_id: Id | None = None
    job_kind: Word | None = None
    legal_hold_until: datetime | None = None
    barred_until: datetime | None = None
    blocked: Mapping[str, datetime] = field(default_factory=dict)
    blocked_by: Mapping[str, Word] = field(default_factory=dict)
    held_until: Mapping[str, datetime] = field(default_factory=dict)
    denied_at: Mapping[str, datetime] = field(default_factory=dict)
    active_on: date
    absorbed: tuple[Id, ...] = ()
    merged_into: Id | None = None
    revision: int = 1
    created_at: datetime

    @property
    def owners(self) -> tuple[str, ...]:
        """The customer, and everyone who was merged into it."""
        return (self.customer_guid, *self.absorbed)

    def is_barred(self, now: datetime) -> bool:
        return self.barred_until is not None and self.barred_until > now

    def is_under_legal_hold(self, now: datetime) -> bool:
        return self.legal_hold_until is not None and self.legal_hold_until > now


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHoldRecord:
    """What was last said, at ``said_at``, about an action for one order.

    It is refused from ``refused_from`` on, for a ``reason`` in one word: a hold was rejected, or
    the last assessment denied it. For the pending hold ``hold_id`` that is the time of its expiry;
    until then the state's ``blocked`` refuses the action for every order. Or a hold was approved,
    at ``approved_at``: that outranks holds of other orders and earlier denials. ``assessment_id``
    is the assessment that the approved hold came from. ``word_id`` tells this word from any other
    one about the order: whoever resolves a hold writes the record without reading it first."""

    KIND: ClassVar[str] = "order_hold"
    word_id: Id
    said_at: datetime
    refused_from: datetime | None = None
    reason: Word | None = None
    hold_id: Id | None = None
    approved_at: datetime | None = None
    assessment_id: Id | None = None

    def refuses(self, now: datetime) -> bool:
        return self.refused_from is not None and self.refused_from <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class RedemptionCountRecord:
    """How often a customer redeemed points or linked cards within one hour."""

    KIND: ClassVar[str] = "redemption_count"
    redemptions: int


def state_at(keys: Keys, customer_guid: str) -> Get[CustomerStateRecord]:
    return Get(keys.customer_state(customer_guid), CustomerStateRecord)


def state_item(keys: Keys, state: CustomerStateRecord) -> Item[CustomerStateRecord]:
    """Returns the state in its place. While the customer can be written to, it is in the list by
    the month of the last activity."""
    guid, indexes, view = state.customer_guid, dict[str, str](), None
    if state.status in WRITABLE:
        indexes, view = keys.customer_activity(guid, state.active_on), {"customer_guid": guid}
    return Item(keys.customer_state(guid), state, indexes=indexes, view=view)


def survivor_of(keys: Keys, records: Records, customer_guid: str) -> str:
    """Returns the guid of the customer, or of the one that it was merged into. One step is enough:
    ``merged_into`` always names the final survivor."""
    state = records.get(state_at(keys, customer_guid))
    return customer_guid if state is None else state.merged_into or customer_guid


def redirected(named: str, survivor: str) -> dict[str, str]:
    """Returns what an answer says where the customer that was named is another one by now."""
    return {} if named == survivor else {"redirected_from": named}


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

"""The state of a customer: one small record, which every write for the customer checks.

Every family that writes for customers uses this module: it finds the customer, follows a merge, and
guards the write. Nothing is written to a customer who is being erased, was merged into another one,
or is blocked. The profile, and the changes of the state, belong to the customer family.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import ClassVar

from shared.codec import Item, Wire
from shared.errors import ApiError, Busy, HoldPending, InvalidState, NotFound
from shared.fields import instant_text
from shared.keys import Keys
from shared.marks import Id, Word
from shared.records import Get, Records
from shared.writes import Check, Condition, Count, Put, Touch, Write, at_revision

HOLD = "hold_"
"""The prefix of a hold's id. Any other cause of a block is a reason in one word."""
BLOCK = "block"
"""The reason of a refusal under an open ``block`` flag."""
EXPIRED = "hold-expired"
"""The reason of a refusal after a hold that nobody approved in time."""
WRITABLE = ("active", "inactive")
"""The statuses in which a customer may be written to, unless a guard says otherwise."""
COUNTED_FOR = timedelta(days=2)
"""How long a count of redemptions is kept. An assessment asks for the last 24 hours."""


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
    return Item(keys.customer_state(state.customer_guid), state)


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
    - ``order_holds``: the records that may refuse or approve the action for one order. Of several,
      that of the latest word counts.
    - ``redeems``: counts the write as a redemption. While an erasure runs, nothing is counted, and
      nothing is refused for that.
    - ``absorbed_as_read``: fails where another customer was merged into this one since the read.
      For a decision that has read the partition of each absorbed customer.
    - ``changed``: the next state, where the step changes it.
    - ``erasing``: a running erasure does not stop the write. The write then leaves the state of a
      customer under erasure as it is.
    - ``reading``: the write records that somebody has read. Only a running deletion stops it.
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
    redeems: bool = False
    absorbed_as_read: bool = False
    changed: CustomerStateRecord | None = None
    erasing: bool = False
    reading: bool = False
    active: bool = True

    @property
    def covers(self) -> tuple[str, ...]:
        """The customers whose partitions may be written to under this guard. An erasure marks the
        customer and all that were merged into it in one transaction, so one check covers all."""
        return (self.customer_guid,) if self.state is None else self.state.owners

    def ensure(self, records: Records) -> None:
        """Raises the error where the state, or what was said about the order, does not allow the
        write. A state that was not read passes: the transaction checks it. Where that fails, the
        decision is made again with the current state."""
        place = state_at(self.keys, self.customer_guid)
        state = self.state or records.if_read(place)
        if self.reading and state is not None:
            require_readable(state)
        elif state is not None or records.is_absent(place):
            refusal = _refusal(state, self.statuses, erasing=self.erasing)
            if refusal is not None:
                raise refusal
        action = self.action
        if state is not None and action is not None:
            if state.is_barred(self.now):
                raise _blocked(BLOCK)
            if state.blocked.get(action, self.now) > self.now:
                # Only an approval of the order may outrank the block.
                records.ensure(*self.order_holds)
        word = self._last_word(records)
        if word is not None and word.refuses(self.now):
            message = "The action is refused for this order."
            raise InvalidState(message, detail={"reason": word.reason})
        if state is not None and action is not None:
            refusal = _block_of(state, action, self.now, word)
            if refusal is not None:
                raise refusal

    def writes(self, records: Records) -> list[Write]:
        """Returns the conditions as parts of the transaction. One of them also changes the state:
        it sets the day of the last activity, at most once a day and never to an earlier day."""
        orders = [self._order_write(get, records) for get in self.order_holds]
        counted = [self._count()] if self._counts(records) else []
        return [self._state_write(records), *orders, *counted]

    def _known_state(self, records: Records) -> CustomerStateRecord | None:
        return self.state or records.if_read(state_at(self.keys, self.customer_guid))

    def _state_write(self, records: Records) -> Write:
        place = state_at(self.keys, self.customer_guid)
        if self.changed is not None:
            return self._changed_write(self.changed)
        state = self._known_state(records)
        day_is_set = state is not None and state.active_on >= self.today
        is_erased = state is not None and state.job_id is not None
        if day_is_set or is_erased or not self.active:
            # What is counted must not be written once an erasure has begun: decide again then.
            even_erased = self.erasing and not self._counts(records)
            return Check(place.key, self._condition(records, even_erased=even_erased))
        day = {"S": self.today.isoformat()}
        # A customer whose erasure has begun since the read gets no new day: decide again.
        condition = self._condition(records, even_erased=False, not_after=day)
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

    def _condition(
        self, records: Records, *, even_erased: bool, not_after: Wire | None = None
    ) -> Condition:
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
        if self.reading:
            values[":delete"] = {"S": "delete"}
            parts.append("(attribute_not_exists(job_kind) OR job_kind <> :delete)")
        elif not even_erased:
            parts.append("attribute_not_exists(job_id)")
        if not_after is not None:
            values[":day"] = not_after
            parts.append("active_on <= :day")
        if self.action is not None:
            names["#b"] = self.action
            values[":now"] = {"S": instant_text(self.now)}
            word = self._last_word(records)
            if word is None or word.approved_at is None:
                parts.append("(attribute_not_exists(blocked.#b) OR blocked.#b <= :now)")
            else:
                values[":approved"] = {"S": instant_text(word.approved_at)}
                parts.append("(attribute_not_exists(barred_until) OR barred_until <= :now)")
                parts.append("(attribute_not_exists(denied_at.#b) OR denied_at.#b <= :approved)")
        if self.absorbed_as_read:
            absorbed = () if self.state is None else self.state.absorbed
            parts.append("attribute_not_exists(merged_into)")
            if absorbed:
                values[":absorbed"] = {"N": str(len(absorbed))}
                parts.append("size(absorbed) = :absorbed")
            else:
                parts.append("attribute_not_exists(absorbed)")
        return Condition(" AND ".join(parts), names, values)

    def _last_word(self, records: Records) -> OrderHoldRecord | None:
        """Returns what was last said about the order, as far as it was read."""
        return last_word(records.if_read(get) for get in self.order_holds)

    def _order_write(self, hold_at: Get[OrderHoldRecord], records: Records) -> Check:
        known = records.if_read(hold_at)
        if known is not None:
            # A later word may outrank this one, so it may refuse: it must only be what was read.
            return Check(hold_at.key, same_word(known))
        text = "attribute_not_exists(refused_from) OR refused_from > :now"
        return Check(hold_at.key, Condition(text, {}, {":now": {"S": instant_text(self.now)}}))

    def _counts(self, records: Records) -> bool:
        state = self._known_state(records)
        return self.redeems and (state is None or state.job_id is None)

    def _count(self) -> Count:
        return Count(
            Item(
                self.keys.redemption_count(self.customer_guid, hour_of(self.now)),
                RedemptionCountRecord(redemptions=1),
                expires=self.now + COUNTED_FOR,
            ),
            "redemptions",
        )


def hour_of(moment: datetime) -> str:
    """Returns the hour of a time, as the counts of redemptions are named by it."""
    return instant_text(moment)[:13]


def last_word(words: Iterable[OrderHoldRecord | None]) -> OrderHoldRecord | None:
    """Returns what was said last about an order: by the customer's own record, or by that of one
    who was merged into the customer."""
    return max((word for word in words if word), key=lambda word: word.said_at, default=None)


def same_word(word: OrderHoldRecord) -> Condition:
    """Returns the condition that nothing else was said about the order since it was read."""
    return Condition("word_id = :w", {}, {":w": {"S": word.word_id}})


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
    state: CustomerStateRecord | None, statuses: tuple[str, ...] | None, *, erasing: bool
) -> ApiError | None:
    """Returns the refusal of a customer who may not be written to at all."""
    if state is None:
        return NotFound()
    if state.job_id is not None and not erasing:
        return Busy()
    if statuses is not None and state.status not in statuses:
        return InvalidState(detail={"state": state.status, "allowed": []})
    return None


def _block_of(
    state: CustomerStateRecord, action: str, now: datetime, word: OrderHoldRecord | None
) -> ApiError | None:
    """Returns the refusal of an action that is blocked, unless ``word`` approves the order."""
    until = state.blocked.get(action)
    if until is None or until <= now:
        return None
    if word is not None and word.approved_at is not None:
        denied_at = state.denied_at.get(action)
        if denied_at is None or denied_at <= word.approved_at:
            return None
    cause = state.blocked_by.get(action, "blocked")
    if not cause.startswith(HOLD):
        return _blocked(cause)
    if state.held_until.get(action, until) <= now:
        return _blocked(EXPIRED)
    return HoldPending(detail={"hold_id": cause})


def _blocked(reason: str) -> InvalidState:
    return InvalidState("The customer is blocked for this action.", detail={"reason": reason})

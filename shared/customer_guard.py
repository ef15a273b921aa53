"""The guard of every write for a customer: under which conditions something may be written for it.

The same conditions are checked twice: on the records that were read, and in the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from shared.codec import Item, Wire
from shared.customer_state import (
    BLOCK,
    EXPIRED,
    HOLD,
    WRITABLE,
    CustomerStateRecord,
    OrderHoldRecord,
    RedemptionCountRecord,
    require_readable,
    state_at,
    state_item,
)
from shared.errors import ApiError, Busy, Fault, HoldPending, InvalidState, NotFound
from shared.fields import instant_text
from shared.keys import Keys
from shared.records import Get, Records
from shared.writes import Check, Condition, Count, Put, Touch, Write, at_revision

COUNTED_FOR = timedelta(days=2)
"""How long a count of redemptions is kept. An assessment asks for the last 24 hours."""


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
    - ``named``: the field of the request that names the customer, where a 404 shall tell it.
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
    named: str | None = None

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
            refusal = self._refusal(state)
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

    def _refusal(self, state: CustomerStateRecord | None) -> ApiError | None:
        """Returns the refusal of a customer who may not be written to at all."""
        if state is None:
            named = [] if self.named is None else [Fault("not-found", self.named, "does not exist")]
            return NotFound(minor=named)
        if state.job_id is not None and not self.erasing:
            return Busy()
        if self.statuses is not None and state.status not in self.statuses:
            return InvalidState(detail={"state": state.status, "allowed": []})
        return None

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
        values: dict[str, Wire] = {"active_on": day}
        statuses = self.statuses if state is None else (state.status,)
        if statuses is not None and set(statuses) <= set(WRITABLE):
            listed = self.keys.customer_activity(self.customer_guid, self.today)
            values |= {name: {"S": text} for name, text in listed.items()}
        # A customer whose erasure has begun since the read gets no new day: decide again.
        condition = self._condition(records, even_erased=False, not_after=day)
        return Touch(place.key, values, condition)

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

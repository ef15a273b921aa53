"""Money that moves on a card: redeem and reverse, each one atomic write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lambdas.giftcard import rules, storage
from lambdas.giftcard.models import (
    GiftCardActivityRecord,
    GiftCardRecord,
    StoredValueRedeemRequest,
    StoredValueReverseRequest,
)
from lambdas.giftcard.operations import card_access
from shared.api import Answer, Call
from shared.call import More, Step
from shared.codec import shown_value
from shared.customer_state import (
    OrderHoldRecord,
    not_refused,
    order_holds_at,
    state_at,
    still_not_refused,
    survivor_of,
)
from shared.errors import NotFound
from shared.fields import Money
from shared.table import Get, Records
from shared.writes import Put, Update, Write


def giftcard_redeem(call: Call, body: StoredValueRedeemRequest) -> Answer:
    """Takes an amount off a card for an order, once per order; with ``allow_partial`` what is
    there, where that is less. Refused while a hold on the card's customer blocks it."""
    card_hash = storage.hash_of(call.keys, body.card_code)
    order_at = storage.order_at(call.keys, card_hash, body.order_ref)
    amount = body.amount.money()

    def decide(call: Call, seen: Records) -> Step | More:
        there, before = seen.get(storage.card_at(call.keys, card_hash)), seen.get(order_at)
        if there is not None and before is not None and before.requested == amount:
            # Even to one who guesses codes: this one was known when the order took its amount.
            return _again(call, there, before, card_hash)
        card = card_access.found(call, seen, card_hash)
        if before is not None:
            rules.same_order(before, amount)
        card_access.expect(call, seen, card)
        rules.usable(card, call.now)
        rules.same_currency(card, amount)
        held = _Held.of(call, seen, card, body.order_ref)
        held.refuse(call, seen)
        unread = [want for want in held.wants(call) if not seen.has(want)]
        if unread and not rules.enough(card, amount, partial=body.allow_partial):
            # A hold has precedence, and no write will be there to find it.
            return More(unread)
        applied = rules.taken(card, amount, partial=body.allow_partial)
        after = rules.moved(card, -applied.amount, call.now)
        activity = _activity(call, after, "redeem", body.order_ref, amount, -applied.amount)
        writes = _moved(call, card, after, card_hash, activity, "giftcard-redeemed")
        writes += held.checks(call)
        data = _data(card_access.shown_to(call, seen, after), activity)
        return Step(Answer(data, after.revision), call.keys.gift_card(card_hash)[0], writes)

    wants: list[Get[Any]] = [*card_access.wants(call, card_hash), order_at]
    return card_access.for_bearer(call, body.card_code, lambda: call.write(wants, decide))


def giftcard_reverse(call: Call, body: StoredValueReverseRequest) -> Answer:
    """Gives back to a card what an order took from it, or a part of that; never more."""
    card_hash = storage.hash_of(call.keys, body.card_code)
    order_at = storage.order_at(call.keys, card_hash, body.order_ref)
    amount = None if body.amount is None else body.amount.money()

    def decide(call: Call, seen: Records) -> Step:
        card, order = card_access.found(call, seen, card_hash), seen.get(order_at)
        if order is None:
            raise NotFound()
        card_access.expect(call, seen, card)
        rules.usable(card, call.now)
        if amount is not None:
            rules.same_currency(card, amount)
        applied = rules.given_back(order, amount)
        after = rules.moved(card, applied.amount, call.now)
        activity = _activity(call, after, "reverse", body.order_ref, applied, applied.amount)
        left = replace(
            order,
            reversed=order.reversed + applied.amount,
            revision=order.revision + 1,
            updated_at=call.now,
        )
        writes = _moved(call, card, after, card_hash, activity, "giftcard-reversed")
        item = storage.activity_item(call.keys, card_hash, left)
        writes.append(Update(item, if_revision=order.revision))
        data = _data(card_access.shown_to(call, seen, after), activity)
        return Step(Answer(data, after.revision), call.keys.gift_card(card_hash)[0], writes)

    wants: list[Get[Any]] = [*card_access.wants(call, card_hash), order_at]
    return card_access.for_bearer(call, body.card_code, lambda: call.write(wants, decide))


# ---------------------------------------------------------------- how they do it


@dataclass(frozen=True, slots=True)
class _Held:
    """Whose holds count for a card: its customer's, or those of the one they were merged into, and
    of whom that one absorbed, as far as a failed write has shown. Nothing is read for it before the
    write. Without ``owner`` nobody's do."""

    owner: str | None = None
    absorbed: tuple[str, ...] = ()
    orders: tuple[Get[OrderHoldRecord], ...] = ()

    @classmethod
    def of(cls, call: Call, seen: Records, card: GiftCardRecord, order_ref: str) -> _Held:
        if card.customer_guid is None:
            return cls()
        owner = survivor_of(call.keys, seen, card.customer_guid)
        state = seen.get(state_at(call.keys, owner))
        absorbed = () if state is None else state.absorbed
        owners = (card.customer_guid, owner, *absorbed)
        orders = order_holds_at(call.keys, owners, rules.REDEEM, order_ref)
        return cls(owner, absorbed, tuple(orders))

    def wants(self, call: Call) -> list[Get[Any]]:
        return [] if self.owner is None else [state_at(call.keys, self.owner), *self.orders]

    def refuse(self, call: Call, seen: Records) -> None:
        """409 where what is known blocks the redemption."""
        if self.owner is not None:
            rules.not_held(seen.get(state_at(call.keys, self.owner)), call.now)
            not_refused((seen.get(hold_at) for hold_at in self.orders), call.now)

    def checks(self, call: Call) -> list[Write]:
        """The same, in the redemption's own transaction."""
        if self.owner is None:
            return []
        state = storage.not_held(call.keys, self.owner, self.absorbed, call.now)
        return [state, *(still_not_refused(hold_at, call.now) for hold_at in self.orders)]


def _activity(
    call: Call, after: GiftCardRecord, kind: str, order_ref: str, requested: Money, change: int
) -> GiftCardActivityRecord:
    return GiftCardActivityRecord(
        activity_id=call.new_id(),
        kind=kind,
        order_ref=order_ref,
        requested=requested,
        change=change,
        balance_after=after.balance,
        card_revision=after.revision,
        created_at=call.now,
        updated_at=call.now,
    )


def _moved(
    call: Call,
    card: GiftCardRecord,
    after: GiftCardRecord,
    card_hash: str,
    activity: GiftCardActivityRecord,
    action: str,
) -> list[Write]:
    """The card's next state and the movement that led there."""
    moved = _transaction(activity)
    moved.pop("at")
    event = call.event(
        action,
        ("giftcard", card.card_id, after.revision),
        {"card_id": card.card_id, "card_last4": card.card_last4, **moved},
    )
    return [
        Update(storage.card_item(call.keys, after), if_revision=card.revision, events=[event]),
        Put(storage.activity_item(call.keys, card_hash, activity)),
    ]


def _transaction(activity: GiftCardActivityRecord) -> dict[str, Any]:
    return {
        "activity_id": activity.activity_id,
        "order_ref": activity.order_ref,
        "requested": shown_value(activity.requested),
        "applied": shown_value(Money(activity.requested.currency, abs(activity.change))),
        "balance_after": shown_value(activity.balance_after),
        "at": shown_value(activity.created_at),
    }


def _data(card: dict[str, Any], activity: GiftCardActivityRecord) -> dict[str, Any]:
    return {"stored_value": card, "transaction": _transaction(activity)}


def _again(
    call: Call, card: GiftCardRecord, activity: GiftCardActivityRecord, card_hash: str
) -> Step:
    """A repeat of an order: the answer of then, and nothing happens."""
    then = storage.card_shown(rules.at_activity(card, activity), activity.created_at)
    answer = Answer(_data(then, activity), activity.card_revision, replayed=True)
    return Step(answer, call.keys.gift_card(card_hash)[0])

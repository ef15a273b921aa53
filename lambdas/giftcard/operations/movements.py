"""Money that moves on a card: redeem and reverse, each one atomic write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lambdas.giftcard import rules, storage
from lambdas.giftcard.models import (
    GiftCardActivityRecord,
    GiftCardRecord,
    StoredValueRedeemRequest,
    StoredValueReverseRequest,
)
from lambdas.giftcard.operations import bearing
from shared.api import Answer, Call
from shared.call import More, Step
from shared.customers import state_at, survivor_of
from shared.errors import InvalidInput, NotFound
from shared.fields import Money
from shared.items import shown_value
from shared.table import Seen, Want
from shared.writes import Put, Update, Write


def giftcard_redeem(call: Call, body: StoredValueRedeemRequest) -> Answer:
    """Takes an amount off a card for an order, once per order; with ``allow_partial`` what is
    there, where that is less. Refused while a hold on the card's customer blocks it."""
    card_hash = storage.hash_of(call.keys, body.card_code)
    order_at = storage.order_at(call.keys, card_hash, body.order_ref)
    amount = body.amount.money()

    def decide(call: Call, seen: Seen) -> Step | More:
        card, before = bearing.found(call, seen, card_hash), seen.get(order_at)
        if before is not None:
            rules.same_order(before, amount)
            return _again(call, card, before, card_hash)
        bearing.expect(call, seen, card)
        rules.usable(card, call.now)
        rules.same_currency(card, amount)
        owner = _owner(call, seen, card)
        if owner is not None:
            owner_at = state_at(call.keys, owner)
            rules.not_held(seen.get(owner_at), call.now)
            enough = rules.enough(card, amount, partial=body.allow_partial)
            if not enough and seen.get(owner_at) is None and not seen.has(owner_at):
                # A hold has precedence, and no write will be there to find it.
                return More([owner_at])
        applied = rules.taken(card, amount, partial=body.allow_partial)
        after = rules.moved(card, -applied.amount, call.now)
        activity = _activity(call, after, "redeem", body.order_ref, amount, -applied.amount)
        writes = _moved(call, card, after, card_hash, activity, "giftcard-redeemed")
        if owner is not None:
            writes.append(storage.not_held(call.keys, owner, call.now))
        data = _data(bearing.shown_to(call, seen, after), activity)
        return Step(Answer(data, after.revision), call.keys.gift_card(card_hash)[0], writes)

    wants: list[Want[Any]] = [*bearing.wants(call, card_hash), order_at]
    return bearing.for_bearer(call, body.card_code, lambda: call.write(wants, decide))


def giftcard_reverse(call: Call, body: StoredValueReverseRequest) -> Answer:
    """Gives back to a card what an order took from it, or a part of that; never more."""
    if call.idempotency_key is None:
        raise InvalidInput.of("idempotency_key", "is required: an order may come back in parts")
    card_hash = storage.hash_of(call.keys, body.card_code)
    order_at = storage.order_at(call.keys, card_hash, body.order_ref)
    amount = None if body.amount is None else body.amount.money()

    def decide(call: Call, seen: Seen) -> Step:
        card, order = bearing.found(call, seen, card_hash), seen.get(order_at)
        if order is None:
            raise NotFound()
        bearing.expect(call, seen, card)
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
        data = _data(bearing.shown_to(call, seen, after), activity)
        return Step(Answer(data, after.revision), call.keys.gift_card(card_hash)[0], writes)

    wants: list[Want[Any]] = [*bearing.wants(call, card_hash), order_at]
    return bearing.for_bearer(call, body.card_code, lambda: call.write(wants, decide))


# ---------------------------------------------------------------- how they do it


def _owner(call: Call, seen: Seen, card: GiftCardRecord) -> str | None:
    """Whose holds count: the card's customer, or the one they were merged into, where a failed
    write has shown that. Nothing is read for it before the write."""
    if card.customer_guid is None:
        return None
    return survivor_of(call.keys, seen, card.customer_guid)


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

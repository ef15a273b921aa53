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
from lambdas.giftcard.operations import card_access
from shared.api import Answer, Call
from shared.call import repeated
from shared.codec import shown_value
from shared.commit import Step, commit
from shared.customer_state import CustomerGuard, order_holds_at, state_at
from shared.events import change_event
from shared.fields import Money
from shared.records import Get, Records
from shared.writes import Put, Update, Write


def giftcard_redeem(call: Call, body: StoredValueRedeemRequest) -> Answer:
    """Takes an amount off a card for an order, once per order; with ``allow_partial`` what is
    there, where that is less. Refused while a hold on the card's customer blocks it."""
    card_hash = storage.hash_of(call.keys, body.card_code)
    order_at = storage.order_at(call.keys, card_hash, body.order_ref)
    amount = body.amount.money()

    def decide(call: Call, records: Records) -> Step:
        there, before = records.get(storage.card_at(call.keys, card_hash)), records.get(order_at)
        if there is not None and before is not None and before.requested == amount:
            # Even to one who guesses codes: this one was known when the order took its amount.
            return _again(call, there, before, card_hash)
        card = card_access.found(call, records, card_hash)
        if before is not None:
            rules.same_order(before, amount)
        card_access.ensure_revision(call, records, card)
        rules.usable(card, call.now)
        rules.same_currency(card, amount)
        guards = _bearer_guards(call, records, card, body.order_ref)
        if not rules.enough(card, amount, partial=body.allow_partial):
            # A hold has precedence, and no write will be there to find it.
            for guard in guards:
                records.ensure(state_at(call.keys, guard.customer_guid), *guard.order_holds)
        for guard in guards:
            guard.ensure(records)
        applied = rules.taken(card, amount, partial=body.allow_partial)
        after = rules.moved(card, -applied.amount, call.now)
        activity = _activity(call, after, "redeem", body.order_ref, amount, -applied.amount)
        writes = _moved(call, card, after, card_hash, activity, "giftcard-redeemed")
        data = _data(card_access.shown_to(call, records, after), activity)
        answer = Answer(data, after.revision)
        return Step(answer, storage.subject(call.keys, card_hash), writes, guards)

    wants: list[Get[Any]] = [*card_access.wants(call, card_hash), order_at]
    return card_access.for_bearer(call, body.card_code, lambda: commit(call, wants, decide))


def giftcard_reverse(call: Call, body: StoredValueReverseRequest) -> Answer:
    """Gives back to a card what an order took from it, or a part of that; never more."""
    card_hash = storage.hash_of(call.keys, body.card_code)
    order_at = storage.order_at(call.keys, card_hash, body.order_ref)
    amount = None if body.amount is None else body.amount.money()

    def decide(call: Call, records: Records) -> Step:
        card, order = card_access.found(call, records, card_hash), records.require(order_at)
        card_access.ensure_revision(call, records, card)
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
        data = _data(card_access.shown_to(call, records, after), activity)
        return Step(Answer(data, after.revision), storage.subject(call.keys, card_hash), writes)

    wants: list[Get[Any]] = [*card_access.wants(call, card_hash), order_at]
    return card_access.for_bearer(call, body.card_code, lambda: commit(call, wants, decide))


# ---------------------------------------------------------------- how they do it


def _bearer_guards(
    call: Call, records: Records, card: GiftCardRecord, order_ref: str
) -> list[CustomerGuard]:
    """The guard of the card's customer, or of the one that they were merged into: only what blocks
    redemptions counts, because the value is the bearer's whatever becomes of the customer. Nothing
    is read for it before the write; a failed write brings what there is, and the decision is made
    again with it."""
    owner = card.customer_guid
    if owner is None:
        return []
    state = records.if_read(state_at(call.keys, owner))
    if state is not None and state.merged_into is not None:
        owner = state.merged_into
        state = records.if_read(state_at(call.keys, owner))
    if records.is_absent(state_at(call.keys, owner)):
        return []
    absorbed = () if state is None else state.absorbed
    owners = (card.customer_guid, owner, *absorbed)
    guard = call.guard(
        owner,
        state,
        statuses=None,
        erasing=True,
        action=rules.REDEEM,
        order_holds=order_holds_at(call.keys, [o for o in owners if o], rules.REDEEM, order_ref),
        absorbed_as_read=True,
    )
    return [guard]


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
    event = change_event(
        call,
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
    answer = repeated(_data(then, activity), activity.card_revision)
    return Step(answer, storage.subject(call.keys, card_hash))

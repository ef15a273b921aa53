"""One function per route of the gift cards, then what they share."""

from __future__ import annotations

from typing import Any

from lambdas.giftcard import card_access, rules, storage
from lambdas.giftcard.models import envelopes, requests
from lambdas.giftcard.models.records import GiftCardActivityRecord, GiftCardRecord
from shared.call import Answer, Call, repeated
from shared.codec import shown_value
from shared.commit import Step, commit
from shared.customer_guard import CustomerGuard, order_holds_at
from shared.customer_state import require_customer, state_at, survivor_of
from shared.errors import AlreadyExists
from shared.events import change_event
from shared.fields import Money, Shape
from shared.records import Get, Records
from shared.states import next_revision, with_status
from shared.writes import Put, Update, Write

SEED = "code_seed"
"""Beside the card in the kept answer of an issue: the org's key makes the code of it again."""


def giftcard_issue(call: Call, body: requests.StoredValueIssueRequest) -> Answer:
    """Issues a gift card. Without ``card_code`` the card gets a new code, which is stored nowhere;
    a repeat under the same ``idempotency_key`` shows it again. With the ``card_code`` of a card
    that exists, the answer is a replay where amount, customer and expiry are the same, else 409."""
    imported = body.card_code is not None
    # The seed is made of no id that is shown anywhere: whoever sees ids learns nothing of the code.
    seed = call.keys.hash("card-seed", call.new_id())
    code = body.card_code or storage.code_from(call.keys, seed)
    card_id = storage.card_id_of(call.keys, code)
    card_at = storage.card_at(call.keys, card_id)
    reads: list[Get[Any]] = [card_at] if imported else []
    if body.customer_guid is not None:
        reads.append(state_at(call.keys, body.customer_guid))

    def decide(call: Call, records: Records) -> Step:
        there = records.get(card_at) if imported else None
        if there is not None:
            return _repeated_issue(call, records, there, body)
        rules.ensure_expiry(body.expires_at, call.now, promotional=body.promotional)
        owner, guards = body.customer_guid, []
        if owner is not None:
            state = require_customer(call.keys, records, owner)
            owner = state.customer_guid
            guards = [call.guard(owner, state)]
        card = GiftCardRecord(
            card_id=card_id,
            card_last4=code[-4:],
            status="active",
            balance=body.amount.money(),
            issued_amount=body.amount.money(),
            customer_guid=owner,
            expires_at=body.expires_at,
            memo=body.memo,
            promotional=body.promotional,
            created_at=call.now,
            updated_at=call.now,
        )
        data = {"stored_value": storage.card_shown(card, call.now)}
        kept = None if imported else {**data, SEED: seed}
        answer = Answer(data, card.revision)
        subject = storage.subject(call.keys, card_id)
        return Step(answer, subject, _issue_writes(call, card), guards, kept)

    answer = commit(call, reads, decide)
    if SEED in answer.data:
        # A repeat by key: it shows the code that the first call made, not the one of this call.
        code = storage.code_from(call.keys, answer.data.pop(SEED))
    return card_access.with_code(answer, code)


def giftcard_get(call: Call, body: requests.StoredValueGetRequest) -> Answer:
    """Answers the balance and the status of a card to whoever has its code."""
    card_id = card_access.require_card_id(call, body.card_code)

    def work(records: Records) -> Answer:
        card = card_access.require_card(call, records, card_id)
        if card.customer_guid is not None:
            # Only the card knows its customer, and only the state whom that was merged into.
            records.ensure(state_at(call.keys, card.customer_guid))
        return Answer({"stored_value": card_access.show_card(call, records, card)}, card.revision)

    reads = card_access.reads(call, card_id)
    return card_access.answer_bearer(body.card_code, lambda: call.read(reads, work))


def giftcard_status_set(call: Call, body: requests.StoredValueStatusSetRequest) -> Answer:
    """Blocks a card, unblocks it, or deactivates it for good."""
    card_id = card_access.require_card_id(call, body.card_code)

    def decide(call: Call, records: Records) -> Step:
        card = card_access.require_card(call, records, card_id)
        card_access.ensure_revision(call, records, card)
        after = with_status(card, rules.STEPS, body.status, call.now)
        writes: list[Write] = []
        if after is not card:
            shape, previous = envelopes.GiftCardStatusChanged, card.status
            event = _event(call, "giftcard-status-set", shape, after, previous_status=previous)
            item = storage.card_item(call.keys, after)
            writes = [Update(item, if_revision=card.revision, events=[event])]
        data = {"stored_value": card_access.show_card(call, records, after)}
        return Step(Answer(data, after.revision), storage.subject(call.keys, card_id), writes)

    reads = card_access.reads(call, card_id)
    return card_access.answer_bearer(body.card_code, lambda: commit(call, reads, decide))


def giftcard_redeem(call: Call, body: requests.StoredValueRedeemRequest) -> Answer:
    """Takes an amount off a card for an order, once per order; with ``allow_partial`` what is
    there, where that is less. Refused while a hold blocks redemptions of the card's customer. The
    same order and amount again is a replay, until any of it was reversed."""
    card_id = card_access.require_card_id(call, body.card_code)
    card_at = storage.card_at(call.keys, card_id)
    order_at = storage.order_at(call.keys, card_id, body.order_ref)
    amount = body.amount.money()

    def decide(call: Call, records: Records) -> Step:
        order = records.get(order_at)
        if order is not None and rules.is_repeat(order, amount):
            # Even for a credential that guesses codes: it knew this one when the order redeemed.
            return _repeated_redemption(call, records.require(card_at), order)
        card = card_access.require_card(call, records, card_id)
        if order is not None:
            raise rules.second_redemption(order)
        card_access.ensure_revision(call, records, card)
        rules.ensure_redeemable(card, call.now)
        rules.ensure_currency(card, amount)
        guards = _bearer_guards(call, records, card, body.order_ref)
        if not rules.has_enough(card, amount, partial=body.allow_partial):
            # A hold has precedence, and here no write will find it.
            for guard in guards:
                records.ensure(state_at(call.keys, guard.customer_guid), *guard.order_holds)
        for guard in guards:
            guard.ensure(records)
        applied = rules.require_applied(card, amount, partial=body.allow_partial)
        after = rules.moved(card, -applied.amount, call.now)
        activity = _activity(call, after, "redeem", -applied.amount, amount, body.order_ref)
        writes = _movement_writes(call, after, activity, "giftcard-redeemed")
        data = _movement_data(card_access.show_card(call, records, after), activity)
        subject = storage.subject(call.keys, card_id)
        return Step(Answer(data, after.revision), subject, writes, guards)

    reads = [*card_access.reads(call, card_id), order_at]
    return card_access.answer_bearer(body.card_code, lambda: commit(call, reads, decide))


def giftcard_reverse(call: Call, body: requests.StoredValueReverseRequest) -> Answer:
    """Gives back to a card what an order took from it, or a part of that; never more. Works in
    every status of the card, which stays as it is: a refund always has somewhere to go."""
    card_id = card_access.require_card_id(call, body.card_code)
    order_at = storage.order_at(call.keys, card_id, body.order_ref)
    amount = None if body.amount is None else body.amount.money()

    def decide(call: Call, records: Records) -> Step:
        card = card_access.require_card(call, records, card_id)
        order = records.require(order_at)
        card_access.ensure_revision(call, records, card)
        if amount is not None:
            rules.ensure_currency(card, amount)
        applied = rules.require_reversible(order, amount)
        after = rules.moved(card, applied.amount, call.now)
        activity = _activity(call, after, "reverse", applied.amount, applied, body.order_ref)
        writes = _movement_writes(call, after, activity, "giftcard-reversed")
        came_back = order.reversed + applied.amount
        left = next_revision(order, call.now, reversed=came_back)
        item = storage.activity_item(call.keys, card_id, left)
        writes.append(Update(item, if_revision=order.revision))
        data = _movement_data(card_access.show_card(call, records, after), activity)
        return Step(Answer(data, after.revision), storage.subject(call.keys, card_id), writes)

    reads = [*card_access.reads(call, card_id), order_at]
    return card_access.answer_bearer(body.card_code, lambda: commit(call, reads, decide))


# ---------------------------------------------------------------- repeats


def _repeated_issue(
    call: Call, records: Records, card: GiftCardRecord, body: requests.StoredValueIssueRequest
) -> Step:
    """Returns the first answer to the card's issue; 409 where this is another card's issue."""
    owner, given = card.customer_guid, body.customer_guid
    if owner != given and owner is not None and given is not None:
        # Both may be one person by now: one of them, or each, merged into the same survivor.
        owner, given = (survivor_of(call.keys, records, guid) for guid in (owner, given))
    issued = (card.issued_amount, owner, card.expires_at)
    if issued != (body.amount.money(), given, body.expires_at):
        raise AlreadyExists.of("card_code", "is another card's")
    first = rules.as_it_was(card, card.issued_amount, 1, card.created_at)
    data = {"stored_value": storage.card_shown(first, card.created_at)}
    return Step(repeated(data, 1), storage.subject(call.keys, card.card_id))


def _repeated_redemption(call: Call, card: GiftCardRecord, order: GiftCardActivityRecord) -> Step:
    """Returns the first answer to the order; nothing happens."""
    then = rules.as_it_was(card, order.balance_after, order.card_revision, order.created_at)
    data = _movement_data(storage.card_shown(then, order.created_at), order)
    return Step(repeated(data, then.revision), storage.subject(call.keys, card.card_id))


# ---------------------------------------------------------------- the customer of a card


def _bearer_guards(
    call: Call, records: Records, card: GiftCardRecord, order_ref: str
) -> list[CustomerGuard]:
    """Returns the guard of the card's customer, or of the one that it was merged into. Only what
    blocks redemptions counts: the value is the bearer's, whatever becomes of the customer. Nothing
    is read for the guard before the write. A failed write brings what there is, and the decision is
    made again with it."""
    linked = owner = card.customer_guid
    if linked is None or owner is None:
        return []
    state = records.if_read(state_at(call.keys, linked))
    if state is not None and state.merged_into is not None:
        owner = state.merged_into
        state = records.if_read(state_at(call.keys, owner))
    if records.is_absent(state_at(call.keys, owner)):
        return []
    owners = (linked, owner, *(() if state is None else state.absorbed))
    guard = call.guard(
        owner,
        state,
        statuses=None,
        erasing=True,
        action=rules.REDEEM,
        order_holds=order_holds_at(call.keys, owners, rules.REDEEM, order_ref),
        redeems=True,
        absorbed_as_read=True,
    )
    return [guard]


# ---------------------------------------------------------------- writes and answers


def _activity(
    call: Call,
    after: GiftCardRecord,
    kind: str,
    change: int,
    requested: Money,
    order_ref: str | None = None,
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


def _issue_writes(call: Call, card: GiftCardRecord) -> list[Write]:
    issued = card.issued_amount
    activity = _activity(call, card, "issue", issued.amount, issued)
    event = _event(call, "giftcard-issued", envelopes.GiftCardIssued, card)
    writes: list[Write] = [
        Put(storage.card_item(call.keys, card), events=[event]),
        Put(storage.activity_item(call.keys, card.card_id, activity)),
    ]
    if card.customer_guid is not None:
        link = storage.link_item(call.keys, card.customer_guid, card.card_id)
        writes.append(Put(link, condition=None))
    return writes


def _movement_writes(
    call: Call, after: GiftCardRecord, activity: GiftCardActivityRecord, action: str
) -> list[Write]:
    """Returns the writes of the card's next state and of the movement that led there."""
    moved = _transaction(activity)
    event = _event(call, action, envelopes.GiftCardMoved, after, **moved)
    item = storage.card_item(call.keys, after)
    return [
        Update(item, if_revision=after.revision - 1, events=[event]),
        Put(storage.activity_item(call.keys, after.card_id, activity)),
    ]


def _event(
    call: Call, action: str, shape: type[Shape], card: GiftCardRecord, **own: Any
) -> dict[str, Any]:
    """Returns the event of a card's change: the fields of its shape, each from ``own`` or else from
    the card."""
    fields = shape.model_fields
    data = {name: own[name] if name in own else getattr(card, name) for name in fields}
    return change_event(call, action, ("giftcard", card.card_id, card.revision), data)


def _movement_data(card: dict[str, Any], activity: GiftCardActivityRecord) -> dict[str, Any]:
    return {"stored_value": card, "transaction": _transaction(activity)}


def _transaction(activity: GiftCardActivityRecord) -> dict[str, Any]:
    return {
        "activity_id": activity.activity_id,
        "order_ref": activity.order_ref,
        "requested": shown_value(activity.requested),
        "applied": shown_value(Money(activity.requested.currency, abs(activity.change))),
        "balance_after": shown_value(activity.balance_after),
        "at": shown_value(activity.created_at),
    }

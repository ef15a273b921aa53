"""Gift cards: issue, get, set the status."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lambdas.giftcard import rules, storage
from lambdas.giftcard.models import (
    GiftCardActivityRecord,
    GiftCardRecord,
    StoredValueGetRequest,
    StoredValueIssueRequest,
    StoredValueStatusSetRequest,
)
from lambdas.giftcard.operations import card_access
from shared.api import Answer, Call
from shared.call import repeated
from shared.commit import Step, commit
from shared.customer_state import require_customer, state_at, survivor_of
from shared.errors import AlreadyExists
from shared.events import change_event
from shared.records import Get, Records
from shared.writes import Put, Update, Write

SEED = "seed"
"""Beside the card in the kept answer of an issue: what the org's key makes the code of again."""


def giftcard_issue(call: Call, body: StoredValueIssueRequest) -> Answer:
    """Issues a gift card. Without a code it gets one, which its repeats show again although it is
    stored nowhere. A given code that a card has already is a replay where amount, customer and
    expiry are alike."""
    # Not the id of the call: the seed must tell nothing to whoever sees ids.
    seed = call.keys.hash("card-seed", call.new_id())
    code = body.card_code or storage.code_from(call.keys, seed)
    card_hash = storage.hash_of(call.keys, code)
    card_at = storage.card_at(call.keys, card_hash)
    wants: list[Get[Any]] = [card_at] if body.card_code else []
    if body.customer_guid is not None:
        wants.append(state_at(call.keys, body.customer_guid))

    def decide(call: Call, records: Records) -> Step:
        there = records.get(card_at) if body.card_code else None
        if there is not None:
            return _issued_before(call, records, there, body)
        rules.may_expire(body.expires_at, call.now, promotional=body.promotional)
        owner, guards = body.customer_guid, []
        if owner is not None:
            state = require_customer(call.keys, records, owner)
            owner = state.customer_guid
            guards = [call.guard(owner, state)]
        card = GiftCardRecord(
            card_id=storage.card_id(card_hash),
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
        data: dict[str, Any] = {"stored_value": storage.card_shown(card, call.now)}
        if body.card_code is None:
            data[SEED] = seed
        answer = Answer(data, card.revision)
        return Step(
            answer, storage.subject(call.keys, card_hash), _issued(call, card, card_hash), guards
        )

    answer = commit(call, wants, decide)
    kept = {k: v for k, v in answer.data.items() if k != SEED}
    if body.card_code is None:
        # A replay's answer holds the seed of the first call, not of this one.
        code = storage.code_from(call.keys, answer.data[SEED])
    return card_access.with_code(replace(answer, data=kept), code)


def giftcard_get(call: Call, body: StoredValueGetRequest) -> Answer:
    """Answers a card's balance and status to whoever bears its code."""
    card_hash = storage.hash_of(call.keys, body.card_code)

    def read() -> Answer:
        records = call.load(*card_access.wants(call, card_hash))
        card = card_access.found(call, records, card_hash)
        if card.customer_guid is not None:
            # Only the card knows its customer, and only their state whom they were merged into.
            records = call.load(state_at(call.keys, card.customer_guid))
        return Answer({"stored_value": card_access.shown_to(call, records, card)}, card.revision)

    return card_access.for_bearer(call, body.card_code, read)


def giftcard_status_set(call: Call, body: StoredValueStatusSetRequest) -> Answer:
    """Blocks a card, lets it be used again, or ends it for good."""
    card_hash = storage.hash_of(call.keys, body.card_code)

    def decide(call: Call, records: Records) -> Step:
        card = card_access.found(call, records, card_hash)
        card_access.ensure_revision(call, records, card)
        after = rules.with_status(card, body.status, call.now)
        writes: list[Write] = []
        if after is not card:
            event = change_event(
                call,
                "giftcard-status-set",
                ("giftcard", card.card_id, after.revision),
                {
                    "card_id": card.card_id,
                    "card_last4": card.card_last4,
                    "previous_status": card.status,
                    "status": after.status,
                },
            )
            item = storage.card_item(call.keys, after)
            writes = [Update(item, if_revision=card.revision, events=[event])]
        answer = Answer(
            {"stored_value": card_access.shown_to(call, records, after)}, after.revision
        )
        return Step(answer, storage.subject(call.keys, card_hash), writes)

    return card_access.for_bearer(
        call, body.card_code, lambda: commit(call, card_access.wants(call, card_hash), decide)
    )


# ---------------------------------------------------------------- how they do it


def _issued(call: Call, card: GiftCardRecord, card_hash: str) -> list[Write]:
    activity = GiftCardActivityRecord(
        activity_id=call.new_id(),
        kind="issue",
        requested=card.issued_amount,
        change=card.issued_amount.amount,
        balance_after=card.balance,
        card_revision=card.revision,
        created_at=call.now,
        updated_at=call.now,
    )
    event = change_event(
        call,
        "giftcard-issued",
        ("giftcard", card.card_id, card.revision),
        {
            "card_id": card.card_id,
            "card_last4": card.card_last4,
            "issued_amount": card.issued_amount,
            "balance": card.balance,
            "customer_guid": card.customer_guid,
            "expires_at": card.expires_at,
            "promotional": card.promotional,
        },
    )
    writes: list[Write] = [
        Put(storage.card_item(call.keys, card), events=[event]),
        Put(storage.activity_item(call.keys, card_hash, activity)),
    ]
    owner = card.customer_guid
    if owner is not None:
        writes.append(Put(storage.link_item(call.keys, owner, card.card_id), condition=None))
    return writes


def _issued_before(
    call: Call, records: Records, card: GiftCardRecord, body: StoredValueIssueRequest
) -> Step:
    """The answer that the card's issue was given; 409 where this is another card's issue."""
    owner = card.customer_guid
    given = body.customer_guid
    if owner != given and owner is not None and given is not None:
        # Both may be one person by now: one of them, or each, merged into the same survivor.
        owner, given = (survivor_of(call.keys, records, guid) for guid in (owner, given))
    alike = (card.issued_amount, owner, card.expires_at)
    if alike != (body.amount.money(), given, body.expires_at):
        raise AlreadyExists.of("card_code", "is another card's")
    first = replace(
        card, status="active", balance=card.issued_amount, revision=1, updated_at=card.created_at
    )
    data = {"stored_value": storage.card_shown(first, card.created_at)}
    card_hash = storage.hash_of(call.keys, str(body.card_code))
    return Step(repeated(data, 1), storage.subject(call.keys, card_hash))

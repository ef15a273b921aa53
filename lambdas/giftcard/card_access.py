"""Access to a card by its code: find the card, stop whoever guesses codes, show the code to the one
who sent it. Nothing that is stored holds a code, not even an answer that is kept for repeats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lambdas.giftcard import codes, rules, storage
from lambdas.giftcard.models.records import CardMissesRecord, GiftCardRecord
from shared.api import Answer, Call
from shared.customer_state import state_at
from shared.errors import Busy, NotFound
from shared.records import Get, Records
from shared.writes import Put, Update, Write


class UnknownCard(NotFound):
    """No card has the code. ``call`` knows the org's limit as it was just verified; ``misses`` are
    the unknown codes that the credential asked for before."""

    def __init__(self, call: Call, misses: CardMissesRecord | None) -> None:
        super().__init__()
        self.call, self.misses = call, misses


def require_card_id(call: Call, code: str) -> str:
    """Returns the id of the card that a code stands for. A code of our form whose check fails is a
    typing error: 404 without a look-up. It is not counted, because it can find no card, and tills
    that share a key would stop each other."""
    if codes.is_mistyped(code):
        raise call.refusal(NotFound())
    return storage.card_id_of(call.keys, code)


def reads(call: Call, card_id: str) -> list[Get[Any]]:
    """Returns the reads of the card and, in the same trip, of the credential's misses."""
    card_at = storage.card_at(call.keys, card_id)
    if call.settings.unknown_card_limit == 0:
        return [card_at]
    return [card_at, storage.misses_at(call.keys, call.caller.fingerprint)]


def require_card(call: Call, records: Records, card_id: str) -> GiftCardRecord:
    """Returns the card; 404 where there is none. 429 for a credential that guesses comes first, so
    that it does not learn which codes exist."""
    misses, limit = None, call.settings.unknown_card_limit
    if limit > 0:
        misses = records.get(storage.misses_at(call.keys, call.caller.fingerprint))
        rules.ensure_not_guessing(() if misses is None else misses.missed_at, limit, call.now)
    card = records.get(storage.card_at(call.keys, card_id))
    if card is None:
        raise UnknownCard(call, misses)
    return card


def answer_bearer(code: str, work: Callable[[], Answer]) -> Answer:
    """Returns the answer of ``work`` with the code that the bearer sent. An unknown code is counted
    before it is refused."""
    try:
        return with_code(work(), code)
    except UnknownCard as unknown:
        _count_miss(unknown.call, unknown.misses)
        raise NotFound() from None


def with_code(answer: Answer, code: str) -> Answer:
    card = {"card_code": codes.in_fours(code), **answer.data["stored_value"]}
    return replace(answer, data={**answer.data, "stored_value": card})


def show_card(call: Call, records: Records, card: GiftCardRecord) -> dict[str, Any]:
    """Returns the card as answers show it. Where the state of its customer was read, the customer
    is the one that it was merged into."""
    state = None
    if card.customer_guid is not None:
        state = records.if_read(state_at(call.keys, card.customer_guid))
    survivor = None if state is None else state.merged_into
    return storage.card_shown(card, call.now, survivor)


def ensure_revision(call: Call, records: Records, card: GiftCardRecord) -> None:
    """409 with the current card where ``expected_revision`` is another."""
    call.facts.ensure_revision(card.revision, {"stored_value": show_card(call, records, card)})


def _count_miss(call: Call, misses: CardMissesRecord | None) -> None:
    """Remembers an unknown code. It is counted for certain before the 404: without that, many
    requests at once could ask for more codes than the limit. Where they get in each other's way for
    too long, the answer is ``busy``, which says nothing about the code."""
    limit, fingerprint = call.settings.unknown_card_limit, call.caller.fingerprint
    if limit == 0:
        return
    change_id, attempt = call.new_id(), 0
    while True:
        before = misses or CardMissesRecord(revision=0)
        after = CardMissesRecord(
            missed_at=(*before.missed_at, call.now)[-limit:], revision=before.revision + 1
        )
        item = storage.misses_item(call.keys, fingerprint, after)
        write: Write = Put(item) if misses is None else Update(item, if_revision=before.revision)
        failed = call.table.transact([write], change_id, attempt)
        if failed is None:
            return
        misses = failed.writes[0][1].record(CardMissesRecord)
        if misses is not None:
            rules.ensure_not_guessing(misses.missed_at, limit, call.now)
        if not call.table.retry_budget.may_retry_after_pause():
            raise Busy()
        attempt += 1

"""What every route does for whoever bears a code: find its card, stop those who guess, and show the
code to the one who sent it. Nothing that is stored, not even an answer kept for repeats, has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lambdas.giftcard import rules, storage
from lambdas.giftcard.models import CardMissesRecord, GiftCardRecord
from shared.api import Answer, Call
from shared.codec import Item
from shared.customer_state import state_at
from shared.errors import Busy, NotFound
from shared.records import Get, Records
from shared.writes import Put, Update, Write


class _Unknown(NotFound):
    """No card has this code; ``misses`` is what the credential has asked for in vain before."""

    def __init__(self, misses: CardMissesRecord | None) -> None:
        super().__init__()
        self.misses = misses


def wants(call: Call, card_hash: str) -> list[Get[Any]]:
    """The card, and whether the credential has been guessing: read together."""
    misses = storage.misses_at(call.keys, call.caller.fingerprint)
    return [storage.card_at(call.keys, card_hash), misses]


def found(call: Call, records: Records, card_hash: str) -> GiftCardRecord:
    """The card of the code. 429 for a credential that guesses, before anything is said of the code;
    404 where there is none, which ``for_bearer`` counts."""
    misses = records.get(storage.misses_at(call.keys, call.caller.fingerprint))
    if misses is not None:
        rules.not_guessing(misses.missed_at, call.now)
    card = records.get(storage.card_at(call.keys, card_hash))
    if card is None:
        raise _Unknown(misses)
    return card


def for_bearer(call: Call, code: str, work: Callable[[], Answer]) -> Answer:
    """The answer of ``work``, with the code that the bearer sent; a miss is counted first."""
    try:
        return with_code(work(), code)
    except _Unknown as unknown:
        _count_miss(call, unknown.misses)
        raise NotFound() from None


def with_code(answer: Answer, code: str) -> Answer:
    value = {"card_code": rules.in_fours(code), **answer.data["stored_value"]}
    return replace(answer, data={**answer.data, "stored_value": value})


def shown_to(call: Call, records: Records, card: GiftCardRecord) -> dict[str, Any]:
    """The card as shown. Its customer is who they are by now, where their state was read."""
    state = None
    if card.customer_guid is not None:
        state = records.if_read(state_at(call.keys, card.customer_guid))
    survivor = None if state is None else state.merged_into
    return storage.card_shown(card, call.now, survivor)


def ensure_revision(call: Call, records: Records, card: GiftCardRecord) -> None:
    """409 with the current card where ``expected_revision`` is another."""
    shown = {"stored_value": shown_to(call, records, card)}
    call.facts.ensure_revision(card.revision, shown)


def _count_miss(call: Call, misses: CardMissesRecord | None) -> None:
    """Remembers the miss. Nobody hears 404 whose miss is not counted: whoever asks for many codes
    at once is told that the service is busy."""
    change_id, fingerprint = call.new_id(), call.caller.fingerprint

    def item(record: CardMissesRecord) -> Item[CardMissesRecord]:
        return storage.misses_item(call.keys, fingerprint, record)

    attempt = 0
    while True:
        if misses is None:
            write: Write = Put(item(CardMissesRecord(missed_at=(call.now,))))
        else:
            kept = (*misses.missed_at, call.now)[-rules.MISSES :]
            after = replace(misses, missed_at=kept, revision=misses.revision + 1)
            write = Update(item(after), if_revision=misses.revision)
        failed = call.table.transact([write], change_id, attempt)
        if failed is None:
            return
        misses = failed.writes[0][1].record(CardMissesRecord)
        if misses is not None:
            rules.not_guessing(misses.missed_at, call.now)
        if not call.table.patience.wait():
            raise Busy()
        attempt += 1

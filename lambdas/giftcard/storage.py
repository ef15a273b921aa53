"""Where the records of the gift cards lie. A card is named by its ``card_id``, which carries the
keyed hash of its code."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lambdas.giftcard import codes, rules
from lambdas.giftcard.models.records import (
    CardMissesRecord,
    GiftCardActivityRecord,
    GiftCardLinkRecord,
    GiftCardRecord,
)
from shared.codec import Item, shown
from shared.commit import Subject
from shared.fields import instant_text
from shared.keys import ALL_OF_KIND, BY_STATUS, CARD_PREFIX, SECOND_ORDER, Keys
from shared.records import Get


def code_from(keys: Keys, seed: str) -> str:
    """Returns the code that the org's key makes of a seed. The table may hold the seed, because
    nobody makes the code of it without the key."""
    return codes.made_from(lambda tried: keys.card_number(f"{seed}#{tried}"))


def card_id_of(keys: Keys, code: str) -> str:
    return CARD_PREFIX + keys.card_hash(codes.folded(code)).lower()


def _hash_in(card_id: str) -> str:
    return card_id.removeprefix(CARD_PREFIX).upper()


def card_at(keys: Keys, card_id: str) -> Get[GiftCardRecord]:
    return Get(keys.gift_card(_hash_in(card_id)), GiftCardRecord)


def order_at(keys: Keys, card_id: str, order_ref: str) -> Get[GiftCardActivityRecord]:
    return Get(keys.card_order(_hash_in(card_id), order_ref), GiftCardActivityRecord)


def misses_at(keys: Keys, fingerprint: str) -> Get[CardMissesRecord]:
    return Get(keys.card_misses(fingerprint), CardMissesRecord)


def subject(keys: Keys, card_id: str) -> Subject:
    """Returns what an answer about a card speaks of: the answer is kept in the card's partition."""
    return Subject(card_at(keys, card_id).key[0], card_id)


def card_item(keys: Keys, card: GiftCardRecord) -> Item[GiftCardRecord]:
    sort = f"{instant_text(card.created_at)}#{card.card_id}"
    indexes = keys.listed(ALL_OF_KIND, "gift_card", sort)
    indexes |= keys.listed(BY_STATUS, "gift_card", sort, card.status)
    if card.customer_guid is not None:
        indexes |= keys.listed(SECOND_ORDER, "gift_card", sort, card.customer_guid)
    view = shown(card, without=("memo",))
    return Item(card_at(keys, card.card_id).key, card, indexes=indexes, view=view)


def activity_item(
    keys: Keys, card_id: str, activity: GiftCardActivityRecord
) -> Item[GiftCardActivityRecord]:
    """Returns a movement in its place. An order has one place for its redemption, so that it takes
    from the card once; it may be reversed in any number of parts."""
    card_hash = _hash_in(card_id)
    if activity.kind == "issue":
        return Item(keys.card_issued(card_hash), activity)
    if activity.kind == "reverse":
        return Item(keys.card_reversal(card_hash, activity.activity_id), activity)
    return Item(keys.card_order(card_hash, str(activity.order_ref)), activity)


def link_item(keys: Keys, customer_guid: str, card_id: str) -> Item[GiftCardLinkRecord]:
    place = keys.customer_link(customer_guid, "CARD", card_id)
    return Item(place, GiftCardLinkRecord(card_id=card_id))


def misses_item(keys: Keys, fingerprint: str, misses: CardMissesRecord) -> Item[CardMissesRecord]:
    expires = misses.missed_at[-1] + rules.MISSES_WINDOW
    return Item(keys.card_misses(fingerprint), misses, expires=expires)


def card_shown(
    card: GiftCardRecord, now: datetime, customer_guid: str | None = None
) -> dict[str, Any]:
    """Returns a card as answers show it, without the code: only a bearer's request knows that."""
    return shown(
        card,
        status=rules.status_at(card, now),
        customer_guid=customer_guid or card.customer_guid,
    )

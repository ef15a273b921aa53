"""Where the family's records lie, and how they come back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lambdas.giftcard import rules
from lambdas.giftcard.models import (
    CardMissesRecord,
    GiftCardActivityRecord,
    GiftCardLinkRecord,
    GiftCardRecord,
)
from shared.codec import Item, shown
from shared.commit import Subject
from shared.fields import instant_text
from shared.keys import ALL_OF_KIND, BY_STATUS, SECOND_ORDER, Keys
from shared.records import Get

MADE_CARD = "card_"


def code_from(keys: Keys, seed: str) -> str:
    """The code that only the org's key makes of a seed: the table holds the seed at most."""
    return rules.code_of(lambda tried: keys.card_number(f"{seed}#{tried}"))


def hash_of(keys: Keys, code: str) -> str:
    return keys.card_hash(rules.folded(code))


def card_id(card_hash: str) -> str:
    return MADE_CARD + card_hash.lower()


def _hash_in(card_id: str) -> str:
    return card_id.removeprefix(MADE_CARD).upper()


def card_shown(
    card: GiftCardRecord, now: datetime, customer_guid: str | None = None
) -> dict[str, Any]:
    """A card as answers show it, but for the code, which only its bearer's request knows."""
    return shown(
        card,
        status=rules.status_at(card, now),
        customer_guid=customer_guid or card.customer_guid,
    )


def card_item(keys: Keys, card: GiftCardRecord) -> Item[GiftCardRecord]:
    sort = f"{instant_text(card.created_at)}#{card.card_id}"
    indexes = keys.listed(ALL_OF_KIND, "gift_card", sort)
    indexes |= keys.listed(BY_STATUS, "gift_card", sort, card.status)
    if card.customer_guid is not None:
        indexes |= keys.listed(SECOND_ORDER, "gift_card", sort, card.customer_guid)
    return Item(
        keys.gift_card(_hash_in(card.card_id)),
        card,
        indexes=indexes,
        view=shown(card, without=("memo",)),
    )


def subject(keys: Keys, card_hash: str) -> Subject:
    """An answer that speaks of a card is kept in its partition."""
    return Subject(keys.gift_card(card_hash)[0], card_id(card_hash))


def card_at(keys: Keys, card_hash: str) -> Get[GiftCardRecord]:
    return Get(keys.gift_card(card_hash), GiftCardRecord)


def order_at(keys: Keys, card_hash: str, order_ref: str) -> Get[GiftCardActivityRecord]:
    return Get(keys.card_order(card_hash, order_ref), GiftCardActivityRecord)


def activity_item(
    keys: Keys, card_hash: str, activity: GiftCardActivityRecord
) -> Item[GiftCardActivityRecord]:
    if activity.kind == "issue":
        return Item(keys.card_issued(card_hash), activity)
    if activity.kind == "reverse":
        return Item(keys.card_reversal(card_hash, activity.activity_id), activity)
    return Item(keys.card_order(card_hash, str(activity.order_ref)), activity)


def link_item(keys: Keys, customer_guid: str, card_id: str) -> Item[GiftCardLinkRecord]:
    place = keys.customer_link(customer_guid, "CARD", card_id)
    return Item(place, GiftCardLinkRecord(card_id=card_id))


def misses_at(keys: Keys, fingerprint: str) -> Get[CardMissesRecord]:
    return Get(keys.card_misses(fingerprint), CardMissesRecord)


def misses_item(keys: Keys, fingerprint: str, misses: CardMissesRecord) -> Item[CardMissesRecord]:
    expires = misses.missed_at[-1] + rules.WINDOW
    return Item(keys.card_misses(fingerprint), misses, expires=expires)

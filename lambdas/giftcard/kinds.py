"""The kinds of records that the gift cards store. The value belongs to the bearer: erasing a
customer unlinks the cards that were issued to them, and takes no money from any."""

from __future__ import annotations

from dataclasses import replace

from lambdas.giftcard.models import envelopes, records
from shared.keys import Key, Keys
from shared.kinds import Kind, listed_until


def unlinked(card: records.GiftCardRecord) -> records.GiftCardRecord:
    """Returns the card without its owner. What it is worth stays with the bearer."""
    return replace(card, customer_guid=None)


def _balance(card: records.GiftCardRecord, *_: object) -> str | None:
    """Returns why a card with a balance stays, and the customer whom it is linked to."""
    return "card_balance" if card.balance.amount else None


def _links(keys: Keys, card: records.GiftCardRecord) -> list[Key]:
    owner = card.customer_guid
    return [] if owner is None else [keys.customer_link(owner, "CARD", card.card_id)]


KINDS = (
    Kind(
        record=records.GiftCardRecord,
        erasure="unlink",
        named_by="card_id",
        ends=unlinked,
        target="gift_card",
        retained="giftcard",
        aged_by="updated_at",
        aging=listed_until(records.GiftCardRecord.KIND),
        stays=_balance,
        guards_customer=_balance,
        parts=lambda keys, card: [keys.card_activities(card.card_id)],
        links=_links,
        hidden=("card_id",),
        events={
            "giftcard-issued": envelopes.GiftCardIssued,
            "giftcard-redeemed": envelopes.GiftCardMoved,
            "giftcard-reversed": envelopes.GiftCardMoved,
            "giftcard-status-set": envelopes.GiftCardStatusChanged,
        },
    ),
    Kind(record=records.GiftCardActivityRecord, erasure="keep", events={}),
    Kind(
        record=records.GiftCardLinkRecord,
        erasure="delete",
        business=False,
        hidden=("card_id",),
        leads_to=lambda keys, link: keys.gift_card_of(link.card_id),
        events={},
    ),
    Kind(record=records.CardMissesRecord, erasure="keep", events={}),
)

"""The kinds of records that the gift cards store. The value belongs to the bearer: erasing a
customer unlinks the cards that were issued to them, and takes no money from any."""

from __future__ import annotations

from dataclasses import replace

from lambdas.giftcard.models import envelopes, records
from shared.kinds import Kind


def unlinked(card: records.GiftCardRecord) -> records.GiftCardRecord:
    """Returns the card without its owner. What it is worth stays with the bearer."""
    return replace(card, customer_guid=None)


KINDS = (
    Kind(
        record=records.GiftCardRecord,
        erasure="unlink",
        named_by="card_id",
        ends=unlinked,
        target="gift_card",
        retained="giftcard",
        aged_by="updated_at",
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

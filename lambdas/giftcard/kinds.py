"""The kinds of records that the gift cards store. The value belongs to the bearer: erasing a
customer unlinks the cards that were issued to them, and takes no money from any."""

from __future__ import annotations

from lambdas.giftcard.models import envelopes, records
from shared.kinds import Kind

KINDS = (
    Kind(
        record=records.GiftCardRecord,
        erasure="unlink",
        events={
            "giftcard-issued": envelopes.GiftCardIssued,
            "giftcard-redeemed": envelopes.GiftCardMoved,
            "giftcard-reversed": envelopes.GiftCardMoved,
            "giftcard-status-set": envelopes.GiftCardStatusChanged,
        },
    ),
    Kind(record=records.GiftCardActivityRecord, erasure="keep", events={}),
    Kind(record=records.GiftCardLinkRecord, erasure="delete", events={}),
    Kind(record=records.CardMissesRecord, erasure="keep", events={}),
)

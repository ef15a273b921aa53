"""What the gift cards store. The value is the bearer's: erasing a customer unlinks the cards that
were issued to them, and takes no money from any."""

from __future__ import annotations

from lambdas.giftcard import models
from shared.kinds import Kind

KINDS = (
    Kind(
        record=models.GiftCardRecord,
        personal=("memo",),
        erasure="unlink",
        events={
            "giftcard-issued": models.GiftCardIssued,
            "giftcard-redeemed": models.GiftCardMoved,
            "giftcard-reversed": models.GiftCardMoved,
            "giftcard-status-set": models.GiftCardStatusChanged,
        },
    ),
    Kind(record=models.GiftCardActivityRecord, erasure="keep", events={}),
    Kind(record=models.GiftCardLinkRecord, erasure="delete", events={}),
    Kind(record=models.CardMissesRecord, erasure="keep", events={}),
)

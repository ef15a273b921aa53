"""What goes out: answers, and the data of events."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from lambdas.giftcard.models.records import StoredStatus
from shared.fields import MoneyOut, Shape

CardStatus = Literal["active", "blocked", "deactivated", "depleted", "expired"]


class StoredValue(Shape):
    card_code: str | None = None
    card_id: str
    card_last4: str
    status: CardStatus
    balance: MoneyOut
    issued_amount: MoneyOut
    customer_guid: str | None = None
    expires_at: datetime | None = None
    memo: str | None = None
    promotional: bool
    revision: int
    created_at: datetime
    updated_at: datetime


class StoredValueTransaction(Shape):
    """A movement: what was asked for, what was moved, and the balance right after it."""

    activity_id: str
    order_ref: str
    requested: MoneyOut
    applied: MoneyOut
    balance_after: MoneyOut
    at: datetime


class StoredValueData(Shape):
    stored_value: StoredValue
    transaction: StoredValueTransaction | None = None


class StoredValueEnvelope(Shape):
    data: StoredValueData
    revision: int


# ---------------------------------------------------------------- events


class GiftCardIssued(Shape):
    card_id: str
    card_last4: str
    issued_amount: MoneyOut
    balance: MoneyOut
    customer_guid: str | None = None
    expires_at: datetime | None = None
    promotional: bool


class GiftCardMoved(Shape):
    card_id: str
    card_last4: str
    activity_id: str
    order_ref: str
    requested: MoneyOut
    applied: MoneyOut
    balance_after: MoneyOut


class GiftCardStatusChanged(Shape):
    card_id: str
    card_last4: str
    previous_status: StoredStatus
    status: StoredStatus

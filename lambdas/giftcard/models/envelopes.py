"""What goes out: answers, and the data of events."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from lambdas.giftcard.models.records import StoredStatus
from shared.fields import MoneyOut, Shape

CardStatus = Literal["active", "blocked", "deactivated", "depleted", "expired"]
"""`depleted` (nothing left) and `expired` (its time is over) follow by themselves; the others are
set."""


class StoredValue(Shape):
    """A gift card."""

    card_code: str | None = None
    """The whole code: only for a bearer who sent it, and when the card is issued."""
    card_id: str
    """The id of the card; it is not secret and does not pay."""
    card_last4: str
    """The last four characters of the code."""
    status: CardStatus
    balance: MoneyOut
    """What the card can pay."""
    issued_amount: MoneyOut
    """What the card was worth at first."""
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
    """The id of the movement."""
    order_ref: str
    """The order that it was for."""
    requested: MoneyOut
    """What was asked for."""
    applied: MoneyOut
    """What was moved."""
    balance_after: MoneyOut
    """The balance right after it."""
    at: datetime
    """When it was made."""


class StoredValueData(Shape):
    """The card as the call leaves it."""

    stored_value: StoredValue
    transaction: StoredValueTransaction | None = None
    """What the call moved; only in the answers of redeem and reverse."""


class StoredValueEnvelope(Shape):
    data: StoredValueData
    revision: int


# ---------------------------------------------------------------- events


class GiftCardIssued(Shape):
    """A card that was issued."""

    card_id: str
    card_last4: str
    issued_amount: MoneyOut
    balance: MoneyOut
    customer_guid: str | None = None
    expires_at: datetime | None = None
    promotional: bool


class GiftCardMoved(Shape):
    """What an order took from a card or got back on it."""

    card_id: str
    card_last4: str
    activity_id: str
    order_ref: str
    requested: MoneyOut
    applied: MoneyOut
    balance_after: MoneyOut


class GiftCardStatusChanged(Shape):
    """A card whose status changed."""

    card_id: str
    card_last4: str
    previous_status: StoredStatus
    status: StoredStatus

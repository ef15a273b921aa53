"""What comes in, what is stored, what goes out: gift cards and their movements. No side is reused
for another, and no stored or published shape has a place for a card's code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, WithJsonSchema

from shared.fields import (
    Guid,
    Instant,
    Money,
    MoneyIn,
    MoneyOut,
    Note,
    OrderRef,
    Request,
    Shape,
    refuse,
)

StoredStatus = Literal["active", "blocked", "deactivated"]
CardStatus = Literal["active", "blocked", "deactivated", "depleted", "expired"]

# ---------------------------------------------------------------- in


def _typed(value: str) -> str:
    # Upper case may lengthen a letter ("ß"); what no card has is looked for all the same.
    return re.sub(r"[\s-]", "", value).upper()


def _imported(code: str) -> str:
    if not re.fullmatch("[A-Z0-9]{12,32}", code):
        raise refuse("card-code", "must be 12 to 32 letters and digits")
    return code


# How a bearer types it, with the separators dropped. Whether it can be a code at all is not said:
# a malformed one is answered as an unknown one.
CardCode = Annotated[
    str,
    AfterValidator(_typed),
    WithJsonSchema({"type": "string", "examples": ["7K3M-9QWX-2VBN-4RTZ-H"]}),
]
ImportedCode = Annotated[CardCode, AfterValidator(_imported)]


class StoredValueIssueRequest(Request):
    """``card_code`` only where the card exists elsewhere already (import)."""

    amount: MoneyIn
    card_code: ImportedCode | None = None
    customer_guid: Guid | None = None
    expires_at: Instant | None = None
    memo: Note | None = None
    promotional: bool = False


class StoredValueGetRequest(Request):
    card_code: CardCode


class StoredValueRedeemRequest(Request):
    """``allow_partial``: take what is there, where that is less than ``amount``."""

    card_code: CardCode
    order_ref: OrderRef
    amount: MoneyIn
    allow_partial: bool = False


class StoredValueReverseRequest(Request):
    """Without ``amount``: all that is left of what the order took."""

    card_code: CardCode
    order_ref: OrderRef
    amount: MoneyIn | None = None


class StoredValueStatusSetRequest(Request):
    card_code: CardCode
    status: StoredStatus


# ---------------------------------------------------------------- stored


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardRecord:
    """The head of a card. ``card_id`` carries the keyed hash of the code, which itself is nowhere;
    ``balance`` is the sum of all its activities."""

    KIND: ClassVar[str] = "gift_card"
    card_id: str
    card_last4: str
    status: str
    balance: Money
    issued_amount: Money
    customer_guid: str | None = None
    expires_at: datetime | None = None
    memo: str | None = None
    promotional: bool = False
    revision: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardActivityRecord:
    """One movement of a card: ``change`` is what it added to the balance, in minor units.
    ``reversed`` is how much of an order's redemption came back; ``card_revision`` that of the card
    after the movement, so that the answer of then can be given again."""

    KIND: ClassVar[str] = "gift_card_activity"
    activity_id: str
    kind: str
    order_ref: str | None = None
    requested: Money
    change: int
    reversed: int = 0
    balance_after: Money
    card_revision: int
    revision: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardLinkRecord:
    """From a customer to a card issued to them."""

    KIND: ClassVar[str] = "gift_card_link"
    card_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardMissesRecord:
    """When a credential asked for codes that no card has, the latest last."""

    KIND: ClassVar[str] = "gift_card_misses"
    missed_at: tuple[datetime, ...] = ()
    revision: int = 1


# ---------------------------------------------------------------- out


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

"""What is stored. No record has a place for a card's code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from shared.fields import Money
from shared.marks import FreeText, Id, Word

StoredStatus = Literal["active", "blocked", "deactivated"]
"""The states that a call can set; `deactivated` is final."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardRecord:
    """The head of a card. ``card_id`` carries the keyed hash of the code. ``balance`` is the sum of
    all the card's activities."""

    KIND: ClassVar[str] = "gift_card"
    card_id: Id
    card_last4: Id
    status: Word
    balance: Money
    issued_amount: Money
    customer_guid: Id | None = None
    expires_at: datetime | None = None
    memo: FreeText[str | None] = None
    promotional: bool = False
    revision: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardActivityRecord:
    """One movement of a card. ``change`` is what it added to the balance, in minor units;
    ``reversed`` is how much of an order's redemption came back. ``card_revision`` is the card's
    revision after the movement, so that a repeat can give the first answer again."""

    KIND: ClassVar[str] = "gift_card_activity"
    activity_id: Id
    kind: Word
    order_ref: Id | None = None
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
    """From a customer to a card that was issued to them."""

    KIND: ClassVar[str] = "gift_card_link"
    card_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class CardMissesRecord:
    """When a credential asked for codes that no card has, the latest last."""

    KIND: ClassVar[str] = "gift_card_misses"
    missed_at: tuple[datetime, ...] = ()
    revision: int = 1

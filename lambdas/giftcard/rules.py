"""What may happen to a gift card. Values in, values out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from lambdas.giftcard.models.records import GiftCardActivityRecord, GiftCardRecord
from shared.codec import shown_value
from shared.errors import (
    AlreadyExists,
    ApiError,
    CurrencyMismatch,
    InsufficientBalance,
    InvalidInput,
    InvalidState,
    RateLimited,
)
from shared.fields import Money
from shared.states import next_revision, steps

YEARS = 5
"""How long paid value lasts at the least. Many laws on gift cards ask for that much."""
MISSES_WINDOW = timedelta(minutes=10)
STEPS = steps({"active": "blocked deactivated", "blocked": "active deactivated", "deactivated": ""})
REDEEM = "giftcard.redeem"
"""The action type that a hold names to block redemptions."""


def ensure_not_guessing(missed_at: tuple[datetime, ...], limit: int, now: datetime) -> None:
    """429 for a credential that asked for ``limit`` (1 or more) unknown codes lately."""
    if len(missed_at) < limit:
        return
    ends = missed_at[-limit] + MISSES_WINDOW
    if ends > now:
        # Rounded up: a caller who waits exactly this long is let in.
        seconds = -int((now - ends) // timedelta(seconds=1))
        raise RateLimited(headers={"Retry-After": str(seconds)})


# ---------------------------------------------------------------- the state of a card


def status_at(card: GiftCardRecord, now: datetime) -> str:
    """Returns the status as shown: what was set by hand, else expired, else depleted."""
    if card.status != "active":
        return card.status
    if card.expires_at is not None and card.expires_at <= now:
        return "expired"
    return "depleted" if card.balance.amount == 0 else "active"


def ensure_redeemable(card: GiftCardRecord, now: datetime) -> None:
    """409 for a card that is blocked, deactivated or expired. An empty card passes: that it has too
    little is a refusal of its own."""
    status = status_at(card, now)
    if status not in ("active", "depleted"):
        raise InvalidState(
            "The card cannot be used.",
            detail={"state": status, "allowed": sorted(STEPS[card.status])},
        )


def ensure_expiry(expires_at: datetime | None, now: datetime, *, promotional: bool) -> None:
    """400 for an expiry that has passed, or is too near for value that was paid for."""
    if expires_at is None:
        return
    if expires_at <= now:
        raise InvalidInput.of("expires_at", "must lie in the future", "past")
    if not promotional and expires_at < _years_after(now):
        raise InvalidInput.of(
            "expires_at", f"must lie {YEARS} years ahead, or the card be promotional", "too-soon"
        )


def _years_after(now: datetime) -> datetime:
    try:
        return now.replace(year=now.year + YEARS)
    except ValueError:  # 29 February
        return now.replace(year=now.year + YEARS, day=28)


# ---------------------------------------------------------------- movements


def is_repeat(order: GiftCardActivityRecord, amount: Money) -> bool:
    """Whether redeeming this amount is what the order did before. After a reversal it is not:
    value comes once, and a replay would let goods leave that nobody paid for."""
    return order.reversed == 0 and order.requested == amount


def second_redemption(order: GiftCardActivityRecord) -> ApiError:
    """Returns why an order that redeemed before cannot redeem again."""
    if order.reversed > 0:
        came_back = Money(order.requested.currency, order.reversed)
        return InvalidState(
            "Value of this order was given back to the card already.",
            detail={"reversed": shown_value(came_back)},
        )
    return AlreadyExists.of("order_ref", "redeemed another amount")


def ensure_currency(card: GiftCardRecord, amount: Money) -> None:
    if amount.currency != card.balance.currency:
        raise CurrencyMismatch(detail={"available": card.balance.currency})


def has_enough(card: GiftCardRecord, amount: Money, *, partial: bool) -> bool:
    """Whether the card holds the amount, or anything where a part of it will do."""
    return card.balance.amount >= (1 if partial else amount.amount)


def require_applied(card: GiftCardRecord, amount: Money, *, partial: bool) -> Money:
    """Returns how much comes off the card; 409 where it does not hold enough."""
    if not has_enough(card, amount, partial=partial):
        raise InsufficientBalance(detail={"available": shown_value(card.balance)})
    return Money(amount.currency, min(amount.amount, card.balance.amount))


def require_reversible(order: GiftCardActivityRecord, amount: Money | None) -> Money:
    """Returns how much comes back: ``amount``, or (None) all that is left of what the order took;
    409 where that is nothing, or less than ``amount``."""
    left = Money(order.requested.currency, -order.change - order.reversed)
    asked = left if amount is None else amount
    if asked.amount > left.amount or left.amount == 0:
        raise InvalidState(
            "The order has less left to give back.", detail={"available": shown_value(left)}
        )
    return asked


def moved(card: GiftCardRecord, change: int, now: datetime) -> GiftCardRecord:
    """Returns the card after its balance changed by so many minor units."""
    balance = card.balance.plus(change)
    assert 0 <= balance.amount <= card.issued_amount.amount
    return next_revision(card, now, balance=balance)


def as_it_was(
    card: GiftCardRecord, balance: Money, revision: int, moment: datetime
) -> GiftCardRecord:
    """Returns the card as it was right after its issue or a redemption. Only these fields change in
    the life of a card, and only an active one redeems."""
    return replace(card, status="active", balance=balance, revision=revision, updated_at=moment)

"""What may happen to a gift card, and what a code looks like. Values in, values out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from lambdas.giftcard.models import GiftCardActivityRecord, GiftCardRecord
from shared.codec import shown_value
from shared.errors import (
    AlreadyExists,
    CurrencyMismatch,
    InsufficientBalance,
    InvalidInput,
    InvalidState,
    RateLimited,
)
from shared.fields import Money
from shared.states import advance, steps

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
YEARS = 5
MISSES, WINDOW = 20, timedelta(minutes=10)
STEPS = steps({"active": "blocked deactivated", "blocked": "active deactivated", "deactivated": ""})
REDEEM = "giftcard.redeem"
"""The action type that a hold names to block redemptions."""

# ---------------------------------------------------------------- codes

_LOOK_ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1"})


def folded(code: str) -> str:
    """The one form that a code is found under, whichever look-alike was typed. Imported codes are
    folded too, so two that differ in look-alikes only are one."""
    return code.translate(_LOOK_ALIKE)


def code_of(number: Callable[[int], int]) -> str:
    """The code of the first of the 80-bit numbers ``number(0), number(1), …`` whose check value
    (mod 37) is a letter or digit of the alphabet: the five other check symbols of the scheme are on
    no till's keypad."""
    tried = 0
    while (found := number(tried)) % 37 >= len(ALPHABET):
        tried += 1
    text = "".join(ALPHABET[found >> shift & 31] for shift in range(5 * (LENGTH - 1), -1, -5))
    return text + ALPHABET[found % 37]


def is_made(code: str) -> bool:
    """Whether a code in its folded form is one of ours, by its length and its check character."""
    if len(code) != LENGTH + 1 or any(letter not in ALPHABET for letter in code):
        return False
    number = 0
    for letter in code[:LENGTH]:
        number = number << 5 | ALPHABET.index(letter)
    return number % 37 == ALPHABET.index(code[LENGTH])


def in_fours(code: str) -> str:
    """A code as it is shown: ours in its own letters, whichever look-alikes were typed; another's
    as it was typed, for nobody else knows its own."""
    code = folded(code) if is_made(folded(code)) else code
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def not_guessing(missed_at: tuple[datetime, ...], now: datetime) -> None:
    """429 for a credential that has asked for too many unknown codes lately."""
    if len(missed_at) < MISSES:
        return
    ends = missed_at[-MISSES] + WINDOW
    if ends > now:
        # Rounded up: whoever waits as long as told is let in.
        seconds = -int((now - ends) // timedelta(seconds=1))
        raise RateLimited(headers={"Retry-After": str(seconds)})


# ---------------------------------------------------------------- the state of a card


def status_at(card: GiftCardRecord, now: datetime) -> str:
    """The status as shown: what was set by hand, else expired, else depleted."""
    if card.status != "active":
        return card.status
    if card.expires_at is not None and card.expires_at <= now:
        return "expired"
    return "depleted" if card.balance.amount == 0 else "active"


def usable(card: GiftCardRecord, now: datetime) -> None:
    """409 where nothing may move on the card. An empty card is usable: it only has nothing. A card
    that is blocked, deactivated or expired takes nothing back either: what came back could not be
    spent, so the merchant has to be told to refund in another way."""
    status = status_at(card, now)
    if status not in ("active", "depleted"):
        raise InvalidState(
            "The card cannot be used.",
            detail={"state": status, "allowed": sorted(STEPS[card.status])},
        )


def with_status(card: GiftCardRecord, status: str, now: datetime) -> GiftCardRecord:
    """The card in its next state; the very same object where it is there already."""
    if not advance(STEPS, card.status, status):
        return card
    return replace(card, status=status, revision=card.revision + 1, updated_at=now)


def may_expire(expires_at: datetime | None, now: datetime, *, promotional: bool) -> None:
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


def same_order(activity: GiftCardActivityRecord, amount: Money) -> None:
    """Refuses a second redemption of an order by another amount. An alike one is a replay."""
    if activity.requested != amount:
        raise AlreadyExists.of("order_ref", "took another amount")


def same_currency(card: GiftCardRecord, amount: Money) -> None:
    if amount.currency != card.balance.currency:
        raise CurrencyMismatch(detail={"available": card.balance.currency})


def enough(card: GiftCardRecord, amount: Money, *, partial: bool) -> bool:
    """Whether the card has what is to be taken, or anything where part of it will do."""
    return card.balance.amount >= (1 if partial else amount.amount)


def taken(card: GiftCardRecord, amount: Money, *, partial: bool) -> Money:
    """How much comes off the card; 409 where that is nothing, or less than all was asked for."""
    if not enough(card, amount, partial=partial):
        raise InsufficientBalance(detail={"available": shown_value(card.balance)})
    return Money(amount.currency, min(amount.amount, card.balance.amount))


def given_back(activity: GiftCardActivityRecord, amount: Money | None) -> Money:
    """How much comes back: at most what is left of what the order took."""
    rest = Money(activity.requested.currency, -activity.change - activity.reversed)
    asked = rest if amount is None else amount
    if asked.amount > rest.amount or rest.amount == 0:
        raise InvalidState(
            "The order took no more than has come back and is left.",
            detail={"available": shown_value(rest)},
        )
    return asked


def moved(card: GiftCardRecord, change: int, now: datetime) -> GiftCardRecord:
    """The card after its balance changed by so many minor units."""
    balance = card.balance.plus(change)
    assert 0 <= balance.amount <= card.issued_amount.amount
    return replace(card, balance=balance, revision=card.revision + 1, updated_at=now)


def at_activity(card: GiftCardRecord, activity: GiftCardActivityRecord) -> GiftCardRecord:
    """The card as it was right after a movement: only what movements change has changed since, or
    what was taken from it for good."""
    return replace(
        card,
        status="active",
        balance=activity.balance_after,
        revision=activity.card_revision,
        updated_at=activity.created_at,
    )

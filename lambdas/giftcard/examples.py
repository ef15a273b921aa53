"""What the rows show as examples of answers: one card of 50.00 EUR, as the calls find it.

Order SO-1000 took 10.00 EUR of it.
"""

from __future__ import annotations

from typing import Any

CODE = "7K3M-9QWX-2VBN-4RTZ-6"


def euro(amount: int) -> dict[str, Any]:
    return {"currency": "EUR", "amount": amount}


_CARD: dict[str, Any] = {
    "card_code": CODE,
    "card_id": "card_sniaiskgxn4laattm2zag43mzq",
    "card_last4": "RTZ6",
    "status": "active",
    "balance": euro(4_000),
    "issued_amount": euro(5_000),
    "promotional": False,
    "revision": 2,
    "created_at": "2026-01-05T09:00:00Z",
    "updated_at": "2026-01-10T14:00:00Z",
}
_CHANGED = {"revision": 3, "updated_at": "2026-01-12T15:30:00Z"}


def card(**changes: Any) -> dict[str, Any]:
    """Returns the ``data`` of an answer with the card. With changes it has been changed once
    more."""
    return {"stored_value": _CARD | (_CHANGED | changes if changes else {})}


def issued() -> dict[str, Any]:
    """Returns the ``data`` of an answer with a new card."""
    return {"stored_value": {**_CARD, "balance": _CARD["issued_amount"], "revision": 1}}


def moved(activity_id: str, order_ref: str, balance: int) -> dict[str, Any]:
    """Returns the ``data`` of an answer about the 10.00 EUR of an order, and what the card holds
    then."""
    moved = {"requested": euro(1_000), "applied": euro(1_000), "balance_after": euro(balance)}
    about = {"activity_id": activity_id, "order_ref": order_ref, **moved}
    transaction = {**about, "at": _CHANGED["updated_at"]}
    return {**card(balance=euro(balance)), "transaction": transaction}

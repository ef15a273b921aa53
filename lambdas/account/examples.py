"""What the rows show as examples of answers: one account, one contact, as the calls find them."""

from __future__ import annotations

from typing import Any

ACCOUNT = "acct_01KA0000000000000000000000"
CONTACT = "cont_01KA000000000000000000000101KA0000000000000000000000"


def euro(amount: int) -> dict[str, Any]:
    return {"currency": "EUR", "amount": amount}


def account(**changes: Any) -> dict[str, Any]:
    """Returns the ``data`` of an answer with the account. With changes it has been changed once."""
    return {"account": _ACCOUNT | (_CHANGED | changes if changes else {})}


def opened(given: dict[str, Any]) -> dict[str, Any]:
    """Returns the ``data`` of an answer with the account that was opened with what is given."""
    return {"account": {**_ACCOUNT, **given, "account_guid": "acct_01KA0000000000000000000009"}}


def credit(used: int, revision: int) -> dict[str, Any]:
    """Returns the ``data`` of an answer about the credit that order SO-1001 used or gave back."""
    left = {"credit_used": euro(used), "credit_available": euro(10_000 - used)}
    moved = {"requested": euro(300), "applied": euro(300), "floored": False}
    return {**account(**left, revision=revision), "credit": {"order_ref": "SO-1001", **moved}}


def contact(**changes: Any) -> dict[str, Any]:
    """Returns the ``data`` of an answer with the contact. With changes it has been changed once."""
    return {"contact": _CONTACT | (_CHANGED | changes if changes else {})}


_MADE = {"revision": 1, "created_at": "2026-01-05T09:00:00Z", "updated_at": "2026-01-05T09:00:00Z"}
_CHANGED = {"revision": 2, "updated_at": "2026-01-12T15:30:00Z"}
_ACCOUNT: dict[str, Any] = {
    "account_guid": ACCOUNT,
    "account_code": "NORTHWIND",
    "company_name": "Northwind Traders",
    "status": "active",
    "credit_limit": euro(10_000),
    "credit_used": euro(0),
    "credit_available": euro(10_000),
    "credit_hold": False,
    **_MADE,
}
_CONTACT: dict[str, Any] = {
    "contact_guid": CONTACT,
    "account_guid": ACCOUNT,
    "first_name": "Ada",
    "roles": ["buyer"],
    "is_primary": False,
    "status": "active",
    **_MADE,
}
ACCOUNTS = {"accounts": [_ACCOUNT]}
CONTACTS = {"contacts": [_CONTACT]}

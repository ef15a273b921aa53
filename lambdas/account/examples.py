"""What the rows show as examples of answers: one account, one contact, as the calls find them."""

from __future__ import annotations

from typing import Any

ACCOUNT = "acct_01KA0000000000000000000000"
CONTACT = "cont_01KA000000000000000000000101KA0000000000000000000000"


def euro(amount: int) -> dict[str, Any]:
    return {"currency": "EUR", "amount": amount}


def account(**changes: Any) -> dict[str, Any]:
    """Returns the ``data`` of an answer with the account. Order SO-1000 has used its credit. With
    changes it has been changed once more."""
    return {"account": _ACCOUNT | (_CHANGED | {"revision": 3} | changes if changes else {})}


def opened(given: dict[str, Any]) -> dict[str, Any]:
    """Returns the ``data`` of an answer with the account that was opened with what is given."""
    unused = {"credit_used": euro(0), "credit_available": given["credit_limit"], "revision": 1}
    new = {"account_guid": "acct_01KA0000000000000000000009", **unused}
    return {"account": {**_ACCOUNT, **given, **new}}


def credit(order_ref: str, amount: int, used: int) -> dict[str, Any]:
    """Returns the ``data`` of an answer about the credit that an order used or gave back: ``used``
    is what is used afterwards."""
    left = {"credit_used": euro(used), "credit_available": euro(10_000 - used)}
    moved = {"requested": euro(amount), "applied": euro(amount), "floored": False}
    return {**account(**left), "credit": {"order_ref": order_ref, **moved}}


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
    "credit_used": euro(2_500),
    "credit_available": euro(7_500),
    "credit_hold": False,
    **_MADE,
    "revision": 2,
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

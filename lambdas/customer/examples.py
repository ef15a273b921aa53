"""What the rows show as examples of answers: one customer, as the calls find her."""

from __future__ import annotations

from typing import Any

CUSTOMER = "cust_01KA0000000000000000000000"
_ADA: dict[str, Any] = {
    "customer_guid": CUSTOMER,
    "customer_code": "ADA-1",
    "kind": "individual",
    "status": "active",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "revision": 1,
    "created_at": "2026-01-05T09:00:00Z",
    "updated_at": "2026-01-05T09:00:00Z",
}
_REACHED = {**_ADA, "email": "ada@example.com"}
_CHANGED = {"revision": 2, "updated_at": "2026-01-12T15:30:00Z"}


def customer(**changes: Any) -> dict[str, Any]:
    """Returns the ``data`` of an answer with the customer. With changes she has been changed
    once."""
    return {"customer": _REACHED | (_CHANGED | changes if changes else {})}


def created(given: dict[str, Any]) -> dict[str, Any]:
    """Returns the ``data`` of an answer with the customer that was made of what is given."""
    return {"customer": {**_ADA, **given, "customer_guid": "cust_01KA0000000000000000000009"}}


LISTED = {"customers": [_ADA]}
FOUND = {"customers": [{**_REACHED, "match_fields": ["last_name"]}]}

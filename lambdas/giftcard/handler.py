"""The door of the gift cards: their rows, and the Lambda handler made of them."""

from __future__ import annotations

from lambdas.giftcard import operations
from lambdas.giftcard.models import requests
from lambdas.giftcard.models.envelopes import StoredValueEnvelope
from shared.api import reading, serve, writing
from shared.errors import (
    AlreadyExists,
    Busy,
    CurrencyMismatch,
    HoldPending,
    InsufficientBalance,
    InvalidState,
)

WHY = {"reason": "Sold at the counter", "source_refs": [{"kind": "ticket", "id": "T-1"}]}
CODE = "7K3M-9QWX-2VBN-4RTZ-6"
# The order before this one is in the books of the demo world.
ORDER = {"card_code": CODE, "order_ref": "SO-1001", "amount": {"currency": "EUR", "amount": 1000}}
PAST_ORDER = {**ORDER, "order_ref": "SO-1000"}
BEARERS = ("giftcard_admin", "crm_manage", "crm_edit")
ADMINS = ("giftcard_admin",)

ROUTES = (
    reading(
        "/giftcard/get",
        operations.giftcard_get,
        requests.StoredValueGetRequest,
        StoredValueEnvelope,
        "Balance and status of a gift card",
        roles=BEARERS,
        refuses=(Busy,),  # An unknown code is counted before it is refused, and that is a write.
        extension=True,
        sample={"card_code": CODE},
    ),
    writing(
        "/giftcard/issue",
        operations.giftcard_issue,
        requests.StoredValueIssueRequest,
        StoredValueEnvelope,
        "Issue gift card",
        roles=ADMINS,
        strict=True,
        refuses=(AlreadyExists, InvalidState),
        sample={"amount": {"currency": "EUR", "amount": 5000}, **WHY},
    ),
    writing(
        "/giftcard/redeem",
        operations.giftcard_redeem,
        requests.StoredValueRedeemRequest,
        StoredValueEnvelope,
        "Redeem gift card",
        roles=BEARERS,
        revision="optional",
        strict=True,
        keyed="the order",
        refuses=(AlreadyExists, InvalidState, CurrencyMismatch, HoldPending, InsufficientBalance),
        sample={**ORDER, **WHY},
    ),
    writing(
        "/giftcard/reverse",
        operations.giftcard_reverse,
        requests.StoredValueReverseRequest,
        StoredValueEnvelope,
        "Give back what an order took from a gift card",
        roles=BEARERS,
        revision="optional",
        strict=True,
        needs_key=True,
        refuses=(InvalidState, CurrencyMismatch),
        extension=True,
        sample={**PAST_ORDER, "idempotency_key": "refund-1000-1", **WHY},
    ),
    writing(
        "/giftcard/status/set",
        operations.giftcard_status_set,
        requests.StoredValueStatusSetRequest,
        StoredValueEnvelope,
        "Block, unblock or deactivate a gift card",
        roles=ADMINS,
        revision="required",
        refuses=(InvalidState,),
        extension=True,
        sample={"card_code": CODE, "status": "blocked", "expected_revision": 2, **WHY},
    ),
)
lambda_handler = door = serve(ROUTES)

"""The door of the gift cards: their rows, and the Lambda handler made of them."""

from __future__ import annotations

from lambdas.giftcard import models
from lambdas.giftcard.operations import cards, movements
from shared.api import Route, Tier, serve

WHY = {"reason": "Sold at the counter", "source_refs": [{"kind": "ticket", "id": "T-1"}]}
CODE = "7K3M-9QWX-2VBN-4RTZ-H"
TEN = {"currency": "EUR", "amount": 1000}
BEARERS = ("giftcard_admin", "crm_manage", "crm_edit")

ROUTES = (
    Route(
        method="POST",
        path="/giftcard/get",
        summary="Balance and status of a gift card",
        operation=cards.giftcard_get,
        request=models.StoredValueGetRequest,
        envelope=models.StoredValueEnvelope,
        roles=BEARERS,
        latency=Tier.C.value,
        extension=True,
        sample={"card_code": CODE},
    ),
    Route(
        method="POST",
        path="/giftcard/issue",
        summary="Issue gift card",
        operation=cards.giftcard_issue,
        request=models.StoredValueIssueRequest,
        envelope=models.StoredValueEnvelope,
        roles=("giftcard_admin",),
        latency=Tier.D.value,
        writes=True,
        provenance="required",
        strict=True,
        sample={"amount": {"currency": "EUR", "amount": 5000}, **WHY},
    ),
    Route(
        method="POST",
        path="/giftcard/redeem",
        summary="Redeem gift card",
        operation=movements.giftcard_redeem,
        request=models.StoredValueRedeemRequest,
        envelope=models.StoredValueEnvelope,
        roles=BEARERS,
        latency=Tier.D.value,
        writes=True,
        revision="optional",
        provenance="required",
        strict=True,
        keyed="the order",
        sample={"card_code": CODE, "order_ref": "SO-1001", "amount": TEN, **WHY},
    ),
    Route(
        method="POST",
        path="/giftcard/reverse",
        summary="Give back what an order took from a gift card",
        operation=movements.giftcard_reverse,
        request=models.StoredValueReverseRequest,
        envelope=models.StoredValueEnvelope,
        roles=BEARERS,
        latency=Tier.D.value,
        writes=True,
        revision="optional",
        provenance="required",
        strict=True,
        extension=True,
        needs_key=True,
        sample={
            "card_code": CODE,
            "order_ref": "SO-1001",
            "amount": TEN,
            "idempotency_key": "refund-1001-1",
            **WHY,
        },
    ),
    Route(
        method="POST",
        path="/giftcard/status/set",
        summary="Block, unblock or deactivate a gift card",
        operation=cards.giftcard_status_set,
        request=models.StoredValueStatusSetRequest,
        envelope=models.StoredValueEnvelope,
        roles=("giftcard_admin",),
        latency=Tier.D.value,
        writes=True,
        revision="required",
        provenance="required",
        extension=True,
        sample={"card_code": CODE, "status": "blocked", "expected_revision": 1, **WHY},
    ),
)
lambda_handler = door = serve(ROUTES)

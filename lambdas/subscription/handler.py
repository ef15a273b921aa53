"""The door of the subscriptions: their rows, and the Lambda handler made of them."""

from __future__ import annotations

from lambdas.subscription.models import envelopes, requests
from lambdas.subscription.operations import subscription as operations
from shared.api import Tier, reading, serve, writing
from shared.errors import HoldPending, InvalidState

WHY = {"reason": "Asked for at the counter", "source_refs": [{"kind": "ticket", "id": "T-1"}]}
CUSTOMER = "cust_01KA0000000000000000000000"
SUBSCRIPTION = "subs_01KA0000000000000000000041" + CUSTOMER.removeprefix("cust_")
PAUSED = "subs_01KA0000000000000000000042" + CUSTOMER.removeprefix("cust_")
NAMED = {"subscription_id": SUBSCRIPTION}

ROUTES = (
    writing(
        "/subscription/create",
        operations.subscription_create,
        requests.SubscriptionCreateRequest,
        envelopes.SubscriptionEnvelope,
        "Create a customer subscription",
        latency=Tier.A,
        record="subscription",
        refuses=(InvalidState, HoldPending),
        sample={
            "subscription": {
                "customer_id": CUSTOMER,
                "plan_id": "COFFEE-1KG",
                "frequency": "monthly",
                "timezone": "Europe/Berlin",
                "amount": {"currency": "EUR", "amount": 1900},
                "items": [{"sku": "COFFEE-1KG", "quantity": 1}],
            },
            **WHY,
        },
    ),
    reading(
        "/subscription/get",
        operations.subscription_get,
        requests.SubscriptionGetRequest,
        envelopes.SubscriptionEnvelope,
        "Get a subscription by ID",
        latency=Tier.B,
        sample={**NAMED, "occurrences": 3},
    ),
    reading(
        "/subscription/list",
        operations.subscription_list,
        requests.SubscriptionListRequest,
        envelopes.SubscriptionListEnvelope,
        "List subscriptions with optional status/customer filter",
        latency=Tier.B,
        paginated=True,
        sample={"customer_id": CUSTOMER, "limit": 8},
    ),
    writing(
        "/subscription/pause",
        operations.subscription_pause,
        requests.SubscriptionPauseRequest,
        envelopes.SubscriptionEnvelope,
        "Pause an active subscription",
        latency=Tier.A,
        revision="optional",
        refuses=(InvalidState,),
        sample={**NAMED, **WHY},
    ),
    writing(
        "/subscription/resume",
        operations.subscription_resume,
        requests.SubscriptionResumeRequest,
        envelopes.SubscriptionEnvelope,
        "Resume a paused subscription",
        latency=Tier.A,
        revision="optional",
        refuses=(InvalidState,),
        sample={"subscription_id": PAUSED, "mode": "restart", **WHY},
    ),
    writing(
        "/subscription/cancel",
        operations.subscription_cancel,
        requests.SubscriptionCancelRequest,
        envelopes.SubscriptionEnvelope,
        "Cancel an active or paused subscription",
        latency=Tier.A,
        revision="required",
        refuses=(InvalidState,),
        sample={"subscription_id": PAUSED, "expected_revision": 2, **WHY},
    ),
)
lambda_handler = door = serve(ROUTES)

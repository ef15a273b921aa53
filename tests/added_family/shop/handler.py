"""The door of the shops: their rows, and the Lambda handler made of them."""

from __future__ import annotations

from lambdas.shop import operations
from lambdas.shop.models import envelopes, requests
from shared.api import reading, serve, writing

WHY = {"reason": "Opened in the spring", "source_refs": [{"kind": "ticket", "id": "T-1"}]}

ROUTES = (
    writing(
        "/shop/create",
        operations.shop_create,
        requests.ShopCreateRequest,
        envelopes.ShopEnvelope,
        "Open shop",
        record="shop",
        sample={"shop": {"name": "Harbour Street"}, **WHY},
    ),
    reading(
        "/shop/get",
        operations.shop_get,
        requests.ShopGetRequest,
        envelopes.ShopEnvelope,
        "Get shop",
        sample={"shop_guid": "shop_01KA0000000000000000000000"},
    ),
)
lambda_handler = door = serve(ROUTES)

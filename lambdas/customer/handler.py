"""The door of the customers: their rows, and the Lambda handler made of them."""

from __future__ import annotations

from lambdas.customer.models import envelopes, requests
from lambdas.customer.operations import profile, search
from shared.api import Tier, reading, serve, writing
from shared.errors import AlreadyExists, InvalidState

WHY = {"reason": "Signed up at the till", "source_refs": [{"kind": "ticket", "id": "T-1"}]}
C = "cust_01KA0000000000000000000000"
GRACE = {
    "first_name": "Grace",
    "last_name": "Hopper",
    "email": "grace@example.com",
    "customer_code": "C-1004",
}

ROUTES = (
    writing(
        "/customer/create",
        profile.customer_create,
        requests.CustomerCreateRequest,
        envelopes.CustomerEnvelope,
        "Create customer",
        record="customer",
        refuses=(AlreadyExists,),
        sample={"customer": GRACE, **WHY},
    ),
    reading(
        "/customer/get",
        profile.customer_get,
        requests.CustomerGetRequest,
        envelopes.CustomerEnvelope,
        "Get customer",
        bare=requests.selector_of,
        refuses=(InvalidState,),
        sample={"customer_guid": C},
    ),
    reading(
        "/customer/list",
        search.customer_list,
        requests.CustomerListRequest,
        envelopes.CustomerListEnvelope,
        "List customers",
        latency=Tier.B,
        paginated=True,
        sample={"status": "active", "kind": "individual"},
    ),
    reading(
        "/customer/search",
        search.customer_search,
        requests.CustomerSearchRequest,
        envelopes.CustomerListEnvelope,
        "Search customers (partial match)",
        latency=Tier.C.within(p95_ms=250, p99_ms=600),
        paginated=True,
        sample={"q": "lovel"},
    ),
    writing(
        "/customer/update",
        profile.customer_update,
        requests.CustomerUpdateRequest,
        envelopes.CustomerEnvelope,
        "Update a customer",
        revision="required",
        record="customer",
        extension=True,
        refuses=(AlreadyExists, InvalidState),
        sample={
            "customer_guid": C,
            "expected_revision": 1,
            "customer": {"email": "ada@example.org", "phone": None},
            **WHY,
        },
    ),
)
lambda_handler = door = serve(ROUTES)

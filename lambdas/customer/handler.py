"""The door of the customers: their rows, and the Lambda handler made of them."""

from __future__ import annotations

from lambdas.customer import models
from lambdas.customer.operations import profile, search
from shared.api import EDITORS, READERS, Route, Tier, serve
from shared.errors import InvalidState

WHY = {"reason": "Signed up at the till", "source_refs": [{"kind": "ticket", "id": "T-1"}]}
C = "cust_01KA0000000000000000000000"

ROUTES = (
    Route(
        method="POST",
        path="/customer/create",
        summary="Create customer",
        operation=profile.customer_create,
        request=models.CustomerCreateRequest,
        envelope=models.CustomerEnvelope,
        roles=EDITORS,
        latency=Tier.D.value,
        writes=True,
        provenance="required",
        record="customer",
        sample={
            "customer": {
                "first_name": "Ada",
                "last_name": "Lovelace",
                "email": "ada@example.com",
                "customer_code": "ADA-1",
            },
            **WHY,
        },
    ),
    Route(
        method="POST",
        path="/customer/get",
        summary="Get customer",
        operation=profile.customer_get,
        request=models.CustomerGetRequest,
        envelope=models.CustomerEnvelope,
        roles=READERS,
        latency=Tier.C.value,
        bare=models.BARE,
        refuses=(InvalidState,),
        sample={"customer_guid": C},
    ),
    Route(
        method="POST",
        path="/customer/list",
        summary="List customers",
        operation=search.customer_list,
        request=models.CustomerListRequest,
        envelope=models.CustomerListEnvelope,
        roles=READERS,
        latency=Tier.B.value,
        paginated=True,
        sample={"status": "active", "kind": "individual"},
    ),
    Route(
        method="POST",
        path="/customer/search",
        summary="Search customers (partial match)",
        operation=search.customer_search,
        request=models.CustomerSearchRequest,
        envelope=models.CustomerListEnvelope,
        roles=READERS,
        latency=Tier.C.within(p95_ms=250, p99_ms=600),
        paginated=True,
        sample={"q": "lovel"},
    ),
    Route(
        method="POST",
        path="/customer/update",
        summary="Update a customer",
        operation=profile.customer_update,
        request=models.CustomerUpdateRequest,
        envelope=models.CustomerEnvelope,
        roles=EDITORS,
        latency=Tier.D.value,
        writes=True,
        revision="required",
        provenance="required",
        record="customer",
        extension=True,
        sample={
            "customer_guid": C,
            "expected_revision": 1,
            "customer": {"email": "ada@example.org", "phone": None},
            **WHY,
        },
    ),
)
lambda_handler = door = serve(ROUTES)

"""The door of the warranties: their rows, and the Lambda handler made of them."""

from __future__ import annotations

from lambdas.warranty import operations
from lambdas.warranty.models import envelopes, requests
from shared.api import Tier, reading, serve, writing
from shared.errors import AlreadyExists, InvalidState

ADA = "cust_01KA0000000000000000000000"
WARRANTY = "wrty_01KA0000000000000000000041"
SERIAL = "EM-2025-0017"
WHY = {"reason": "Sent in with the receipt", "source_refs": [{"kind": "ticket", "id": "T-1"}]}
NEW = {
    "serial_number": "EM-2025-0042",
    "product_id": "espresso-machine",
    "customer_id": ADA,
    "terms": {"name": "Two years", "duration": {"value": 2, "unit": "years"}},
    "starts_on": "2026-01-10",
    "purchase_ref": "SO-1000",
}

ROUTES = (
    reading(
        "/warranty/get",
        operations.warranty_get,
        requests.WarrantyGetRequest,
        envelopes.WarrantyEnvelope,
        "Get warranty by warranty_id or serial_number",
        latency=Tier.B,
        refuses=(InvalidState,),
        sample={"serial_number": SERIAL},
    ),
    reading(
        "/warranty/list",
        operations.warranty_list,
        requests.WarrantyListRequest,
        envelopes.WarrantyListEnvelope,
        "List warranties by status, customer_id, or serial_number (paginated)",
        latency=Tier.B,
        paginated=True,
        sample={"customer_id": ADA, "status": "active"},
    ),
    writing(
        "/warranty/register",
        operations.warranty_register,
        requests.WarrantyRegisterRequest,
        envelopes.WarrantyEnvelope,
        "Register a warranty linking serial to customer and terms",
        latency=Tier.A,
        provenance="optional",
        keyed="the serial number and the product, while the warranty covers",
        refuses=(AlreadyExists, InvalidState),
        sample={"warranty": NEW, **WHY},
    ),
    writing(
        "/warranty/status/set",
        operations.warranty_status_set,
        requests.WarrantyStatusSetRequest,
        envelopes.WarrantyEnvelope,
        "Transition warranty status (active \u2192 expired/voided/doomed)",
        latency=Tier.A,
        provenance="optional",
        revision="required",
        refuses=(InvalidState,),
        sample={"warranty_id": WARRANTY, "status": "voided", "expected_revision": 1, **WHY},
    ),
    writing(
        "/warranty/update",
        operations.warranty_update,
        requests.WarrantyUpdateRequest,
        envelopes.WarrantyEnvelope,
        "Update warranty terms, expiry, or customer with expected_revision",
        latency=Tier.A,
        provenance="optional",
        revision="required",
        refuses=(AlreadyExists, InvalidState),
        sample={
            "warranty_id": WARRANTY,
            "expected_revision": 1,
            "warranty": {"expires_on": "2028-11-19", "metadata": {"extended": True}},
            **WHY,
        },
    ),
)
lambda_handler = door = serve(ROUTES)

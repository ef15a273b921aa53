"""The door of the certificates: their rows, and the Lambda handler made of them."""

from __future__ import annotations

from lambdas.exemption import operations
from lambdas.exemption.models import envelopes, requests
from shared.api import Tier, reading, serve, writing
from shared.errors import AlreadyExists, InvalidState

ADA = "cust_01KA0000000000000000000000"
CERTIFICATE = "EX-2026-0001"
PENDING = "EX-2026-0002"
SETTERS = ("crm_tax_exemption_admin", "crm_manage")
WHY = {"reason": "Sent in by post", "source_refs": [{"kind": "ticket", "id": "T-1"}]}
NEW = {
    "certificate_id": "EX-2026-0003",
    "certificate_code": "TX-339-RESALE",
    "status": "active",
    "customer_guid": ADA,
    "jurisdictions": [{"country": "US", "region": "TX"}],
    "reason_type": "resale",
    "valid_from": "2026-01-01",
    "valid_to": "2027-12-31",
    "signed_on": "2025-12-15",
}

ROUTES = (
    writing(
        "/exemption/certificate/create",
        operations.exemption_certificate_create,
        requests.ExemptionCertificateCreateRequest,
        envelopes.ExemptionCertificateEnvelope,
        "Create exemption certificate",
        roles=SETTERS,
        latency=Tier.C.within(p95_ms=350, p99_ms=800),
        keyed="the `certificate_id`",
        refuses=(AlreadyExists, InvalidState),
        sample={"certificate": NEW, **WHY},
    ),
    reading(
        "/exemption/certificate/get",
        operations.exemption_certificate_get,
        requests.ExemptionCertificateGetRequest,
        envelopes.ExemptionCertificateEnvelope,
        "Get exemption certificate",
        latency=Tier.B.within(p95_ms=200, p99_ms=500),
        sample={"certificate_id": CERTIFICATE, "as_of": "2026-01-31"},
    ),
    reading(
        "/exemption/certificate/list",
        operations.exemption_certificate_list,
        requests.ExemptionCertificateListRequest,
        envelopes.ExemptionCertificateListEnvelope,
        "List exemption certificates",
        latency=Tier.B.within(p95_ms=250, p99_ms=600),
        paginated=True,
        sample={"customer_guid": ADA, "status": "active", "as_of": "2026-01-31", "limit": 8},
    ),
    writing(
        "/exemption/certificate/status/set",
        operations.exemption_certificate_status_set,
        requests.ExemptionCertificateStatusSetRequest,
        envelopes.ExemptionCertificateEnvelope,
        "Set exemption certificate status",
        roles=SETTERS,
        latency=Tier.C.within(p95_ms=350, p99_ms=800),
        revision="required",
        refuses=(InvalidState,),
        sample={"certificate_id": PENDING, "status": "active", "expected_revision": 1, **WHY},
    ),
)
lambda_handler = door = serve(ROUTES)

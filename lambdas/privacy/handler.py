"""The door of what touches whole customers: its rows, and the Lambda handler made of them.

It is a function of its own, with rights of its own.
"""

from __future__ import annotations

from typing import Any

from lambdas.customer.models.envelopes import CustomerEnvelope
from lambdas.privacy.models import envelopes, requests
from lambdas.privacy.operations import erasure, export, merge
from shared.api import Tier, reading, serve, writing
from shared.errors import HoldPending, InvalidState, LegalHold

WHY = {"reason": "Signed up twice", "source_refs": [{"kind": "ticket", "id": "T-7"}]}
ADA, ALAN = "cust_01KA0000000000000000000000", "cust_01KA0000000000000000000002"
KATE = "cust_01KA0000000000000000000005"
MARY, EDITH = "cust_01KA0000000000000000000006", "cust_01KA0000000000000000000007"
FORGET = {"reason": "Asked to be forgotten", "source_refs": [{"kind": "ticket", "id": "T-8"}]}
ACCESS = {"reason": "Asked for a copy", "source_refs": [{"kind": "ticket", "id": "T-9"}]}

ERASURE: dict[str, Any] = {
    "roles": ("crm_privacy_admin",),
    "latency": Tier.A,
    "revision": "optional",
    "strict": True,
    "dry_run": True,
    "gate": "open",
    "erases": True,
    "refuses": (LegalHold,),
}
"""What the rows of the two erasures have in common."""

ROUTES = (
    writing(
        "/customer/merge",
        merge.customer_merge,
        requests.CustomerMergeRequest,
        CustomerEnvelope,
        "Merge customer into another customer",
        roles=("crm_privacy_admin", "crm_manage"),
        latency=Tier.A,
        revision="optional",
        strict=True,
        dry_run=True,
        refuses=(InvalidState, LegalHold, HoldPending),
        sample={
            "source_customer_guid": ALAN,
            "target_customer_guid": ADA,
            "expected_revision": 1,
            **WHY,
        },
    ),
    reading(
        "/customer/merge/list",
        merge.customer_merge_list,
        requests.CustomerMergeListRequest,
        envelopes.CustomerMergeListEnvelope,
        "List customer merge audit records",
        latency=Tier.C.within(p95_ms=250, p99_ms=600),
        paginated=True,
        sample={"customer_guid": KATE},
    ),
    writing(
        "/customer/anonymize",
        erasure.customer_anonymize,
        requests.CustomerAnonymizeRequest,
        CustomerEnvelope,
        "Anonymize a customer",
        **ERASURE,
        keyed="an anonymized customer stays as it is",
        sample={"customer_guid": MARY, **FORGET},
    ),
    writing(
        "/customer/delete",
        erasure.customer_delete,
        requests.CustomerDeleteRequest,
        envelopes.CustomerDeleteEnvelope,
        "Delete all data of a customer",
        **ERASURE,
        keyed="a deleted customer answers its receipt again",
        sample={"customer_guid": EDITH, **FORGET},
    ),
    writing(
        "/customer/export",
        export.customer_export,
        requests.CustomerExportRequest,
        envelopes.CustomerExportEnvelope,
        "Export everything about a customer",
        roles=("crm_privacy_admin",),
        latency=Tier.A,
        paginated=True,
        gate="open",
        extension=True,
        binds_key=False,
        sample={"customer_guid": ADA, **ACCESS},
    ),
)
lambda_handler = door = serve(ROUTES)

"""The door of the retention policy: its rows, and the Lambda handler made of them."""

from __future__ import annotations

from lambdas.retention import operations
from lambdas.retention.models import envelopes, requests
from shared.api import Tier, reading, serve, writing

ROUTES = (
    reading(
        "/retention/policy/get",
        operations.retention_policy_get,
        requests.RetentionPolicyGetRequest,
        envelopes.RetentionPolicyEnvelope,
        "Get current or versioned data retention policy",
        latency=Tier.B,
        sample={"policy_version": "v1"},
    ),
    writing(
        "/retention/policy/set",
        operations.retention_policy_set,
        requests.RetentionPolicySetRequest,
        envelopes.RetentionPolicyEnvelope,
        "Set data retention policy for the org",
        roles=("crm_privacy_admin",),
        latency=Tier.A,
        revision="required",
        provenance="optional",
        strict=True,
        dry_run=True,
        creates=True,
        sample={
            "policy": {
                "customer_retention_days": 1095,
                "comment_retention_days": 730,
                "minimum_days": {"loyalty_txn": 365},
            },
            "confirm_shortening": True,
            "expected_revision": 1,
            "reason": "Three years, as the privacy notice says",
        },
    ),
)
lambda_handler = door = serve(ROUTES)

"""What the family stores. A policy belongs to the org and to no customer."""

from __future__ import annotations

from lambdas.retention.models import envelopes, records
from shared.kinds import Kind

KINDS = (
    Kind(
        record=records.RetentionPolicyRecord,
        erasure="keep",
        events={"retention-policy-set": envelopes.RetentionPolicyChanged},
    ),
    Kind(record=records.RetentionHeadRecord, erasure="keep", events={}),
)
"""The kinds of records of this family."""

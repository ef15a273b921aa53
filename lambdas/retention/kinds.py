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
    # It names no customer.
    Kind(
        record=records.RetentionRunRecord,
        erasure="keep",
        events={"retention-run-finished": envelopes.RetentionRunFinished},
        when={"retention-run-finished": "The daily run, or one of an administrator, has ended."},
    ),
    Kind(record=records.RetentionHeadRecord, erasure="keep", events={}),
)
"""The kinds of records of this family."""

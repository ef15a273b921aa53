"""What the changes of whole customers leave, and what an erasure does to it."""

from __future__ import annotations

from lambdas.privacy.models import envelopes, records
from shared.kinds import Kind

KINDS = (
    Kind(record=records.MergeRecord, erasure="delete", aged_by="merged_at", events={}),
    # It names a customer who is gone, and the event that says why. It runs out by itself.
    Kind(record=records.ErasureJobRecord, erasure="keep", events={}),
    Kind(
        record=records.TombstoneRecord,
        erasure="keep",
        events={"customer-deleted": envelopes.CustomerDeleted},
    ),
    # It has nothing of the person, and runs out by itself.
    Kind(record=records.KeptRecord, erasure="keep", events={}),
    Kind(record=records.LostPointsRecord, erasure="keep", events={}),
    Kind(
        record=records.ExportRecord,
        erasure="delete",
        aged_by="exported_at",
        events={"customer-exported": envelopes.CustomerExported},
    ),
)

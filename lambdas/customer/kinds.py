"""What the customers store, and what an erasure does to each kind of it."""

from __future__ import annotations

from lambdas.customer.models import envelopes, records
from shared.customer_state import CustomerStateRecord, OrderHoldRecord
from shared.kinds import Kind

KINDS = (
    Kind(record=CustomerStateRecord, erasure="delete", events={}),
    Kind(record=OrderHoldRecord, erasure="delete", events={}),
    Kind(
        record=records.CustomerProfileRecord,
        erasure="delete",
        events={
            "customer-created": envelopes.CustomerChanged,
            "customer-updated": envelopes.CustomerChanged,
        },
    ),
    Kind(record=records.CustomerLookupRecord, erasure="delete", events={}),
    Kind(record=records.SuppressionRecord, erasure="keep", events={}),
    Kind(
        record=records.ConsentHeadRecord,
        erasure="delete",
        events={"customer-consent-set": envelopes.CustomerConsentSet},
    ),
    Kind(record=records.ConsentCurrentRecord, erasure="delete", events={}),
    Kind(
        record=records.ConsentDecisionRecord,
        erasure="delete",
        events={},
    ),
)

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
        personal=(
            "customer_code",
            "first_name",
            "last_name",
            "display_name",
            "company_name",
            "email",
            "phone",
            "alternate_emails",
            "alternate_phones",
            "addresses",
            "date_of_birth",
            "language",
            "home_logical_guid",
            "external_refs",
            "tags",
            "attributes",
        ),
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
        personal=("preferences",),
        erasure="delete",
        events={"customer-consent-set": envelopes.CustomerConsentSet},
    ),
    Kind(record=records.ConsentCurrentRecord, personal=("decision",), erasure="delete", events={}),
    Kind(
        record=records.ConsentDecisionRecord,
        personal=("contact_point", "evidence_ref"),
        erasure="delete",
        events={},
    ),
)

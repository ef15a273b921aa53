"""What the customers store, and what an erasure does to each kind of it."""

from __future__ import annotations

from lambdas.customer import models
from shared.customer_state import CustomerStateRecord, OrderHoldRecord
from shared.kinds import Kind

_DECIDED = ("contact_point", "evidence_ref")

KINDS = (
    Kind(record=CustomerStateRecord, erasure="delete", events={}),
    Kind(record=OrderHoldRecord, erasure="delete", events={}),
    Kind(
        record=models.CustomerProfileRecord,
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
            "customer-created": models.CustomerChanged,
            "customer-updated": models.CustomerChanged,
        },
    ),
    Kind(record=models.CustomerLookupRecord, erasure="delete", events={}),
    Kind(record=models.SuppressionRecord, erasure="keep", events={}),
    Kind(
        record=models.ConsentHeadRecord,
        personal=("preferences",),
        erasure="delete",
        events={"customer-consent-set": models.CustomerConsentSet},
    ),
    Kind(record=models.ConsentCurrentRecord, personal=("decision",), erasure="delete", events={}),
    Kind(record=models.ConsentDecisionRecord, personal=_DECIDED, erasure="delete", events={}),
)

"""What the customers store, and what an erasure does to each kind of it."""

from __future__ import annotations

from datetime import date, datetime

from lambdas.customer.models import envelopes, records, risk_envelopes, risk_records
from shared.customer_state import CustomerStateRecord, OrderHoldRecord, RedemptionCountRecord
from shared.kinds import Kind, listed_until


def _pending_hold(risk: risk_records.CustomerRiskRecord, now: datetime, _: date) -> str | None:
    return "pending_hold" if any(hold.expires_at > now for hold in risk.holds) else None


KINDS = (
    Kind(record=CustomerStateRecord, erasure="delete", business=False, events={}),
    Kind(record=OrderHoldRecord, erasure="delete", business=False, events={}),
    Kind(record=RedemptionCountRecord, erasure="delete", business=False, events={}),
    Kind(
        record=records.CustomerProfileRecord,
        erasure="delete",
        named_by="customer_guid",
        target="customer",
        retained="customer",
        hidden=("places", "borrowed"),
        events={
            "customer-created": envelopes.CustomerChanged,
            "customer-updated": envelopes.CustomerChanged,
            "customer-anonymized": envelopes.CustomerAnonymized,
            "customer-merged": envelopes.CustomerMerged,
        },
    ),
    Kind(record=records.CustomerLookupRecord, erasure="delete", business=False, events={}),
    Kind(record=records.SuppressionRecord, erasure="keep", events={}),
    Kind(
        record=records.ConsentHeadRecord,
        erasure="delete",
        events={"customer-consent-set": envelopes.CustomerConsentSet},
    ),
    Kind(
        record=records.ConsentCurrentRecord,
        erasure="delete",
        rekeyed=lambda keys, current, text: keys.consent_current(
            current.decision.customer_guid, text
        ),
        events={},
    ),
    Kind(
        record=records.ConsentDecisionRecord,
        erasure="delete",
        events={},
    ),
    Kind(
        record=risk_records.CustomerRiskRecord,
        erasure="delete",
        guards_customer=_pending_hold,
        business=False,
        hidden=("order",),
        events={},
    ),
    Kind(
        record=risk_records.FlagRecord,
        erasure="delete",
        retained="fraud",
        aged_by="settled_at",
        aging=listed_until(risk_records.FlagRecord.KIND),
        events={"customer-flag-set": risk_envelopes.CustomerFlagSet},
    ),
    Kind(
        record=risk_records.AssessmentRecord,
        erasure="delete",
        retained="fraud",
        born_at="assessed_at",
        aged_by="assessed_at",
        aging=listed_until(risk_records.AssessmentRecord.KIND),
        events={"customer-fraud-assessed": risk_envelopes.CustomerFraudAssessed},
    ),
    Kind(
        record=risk_records.QuestionRecord,
        erasure="delete",
        # It holds a keyed hash of what was asked.
        anonymization="delete",
        business=False,
        hidden=("inputs_hash",),
        events={},
    ),
    Kind(
        record=risk_records.HoldRecord,
        erasure="delete",
        retained="fraud",
        aged_by="settled_at",
        aging=listed_until(risk_records.HoldRecord.KIND),
        events={
            "customer-hold-created": risk_envelopes.CustomerHoldMoved,
            "customer-hold-resolved": risk_envelopes.CustomerHoldMoved,
        },
        when={
            "customer-hold-created": "An assessment said `review`, and no hold for the same action "
            "and order was pending.",
        },
    ),
)

"""The door of the customers: their rows, and the Lambda handler made of them."""

from __future__ import annotations

from lambdas.customer.models import envelopes, requests, risk_envelopes, risk_requests
from lambdas.customer.operations import (
    consent,
    consent_view,
    dedupe,
    flag,
    fraud,
    hold,
    profile,
    search,
)
from shared.api import Tier, reading, serve, writing
from shared.errors import AlreadyExists, InvalidState

WHY = {"reason": "Signed up at the till", "source_refs": [{"kind": "ticket", "id": "T-1"}]}
C = "cust_01KA0000000000000000000000"
KATHERINE = "cust_01KA0000000000000000000003"
HOLD_ID = "hold_01KA0000000000000000000031"
DECIDES = {"reason": "Called the customer", "source_refs": [{"kind": "ticket", "id": "T-2"}]}
GRACE = {
    "first_name": "Grace",
    "last_name": "Hopper",
    "email": "grace@example.com",
    "customer_code": "C-1004",
}

ROUTES = (
    reading(
        "/customer/consent/get",
        consent_view.customer_consent_get,
        requests.CustomerConsentGetRequest,
        envelopes.CustomerConsentEnvelope,
        "Get customer consent/preferences",
        sample={"customer_guid": C},
    ),
    writing(
        "/customer/consent/set",
        consent.customer_consent_set,
        requests.CustomerConsentSetRequest,
        envelopes.CustomerConsentEnvelope,
        "Set customer consent/preferences",
        revision="required",
        creates=True,
        gate="refusals",
        refuses=(InvalidState,),
        sample={
            "customer_guid": C,
            "expected_revision": 1,
            "consents": [
                {
                    "consent_type": "MARKETING",
                    "consent_state": "withdrawn",
                    "channel": "SMS",
                }
            ],
            "preferences": {"preferences": {"newsletter": "monthly"}},
            **WHY,
        },
    ),
    writing(
        "/customer/create",
        profile.customer_create,
        requests.CustomerCreateRequest,
        envelopes.CustomerEnvelope,
        "Create customer",
        record="customer",
        refuses=(AlreadyExists,),
        sample={"customer": GRACE, **WHY},
    ),
    reading(
        "/customer/dedupe/list",
        dedupe.customer_dedupe_list,
        requests.CustomerDedupeRequest,
        envelopes.CustomerDedupeEnvelope,
        "List potential customer duplicates",
        latency=Tier.C.within(p95_ms=250, p99_ms=600),
        paginated=True,
        bare=requests.selector_of,
        sample={"customer_guid": C},
    ),
    reading(
        "/customer/flag/list",
        flag.customer_flag_list,
        risk_requests.CustomerFlagListRequest,
        risk_envelopes.CustomerFlagListEnvelope,
        "List customer fraud/abuse flags",
        paginated=True,
        sample={"customer_guid": KATHERINE},
    ),
    writing(
        "/customer/flag/set",
        flag.customer_flag_set,
        risk_requests.CustomerFlagSetRequest,
        risk_envelopes.CustomerFlagEnvelope,
        "Set customer fraud/abuse flag",
        roles=("crm_privacy_admin", "crm_manage"),
        revision="required",
        creates=True,
        refuses=(InvalidState,),
        sample={
            "customer_guid": KATHERINE,
            "flag": {"flag_type": "chargeback", "severity": "high", "note": "Bank says so"},
            **DECIDES,
        },
    ),
    writing(
        "/customer/fraud/assess",
        fraud.customer_fraud_assess,
        risk_requests.CustomerFraudAssessRequest,
        risk_envelopes.CustomerFraudAssessEnvelope,
        "Assess customer fraud risk",
        roles=("crm_privacy_admin", "crm_manage", "crm_edit", "loyalty_admin"),
        latency=Tier.C.within(p95_ms=250, p99_ms=600),
        keyed="customer, action and order (or first source), for 15 minutes",
        refuses=(InvalidState,),
        sample={
            "customer_guid": KATHERINE,
            "assessment": {
                "action_type": "loyalty.redeem",
                "order_ref": "SO-1001",
                "amount": {"currency": "EUR", "amount": 1001},
            },
            **WHY,
        },
    ),
    reading(
        "/customer/fraud/list",
        fraud.customer_fraud_list,
        risk_requests.CustomerFraudListRequest,
        risk_envelopes.CustomerFraudListEnvelope,
        "List customer fraud assessments",
        latency=Tier.C.within(p95_ms=250, p99_ms=600),
        paginated=True,
        sample={"customer_guid": KATHERINE},
    ),
    reading(
        "/customer/get",
        profile.customer_get,
        requests.CustomerGetRequest,
        envelopes.CustomerEnvelope,
        "Get customer",
        bare=requests.selector_of,
        refuses=(InvalidState,),
        sample={"customer_guid": C},
    ),
    reading(
        "/customer/hold/list",
        hold.customer_hold_list,
        risk_requests.CustomerHoldListRequest,
        risk_envelopes.CustomerHoldListEnvelope,
        "List customer holds",
        latency=Tier.C.within(p95_ms=250, p99_ms=600),
        paginated=True,
        sample={"customer_guid": KATHERINE},
    ),
    writing(
        "/customer/hold/resolve",
        hold.customer_hold_resolve,
        risk_requests.CustomerHoldResolveRequest,
        risk_envelopes.CustomerHoldEnvelope,
        "Resolve customer hold",
        roles=("crm_privacy_admin", "crm_manage"),
        latency=Tier.D.within(p95_ms=350, p99_ms=700),
        revision="optional",
        keyed="the hold",
        refuses=(InvalidState,),
        sample={
            "customer_guid": KATHERINE,
            "hold_id": HOLD_ID,
            "resolution": "approved",
            **DECIDES,
        },
    ),
    reading(
        "/customer/list",
        search.customer_list,
        requests.CustomerListRequest,
        envelopes.CustomerListEnvelope,
        "List customers",
        latency=Tier.B,
        paginated=True,
        sample={"status": "active", "kind": "individual"},
    ),
    reading(
        "/customer/search",
        search.customer_search,
        requests.CustomerSearchRequest,
        envelopes.CustomerListEnvelope,
        "Search customers (partial match)",
        latency=Tier.C.within(p95_ms=250, p99_ms=600),
        paginated=True,
        sample={"q": "lovel"},
    ),
    writing(
        "/customer/update",
        profile.customer_update,
        requests.CustomerUpdateRequest,
        envelopes.CustomerEnvelope,
        "Update a customer",
        revision="required",
        record="customer",
        extension=True,
        refuses=(AlreadyExists, InvalidState),
        sample={
            "customer_guid": C,
            "expected_revision": 1,
            "customer": {"email": "ada@example.org", "phone": None},
            **WHY,
        },
    ),
)
lambda_handler = door = serve(ROUTES)

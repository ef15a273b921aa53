"""The door of the accounts: the rows of their routes, and the Lambda handler made of them."""

from __future__ import annotations

from lambdas.account.models import envelopes, requests
from lambdas.account.operations import accounts, contacts, credit
from shared.api import Tier, reading, serve, writing
from shared.errors import (
    AlreadyExists,
    CreditHold,
    CreditLimitExceeded,
    CurrencyMismatch,
    InvalidState,
)

ACCOUNT = "acct_01KA0000000000000000000000"
CONTACT = "cont_01KA000000000000000000000101KA0000000000000000000000"
HARBOUR = {
    "company_name": "Harbour Supplies",
    "account_code": "HARBOUR",
    "credit_limit": {"currency": "EUR", "amount": 10000},
}
# The order before this one is in the books of the demo world.
ORDER = {"amount": {"currency": "EUR", "amount": 300}, "order_ref": "SO-1001"}
PAST_ORDER = {"order_ref": "SO-1000"}
WHY = {"reason": "Opened at the trade counter", "source_refs": [{"kind": "ticket", "id": "T-1"}]}

CREDIT_ROLES = ("crm_manage", "crm_edit")

ROUTES = (
    writing(
        "/account/contact/create",
        contacts.account_contact_create,
        requests.AccountContactCreateRequest,
        envelopes.AccountContactEnvelope,
        "Create B2B account contact",
        refuses=(InvalidState,),
        record="contact",
        sample={
            "contact": {"account_guid": ACCOUNT, "first_name": "Ada", "roles": ["buyer"]},
            **WHY,
        },
    ),
    reading(
        "/account/contact/get",
        contacts.account_contact_get,
        requests.AccountContactGetRequest,
        envelopes.AccountContactEnvelope,
        "Get B2B account contact",
        sample={"contact_guid": CONTACT},
    ),
    reading(
        "/account/contact/list",
        contacts.account_contact_list,
        requests.AccountContactListRequest,
        envelopes.AccountContactListEnvelope,
        "List B2B account contacts",
        latency=Tier.B,
        paginated=True,
        sample={"account_guid": ACCOUNT, "status": "active", "role": "buyer"},
    ),
    writing(
        "/account/contact/status/set",
        contacts.account_contact_status_set,
        requests.AccountContactStatusSetRequest,
        envelopes.AccountContactEnvelope,
        "Set B2B account contact status",
        revision="required",
        refuses=(InvalidState,),
        sample={"contact_guid": CONTACT, "status": "inactive", "expected_revision": 1, **WHY},
    ),
    writing(
        "/account/contact/update",
        contacts.account_contact_update,
        requests.AccountContactUpdateRequest,
        envelopes.AccountContactEnvelope,
        "Update B2B account contact",
        revision="required",
        refuses=(InvalidState,),
        record="contact",
        sample={
            "contact_guid": CONTACT,
            "expected_revision": 1,
            "contact": {"is_primary": True, "title": None},
            **WHY,
        },
    ),
    writing(
        "/account/create",
        accounts.account_create,
        requests.AccountCreateRequest,
        envelopes.AccountEnvelope,
        "Create B2B account",
        refuses=(AlreadyExists, InvalidState),
        record="account",
        sample={"account": HARBOUR, **WHY},
    ),
    writing(
        "/account/credit/consume",
        credit.account_credit_consume,
        requests.AccountCreditConsumeRequest,
        envelopes.AccountEnvelope,
        "Atomically consume B2B account credit",
        roles=CREDIT_ROLES,
        revision="required",
        provenance="optional",
        strict=True,
        refuses=(AlreadyExists, InvalidState, CreditHold, CreditLimitExceeded, CurrencyMismatch),
        keyed="the order",
        sample={"account_guid": ACCOUNT, "expected_revision": 2, **ORDER},
    ),
    writing(
        "/account/credit/release",
        credit.account_credit_release,
        requests.AccountCreditReleaseRequest,
        envelopes.AccountEnvelope,
        "Release B2B account credit",
        roles=CREDIT_ROLES,
        revision="optional",
        provenance="optional",
        strict=True,
        refuses=(CurrencyMismatch,),
        keyed="the order and the amount",
        sample={"account_guid": ACCOUNT, **PAST_ORDER},
    ),
    reading(
        "/account/get",
        accounts.account_get,
        requests.AccountGetRequest,
        envelopes.AccountEnvelope,
        "Get B2B account",
        bare="account_guid",
        sample={"account_guid": ACCOUNT},
    ),
    reading(
        "/account/list",
        accounts.account_list,
        requests.AccountListRequest,
        envelopes.AccountListEnvelope,
        "List B2B accounts",
        latency=Tier.B,
        paginated=True,
        sample={"status": "active", "q": "north"},
    ),
    writing(
        "/account/status/set",
        accounts.account_status_set,
        requests.AccountStatusSetRequest,
        envelopes.AccountEnvelope,
        "Set B2B account status",
        roles=("crm_manage",),
        revision="required",
        refuses=(InvalidState,),
        sample={"account_guid": ACCOUNT, "status": "on_hold", "expected_revision": 2, **WHY},
    ),
    writing(
        "/account/update",
        accounts.account_update,
        requests.AccountUpdateRequest,
        envelopes.AccountEnvelope,
        "Update B2B account",
        revision="required",
        refuses=(InvalidState,),
        record="account",
        sample={
            "account_guid": ACCOUNT,
            "expected_revision": 2,
            "account": {"legal_name": "Northwind Traders GmbH", "website": None},
            **WHY,
        },
    ),
)
lambda_handler = door = serve(ROUTES)

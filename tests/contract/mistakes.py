"""The typical mistakes of callers, and the answer to each. ``test_mistakes`` plays them.

In a request ``ACCOUNT``, ``CUSTOMER``, ``CARD`` and ``TOKEN`` stand for what the test has made; the
caller is the owner of the org, unless ``who`` is another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.builders import euro


@dataclass(frozen=True)
class Mistake:
    """What is wrong, and the request: a body, or the text of one. Then the answer: status and tag,
    each fault as ``tag field: message``; where there are no faults, what the message ``says``.
    ``detail`` is that of the error; after a success, the revision, or how many items are listed."""

    what: str
    path: str
    sent: dict[str, Any] | str
    answer: str
    faults: list[str]
    method: str = "POST"
    who: str = "owner"
    headers: dict[str, str] = field(default_factory=dict)
    says: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


WHY: dict[str, Any] = {
    "reason": "Sale at the till",
    "source_refs": [{"kind": "ticket", "id": "T-1"}],
}

# fmt: off
MISTAKES = (
    # ---- who calls
    Mistake("no credential", "/account/list", {}, "401 unauthorized", [], who="nobody",
        says="A valid credential is required: x-session-guid or x-api-key."),
    Mistake("the header of the session is misspelt", "/account/list", {}, "401 unauthorized", [],
        who="nobody", headers={"x-session-id": "SECRET"},
        says="A valid credential is required: x-session-guid or x-api-key."),
    Mistake("an unknown session", "/account/list", {}, "401 unauthorized", [], who="stranger",
        says="A valid credential is required: x-session-guid or x-api-key."),
    Mistake("a session of another org", "/account/list", {}, "404 not-found", [], who="neighbour",
        says="There is no such path, or no such record in the org of the call."),
    Mistake("no org", "/account/list", {}, "400 invalid-input",
        ["missing orgcode: is required: header x-orgcode or body"], headers={"x-orgcode": ""}),
    Mistake("one org in the header, another in the body", "/account/list", {"orgcode": "GLOBEX"},
        "400 context_mismatch", ["mismatch orgcode: must be the org that the request names"]),
    Mistake("a role that may not", "/account/create", {"account": {"company_name": "Northwind"},
        **WHY}, "403 forbidden", [], who="clerk", says="The caller may not do this.",
        detail={"roles_any_of": ["crm_manage", "crm_edit", "crm_privacy_admin"]}),
    Mistake("a role that may not set this field", "/account/create",
        {"account": {"company_name": "Northwind", "credit_limit": euro(1)}, **WHY}, "403 forbidden",
        ["forbidden account.credit_limit: needs the role crm_manage"], who="editor",
        detail={"roles_any_of": ["crm_manage"]}),
    # ---- transport
    Mistake("GET instead of POST", "/account/list", {}, "405 method-not-allowed", [], method="GET",
        says="The path exists, but not with this method.", detail={"allowed": ["POST"]}),
    Mistake("a slash at the end of the path", "/account/list/", {}, "404 not-found", [],
        says="There is no such path, or no such record in the org of the call."),
    Mistake("a path that does not exist", "/accounts/list", {}, "404 not-found", [],
        says="There is no such path, or no such record in the org of the call."),
    Mistake("a form instead of JSON", "/account/list", "limit=5", "415 unsupported-media-type", [],
        headers={"content-type": "application/x-www-form-urlencoded"},
        says="The body must be application/json."),
    Mistake("a body over 256 KiB", "/account/create", '{"account": "' + "x" * 270_000 + '"}',
        "413 payload-too-large", [], says="The body is larger than 256 KiB."),
    Mistake("a trailing comma", "/account/list", '{"limit": 5,}', "400 invalid-input",
        ["json body: must be JSON: a comma must not stand before the end of an object or a list, "
        "at line 1, column 12"]),
    Mistake("single quotes", "/account/list", "{'limit': 5}", "400 invalid-input",
        ["json body: must be JSON: expecting property name enclosed in double quotes at "
        "line 1, column 2"]),
    Mistake("a key twice", "/account/list", '{"limit": 5, "limit": 6}', "400 invalid-input",
        ["json body: an object must not repeat a key"]),
    Mistake("a list as the body", "/account/list", "[]", "400 invalid-input",
        ["json body: must be a JSON object"]),
    Mistake("NaN", "/account/list", '{"limit": NaN}', "400 invalid-input",
        ["json body: NaN and infinity are not numbers of JSON"]),
    # ---- fields
    Mistake("a number as text", "/account/list", {"limit": "5"}, "400 invalid-input",
        ["integer limit: must be an integer, written without a fraction"]),
    Mistake("a whole number with a fraction", "/loyalty/redeem",
        '{"customer_guid": "CUSTOMER", "order_ref": "SO-9", "redeem_points": 10.0, '
        '"reason": "r", "source_refs": [{"kind": "ticket", "id": "T-1"}]}', "400 invalid-input",
        ["integer redeem_points: must be an integer, written without a fraction"]),
    Mistake("an unknown field, spelt in camel case", "/account/create",
        {"account": {"companyName": "Northwind"}, **WHY}, "400 invalid-input",
        ["missing account.company_name: is required",
        "unknown-field account.companyName: is not a field of this request; company_name is"]),
    Mistake("a field at the wrong level", "/account/create", {"company_name": "Northwind", **WHY},
        "400 invalid-input", ["missing account: is required",
        "unknown-field company_name: is not a field of this request; " "account.company_name is"]),
    Mistake("null where nothing can be cleared", "/account/update", {"account_guid": "ACCOUNT",
        "expected_revision": 2, "account": {"company_name": None}, **WHY}, "400 invalid-input",
        ["null account.company_name: must not be null"]),
    Mistake("a state in upper case", "/account/list", {"status": "Active"}, "400 invalid-input",
        ["choice status: must be 'pending', 'active', 'on_hold', 'inactive' or 'closed'"]),
    Mistake("a time without an offset", "/loyalty/balance/get", {"customer_guid": "CUSTOMER",
        "as_of": "2026-03-01T12:00:00"}, "400 invalid-input",
        ["naive as_of: must carry Z or an offset, as in 2026-01-01T00:00:00Z"]),
    Mistake("a date as people write it", "/customer/create",
        {"customer": {"date_of_birth": "31/12/1990"}, **WHY}, "400 invalid-input",
        ["date customer.date_of_birth: must be a date, YYYY-MM-DD"]),
    Mistake("a text that is too long", "/account/create", {"account": {"company_name": "x" * 201},
        **WHY}, "400 invalid-input", ["too-long account.company_name: must be at most 200 bytes"]),
    Mistake("a text of invisible characters", "/account/create",
        {"account": {"company_name": "\u200b"}, **WHY}, "400 invalid-input",
        ["empty account.company_name: must not be empty, nor only of invisible characters"]),
    Mistake("a phone number without its country, elsewhere", "/customer/create",
        {"customer": {"phone": "030 123"}, **WHY}, "400 invalid-input",
        ["phone customer.phone: must be a phone number that can exist, with + and the "
        "country's code, or as in US"]),
    Mistake("an e-mail address without a domain", "/customer/create",
        {"customer": {"email": "ada@"}, **WHY}, "400 invalid-input",
        ["email customer.email: must be an e-mail address"]),
    Mistake("a website without http", "/account/create", {"account": {"company_name": "Northwind",
        "website": "example.com"}, **WHY}, "400 invalid-input",
        ["website account.website: must be an address that begins with http:// or https://"]),
    Mistake("a country by its name", "/account/create", {"account": {"company_name": "Northwind",
        "billing_address": {"country": "Germany"}}, **WHY}, "400 invalid-input",
        ["country account.billing_address.country: must be an ISO 3166-1 alpha-2 country " "code"]),
    Mistake("everything wrong at once", "/giftcard/issue", {"amount": {"currency": "EURO",
        "amount": "5"}, "memo": "", "expires": "2031"}, "400 invalid-input",
        ["missing reason: is required", "missing source_refs: must name at least one source",
        "currency amount.currency: must be an ISO 4217 code in upper case, such as EUR",
        "integer amount.amount: must be an integer, written without a fraction",
        "empty memo: must not be empty, nor only of invisible characters",
        "unknown-field expires: is not a field of this request; expires_at is"]),
    # ---- money and points
    Mistake("money as a decimal number", "/giftcard/issue", {"amount": {"currency": "EUR",
        "amount": 12.5}, **WHY}, "400 invalid-input",
        ["integer amount.amount: must be an integer, written without a fraction"]),
    Mistake("money as a number alone", "/giftcard/issue", {"amount": 1250, **WHY},
        "400 invalid-input", ["object amount: must be an object"]),
    Mistake("an unknown currency", "/giftcard/issue", {"amount": {"currency": "EURO", "amount": 1},
        **WHY}, "400 invalid-input",
        ["currency amount.currency: must be an ISO 4217 code in upper case, such as EUR"]),
    Mistake("a currency in lower case", "/giftcard/issue", {"amount": {"currency": "eur",
        "amount": 1}, **WHY}, "400 invalid-input",
        ["currency amount.currency: must be an ISO 4217 code in upper case, such as EUR"]),
    Mistake("an amount of 0", "/giftcard/issue", {"amount": euro(0), **WHY}, "400 invalid-input",
        ["greater-than amount.amount: must be greater than 0"]),
    Mistake("points below 0", "/loyalty/redeem", {"customer_guid": "CUSTOMER", "order_ref": "SO-9",
        "redeem_points": -5, **WHY}, "400 invalid-input",
        ["greater-than redeem_points: must be greater than 0"]),
    Mistake("a change of no points", "/loyalty/adjust", {"customer_guid": "CUSTOMER",
        "points_delta": 0, **WHY}, "400 invalid-input", ["zero points_delta: must not be 0"]),
    Mistake("more points than there are", "/loyalty/redeem", {"customer_guid": "CUSTOMER",
        "order_ref": "SO-9", "redeem_points": 500, **WHY}, "409 insufficient-points", [],
        says="There are not enough points.", detail={"available": 100}),
    Mistake("more than the card holds", "/giftcard/redeem", {"card_code": "CARD",
        "order_ref": "SO-9", "amount": euro(9000), **WHY}, "409 insufficient-balance", [],
        says="The balance of the card is too low.", detail={"available": euro(5000)}),
    Mistake("another currency than the card's", "/giftcard/redeem", {"card_code": "CARD",
        "order_ref": "SO-9", "amount": {"currency": "USD", "amount": 1}, **WHY},
        "409 currency-mismatch", [], says="The amount is not in the currency that is used here.",
        detail={"available": "EUR"}),
    # ---- which record
    Mistake("no selector", "/account/get", {}, "400 invalid-input",
        ["exactly-one account_guid: must name exactly one of account_guid, account_code"]),
    Mistake("two selectors", "/customer/get", {"customer_guid": "CUSTOMER",
        "email": "ada@example.com"}, "400 invalid-input",
        ["exactly-one email: must name exactly one of customer_guid, customer_code, "
        "email, phone, external_ref"]),
    Mistake("the id of another family", "/account/get", {"account_guid": "CUSTOMER"},
        "404 not-found", [],
        says="There is no such path, or no such record in the org of the call."),
    Mistake("no order", "/loyalty/reverse", {"customer_guid": "CUSTOMER", **WHY},
        "400 invalid-input",
        ["missing order_ref: is required, or a source_refs element of kind loyalty_txn or "
        "order"]),
    Mistake("a code that is taken", "/account/create", {"account": {"company_name": "Northwind",
        "account_code": "northwind"}, **WHY}, "409 already-exists",
        ["already-exists account.account_code: is taken"]),
    Mistake("an e-mail that is taken", "/customer/create",
        {"customer": {"email": "ADA@example.com"}, **WHY}, "409 already-exists",
        ["already-exists customer.email: is taken"], detail={"customer_guid": "ADA"}),
    # ---- changes
    Mistake("no reason and no sources", "/account/create",
        {"account": {"company_name": "Northwind"}}, "400 invalid-input",
        ["missing reason: is required", "missing source_refs: must name at least one source"]),
    Mistake("sources as texts", "/account/create", {"account": {"company_name": "Northwind"},
        "reason": "r", "source_refs": ["T-1"]}, "400 invalid-input",
        ["object source_refs.0: must be an object"]),
    Mistake("no revision", "/account/update", {"account_guid": "ACCOUNT",
        "account": {"tax_id": "1"}, **WHY}, "428 expected-revision-required", [],
        says="This change needs expected_revision: the revision that it is based on."),
    Mistake("an old revision", "/account/update", {"account_guid": "ACCOUNT",
        "expected_revision": 1, "account": {"tax_id": "1"}, **WHY}, "409 conflict", [],
        says="The record has changed: expected_revision is not the current revision.",
        detail={"current_revision": 2}),
    Mistake("an empty update", "/account/update", {"account_guid": "ACCOUNT",
        "expected_revision": 2, "account": {}, **WHY}, "200", [], detail={"revision": 2}),
    Mistake("a state that cannot be reached", "/account/status/set", {"account_guid": "ACCOUNT",
        "status": "pending", "expected_revision": 2, **WHY}, "409 invalid-state", [],
        says="The current state does not allow this step.", detail={"state": "active",
        "allowed": ["closed", "inactive", "on_hold"]}),
    Mistake("a key that another request used", "/account/create",
        {"account": {"company_name": "Northwind"}, **WHY, "idempotency_key": "used"},
        "409 idempotency-key-reused", [],
        says="The idempotency key was used for a different request."),
    Mistake("a blank key", "/account/create", {"account": {"company_name": "Northwind"}, **WHY,
        "idempotency_key": " "}, "400 invalid-input",
        ["form idempotency_key: must be 1 to 128 printable characters"]),
    Mistake("two keys", "/account/create", {"account": {"company_name": "Northwind"}, **WHY,
        "idempotency_key": "two"}, "400 context_mismatch",
        ["mismatch idempotency_key: must be the same in the header and in the body"],
        headers={"idempotency-key": "one"}),
    Mistake("no key where one must be", "/giftcard/reverse", {"card_code": "CARD",
        "order_ref": "SO-1", **WHY}, "400 invalid-input",
        ["missing idempotency_key: is required: without it a repeat would take effect twice"]),
    Mistake("a rehearsal that this route does not know", "/account/create",
        {"account": {"company_name": "Northwind"}, **WHY, "dry_run": True}, "400 invalid-input",
        ["unknown-field dry_run: is not accepted by this route"]),
    # ---- lists
    Mistake("a page token with other filters", "/customer/list", {"next_token": "TOKEN", "limit": 1,
        "status": "inactive"}, "400 invalid-next-token", [],
        says="The next_token was not made for this list, or is no longer valid."),
    Mistake("a page token that was cut", "/customer/list", {"next_token": "abc", "limit": 1},
        "400 invalid-next-token", [],
        says="The next_token was not made for this list, or is no longer valid."),
    Mistake("a limit of 0", "/customer/list", {"limit": 0}, "200", [], detail={"items": 1}),
    Mistake("a limit of 1001", "/customer/list", {"limit": 1001}, "200", [], detail={"items": 2}),
)

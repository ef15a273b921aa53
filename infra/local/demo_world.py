"""The demo world: a few customers, an account, a gift card and a ledger, in one demo org.

It stands under the very ids that the examples of the API document use, so every prefilled example
finds its records. Order ``SO-1000`` is in the books; ``SO-1001`` is the next sale, which the
examples make.

The records come from the real operations. A ``Call`` brings its clock and its ids with it. So this
module needs no way into the deployed code: it makes calls with a time and an id of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain, repeat
from typing import Any

from infra.local.demo_papers import PAPERS
from lambdas.account.handler import ACCOUNT as NORTHWIND
from lambdas.account.handler import CONTACT
from lambdas.comment.handler import COMMENT_ID
from lambdas.comment.handler import TARGET as COMMENTED
from lambdas.customer.handler import HOLD_ID, KATHERINE
from lambdas.customer.handler import C as ADA
from lambdas.families import FAMILIES
from lambdas.giftcard.handler import CODE as CARD
from lambdas.inbox.handler import NOTE
from lambdas.privacy.handler import KATE
from lambdas.subscription.handler import PAUSED, SUBSCRIPTION
from shared import auth, envelope
from shared.api import new_id
from shared.call import Answer, Call, Facts
from shared.errors import NotFound
from shared.routes import Route
from shared.table import Table
from shared.validation import apart, validated

ROWS: dict[str, Route] = {row.path: row for rows in FAMILIES.values() for row in rows}

FIRST_ID = "01KA0000000000000000000000"
CONTACT_ID = "01KA0000000000000000000001"
ALAN_ID = "01KA0000000000000000000002"
KATHERINE_ID = KATHERINE.removeprefix("cust_")
FLAG_ID = "01KA0000000000000000000011"
ASSESSMENT_ID = "01KA0000000000000000000021"
KATE_ID = "01KA0000000000000000000005"
MARY_ID = "01KA0000000000000000000006"
EDITH_ID = "01KA0000000000000000000007"
PAST_ORDER = "SO-1000"


@dataclass(frozen=True, slots=True)
class Step:
    """One call at a time in the past. ``ids``: the first ids that its operation asks for. The very
    first is that of the record which it makes."""

    at: datetime
    path: str
    body: dict[str, Any]
    ids: tuple[str, ...] = ()


def _step(at: str, path: str, why: str, body: dict[str, Any], *ids: str) -> Step:
    source = {"kind": "order", "id": body["order_ref"]} if "order_ref" in body else _IMPORT
    given = {**body, "reason": why, "source_refs": [source]}
    return Step(datetime.fromisoformat(at).replace(tzinfo=UTC), path, given, ids)


_IMPORT = {"kind": "ticket", "id": "DEMO-1"}


def _euro(cents: int) -> dict[str, Any]:
    return {"currency": "EUR", "amount": cents}


def _person(first: str, last: str, code: str, **more: Any) -> dict[str, Any]:
    email = f"{first.lower()}@example.com"
    return {
        "customer": {
            "first_name": first,
            "last_name": last,
            "email": email,
            "customer_code": code,
            **more,
        }
    }


_POLICY = {
    "policy": {
        "policy_version": "standard",
        "currency": "EUR",
        "earn_policy": {"points_per_unit": 1.5},
        "redeem_policy": {"mode": "per_point"},
    }
}
_ACCOUNT = {
    "account": {
        "company_name": "Northwind Traders",
        "account_code": "NORTHWIND",
        "website": "https://northwind.example.com",
        "credit_limit": _euro(10_000),
    }
}
_BUYER = {
    "contact": {
        "account_guid": NORTHWIND,
        "first_name": "Grace",
        "last_name": "Hopper",
        "title": "Head of purchasing",
        "email": "grace@northwind.example.com",
        "roles": ["buyer"],
    }
}
_KATE = {"customer": {"first_name": "Kate", "last_name": "Johnson", "email": "kate@example.com"}}
_SAME_PERSON = {
    "source_customer_guid": KATE,
    "target_customer_guid": f"cust_{KATHERINE_ID}",
}
_MARY = _person("Mary", "Jackson", "C-1006")
_EDITH = _person("Edith", "Clarke", "C-1007")
_ADA = {"customer_guid": ADA}
_YES = {
    "consents": [
        {
            "consent_type": "MARKETING",
            "consent_state": "granted",
            "channel": "EMAIL",
            "effective_at": "2025-11-14T09:00:00Z",
            "method": "sign-up form",
            "notice": {"id": "CLUB-TERMS", "version": "3"},
        },
        {"consent_type": "MARKETING", "consent_state": "granted", "channel": "SMS"},
    ],
    "preferences": {"preferences": {"newsletter": "weekly"}},
}
_PAST_SALE = {**_ADA, "order_ref": PAST_ORDER}


def _coffee(start: str, **more: Any) -> dict[str, Any]:
    fields = {"customer_id": ADA, "plan_id": "COFFEE-1KG", "frequency": "monthly", **more}
    where = {"start_date": start, "timezone": "Europe/Berlin", "amount": _euro(1_900)}
    return {"subscription": {**fields, **where}}


STEPS = (
    _step("2025-11-14T08:00", "/loyalty/policy/set", "The club opens", _POLICY),
    _step(
        "2025-11-14T09:00",
        "/customer/create",
        "Signed up at the till",
        _person("Ada", "Lovelace", "C-1001", phone="+12025550123"),
        FIRST_ID,
    ),
    _step(
        "2025-11-15T10:30",
        "/customer/create",
        "Signed up at the till",
        _person("Alan", "Turing", "C-1002"),
        ALAN_ID,
    ),
    _step(
        "2025-11-16T16:45",
        "/customer/create",
        "Signed up in the web shop",
        _person("Katherine", "Johnson", "C-1003"),
        KATHERINE_ID,
    ),
    _step("2025-11-17T10:00", "/customer/create", "Signed up in the web shop", _KATE, KATE_ID),
    _step("2025-11-18T10:00", "/customer/create", "Signed up at the till", _MARY, MARY_ID),
    _step("2025-11-18T11:00", "/customer/create", "Signed up at the till", _EDITH, EDITH_ID),
    _step("2025-11-18T09:00", "/customer/merge", "One person, signed up twice", _SAME_PERSON),
    _step(
        "2025-11-14T09:05",
        "/customer/consent/set",
        "Signed up at the till",
        {**_ADA, **_YES},
    ),
    # The same phone under another name: the list of duplicates finds her. She came first, so that
    # lists, newest first, show the others before.
    _step(
        "2025-11-12T12:00",
        "/customer/create",
        "Ordered in the web shop",
        _person("Ada", "King", "C-0987", phone="+12025550123", email="king@example.com"),
    ),
    _step(
        "2025-11-20T11:00",
        "/loyalty/earn",
        "Sale at the till",
        {**_ADA, "order_ref": "SO-0998", "amount": _euro(32_000)},
    ),
    _step(
        "2025-12-10T08:00",
        "/loyalty/adjust",
        "Birthday points, good until the end of the year",
        {**_ADA, "points_delta": 50, "expires_at": "2026-01-01T00:00:00Z"},
    ),
    _step(
        "2025-12-20T15:00",
        "/giftcard/issue",
        "Sold at the counter",
        {"card_code": CARD, "amount": _euro(5_000), "customer_guid": ADA},
    ),
    _step(
        "2026-01-10T14:00",
        "/loyalty/redeem",
        "Sale at the till",
        {**_PAST_SALE, "redeem_points": 100},
    ),
    _step(
        "2026-01-10T14:00",
        "/giftcard/redeem",
        "Sale at the till",
        {"card_code": CARD, "order_ref": PAST_ORDER, "amount": _euro(1_000)},
    ),
    _step(
        "2026-01-10T14:01",
        "/loyalty/earn",
        "Sale at the till",
        {**_PAST_SALE, "amount": _euro(4_000)},
    ),
    _step(
        "2026-01-12T09:00",
        "/account/create",
        "Opened at the trade counter",
        _ACCOUNT,
        FIRST_ID,
    ),
    _step(
        "2026-01-12T09:20",
        "/account/credit/consume",
        "Delivered on account",
        {
            "account_guid": NORTHWIND,
            "expected_revision": 1,
            "amount": _euro(2_500),
            "order_ref": PAST_ORDER,
        },
    ),
    _step(
        "2026-01-11T18:00",
        "/customer/flag/set",
        "The parcel came back twice",
        {
            "customer_guid": KATHERINE,
            "flag": {
                "flag_type": "address-mismatch",
                "severity": "medium",
                "note": "Asks for another address at each order",
            },
        },
        FLAG_ID,
    ),
    _step(
        "2026-01-12T09:10",
        "/customer/fraud/assess",
        "A large order in the web shop",
        {
            "customer_guid": KATHERINE,
            "assessment": {
                "action_type": "loyalty.redeem",
                "order_ref": PAST_ORDER,
                "amount": _euro(120_000),
                "channel_code": "web_shop",
            },
        },
        ASSESSMENT_ID,
        HOLD_ID.removeprefix("hold_"),
    ),
    _step(
        "2026-01-12T09:25",
        "/comment",
        "Said on the phone",
        {**COMMENTED, "caption": "Delivery", "body": "Fridays suit them best. #delivery"},
        COMMENT_ID,
    ),
    _step(
        "2026-01-12T09:26",
        "/inbox/create",
        "Said on the phone",
        {
            "team_guid": "TEAM-SERVICE",
            "title": "Call Ada about Friday",
            "record_type": "customer",
            "record_id": ADA,
        },
        NOTE.removeprefix("ntfy_"),
    ),
    _step(
        "2026-01-12T09:27",
        "/retention/policy/set",
        "As the privacy notice says",
        {
            # It removes nothing, so that no run tells its end to whoever watches the events.
            "policy": {"minimum_days": {"loyalty_txn": 365}, "notes": "Kept until we decide"},
        },
    ),
    *(_step(*paper) for paper in PAPERS),
    _step(
        "2026-01-12T10:00",
        "/subscription/create",
        "Asked for at the counter",
        # It begins so late that the jobs of this machine tell nothing by themselves: whoever
        # watches the events sees what was done, and nothing else.
        _coffee("2030-01-31T09:00:00"),
        SUBSCRIPTION[5:31],
    ),
    _step(
        "2026-01-12T10:05",
        "/subscription/create",
        "Asked for at the counter",
        _coffee("2030-02-01", frequency="weekly", interval=2),
        PAUSED[5:31],
    ),
    _step(
        "2026-01-12T10:10",
        "/subscription/pause",
        "Not before the shop opens again",
        {"subscription_id": PAUSED},
    ),
    # The last one: the world is complete where this contact exists.
    _step(
        "2026-01-12T09:30",
        "/account/contact/create",
        "Opened at the trade counter",
        _BUYER,
        CONTACT_ID,
    ),
)


def load(orgcode: str, session: str) -> None:
    """Makes the demo world in an org, as the person of the session, unless it is there already. A
    half-made world cannot be kept: the engine saves its data only at the end of a run."""
    caller = {"x-orgcode": orgcode, "x-session-guid": session}
    try:
        _perform("/account/contact/get", {"contact_guid": CONTACT}, auth.now(), caller)
    except NotFound:
        for step in STEPS:
            _perform(step.path, step.body, step.at, caller, step.ids)


def _perform(
    path: str,
    sent: dict[str, Any],
    at: datetime,
    caller: dict[str, str],
    ids: tuple[str, ...] = (),
) -> Answer:
    """Returns what the operation of the route answers at that time. It raises where the API would
    refuse the call."""
    row, table = ROWS[path], Table()
    parts = apart(row, envelope.read_json(json.dumps(sent)))
    claim = auth.require_claim(caller, parts.crosscutting)
    call = Call(
        route=row,
        identity=auth.identify(claim, row, table, auth.now()),
        facts=Facts(request_id=f"demo-{path.strip('/').replace('/', '-')}"),
        now=at,
        table=table,
        new_id=_ids(at, ids),
    )
    facts, body = validated(call, parts, caller)
    answer: Answer = row.operation(replace(call, facts=facts), body)
    return answer


def _ids(at: datetime, first: tuple[str, ...]) -> Callable[[], str]:
    """Returns a source of ids: the given ones, then random ones as of that time."""
    random = (make() for make in repeat(partial(new_id, at)))
    return partial(next, chain(first, random))

"""A DynamoDB client that answers from memory at once, and the requests that go with it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

from lambdas.account import storage
from lambdas.account.models.records import AccountRecord
from shared import auth, clients, identity
from shared.codec import Wire, item_wire, key_of
from shared.fields import Money
from shared.keys import of_org
from tests.logs import logged_to

ORG, KEY, TABLE = "BENCH", "bench-key", "crm-bench"
ACCOUNT = "acct_01KA0000000000000000000000"
WHY = {"reason": "Opened at the trade counter", "source_refs": [{"kind": "ticket", "id": "T-1"}]}
NEW_ACCOUNT = {
    "account": {
        "company_name": "Northwind Traders",
        "legal_name": "Northwind Traders Limited",
        "account_code": "NORTHWIND",
        "email": "orders@example.com",
        "billing_address": {"line1": "1 Quay Street", "city": "Cork", "country": "IE"},
        "tags": ["trade", "north"],
        "credit_limit": {"currency": "EUR", "amount": 10000},
    },
    **WHY,
}
BODIES: dict[str, tuple[str, Any]] = {
    "/account/get": ("/account/get", {"account_guid": ACCOUNT}),
    "/account/create": ("/account/create", NEW_ACCOUNT),
}


def account(guid: str = ACCOUNT, code: str = "NORTHWIND") -> AccountRecord:
    """A stored account such as the requests speak of."""
    limit = Money("EUR", 10_000)
    now = auth.now()
    return AccountRecord(
        account_guid=guid,
        account_code=code,
        company_name="Northwind Traders",
        legal_name="Northwind Traders Limited",
        email="orders@example.com",
        tags=("trade", "north"),
        status="active",
        credit_limit=limit,
        credit_used=Money("EUR", 0),
        credit_available=limit,
        created_at=now,
        updated_at=now,
    )


def account_wire(record: AccountRecord) -> Wire:
    """The account as it lies in the table."""
    return item_wire(storage.account_item(of_org(ORG), record), "bench", [])


def identity_wires() -> list[Wire]:
    """A verified org and an API key that may do everything in it."""
    org = auth.OrgRecord(orgcode=ORG, org_guid="org_bench", status="verified")
    credential = auth.CredentialRecord(
        context="api_key", service_account="bench", orgcode=ORG, roles=("crm_manage",)
    )
    items = (identity.org_item(org), identity.credential_item(KEY, credential))
    return [item_wire(item, "bench", []) for item in items]


class CannedTable:
    """The operations that the measured routes use. Transactions succeed and change nothing."""

    def __init__(self, *, listed: tuple[Wire, ...] = ()) -> None:
        wires = [*identity_wires(), account_wire(account())]
        self._items = {key_of(wire): wire for wire in wires}
        self._listed = listed

    def batch_get_item(self, **asked: Any) -> dict[str, Any]:
        ((table, request),) = asked["RequestItems"].items()
        places = [(key["pk"]["S"], key["sk"]["S"]) for key in request["Keys"]]
        found = [self._items[place] for place in places if place in self._items]
        return {
            "Responses": {table: found},
            "UnprocessedKeys": {},
            "ConsumedCapacity": [{"TableName": table, "CapacityUnits": 1.0}],
        }

    def transact_write_items(self, **asked: Any) -> dict[str, Any]:
        units = 2.0 * len(asked["TransactItems"])
        return {"ConsumedCapacity": [{"TableName": TABLE, "CapacityUnits": units}]}

    def query(self, **_: Any) -> dict[str, Any]:
        return {
            "Items": list(self._listed),
            "ConsumedCapacity": {"TableName": TABLE, "CapacityUnits": 8.0},
        }


@dataclass(frozen=True)
class Context:
    """What Lambda hands to a handler, as far as anybody reads it."""

    function_name: str = "crm-bench"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:crm-bench"
    aws_request_id: str = "bench-request"

    def get_remaining_time_in_millis(self) -> int:
        return 28_000


def event(path: str, body: Any) -> dict[str, Any]:
    """The gateway's proxy event of a POST with an API key."""
    headers = {
        "content-type": "application/json",
        "accept": "application/json",
        "host": "api.example.com",
        "user-agent": "bench",
        "x-forwarded-for": "192.0.2.1",
        "x-orgcode": ORG,
        "x-api-key": KEY,
    }
    path = "/crm" + path
    return {
        "resource": path,
        "path": path,
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "bench",
            "stage": "bench",
            "resourcePath": path,
            "path": path,
            "protocol": "HTTP/1.1",
            "httpMethod": "POST",
            "requestId": "bench-request",
            "requestTimeEpoch": 1_700_000_000_000,
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "bench"},
        },
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }


@contextmanager
def canned_database(table: CannedTable) -> Iterator[TextIO]:
    """The canned table in the client's place and every log line made, then thrown away. Gives the
    stream that throws away, for the peer's log."""
    with open(os.devnull, "w", encoding="utf-8") as sink, logged_to(sink):
        clients.use(dynamodb=table)
        try:
            yield sink
        finally:
            clients.use(dynamodb=None)

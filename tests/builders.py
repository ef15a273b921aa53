"""Builders: an org for each test, its callers, and its records."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from infra.local.gateway import Gateway, HttpRequest
from lambdas.families import FAMILIES
from shared import clients
from shared.codec import Item, item_wire
from shared.customer_state import CustomerStateRecord, OrderHoldRecord, state_at, state_item
from shared.identity import (
    CredentialRecord,
    MembershipRecord,
    OrgRecord,
    credential_item,
    membership_item,
    org_item,
)
from shared.keys import of_org
from shared.settings import OrgSettings, environment, settings
from shared.table import Table

ROWS = {(row.method, row.path): row for rows in FAMILIES.values() for row in rows}
WHY: dict[str, Any] = {
    "reason": "because of a test",
    "source_refs": [{"kind": "ticket", "id": "T-1"}],
}


def store(*items: Item[Any]) -> None:
    """Writes up to 25 items directly, in one call. Its client is not that of the service, which
    may have faults or a meter in this test."""
    client = _client(environment().get("AWS_ENDPOINT_URL_DYNAMODB"))
    puts = [{"PutRequest": {"Item": item_wire(item, "builder", [])}} for item in items]
    answer = client.batch_write_item(RequestItems={settings().table_name: puts})
    assert not answer.get("UnprocessedItems")


@cache
def _client(_: str | None) -> Any:
    """Returns a client for the engine at this address, of the kind that the service uses."""
    return clients._make("dynamodb")


@dataclass(frozen=True)
class Response:
    """An answer of the gateway, with its body decoded."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        assert self.status == 200, self.body
        found: dict[str, Any] = self.body["data"]
        return found

    @property
    def tag(self) -> str:
        return str(self.body["error"]["major"]["tag"])

    def tag_or_none(self) -> str | None:
        return None if self.status == 200 else self.tag

    @property
    def fields(self) -> list[str]:
        return [fault["field"] for fault in self.body["error"]["minor"]]

    @property
    def detail(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body["error"]["detail"]
        return found

    @property
    def replayed(self) -> bool:
        return self.headers.get("Idempotent-Replay") == "true"


_gateway: list[Gateway] = []


def gateway() -> Gateway:
    if not _gateway:
        _gateway.append(Gateway())
    return _gateway[0]


@dataclass(frozen=True)
class Caller:
    """A caller with a credential, in an org. ``caller("/account/get", {…})`` makes a POST."""

    org: str
    secret: str
    header: str = "x-session-guid"

    def __call__(
        self,
        path: str,
        body: Any = None,
        *,
        now: datetime | None = None,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
        method: str = "POST",
    ) -> Response:
        data = raw if raw is not None else json.dumps({} if body is None else body).encode()
        sent = {"content-type": "application/json", "x-orgcode": self.org} | {
            self.header: self.secret
        }
        request = HttpRequest(
            method=method,
            path="/crm" + path,
            headers=(*((k, v) for k, v in sent.items() if v), *(headers or {}).items()),
            body=data,
        )
        answer = gateway().answer(request, now)
        response = Response(answer["statusCode"], answer["headers"], json.loads(answer["body"]))
        row = ROWS.get((method, path))
        if row is not None and response.status != 200:
            documented = {error.tag for error in row.refusals}
            assert response.tag in documented, f"{row.call} does not document {response.tag}"
        return response


@dataclass
class World:
    """A new org with an owner. Methods add people, keys and records."""

    code: str = field(default_factory=lambda: "T" + secrets.token_hex(6).upper())
    status: str = "verified"
    settings: OrgSettings = field(default_factory=OrgSettings)

    def __post_init__(self) -> None:
        secret = secrets.token_hex(12)
        store(self._org_item(self.status), *self._member_items(secret, owner=True))
        self.owner = Caller(self.code, secret)

    def set_org(self, status: str, chosen: OrgSettings | None = None) -> None:
        store(self._org_item(status, chosen))

    def _org_item(self, status: str, chosen: OrgSettings | None = None) -> Item[OrgRecord]:
        return org_item(
            OrgRecord(
                orgcode=self.code,
                org_guid=f"org_{self.code}",
                status=status,
                settings=chosen or self.settings,
            )
        )

    def person(self, *roles: str, owner: bool = False, state: str = "active") -> Caller:
        """Returns a caller with a session of a new member."""
        secret = secrets.token_hex(12)
        store(*self._member_items(secret, roles=roles, owner=owner, state=state))
        return Caller(self.code, secret)

    def _member_items(self, secret: str, **membership: Any) -> tuple[Item[Any], Item[Any]]:
        """Returns a new membership, and a session of its person."""
        person = f"u{secret}"
        return (
            membership_item(MembershipRecord(person=person, orgcode=self.code, **membership)),
            credential_item(secret, CredentialRecord(context="session", person=person)),
        )

    def session(self, secret: str, person: str, **more: Any) -> None:
        store(credential_item(secret, CredentialRecord(context="session", person=person, **more)))

    def key(self, *roles: str, **more: Any) -> Caller:
        """Returns a caller with an API key of a new service account."""
        secret = secrets.token_hex(12)
        store(
            credential_item(
                secret,
                CredentialRecord(
                    context="api_key",
                    service_account=f"sa{secret}",
                    orgcode=self.code,
                    roles=roles,
                    **more,
                ),
            )
        )
        return Caller(self.code, secret, "x-api-key")

    # ---------------------------------------------------------------- records

    def account(self, limit: int = 10_000, **fields: Any) -> dict[str, Any]:
        """Creates an account with a credit limit in euro cents."""
        fields = {
            "company_name": "Northwind Traders",
            "credit_limit": {"currency": "EUR", "amount": limit},
            **fields,
        }
        made: dict[str, Any] = self.owner("/account/create", {"account": fields, **WHY}).data
        return dict(made["account"])

    def contact(self, account_guid: str, **fields: Any) -> dict[str, Any]:
        fields = {"account_guid": account_guid, "first_name": "Ada", **fields}
        made = self.owner("/account/contact/create", {"contact": fields, **WHY}).data
        return dict(made["contact"])

    def customer(self, **fields: Any) -> dict[str, Any]:
        made = self.owner("/customer/create", {"customer": fields, **WHY}).data
        return dict(made["customer"])

    def state_of(self, customer_guid: str) -> CustomerStateRecord:
        get = state_at(of_org(self.code), customer_guid)
        state = Table().load([get]).get(get)
        assert state is not None
        return state

    def set_state(self, customer_guid: str, **changes: Any) -> None:
        """Changes the state of a customer, as other families will."""
        before = self.state_of(customer_guid)
        after = replace(before, revision=before.revision + 1, **changes)
        store(state_item(of_org(self.code), after))

    def refuse_order(self, customer_guid: str, action: str, order_ref: str, **more: Any) -> None:
        """Writes what a rejected hold leaves: the action is refused for an order from a time on,
        by default long ago."""
        long_ago = datetime(2000, 1, 1, tzinfo=UTC)
        word = {"word_id": secrets.token_hex(8), "said_at": long_ago}
        refused = {**word, "refused_from": long_ago, "reason": "rejected", **more}
        place = of_org(self.code).order_hold(customer_guid, action, order_ref)
        store(Item(place, OrderHoldRecord(**refused)))


def euro(amount: int) -> dict[str, Any]:
    return {"currency": "EUR", "amount": amount}

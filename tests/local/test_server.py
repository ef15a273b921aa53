"""The local server is the API over HTTP, and what people and outside checks drive beside it."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from infra.local import demo_world, explorer
from infra.local.bus import BusRecorder
from infra.local.server import Application
from infra.local.stream import StreamPump
from tests.local.conftest import Server

ACCOUNT = {
    "account": {"company_name": "Northwind Traders"},
    "reason": "first try",
    "source_refs": [{"kind": "ticket", "id": "T-1"}],
}


def tag(body: Any) -> str:
    return str(body["error"]["major"]["tag"])


@pytest.mark.parametrize(
    ("session", "status"),
    [
        ("acme-owner", 200),
        ("acme-clerk", 200),
        ("acme-till", 200),
        ("acme-privacy", 200),
        ("acme-none", 403),
        ("acme-revoked", 401),
        ("acme-expired", 401),
        ("globex-owner", 404),
        ("newco-owner", 404),
    ],
)
def test_the_demo_sessions_may_what_their_roles_say(
    server: Server, session: str, status: int
) -> None:
    assert server.post("/account/list", session=session)[0] == status


@pytest.mark.parametrize(
    ("key", "org", "status"), [("acme-key", "ACME", 200), ("globex-key", "GLOBEX", 200)]
)
def test_the_demo_keys_write_in_their_own_org_only(
    server: Server, key: str, org: str, status: int
) -> None:
    headers = {"content_type": "application/json", "x_api_key": key}
    assert (
        server.call("POST", "/crm/account/create", ACCOUNT, x_orgcode=org, **headers)[0] == status
    )
    other = "GLOBEX" if org == "ACME" else "ACME"
    assert server.call("POST", "/crm/account/list", {}, x_orgcode=other, **headers)[0] == 404


def test_the_unverified_demo_org_may_not_write(server: Server) -> None:
    status, body, _ = server.post(
        "/account/create", ACCOUNT, session="newco-owner", x_orgcode="NEWCO"
    )
    assert (status, tag(body)) == (403, "org-write-blocked")


def test_a_change_reaches_the_bus_and_the_search_by_the_time_it_has_settled(
    server: Server,
) -> None:
    last = server.call("GET", "/_local/events?after=0")[1]["last"]
    body = {**ACCOUNT, "account": {"company_name": "Quokka Supplies"}}
    made = server.post("/account/create", body)[1]["data"]["account"]
    assert server.call("POST", "/_local/settle")[1] == {"settled": True}
    seen = server.call("GET", f"/_local/events?after={last}")[1]
    assert seen["last"] == last + 1
    (event,) = seen["events"]
    assert (event["sequence"], event["detail_type"]) == (last + 1, "account-created")
    assert event["detail"]["aggregate_id"] == made["account_guid"]
    found = server.post("/account/list", {"q": "quokka"})[1]["data"]["accounts"]
    assert [account["account_guid"] for account in found] == [made["account_guid"]]
    assert server.call("GET", "/_local/table?contains=Quokka")[1]["items"] >= 1
    assert server.call("GET", "/_local/table?contains=nowhere-at-all")[1] == {"items": 0}


def test_a_new_server_has_the_demo_world_and_finds_it(server: Server) -> None:
    found = server.post("/customer/search", {"q": "lovel"})[1]["data"]["customers"]
    assert [customer["first_name"] for customer in found] == ["Ada"]
    events = server.call("GET", "/_local/events?after=0")[1]["events"]
    first = [event["detail_type"] for event in events[:3]]
    assert first == ["loyalty-policy-set", "customer-created", "customer-created"]


def test_the_clock_of_one_request_may_be_set(server: Server) -> None:
    body = server.call("GET", "/crm/stat", x_test_now="2026-03-01T00:00:00Z")[1]
    assert body["stats"]["timestamp_utc"] == "2026-03-01T00:00:00Z"
    assert server.call("GET", "/crm/stat")[1]["stats"]["timestamp_utc"] > "2026-03-02"


@pytest.mark.parametrize(
    "said",
    [
        "yesterday",
        "2026-03-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "1",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ],
)
def test_a_clock_that_is_no_time_is_refused(server: Server, said: str) -> None:
    status, body, _ = server.call("GET", "/crm/stat", x_test_now=said)
    assert (status, tag(body)) == (400, "invalid-input")


def test_a_server_without_a_test_clock_refuses_the_header() -> None:
    application = Application(
        bus=BusRecorder(), pump=StreamPump([]), test_clock=False, count=lambda _: 0
    )
    environ: dict[str, Any] = {"PATH_INFO": "/crm/stat", "HTTP_X_TEST_NOW": "2026-03-01T00:00:00Z"}
    setup_testing_defaults(environ)
    statuses: list[str] = []
    body = b"".join(application(environ, lambda status, _: statuses.append(status)))
    assert statuses == ["400 Bad Request"]
    assert b'"header x-test-now"' in body


@pytest.mark.parametrize("size", [256 * 1024 + 1, 12 * 1024 * 1024])
def test_a_large_body_is_refused_in_the_envelope(server: Server, size: int) -> None:
    status, body, _ = server.post("/account/create", b" " * size)
    assert (status, tag(body)) == (413, "payload-too-large")


def test_a_chunked_body_arrives_whole(server: Server) -> None:
    def parts() -> Iterator[bytes]:
        yield b'{"q": "no'
        yield b'body"}'

    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    headers = {"content-type": "application/json", "x-orgcode": "ACME"}
    headers["x-session-guid"] = "acme-owner"
    line.request("POST", "/crm/account/list", body=parts(), headers=headers, encode_chunked=True)
    answer = line.getresponse()
    assert (answer.status, b'"accounts":[]' in answer.read()) == (200, True)
    line.close()


def test_a_body_that_is_no_text_is_refused_not_crashed_upon(server: Server) -> None:
    status, body, _ = server.post("/account/list", b"\xff\xfe\x00")
    assert (status, tag(body)) == (400, "invalid-input")


def test_what_the_api_does_not_have_is_refused_in_the_envelope(server: Server) -> None:
    assert tag(server.post("/no/such/route")[1]) == "not-found"
    status, body, headers = server.call("GET", "/crm/account/list")
    assert (status, tag(body)) == (405, "method-not-allowed")
    assert "POST" in headers["allow"]
    assert server.call("HEAD", "/crm/account/list")[:2] == (405, "")
    assert server.call("OPTIONS", "/crm/account/list")[0] == 200


def test_what_has_just_become_due_is_told_by_the_time_it_has_settled(server: Server) -> None:
    fields = {"customer_id": demo_world.ADA, "plan_id": "COFFEE-1KG", "frequency": "monthly"}
    why = {"reason": "a proof", "source_refs": [{"kind": "ticket", "id": "T-1"}]}
    clock = {"x_test_now": "2029-03-01T00:00:00.500Z"}
    made = server.post("/subscription/create", {"subscription": fields, **why}, **clock)[1]["data"]
    assert server.call("POST", "/_local/settle", **clock)[0] == 200
    events = server.call("GET", "/_local/events?after=0")[1]["events"]
    due = [
        event["detail"]["data"] for event in events if event["detail_type"] == "subscription-due"
    ]
    assert [(one["subscription_id"], one["n"]) for one in due] == [
        (made["subscription"]["subscription_id"], 0)
    ]


def test_many_clients_are_served_at_once(server: Server) -> None:
    def create(number: int) -> int:
        body = {**ACCOUNT, "account": {"company_name": f"Crowd {number}"}}
        return int(server.post("/account/create", body)[0])

    with ThreadPoolExecutor(32) as clients:
        assert set(clients.map(create, range(96))) == {200}


def test_the_explorer_needs_nothing_from_elsewhere(server: Server) -> None:
    status, page, _ = server.call("GET", "/")
    assert status == 200
    assert not re.findall(r"https?://", page)
    named = {*re.findall(r'(?:src|href)="([^"]+)"', page)}
    files = {f"/_explorer/{name}" for name in explorer.files()}
    assert len(named) >= 4
    assert named <= files
    for asset in files:
        status, _, headers = server.call("GET", asset)
        assert status == 200, asset
        assert "default-src 'self';" in headers["content-security-policy"]
    assert server.call("GET", "/_explorer/*")[0] == 404
    assert server.call("GET", "/_explorer/../server.py")[0] == 404


def test_the_document_is_the_committed_one_without_its_lines(server: Server) -> None:
    from infra.local.settings import ROOT

    status, document, headers = server.call("GET", "/openapi.json")
    committed = (ROOT / "openapi.json").read_text()
    assert status == 200
    assert document == json.loads(committed)
    assert int(headers["content-length"]) < len(committed.encode())

"""Administration by command: what it makes, callers can use; what it ends, they cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from infra.local.settings import ROOT
from tests.local.conftest import Server


def done(server: Server, *arguments: str) -> str:
    run = server.admin(*arguments)
    assert run.returncode == 0, run.stderr
    return run.stdout


def shown(server: Server, *arguments: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(done(server, *arguments))
    return record


def test_the_command_starts(server: Server) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "infra.local.admin", "org", "list"],
        cwd=ROOT, env=server.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "ACME" in run.stdout


def test_an_organisation_from_its_creation_to_its_end(server: Server) -> None:
    assert shown(server, "org", "create", "shop-1")["status"] == "unverified"
    assert shown(server, "org", "status", "SHOP-1", "verified")["revision"] == 2
    assert "SHOP-1" in done(server, "org", "list")
    changed = shown(server, "org", "settings", "SHOP-1", "timezone=Europe/Berlin", "hold_hours=24")
    assert changed["settings"]["timezone"] == "Europe/Berlin"
    assert changed["settings"]["hold_hours"] == 24
    unlimited = shown(server, "org", "settings", "SHOP-1", "unknown_card_limit=0")
    assert unlimited["settings"]["unknown_card_limit"] == 0
    again = server.admin("org", "create", "SHOP-1")
    assert again.returncode == 1
    assert "exists already" in again.stderr


def test_a_member_with_a_session_until_it_is_revoked(server: Server) -> None:
    done(server, "org", "create", "SHOP-2", "--status", "verified")
    done(server, "member", "add", "SHOP-2", "U1", "--role", "crm_view")
    secret = done(server, "session", "create", "U1").strip()

    def status() -> int:
        return int(server.post("/account/list", session=secret, x_orgcode="SHOP-2")[0])

    assert status() == 200
    assert server.call("GET", f"/_local/table?contains={secret}")[1] == {"items": 0}
    done(server, "session", "revoke", "U1")
    assert server.admin("session", "revoke", "U1").returncode == 1
    other = done(server, "session", "create", "U1").strip()
    done(server, "member", "remove", "SHOP-2", "U1")
    assert server.post("/account/list", session=other, x_orgcode="SHOP-2")[0] == 404


def test_a_key_is_listed_by_its_fingerprint_and_revoked(server: Server) -> None:
    done(server, "org", "create", "SHOP-3", "--status", "verified")
    secret = done(server, "key", "create", "SHOP-3", "till", "--role", "crm_manage").strip()
    listed = done(server, "key", "list", "SHOP-3")
    assert secret not in listed
    record = json.loads(listed)
    assert (record["service_account"], record["revoked"]) == ("till", False)
    headers = {"content_type": "application/json", "x_orgcode": "SHOP-3", "x_api_key": secret}
    answer = server.call("POST", "/crm/account/list", {}, **headers)
    assert answer[0] == 200
    assert answer[1]["stats"]["api_key_fingerprint"] == record["fingerprint"]
    done(server, "key", "revoke", "SHOP-3", "till", "--fingerprint", record["fingerprint"])
    assert json.loads(done(server, "key", "list", "SHOP-3"))["revoked"] is True


@pytest.mark.parametrize(
    "arguments",
    [
        ("org", "create", "no good"),
        ("org", "status", "NOPE"),
        ("org", "settings", "ACME", "timezone=Nowhere/Land"),
        ("org", "settings", "ACME", "currency=ZZZ"),
        ("org", "settings", "ACME", "region=ZZ"),
        ("org", "settings", "ACME", "idempotency_days=0"),
        ("org", "settings", "ACME", "unknown_card_limit=1001"),
        ("org", "settings", "ACME", "unknown_card_limit=-1"),
        ("member", "add", "ACME", "U1", "--role", "king"),
        ("member", "roles", "ACME", "nobody"),
        ("--table", "crm-prod", "org", "list"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    server: Server, arguments: tuple[str, ...]
) -> None:
    run = server.admin(*arguments)
    assert run.returncode != 0
    assert run.stderr
    assert "Traceback" not in run.stderr


def test_what_is_unique_is_decided_before_there_are_customers(server: Server) -> None:
    done(server, "org", "create", "SHOP-9")
    changed = shown(server, "org", "settings", "SHOP-9", "email_unique=false")
    assert changed["settings"]["email_unique"] is False
    why = {"reason": "test", "source_refs": [{"kind": "note", "id": "1"}]}
    assert server.post("/customer/create", {"customer": {"first_name": "Ada"}, **why})[0] == 200
    refused = server.admin("org", "settings", "ACME", "email_unique=false")
    assert refused.returncode == 1
    assert "before there are customers" in refused.stderr
    assert server.admin("org", "settings", "ACME", "hold_hours=72").returncode == 0


def test_an_exported_ledger_is_enough_to_derive_the_balance(server: Server) -> None:
    why = {"reason": "test", "source_refs": [{"kind": "note", "id": "1"}]}

    def post(path: str, **body: Any) -> dict[str, Any]:
        found = server.post(path, {**body, **why}, session="globex-owner", x_orgcode="GLOBEX")
        assert found[0] == 200, found[1]
        data: dict[str, Any] = found[1]["data"]
        return data

    guid = post("/customer/create", customer={"first_name": "Ada"})["customer"]["customer_guid"]
    rule = {"earn_policy": {"points_per_unit": 1}, "redeem_policy": {"mode": "per_point"}}
    post("/loyalty/policy/set", policy=rule)
    order = {"customer_guid": guid, "order_ref": "1"}
    post("/loyalty/earn", **order, amount={"amount": 1234, "currency": "USD"})
    post("/loyalty/redeem", **order, redeem_points=5)
    lines = done(server, "ledger", "export", "GLOBEX")
    assert lines == done(server, "ledger", "export", "GLOBEX", "--customer", guid)
    entries = [json.loads(line) for line in lines.splitlines()]
    assert [(e["sequence"], e["kind"]) for e in entries] == [(1, "earn"), (2, "redeem")]
    run = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "rederive.py"), "2099-01-01T00:00:00Z"],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout) == {
        "customer_guid": guid,
        "available_points": 7,
        "pending_points": 0,
        "debt_points": 0,
    }

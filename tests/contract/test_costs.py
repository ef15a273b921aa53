"""The costs of each route, compared with a committed table: calls, sequential trips and units.

``python -m pytest tests/contract/test_costs.py`` fails where a figure has changed. With
``COSTS=write`` it writes the new figures, and the diff is reviewed like code.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.local.settings import child_environment
from lambdas.families import FAMILIES
from shared import auth
from shared.table import Table
from tests.builders import WHY, Caller, World
from tests.contract.scenes import REDEMPTION, SCENES, covered, exempting, flagged, pair, warranty
from tests.meter import Meter

COSTS = Path(__file__).with_name("costs.json")
ROWS = {row.path: row for rows in FAMILIES.values() for row in rows if row.method == "POST"}
# These may take two trips although they only read or create: they look something up first.
TWO = {"/account/list q", "/account/list account_code", "/account/get account_code"}
TWO |= {"/account/create parent", "/account/contact/list org", "/customer/search"}
TWO |= {"/customer/get email", "/customer/list q", "/account/contact/create primary"}
TWO |= {"/customer/consent/get"}
TWO |= {"/exemption/certificate/create supersedes"}
TWO |= {"/warranty/get serial_number", "/warranty/list serial_number"}
# Duplicates: the customer, who has something in common with it, and whether they still do.
# A merge of one who had absorbed others reads these after the source itself.
MORE = {
    # Two jobs, done in the call for a small customer; and a page of records with who looked at it.
    "/customer/anonymize": 9,
    "/customer/delete": 11,
    "/customer/export": 4,
    "/customer/dedupe/list": 3,
    "/customer/dedupe/list phone": 4,
    "/customer/merge absorbed": 3,
}


def variants(world: World, path: str) -> dict[str, dict[str, Any]]:
    """Returns the valid bodies of a route by name: one for each path through its code."""
    found = {path: SCENES[path](world)}
    if path == "/account/list":
        found[f"{path} q"] = {"q": "northwind"}
        found[f"{path} account_code"] = {"account_code": world.account()["account_code"]}
    if path == "/account/get":
        found[f"{path} account_code"] = {"account_code": world.account()["account_code"]}
    if path == "/account/create":
        body = SCENES[path](world)
        inner = {**body["account"], "parent_account_guid": world.account()["account_guid"]}
        found[f"{path} parent"] = {**body, "account": inner}
    if path == "/account/contact/create":
        body = SCENES[path](world)
        found[f"{path} primary"] = {**body, "contact": {**body["contact"], "is_primary": True}}
    if path == "/account/contact/list":
        world.contact(world.account()["account_guid"])
        found[f"{path} org"] = {}
    if path == "/customer/fraud/assess":
        found[f"{path} review"] = flagged(world, assessment=REDEMPTION, **WHY)
    if path == "/customer/get":
        found[f"{path} email"] = {"email": world.customer(email="ada@example.com")["email"]}
    if path == "/customer/merge":
        first, second = pair(world), pair(world)
        assert world.owner(path, first).status == 200
        again = {"source_customer_guid": first["target_customer_guid"]}
        found[f"{path} absorbed"] = {**second, **again}
    if path == "/customer/dedupe/list":
        found[f"{path} phone"] = {"phone": world.customer(phone="+12025550199")["phone"]}
    if path == "/subscription/create":
        refs = [{"kind": "order", "id": "SO-1"}]
        found[f"{path} order"] = {**SCENES[path](world), "source_refs": refs}
    if path == "/subscription/list":
        found[f"{path} org"] = {}
        found[f"{path} status"] = {"status": "active"}
    if path == "/inbox/list":
        found[f"{path} team_guid"] = {**SCENES[path](world), "team_guid": "T1"}
    if path == "/customer/list":
        found[f"{path} q"] = {"q": "ada"}
    return found | variants_of_papers(world, path)


def variants_of_papers(world: World, path: str) -> dict[str, dict[str, Any]]:
    """Returns those of the certificates and the warranties."""
    found = {}
    if path == "/exemption/certificate/create":
        old = exempting(world)
        assert world.owner(path, old).status == 200
        new = {"certificate_id": "EX-2", "supersedes": old["certificate"]["certificate_id"]}
        body = {**old, "certificate": {**old["certificate"], **new}}
        found[f"{path} supersedes"] = body
    if path == "/exemption/certificate/list":
        guid = exempting(world)["certificate"]["customer_guid"]
        found[f"{path} customer_guid"] = {"customer_guid": guid, "status": "active"}
    if path in ("/warranty/get", "/warranty/list"):
        made = covered(world)
        assert world.owner("/warranty/register", made).status == 200
        found[f"{path} serial_number"] = {"serial_number": made["warranty"]["serial_number"]}
    if path == "/warranty/list":
        guid = covered(world)["warranty"]["customer_id"]
        found[f"{path} customer_id"] = {"customer_id": guid}
    if path == "/warranty/update":
        eve = world.customer()["customer_guid"]
        found[f"{path} customer_id"] = warranty(
            world, warranty={"customer_id": eve}, expected_revision=1
        )
    return found


def measured(world: World, meter: Meter, path: str) -> dict[str, dict[str, Any]]:
    found = {}
    for name, body in variants(world, path).items():
        caller: Caller = world.owner
        claim = auth.Claim(caller.secret, "session", world.code)
        auth.identify(claim, ROWS[path], Table(), auth.now())
        with meter.measuring() as costs:
            answer = caller(path, body)
        assert answer.status == 200, answer.body
        found[name] = {
            "calls": costs[0].calls,
            "trips": costs[0].trips,
            "read_units": float(costs[0].read_units),
            "write_units": float(costs[0].write_units),
        }
    return found


@pytest.mark.parametrize("path", ROWS)
def test_a_route_costs_what_the_committed_table_says(world: World, meter: Meter, path: str) -> None:
    found = measured(world, meter, path)
    table = json.loads(COSTS.read_text()) if COSTS.exists() else {}
    if child_environment({}).get("COSTS") == "write":
        COSTS.write_text(json.dumps(dict(sorted({**table, **found}.items())), indent=1) + "\n")
    else:
        assert found == {name: table[name] for name in found}
    for name, cost in found.items():
        row = ROWS[path]
        creates = path.endswith(("/create", "/register"))
        most = 2 if name in TWO or (row.writes and not creates) else 1
        assert cost["trips"] <= MORE.get(name, most), (name, cost)


def test_the_table_has_no_line_of_a_route_that_is_gone() -> None:
    table = json.loads(COSTS.read_text())
    assert {name.partition(" ")[0] for name in table} == set(ROWS)

"""Strict routes verify the caller in the operation's own first read.

On other routes a warm process may use a cached caller for 30 s.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import pytest

from lambdas.families import FAMILIES
from shared import auth, keys
from shared.api import Route
from shared.errors import OrgWriteBlocked
from shared.identity import CredentialRecord, MembershipRecord, credential_item, membership_item
from shared.records import Records, Unread
from shared.table import Table
from tests.builders import Caller, World, euro, store
from tests.contract.scenes import SCENES, WHY

STRICT = [row for rows in FAMILIES.values() for row in rows if row.strict]
GATES = ("closed", "refusals", "open")
FUTURE = "2999-01-01T00:00:00Z"
# Bodies with a fault that only the operation finds: each field alone is valid.
WRONG: dict[str, dict[str, Any]] = {
    "/account/credit/consume": {
        "account_guid": "a",
        "amount": euro(1),
        "expected_revision": 1,
    },
    "/account/credit/release": {"account_guid": "a"},
    "/loyalty/earn": {
        "customer_guid": "c",
        "order_ref": "o",
        "amount": euro(1),
        "occurred_at": FUTURE,
    },
    "/loyalty/reverse": {"customer_guid": "c"},
    "/loyalty/restore": {"customer_guid": "c"},
    "/giftcard/reverse": {"card_code": "c", "order_ref": "o"},
}


def cached_member(world: World, *roles: str) -> tuple[Caller, str]:
    """Returns a member whom this process has just cached, and the id of the person."""
    caller = world.person(*roles, "crm_view")
    assert caller("/customer/list", {}).status == 200
    return caller, f"u{caller.secret}"


@pytest.mark.parametrize("row", STRICT, ids=lambda row: row.path)
def test_a_session_that_was_just_revoked_moves_nothing(world: World, row: Route) -> None:
    caller, person = cached_member(world, *row.roles)
    body = SCENES[row.path](world)
    revoked = CredentialRecord(context="session", person=person, revoked=True)
    store(credential_item(caller.secret, revoked))
    for sent in (body, {**body, "no_such_field": 1}, WRONG.get(row.path, {}) | WHY):
        answer = caller(row.path, sent)
        assert (answer.status, answer.tag) == (401, "unauthorized")


@pytest.mark.parametrize("row", STRICT, ids=lambda row: row.path)
def test_roles_and_the_org_are_those_of_this_moment(world: World, row: Route) -> None:
    caller, person = cached_member(world, *row.roles)
    body = SCENES[row.path](world)
    store(membership_item(MembershipRecord(person=person, orgcode=world.code, roles=("crm_view",))))
    assert caller(row.path, body).tag == "forbidden"
    store(membership_item(MembershipRecord(person=person, orgcode=world.code, roles=row.roles)))
    # Some duties to customers pass in every status but one.
    world.set_org("unverified" if row.gate == "open" else "frozen")
    assert caller(row.path, body).tag == "org-write-blocked"
    world.set_org("verified")
    assert caller(row.path, body).status == 200


@pytest.mark.parametrize("row", STRICT, ids=lambda row: row.path)
def test_what_is_wrong_with_a_body_comes_before_the_write_gate(world: World, row: Route) -> None:
    world.set_org("unverified")
    answer = world.owner(row.path, {"no_such_field": 1})
    assert (answer.status, answer.tag) == (400, "invalid-input")
    assert "no_such_field" in answer.fields


def test_an_operation_finds_no_fault_before_the_gate_has_let_one_in(world: World) -> None:
    both = {"customer_guid": "c", "loyalty_txn_id": "ltx_1", "order_ref": "o", **WHY}
    assert world.owner("/loyalty/reverse", both).status == 400
    world.set_org("frozen")
    assert world.owner("/loyalty/reverse", both).tag == "org-write-blocked"
    auth.forget()
    assert world.owner("/loyalty/reverse", both).tag == "org-write-blocked"


def test_a_secret_of_one_kind_is_no_secret_of_the_other(world: World) -> None:
    session, key = world.person("crm_view"), world.key("crm_view")
    for caller, header in ((session, "x-api-key"), (key, "x-session-guid")):
        assert caller("/customer/list", {}).status == 200
        answer = replace(caller, header=header)("/customer/list", {})
        assert (answer.status, answer.tag) == (401, "unauthorized")


@pytest.mark.parametrize("path", WRONG)
def test_a_caller_with_the_right_to_call_gets_every_fault(world: World, path: str) -> None:
    answer = world.owner(path, {**WRONG[path], **WHY})
    assert (answer.status, answer.tag) == (400, "invalid-input")
    assert answer.fields
    assert keys.of_org(world.code).org not in str(answer.body["error"])


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("refusing", [True, False])
def test_the_gate_knows_calls_that_only_refuse_when_it_verifies_too(
    world: World, gate: Any, refusing: bool
) -> None:
    row = replace(STRICT[0], gate=gate)
    said = auth.Claim(world.owner.secret, "session", world.code)
    known = auth.identify(said, row, Table(), auth.now())
    world.set_org("frozen")
    records = Table().load(auth.reads_of(known))
    passes = gate == "open" or (gate == "refusals" and refusing)
    with contextlib.nullcontext() if passes else pytest.raises(OrgWriteBlocked):
        fresh = auth.verify(known, row, records, gated=True, refusing=refusing)
        assert fresh.caller.org.status == "frozen"


def test_a_strict_route_is_never_served_on_what_is_cached(world: World) -> None:
    """Where nothing tells who calls, nothing is answered: there is no way around the check."""
    said = auth.Claim(world.owner.secret, "session", world.code)
    known = auth.identify(said, STRICT[0], Table(), auth.now())
    with pytest.raises(Unread):
        auth.verify(known, STRICT[0], Records(), gated=True, refusing=False)

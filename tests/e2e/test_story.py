"""A shop's first days, told through the gateway. Each test is a scene, and follows the one before.

What a route answers in every case is tested elsewhere. Here every family's function has to start
with its own settings and layer, and the events have to arrive.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from infra import smoke
from lambdas.families import FAMILIES
from tests.e2e.deployment import BUILD, Deployment
from tests.e2e.ear import Ear
from tests.e2e.shop import WHY, Shop, euro

pytestmark = pytest.mark.e2e

PATIENCE_S = 30.0


def test_anybody_hears_that_the_api_is_there(deployment: Deployment) -> None:
    status, answer, headers = deployment.caller().call("GET", "/crm/stat")
    assert (status, answer["data"]["status"]) == (200, "active")
    assert headers["x-api-version"]


def test_each_function_answers_and_with_the_build_that_was_deployed(deployment: Deployment) -> None:
    lines = list(smoke.checked(deployment.url, FAMILIES, BUILD))
    assert [line for line in lines if not line.startswith("ok ")] == []
    wrong = list(smoke.checked(deployment.url, FAMILIES, "another"))
    assert sum("instead of another" in line for line in wrong) == len(FAMILIES)


def test_what_is_not_there_is_refused_by_the_gateway_and_a_stranger_by_the_door(
    deployment: Deployment,
) -> None:
    status, answer, _ = deployment.caller().call("POST", "/crm/no/such/path", {})
    assert (status, answer["error"]["major"]["tag"]) == (404, "not-found")
    status, answer, headers = deployment.caller().call("GET", "/crm/customer/get")
    assert (status, answer["error"]["major"]["tag"]) == (405, "method-not-allowed")
    assert "POST" in headers["allow"]
    assert deployment.caller("NOBODY", api_key="key_x").refused("/account/list") == (
        401,
        "unauthorized",
    )


def test_a_company_opens_an_account_and_buys_on_credit(shop: Shop, ear: Ear) -> None:
    company = {"company_name": "Northwind Traders", "credit_limit": euro(10_000)}
    account = shop.owner.post("/account/create", account=company, **WHY)["account"]
    guid = account["account_guid"]
    buyer = {"account_guid": guid, "first_name": "Grace", "email": "grace@example.com"}
    shop.owner.post("/account/contact/create", contact=buyer, **WHY)
    sale = {"account_guid": guid, "amount": euro(300), "order_ref": "SO-1"}
    bought = shop.till.post("/account/credit/consume", **sale, expected_revision=1)
    assert bought["account"]["credit_used"] == euro(300)
    # The till lost the answer and asks again: one effect, the same answer.
    assert shop.till.post("/account/credit/consume", **sale, expected_revision=1) == bought
    ear.hear("account-credit-consumed", account_guid=guid)


def test_ada_joins_and_a_sale_is_paid_with_points_and_a_card(shop: Shop, ear: Ear) -> None:
    policy = {
        "currency": "EUR",
        "earn_policy": {"points_per_unit": 10},
        "redeem_policy": {"mode": "per_point"},
    }
    shop.till.post("/loyalty/policy/set", policy=policy, **WHY)
    ada = {"customer_guid": shop.customer("ada", first_name="Ada", email="ada@example.com")}
    shop.till.post("/loyalty/adjust", **ada, points_delta=200, **WHY)
    issued = shop.till.post("/giftcard/issue", amount=euro(2_000), **WHY)["stored_value"]
    shop.ids["card"] = issued["card_code"]
    order = {"order_ref": "SO-2", **WHY}
    shop.till.post("/loyalty/redeem", **ada, **order, redeem_points=150)
    card = {"card_code": shop["card"], **order}
    left = shop.till.post("/giftcard/redeem", **card, amount=euro(1_500))["stored_value"]
    assert left["balance"] == euro(500)
    shop.till.post("/loyalty/earn", **ada, **order, amount=euro(4_000))
    assert shop.points("ada") == 50 + 400
    for action in ("customer-created", "loyalty-redeemed", "loyalty-earned", "giftcard-redeemed"):
        assert "ada@example.com" not in str(ear.hear(action))


def test_two_tills_with_the_same_last_cents_are_told_apart(shop: Shop) -> None:
    more = {"card_code": shop["card"], "amount": euro(600), "order_ref": "SO-3", **WHY}
    assert shop.till.refused("/giftcard/redeem", **more) == (409, "insufficient-balance")


def test_the_goods_come_back(shop: Shop, ear: Ear) -> None:
    order = {"order_ref": "SO-2", **WHY}
    ada = {"customer_guid": shop["ada"], **order}
    shop.till.post("/loyalty/restore", **ada)
    shop.till.post("/loyalty/reverse", **ada)
    card = {"card_code": shop["card"], "idempotency_key": "return-of-SO-2", **order}
    assert shop.till.post("/giftcard/reverse", **card)["stored_value"]["balance"] == euro(2_000)
    assert shop.points("ada") == 200
    ledger = shop.till.post("/loyalty/ledger/list", customer_guid=shop["ada"])["transactions"]
    kinds = [entry["kind"] for entry in reversed(ledger)]
    assert kinds == ["adjust", "redeem", "earn", "restore", "reverse"]
    proof = shop.till.post("/loyalty/recalculate", customer_guid=shop["ada"], **WHY)
    assert proof["equal"] is True
    ear.hear("loyalty-restored")
    ear.hear("giftcard-reversed")


def test_a_certificate_a_warranty_and_coffee_each_month(shop: Shop, ear: Ear) -> None:
    today = datetime.now(UTC).date().isoformat()
    certificate = {
        "certificate_id": "EX-1",
        "certificate_code": "RESALE-1",
        "status": "active",
        "customer_guid": shop["ada"],
        "valid_from": today,
        "valid_to": "2090-12-31",
    }
    shop.owner.post("/exemption/certificate/create", certificate=certificate, **WHY)
    found = shop.owner.post("/exemption/certificate/get", certificate_id="EX-1")["certificate"]
    assert found["effective_status"] == "active"
    terms = {"name": "Two years", "duration": {"value": 2, "unit": "years"}}
    machine = {"serial_number": "EM-1", "customer_id": shop["ada"], "terms": terms}
    shop.owner.post("/warranty/register", warranty=machine, **WHY)
    again = {**machine, "customer_id": shop.customer("ann", first_name="Ann")}
    assert shop.owner.refused("/warranty/register", warranty=again)[0] == 409
    coffee = {"customer_id": shop["ada"], "plan_id": "COFFEE-1KG", "frequency": "monthly"}
    made = shop.owner.post("/subscription/create", subscription=coffee, **WHY)["subscription"]
    shop.ids["coffee"] = made["subscription_id"]
    ear.hear("exemption-certificate-created")
    ear.hear("warranty-registered")


def test_a_note_and_the_team_that_is_told_of_it(shop: Shop, ear: Ear) -> None:
    about = {"target_type": "customer", "target_id": shop["ada"]}
    note = shop.owner.post("/comment", **about, body="She likes the dark roast. #coffee")["comment"]
    shop.ids["note"] = note["comment_id"]
    told = {"record_type": "comment", "record_id": note["comment_id"]}
    team = {"team_guid": "T1", "title": "Dark roast", **told}
    made = shop.owner.post("/inbox/create", **team)["notification"]
    claim = {"notification_id": made["notification_id"], "state": "claimed"}
    assert shop.owner.post("/inbox/state", **claim)["notification"]["state"] == "claimed"
    revised = {"comment_id": note["comment_id"], **about, "body": "She likes the light roast."}
    assert shop.owner.post("/comment/revise", **revised)["comment"]["current_revision"] == 2
    assert "roast" not in str(ear.hear("comment-created"))


def test_a_customer_is_found_by_name_once_the_stream_was_read(shop: Shop) -> None:
    deadline = time.monotonic() + PATIENCE_S
    found: list[dict[str, Any]] = []
    while not found and time.monotonic() < deadline:
        found = shop.owner.post("/customer/search", q="ada")["customers"]
    assert [each["customer_guid"] for each in found] == [shop["ada"]]


def test_one_person_who_signed_up_twice_becomes_one(shop: Shop, ear: Ear) -> None:
    twin = shop.customer("twin", first_name="Ada", email="ada@work.example.com")
    shop.till.post("/loyalty/adjust", customer_guid=twin, points_delta=30, **WHY)
    pair = {"source_customer_guid": twin, "target_customer_guid": shop["ada"]}
    shop.owner.post("/customer/merge", **pair, **WHY)
    assert shop.points("twin") == shop.points("ada") == 230
    ear.hear("customer-merged")


def test_how_long_things_are_kept_is_decided(shop: Shop, ear: Ear) -> None:
    policy = {"comment_retention_days": 365}
    shop.owner.post("/retention/policy/set", policy=policy, confirm_shortening=True)
    assert shop.owner.post("/retention/policy/get")["policy"]["comment_retention_days"] == 365
    ear.hear("retention-policy-set")

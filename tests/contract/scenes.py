"""For each route a valid call, and the records that it needs.

A scene makes these records in a world and returns the body of the call. Only this module knows the
single routes: the other contract tests use its scenes. A route without a scene fails a test.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from infra.local.clients import table_administration
from shared import auth
from shared.fields import instant_text
from shared.keys import of_org
from shared.settings import settings
from tests.builders import WHY, World, euro

Scene = Callable[[World], dict[str, Any]]


def contact(world: World, **more: Any) -> dict[str, Any]:
    made = world.contact(world.account()["account_guid"])
    return {"contact_guid": made["contact_guid"], **more}


def account(world: World, **more: Any) -> dict[str, Any]:
    return {"account_guid": world.account()["account_guid"], **more}


def customer(world: World, **more: Any) -> dict[str, Any]:
    return {"customer_guid": world.customer(first_name="Ada")["customer_guid"], **more}


def pair(world: World, **more: Any) -> dict[str, Any]:
    """A customer with points, who is to be merged into another one."""
    source = earned(world)["customer_guid"]
    target = world.customer(first_name="Augusta")["customer_guid"]
    return {"source_customer_guid": source, "target_customer_guid": target, **WHY, **more}


def merged(world: World, **more: Any) -> dict[str, Any]:
    """A customer who was merged into another one."""
    body = pair(world)
    assert world.owner("/customer/merge", body).status == 200
    return {"customer_guid": body["source_customer_guid"], **more}


def consumed(world: World, **more: Any) -> dict[str, Any]:
    guid = world.account()["account_guid"]
    body = {"account_guid": guid, "amount": euro(300), "order_ref": "SO-1", "expected_revision": 1}
    assert world.owner("/account/credit/consume", body).status == 200
    return {"account_guid": guid, "order_ref": "SO-1", **more}


def card(world: World, **more: Any) -> dict[str, Any]:
    made = world.owner("/giftcard/issue", {"amount": euro(5_000), **WHY}).data["stored_value"]
    return {"card_code": made["card_code"], **more}


def redeemed(world: World, **more: Any) -> dict[str, Any]:
    body = card(world, order_ref="SO-1")
    spent = world.owner("/giftcard/redeem", {**body, "amount": euro(300), **WHY})
    assert spent.status == 200
    return {**body, "idempotency_key": secrets.token_hex(8), **more}


def flagged(world: World, **more: Any) -> dict[str, Any]:
    """A customer with one open flag of high severity."""
    body = customer(world)
    flag = {"flag_type": "address-mismatch", "severity": "high"}
    assert world.owner("/customer/flag/set", {**body, "flag": flag, **WHY}).status == 200
    return {**body, **more}


REDEMPTION = {"action_type": "loyalty.redeem", "order_ref": "SO-9"}


def held(world: World, **more: Any) -> dict[str, Any]:
    """A customer with a pending hold, by its id."""
    body = flagged(world)
    asked = {**body, "assessment": REDEMPTION, **WHY}
    made = world.owner("/customer/fraud/assess", asked).data["assessment"]
    assert made["decision"] == "review"
    return {**body, "hold_id": made["hold_id"], **more}


def suspected(world: World) -> dict[str, Any]:
    """A customer with a flag, an assessment and a hold."""
    return {"customer_guid": held(world)["customer_guid"]}


MARKETING = {"consent_type": "MARKETING", "consent_state": "granted", "channel": "EMAIL"}


def consenting(world: World, **more: Any) -> dict[str, Any]:
    """A customer with a consent."""
    body = customer(world)
    given = {**body, "consents": [MARKETING], **WHY}
    assert world.owner("/customer/consent/set", given).status == 200
    return {**body, **more}


def twins(world: World, **more: Any) -> dict[str, Any]:
    """Two customers who share a phone."""
    found = [world.customer(first_name="Ada", phone="+12025550123") for _ in range(2)]
    return {"customer_guid": found[0]["customer_guid"], **more}


def subscription(world: World, **more: Any) -> dict[str, Any]:
    """A body for a new subscription."""
    guid = world.customer(first_name="Ada")["customer_guid"]
    fields = {"customer_id": guid, "plan_id": "COFFEE-1KG", "frequency": "monthly"}
    return {"subscription": {**fields, **more}, **WHY}


def subscribed(world: World, **more: Any) -> dict[str, Any]:
    """A subscription, by its id."""
    made = world.owner("/subscription/create", subscription(world)).data["subscription"]
    return {"subscription_id": made["subscription_id"], **more}


def subscriber(world: World, **more: Any) -> dict[str, Any]:
    """A customer with a subscription."""
    made = world.owner("/subscription/create", subscription(world)).data["subscription"]
    return {"customer_id": made["customer_id"], **more}


def paused(world: World, **more: Any) -> dict[str, Any]:
    """A subscription that is paused, by its id."""
    body = subscribed(world)
    assert world.owner("/subscription/pause", {**body, **WHY}).status == 200
    return {**body, **more}


POLICY = {
    "currency": "EUR",
    "earn_policy": {"points_per_unit": 10},
    "redeem_policy": {"mode": "per_point"},
}


def member(world: World, **more: Any) -> dict[str, Any]:
    """A customer of an org that has a loyalty policy."""
    body = {"policy": {**POLICY, "policy_version": "first"}, **WHY}
    assert world.owner("/loyalty/policy/set", body).status == 200
    return customer(world, **more)


def earned(world: World, **more: Any) -> dict[str, Any]:
    """A customer with 100 points of an order."""
    body = sold(world)
    assert world.owner("/loyalty/earn", body).status == 200
    return {"customer_guid": body["customer_guid"], **more}


def sold(world: World) -> dict[str, Any]:
    """A body for an order with a new number: an order earns only once in its org."""
    return member(world, order_ref=secrets.token_hex(4), amount=euro(1_000), **WHY)


def returned(world: World) -> dict[str, Any]:
    """A body for the return of an order that has earned."""
    body = sold(world)
    assert world.owner("/loyalty/earn", body).status == 200
    return {"customer_guid": body["customer_guid"], "order_ref": body["order_ref"], **WHY}


def paid(world: World, **more: Any) -> dict[str, Any]:
    """A customer who paid order SO-2 with 60 of 100 points."""
    body = earned(world, order_ref="SO-2", redeem_points=60, **WHY)
    assert world.owner("/loyalty/redeem", body).status == 200
    return {"customer_guid": body["customer_guid"], **more}


def policy(world: World, **more: Any) -> dict[str, Any]:
    """A body for the next version of an existing policy."""
    member(world)
    current = world.owner("/loyalty/policy/get", {}).data["policy"]["revision"]
    return {"policy": POLICY, "expected_revision": current, **WHY, **more}


def lapsed(world: World, **more: Any) -> dict[str, Any]:
    """A customer with 50 points that have expired, but without an entry for that yet."""
    body = customer(world)
    soon = auth.now() + timedelta(milliseconds=60)
    gift = {**body, "points_delta": 50, "expires_at": instant_text(soon), **WHY}
    assert world.owner("/loyalty/adjust", gift).status == 200
    time.sleep(max(0, (soon - auth.now()).total_seconds()) + 0.005)
    return {**body, **more}


def damaged(world: World, **more: Any) -> dict[str, Any]:
    """A customer whose stored balance differs from its ledger."""
    body = earned(world)
    pk, sk = of_org(world.code).loyalty_balance(body["customer_guid"])
    table_administration().update_item(
        TableName=settings().table_name,
        Key={"pk": {"S": pk}, "sk": {"S": sk}},
        UpdateExpression="SET lifetime_earned = :wrong",
        ExpressionAttributeValues={":wrong": {"N": "7"}},
    )
    return {**body, **more}


def notified(world: World, **more: Any) -> dict[str, Any]:
    """A notification of a team."""
    made = world.owner("/inbox/create", {"team_guid": "T1", "title": "Call back"})
    return {"notification_id": made.data["notification"]["notification_id"], **more}


def told_of(world: World) -> dict[str, Any]:
    """A customer about whom a team was told."""
    guid = world.customer(first_name="Ada")["customer_guid"]
    about = {"record_type": "customer", "record_id": guid}
    made = world.owner("/inbox/create", {"team_guid": "T1", "title": "Call back", **about})
    assert made.status == 200
    return about


def kept_for(world: World) -> int:
    """The revision of the org's retention policy, which is set where there is none."""
    first = {"policy": {"comment_retention_days": 365}, "confirm_shortening": True}
    if world.owner("/retention/policy/get", {}).status == 404:
        assert world.owner("/retention/policy/set", first).status == 200
    return int(world.owner("/retention/policy/get", {}).data["revision"])


ON_AN_ORDER = {"target_type": "order", "target_id": "SO-1"}


def commented(world: World, **more: Any) -> dict[str, Any]:
    """A comment on a record of another system, by the caller who is the world's owner."""
    body = {**ON_AN_ORDER, "caption": "Delivery", "body": "On Fridays, please. #delivery"}
    made = world.owner("/comment", body).data["comment"]
    return {**ON_AN_ORDER, "comment_id": made["comment_id"], **more}


AUTHORED = {"/comment/revise", "/comment/status"}
"""Routes where a member changes what it wrote itself."""


def exempting(world: World, **more: Any) -> dict[str, Any]:
    """A body for a new certificate of a new customer."""
    made = {"certificate_id": secrets.token_hex(4), "certificate_code": "RESALE-1"}
    dates = {"valid_from": "2026-01-01", "valid_to": "2090-12-31"}
    return {"certificate": {**made, **dates, "status": "active", **customer(world), **more}, **WHY}


def certificate(world: World, **more: Any) -> dict[str, Any]:
    """A pending certificate of a customer, by its id."""
    body = exempting(world, status="pending")
    made = world.owner("/exemption/certificate/create", body).data["certificate"]
    return {"certificate_id": made["certificate_id"], **more}


def covered(world: World, **more: Any) -> dict[str, Any]:
    """A body for a warranty of a new customer."""
    made = {"serial_number": secrets.token_hex(8), "expires_on": "2090-12-31"}
    return {"warranty": {**made, "customer_id": customer(world)["customer_guid"], **more}}


def warranty(world: World, **more: Any) -> dict[str, Any]:
    """A live warranty of a customer, by its id."""
    made = world.owner("/warranty/register", covered(world)).data["warranty"]
    return {"warranty_id": made["warranty_id"], **more}


SCENES: dict[str, Scene] = {
    "/account/contact/create": lambda w: {"contact": account(w), **WHY},
    "/account/contact/get": contact,
    "/account/contact/list": account,
    "/account/contact/status/set": lambda w: contact(
        w, status="inactive", expected_revision=1, **WHY
    ),
    "/account/contact/update": lambda w: contact(
        w, contact={"title": "Buyer"}, expected_revision=1, **WHY
    ),
    "/account/create": lambda _: {"account": {"company_name": "Northwind Traders"}, **WHY},
    "/account/credit/consume": lambda w: account(
        w, amount=euro(300), order_ref="SO-1", expected_revision=1
    ),
    "/account/credit/release": consumed,
    "/account/get": account,
    "/account/list": lambda _: {},
    "/account/status/set": lambda w: account(w, status="on_hold", expected_revision=1, **WHY),
    "/account/update": lambda w: account(
        w, account={"legal_name": "Northwind GmbH"}, expected_revision=1, **WHY
    ),
    "/comment": lambda _: {**ON_AN_ORDER, "body": "On Fridays, please."},
    "/comment/get": commented,
    "/comment/list": lambda w: commented(w) and dict(ON_AN_ORDER),
    "/comment/report": lambda w: commented(w) and {"limit": 8},
    "/comment/revise": lambda w: commented(w, body="On Mondays, please."),
    "/comment/status": lambda w: commented(w, status="archived", expected_revision=1),
    "/customer/anonymize": lambda w: customer(w, **WHY),
    "/customer/consent/get": consenting,
    "/customer/consent/set": lambda w: customer(w, consents=[MARKETING], **WHY),
    "/customer/create": lambda _: {"customer": {"first_name": "Ada"}, **WHY},
    "/customer/dedupe/list": twins,
    "/customer/delete": lambda w: customer(w, **WHY),
    "/customer/export": lambda w: customer(w, **WHY),
    "/customer/flag/list": suspected,
    "/customer/flag/set": lambda w: customer(
        w, flag={"flag_type": "address-mismatch", "note": "Asks for another address"}, **WHY
    ),
    "/customer/fraud/assess": lambda w: customer(w, assessment=REDEMPTION, **WHY),
    "/customer/fraud/list": suspected,
    "/customer/get": customer,
    "/customer/hold/list": suspected,
    "/customer/hold/resolve": lambda w: held(w, resolution="approved", **WHY),
    "/customer/list": lambda _: {},
    "/customer/merge": pair,
    "/customer/merge/list": merged,
    "/customer/search": lambda _: {"q": "ada"},
    "/customer/update": lambda w: customer(
        w, customer={"last_name": "Lovelace"}, expected_revision=1, **WHY
    ),
    "/exemption/certificate/create": exempting,
    "/exemption/certificate/get": certificate,
    "/exemption/certificate/list": lambda w: {"status": certificate(w) and "pending"},
    "/exemption/certificate/status/set": lambda w: certificate(
        w, status="active", expected_revision=1, **WHY
    ),
    "/giftcard/get": card,
    "/giftcard/issue": lambda _: {"amount": euro(5_000), **WHY},
    "/giftcard/redeem": lambda w: card(w, order_ref="SO-1", amount=euro(300), **WHY),
    "/giftcard/reverse": lambda w: redeemed(w, **WHY),
    "/giftcard/status/set": lambda w: card(w, status="blocked", expected_revision=1, **WHY),
    "/inbox/create": lambda w: {
        "team_guid": "T1",
        "title": "Call back",
        "record_type": "customer",
        "record_id": w.customer(first_name="Ada")["customer_guid"],
    },
    "/inbox/get": notified,
    "/inbox/list": told_of,
    "/inbox/state": lambda w: notified(w, state="claimed"),
    "/inbox/status": lambda w: notified(w, status="archived", expected_revision=1),
    "/loyalty/adjust": lambda w: customer(w, points_delta=50, **WHY),
    "/loyalty/balance/get": customer,
    "/loyalty/earn": sold,
    "/loyalty/expire": lambda w: lapsed(w, **WHY),
    "/loyalty/ledger/list": earned,
    "/loyalty/policy/get": lambda w: {"policy_version": member(w) and "first"},
    "/loyalty/policy/set": policy,
    "/loyalty/preview": lambda w: member(w, amount=euro(1_000)),
    "/loyalty/recalculate": lambda w: damaged(w, apply=True, **WHY),
    "/loyalty/redeem": lambda w: earned(w, order_ref="SO-2", redeem_points=60, **WHY),
    "/loyalty/restore": lambda w: paid(w, order_ref="SO-2", **WHY),
    "/loyalty/reverse": returned,
    "/retention/policy/get": lambda w: {"policy_version": kept_for(w) and "v1"},
    "/retention/policy/set": lambda w: {
        "policy": {"comment_retention_days": 400, "notes": secrets.token_hex(4)},
        "expected_revision": kept_for(w),
    },
    "/warranty/get": warranty,
    "/warranty/list": lambda w: {"status": warranty(w) and "active"},
    "/warranty/register": covered,
    "/warranty/status/set": lambda w: warranty(
        w, status="voided", expected_revision=1, reason="Opened by others"
    ),
    "/warranty/update": lambda w: warranty(
        w, warranty={"expires_on": "2091-12-31"}, expected_revision=1
    ),
    "/subscription/cancel": lambda w: subscribed(w, expected_revision=1, **WHY),
    "/subscription/create": subscription,
    "/subscription/get": subscribed,
    "/subscription/list": subscriber,
    "/subscription/pause": lambda w: subscribed(w, **WHY),
    "/subscription/resume": lambda w: paused(w, **WHY),
}

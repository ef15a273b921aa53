"""For each route a call that is accepted, made in a world of its own.

A scene prepares what the route needs and answers the body. It is the one place that the contract
tests know routes by; a route without a scene fails a test.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from tests.builders import WHY, World, euro

Scene = Callable[[World], dict[str, Any]]


def contact(world: World, **more: Any) -> dict[str, Any]:
    made = world.contact(world.account()["account_guid"])
    return {"contact_guid": made["contact_guid"], **more}


def account(world: World, **more: Any) -> dict[str, Any]:
    return {"account_guid": world.account()["account_guid"], **more}


def customer(world: World, **more: Any) -> dict[str, Any]:
    return {"customer_guid": world.customer(first_name="Ada")["customer_guid"], **more}


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
    "/customer/create": lambda _: {"customer": {"first_name": "Ada"}, **WHY},
    "/customer/get": customer,
    "/customer/list": lambda _: {},
    "/customer/search": lambda _: {"q": "ada"},
    "/customer/update": lambda w: customer(
        w, customer={"last_name": "Lovelace"}, expected_revision=1, **WHY
    ),
    "/giftcard/get": card,
    "/giftcard/issue": lambda _: {"amount": euro(5_000), **WHY},
    "/giftcard/redeem": lambda w: card(w, order_ref="SO-1", amount=euro(300), **WHY),
    "/giftcard/reverse": lambda w: redeemed(w, **WHY),
    "/giftcard/status/set": lambda w: card(w, status="blocked", expected_revision=1, **WHY),
}
NAMED = {
    "/account/contact/create": ("contact", "account_guid"),
    "/account/contact/get": ("contact_guid",),
    "/account/contact/list": (),
    "/account/contact/status/set": ("contact_guid",),
    "/account/contact/update": ("contact_guid",),
    "/account/credit/consume": ("account_guid",),
    "/account/credit/release": ("account_guid",),
    "/account/get": ("account_guid",),
    "/account/status/set": ("account_guid",),
    "/account/update": ("account_guid",),
    "/customer/get": ("customer_guid",),
    "/customer/update": ("customer_guid",),
    "/giftcard/get": ("card_code",),
    "/giftcard/redeem": ("card_code",),
    "/giftcard/reverse": ("card_code",),
    "/giftcard/status/set": ("card_code",),
}
"""Where a route's body names the record that it is about."""

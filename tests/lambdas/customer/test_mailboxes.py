"""One mailbox is one customer, however its address is spelled; it is shown as it was typed."""

# ruff: noqa: RUF001  (letters that look like others are what is tested here)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lambdas.customer.models.records import SuppressionRecord
from shared.codec import Item
from shared.keys import of_org
from shared.settings import OrgSettings
from tests.builders import WHY, Response, World, store
from tests.lambdas.customer.test_profile import NOW

SPELLINGS = (
    "ada@vidéotron.ca",
    "ada@xn--vidotron-d1a.ca",
    "ADA@VIDÉOTRON.CA",
    "ada@ｖｉｄéｏｔｒｏｎ．ｃａ",
    "ada@vidéotron。ca",
)
PAIRS = [(SPELLINGS[0], other) for other in SPELLINGS[1:]]
PAIRS += [(other, SPELLINGS[0]) for other in SPELLINGS[1:]]
PAIRS += [("ada@example.com", "Ada@ＥＸＡＭＰＬＥ．com"), ("ada@faß.de", "ada@xn--fa-hia.de")]


def create(world: World, customer: dict[str, Any], **more: Any) -> Response:
    return world.owner("/customer/create", {"customer": customer, **WHY, **more})


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_one_mailbox_has_one_customer(world: World, first: str, second: str) -> None:
    customer = create(world, {"email": first}).data["customer"]
    assert customer["email"] == first
    guid = customer["customer_guid"]
    for taken in ({"email": second}, {"alternate_emails": [second]}):
        refused = create(world, taken)
        assert (refused.tag, refused.detail) == ("already-exists", {"customer_guid": guid})
    for named in ({"email": second}, second):
        assert world.owner("/customer/get", named).data["customer"]["customer_guid"] == guid
    (hit,) = world.owner("/customer/search", {"q": second}).data["customers"]
    assert (hit["customer_guid"], hit["match_fields"][0]) == (guid, "email")


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_mailbox_moves_with_its_customer(world: World, first: str, second: str) -> None:
    guid = create(world, {"email": first}).data["customer"]["customer_guid"]

    def update(customer: dict[str, Any], revision: int) -> Response:
        body = {"customer_guid": guid, "customer": customer, "expected_revision": revision, **WHY}
        return world.owner("/customer/update", body)

    assert update({"email": second}, 1).data["customer"]["email"] == second
    assert world.owner("/customer/get", first).status == 200
    assert update({"email": None}, 2).status == 200
    assert world.owner("/customer/get", second).status == 404
    assert create(world, {"email": first}).status == 200


def test_an_alternate_that_spells_a_mailbox_otherwise_is_a_repeat(world: World) -> None:
    customer = {"email": SPELLINGS[1], "alternate_emails": [*SPELLINGS, "b@é.fr", "B@É.FR"]}
    made = create(world, customer).data["customer"]
    assert (made["email"], made["alternate_emails"]) == (SPELLINGS[1], ["b@é.fr"])


def test_mailboxes_that_only_look_alike_stay_apart(world: World) -> None:
    for email in ("ada@vidéotron.ca", "ada@videotron.ca", "áda@videotron.ca", "ada@fass.de"):
        assert create(world, {"email": email}).status == 200
    assert create(world, {"email": "ada@faß.de"}).status == 200


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_a_deleted_customers_mailbox_does_not_return_in_another_spelling(
    world: World, spelled: str
) -> None:
    place = of_org(world.code).suppressed("email", "ada@xn--vidotron-d1a.ca")
    store(Item(place, SuppressionRecord(refused_at=NOW, erased_at=NOW)))
    refused = create(world, {"email": spelled})
    assert refused.body["error"]["minor"][0]["tag"] == "suppressed"


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        *[(one, other, True) for one, other in PAIRS],
        ("(202) 555-0123", "+1 202 555 0123", True),
        ("+493012345678", "030 12345678", False),
        ("Device-A", "device-a", True),
        ("ada@videotron.ca", "ada@vidéotron.ca", False),
    ],
)
def test_consents_about_one_contact_point_are_decisions_about_one_thing(
    world: World,
    published: Callable[[str], list[dict[str, Any]]],
    first: str,
    second: str,
    same: bool,
) -> None:
    def decision(state: str, point: str) -> dict[str, str]:
        return {"consent_type": "marketing", "consent_state": state, "contact_point": point}

    world.set_org("verified", OrgSettings(region="US"))
    consents = [decision("granted", first), decision("denied", second)]
    assert create(world, {"consents": consents}).status == 200
    (event,) = (e for e in published(world.code) if e["action"] == "customer-consent-set")
    applied = [moved["applied"] for moved in event["data"]["decisions"]]
    assert applied == [not same, True]

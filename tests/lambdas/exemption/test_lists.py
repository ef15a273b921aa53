"""Lists of certificates: their order, their filters, their day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from tests.builders import World
from tests.contract.test_merged_customers import absorbed
from tests.lambdas.exemption.office import TODAY, Office


@pytest.fixture
def office(world: World) -> Office:
    return Office(world)


MADE: dict[str, tuple[str, dict[str, Any]]] = {
    "open": ("active", {}),
    "soon": ("active", {"valid_to": "2026-05-09"}),
    "later": ("active", {"valid_to": "2026-05-10"}),
    "today": ("active", {"valid_to": TODAY}),
    "over": ("active", {"valid_to": "2026-03-09"}),
    "long-over": ("active", {"valid_to": "2024-01-01"}),
    "future": ("active", {"valid_from": "2026-03-11", "valid_to": "2028-01-01"}),
    "pending": ("pending", {"valid_to": "2026-05-09"}),
    "rejected": ("rejected", {}),
    "revoked": ("revoked", {}),
    "superseded": ("superseded", {"valid_to": "2029-01-01"}),
    # One place ends soon, and another begins later.
    "two": (
        "active",
        {
            "jurisdictions": [
                {"country": "US", "valid_to": "2026-04-01"},
                {"country": "CA", "valid_from": "2027-01-01"},
            ]
        },
    ),
}
IN_ORDER = {
    "active": ["today", "soon", "later", "open", "two"],
    "expiring_soon": ["today", "soon", "two"],
    "expired": ["long-over", "over"],
    "not_yet_valid": ["future"],
    "pending": ["pending"],
    "rejected": ["rejected"],
    "revoked": ["revoked"],
    "superseded": ["superseded"],
}
"""By last day, the earliest first; those of one day in any order."""


def after(office: Office, seconds: int) -> Office:
    """Lists are by creation, so no two are made at one time."""
    return office.at(office.now + timedelta(seconds=seconds))


def filed(office: Office, owner: dict[str, str]) -> None:
    for second, (name, (status, fields)) in enumerate(MADE.items()):
        first = "pending" if status in ("pending", "rejected") else "active"
        made = after(office, second).create(name, status=first, **fields, **owner)
        assert made.status == 200
        if status != first:
            assert office.set(name, status).status == 200


def test_every_filter_finds_what_it_asks_for_in_its_order(office: Office) -> None:
    owner = {"customer_guid": office.customer()}
    filed(office, owner)
    newest_first = list(reversed(MADE))
    for status, expected in IN_ORDER.items():
        found = office.listed(status=status)
        # Two of them have no end, so they share their place.
        assert sorted(found) == sorted(expected), status
        assert found[:3] == expected[:3]
        of_owner = office.listed(status=status, **owner)
        assert of_owner == [name for name in newest_first if name in expected]
        assert office.listed(status=status, account_guid="other") == []
        assert office.listed(status=status, **owner, account_guid="other") == []
    assert office.listed() == office.listed(**owner) == newest_first


def test_a_list_is_as_of_the_day_that_is_asked_for(office: Office) -> None:
    filed(office, {})
    for status, day in product(IN_ORDER, ("2024-01-01", "2026-03-10", "2026-05-10", "2029-06-01")):
        expected = [
            name
            for name in MADE
            if (found := office.effective(name, as_of=day)) == status
            or (status, found) == ("active", "expiring_soon")
        ]
        assert sorted(office.listed(status=status, as_of=day)) == sorted(expected), (status, day)


def test_items_are_summaries(office: Office) -> None:
    account = office.world.account()["account_guid"]
    document = {"record_id": "scan-1", "sha256": "ab" * 32}
    office.create(account_guid=account, document=document, jurisdictions=[{"country": "US"}])
    (item,) = office.page(account_guid=account).data["certificates"]
    assert item["certificate_code"] == "C-EX-1"
    assert item["effective_status"] == "active"
    assert not item.keys() & {"document", "jurisdictions", "periods", "first_status"}


def test_a_walk_stays_on_the_day_of_its_first_page(office: Office) -> None:
    for n in range(4):
        office.create(f"E-{n}", valid_to="2026-03-10")
    before = office.at(datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC))
    next_day = office.at(datetime(2026, 3, 11, 0, 0, 1, tzinfo=UTC))
    first = before.page(status="active", limit=2).data
    second = next_day.page(status="active", limit=2, next_token=first["next_token"]).data
    found = [one["certificate_id"] for one in first["certificates"] + second["certificates"]]
    assert sorted(found) == [f"E-{n}" for n in range(4)]
    assert {one["effective_status"] for one in second["certificates"]} == {"expiring_soon"}
    assert "next_token" not in second
    assert next_day.page(status="active").data["certificates"] == []
    other = next_day.page(status="expired", limit=2, next_token=first["next_token"])
    assert other.tag == "invalid-next-token"


def test_a_survivor_has_the_certificates_of_all(office: Office) -> None:
    ada = office.customer()
    office.create("A", customer_guid=ada)
    survivor = absorbed(office.world, ada)
    after(office, 1).create("B", customer_guid=survivor)
    after(office, 2).create("C", customer_guid=ada)
    for guid in (ada, survivor):
        data = office.page(customer_guid=guid).data
        assert [one["certificate_id"] for one in data["certificates"]] == ["C", "B", "A"]
        assert {one["customer_guid"] for one in data["certificates"]} == {survivor}
        assert data["customer_guid"] == survivor
        assert data.get("redirected_from") == (ada if guid == ada else None)
    assert office.set("A", "revoked").data["certificate"]["status"] == "revoked"
    assert office.listed(customer_guid=survivor, status="revoked") == ["A"]
    assert office.page(customer_guid="nobody").status == 404

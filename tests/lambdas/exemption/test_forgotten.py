"""What becomes of a customer's certificates when the customer is deleted or anonymized."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import WHY, World
from tests.conftest import Database
from tests.lambdas.exemption.office import Office

pytestmark = pytest.mark.usefixtures("emptied")
SECRETS: dict[str, Any] = {
    "certificate_code": "SECRET-1",
    "reason_type": "SECRET",
    "scope": "single",
    "order_ref": "SECRET",
    "document": {"record_id": "SECRET", "sha256": "ab" * 32},
}


@pytest.fixture
def office(world: World) -> Office:
    return Office(world)


def erase(office: Office, how: str, guid: str) -> dict[str, Any]:
    body = {"customer_guid": guid, **WHY}
    return dict(office.world.owner(f"/customer/{how}", body, now=office.now).data)


def test_a_deletion_takes_the_certificate_and_frees_its_id(
    office: Office, database: Database
) -> None:
    ada, eve = office.customer(), office.customer()
    office.create("EX-OF-ADA", customer_guid=ada, **SECRETS)
    office.create("EX-OF-EVE", customer_guid=eve)
    answer = erase(office, "delete", ada)
    assert answer["items_deleted"] == 2, "the profile and the certificate"
    assert office.get("EX-OF-ADA").status == 404
    items = str(database.items(office.world.code))
    assert "EX-OF-ADA" not in items
    assert "SECRET" not in items
    assert office.listed() == ["EX-OF-EVE"]
    assert office.create("EX-OF-ADA", customer_guid=eve).status == 200


def test_an_anonymization_leaves_the_certificate_without_what_is_personal(
    office: Office, database: Database
) -> None:
    ada = office.customer()
    places = [{"country": "US", "region": "CA", "valid_to": "2026-04-01"}]
    key = {"idempotency_key": "k"}
    office.create("A", top=key, customer_guid=ada, jurisdictions=places, **SECRETS)
    erase(office, "anonymize", ada)
    items = database.items(office.world.code)
    assert "SECRET" not in str(items)
    assert "certificate_code" not in {item["record_kind"]["S"] for item in items}
    kept = office.get("A").data["certificate"]
    assert kept["jurisdictions"] == [{**places[0], "effective_status": "expiring_soon"}]
    assert not kept.keys() & {"document"}
    # The lists still know what it is worth, and the status can still be set.
    assert office.listed(status="expiring_soon") == ["A"]
    assert office.on("2026-05-01").listed(status="expired") == ["A"]
    assert office.set("A", "revoked", kept["revision"]).status == 200
    repeat = office.create("A", top=key, customer_guid=ada, jurisdictions=places, **SECRETS)
    assert repeat.replayed
    assert "SECRET" not in str(repeat.data)

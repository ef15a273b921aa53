"""What becomes of a customer's certificates when the customer is deleted or anonymized."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import pytest

from lambdas.jobs.retention import runs
from lambdas.retention.models.records import RetentionRunRecord
from tests.builders import WHY, World
from tests.conftest import Database
from tests.faults import Faults, then
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


# ---------------------------------------------------------------- retention

CODE = {"certificate_code": "RESALE-1"}
CA, NV = {"country": "US", "region": "CA"}, {"country": "US", "region": "NV"}


def kept_for(office: Office, days: int) -> None:
    policy = {"policy": {"certificate_retention_days": days}, "confirm_shortening": True}
    answer = office.world.owner("/retention/policy/set", policy, now=office.now)
    assert answer.status == 200, answer.body


def swept(office: Office, day: str) -> RetentionRunRecord:
    """The run of a day, to its end."""
    begun = runs.begin(office.world.code, datetime.fromisoformat(f"{day}T03:00:00+00:00"))
    assert begun is not None
    done = runs.resume(runs.Due(office.world.code, begun.run_id), until=time.monotonic() + 30)
    assert (done.state, done.errors) == ("done", {})
    return done


def guards(database: Database, office: Office) -> int:
    items = database.items(office.world.code)
    return sum(item["record_kind"]["S"] == "certificate_code" for item in items)


@pytest.mark.parametrize("ended", ["the one without an end", "the one with an end"])
def test_the_guard_of_a_code_stays_while_one_certificate_needs_it(
    office: Office, database: Database, ended: str
) -> None:
    ada = office.customer()
    office.create("A", **CODE, customer_guid=ada, jurisdictions=[CA], valid_to="2030-12-31")
    office.create("B", **CODE, customer_guid=ada, jurisdictions=[NV])
    gone, left, place = ("B", "A", CA) if ended.endswith("without an end") else ("A", "B", NV)
    office.set(gone, "revoked")
    kept_for(office, 30)
    assert swept(office, "2026-05-01").acted == {"certificate": 1}
    later = office.on("2026-05-02")
    assert later.get(gone).status == 404
    assert guards(database, office) == 1
    asked = {**CODE, "customer_guid": ada, "jurisdictions": [place]}
    assert later.create("C", **asked).fields == ["certificate.certificate_code"]
    # What the one that is gone had is free, under its id as well.
    free = {**asked, "jurisdictions": [NV if place is CA else CA]}
    assert later.create(gone, **free).status == 200
    for one in (left, gone):
        later.set(one, "revoked")
    assert swept(office, "2026-07-01").acted == {"certificate": 2}
    assert guards(database, office) == 0


def test_a_code_that_is_taken_while_its_guard_is_given_up_stays_taken(
    office: Office, database: Database, faults: Faults
) -> None:
    ada = office.customer()
    office.create("A", **CODE, customer_guid=ada, jurisdictions=[CA])
    office.set("A", "revoked")
    kept_for(office, 30)
    later = office.on("2026-05-02")
    taking = {**CODE, "customer_guid": ada, "jurisdictions": [NV]}

    def take() -> None:
        assert later.get("A").status == 404, "it is fenced"
        assert guards(database, office) == 1, "its guard is read, and not removed yet"
        assert later.create("B", **taking).status == 200

    faults.inject(then(take), operation="transact_write_items", at=3)
    assert swept(office, "2026-05-01").acted == {"certificate": 1}
    assert faults.pending == 0
    assert later.get("B").status == 200
    assert guards(database, office) == 1
    assert later.create("C", **taking).tag == "already-exists"


@pytest.mark.parametrize("how", ["delete", "anonymize"])
def test_an_erasure_leaves_no_guard_of_a_code_that_several_share(
    office: Office, database: Database, how: str
) -> None:
    ada = office.customer()
    for number, place in enumerate((CA, NV, {"country": "CA"})):
        office.create(f"A-{number}", **CODE, customer_guid=ada, jurisdictions=[place])
    office.set("A-1", "revoked")
    assert guards(database, office) == 1
    erase(office, how, ada)
    assert guards(database, office) == 0
    assert "RESALE-1" not in str(database.items(office.world.code))

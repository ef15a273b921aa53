"""Who may have a code, and how one certificate takes the place of another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from shared.keys import of_org
from shared.settings import settings
from tests.builders import World
from tests.conftest import Database
from tests.contract.test_merged_customers import absorbed
from tests.faults import GONE_WRONG, Crash, Faults, then
from tests.lambdas.exemption.office import TODAY, Office

CA, NV = {"country": "US", "region": "CA"}, {"country": "US", "region": "NV"}
CODE: dict[str, Any] = {"certificate_code": "RESALE-1"}


@pytest.fixture
def office(world: World) -> Office:
    return Office(world)


def taken(office: Office, certificate_id: str, **fields: Any) -> bool:
    answer = office.create(certificate_id, **{**CODE, **fields})
    if answer.status == 200:
        return False
    assert (answer.tag, answer.fields) == ("already-exists", ["certificate.certificate_code"])
    return True


def test_a_code_is_unique_for_an_owner_and_a_place(office: Office) -> None:
    ada, eve = office.customer(), office.customer()
    assert not taken(office, "A", customer_guid=ada, jurisdictions=[CA])
    assert taken(office, "B", customer_guid=ada, jurisdictions=[NV, CA])
    assert taken(office, "B", customer_guid=ada, jurisdictions=[CA], certificate_code="resale-1")
    assert not taken(office, "B", customer_guid=ada, jurisdictions=[NV])
    assert not taken(office, "C", customer_guid=ada, jurisdictions=[{"country": "US"}])
    assert not taken(office, "D", customer_guid=ada)
    assert taken(office, "E", customer_guid=ada)
    assert not taken(office, "E", customer_guid=eve, jurisdictions=[CA])
    assert not taken(office, "F", jurisdictions=[CA])
    assert taken(office, "G", jurisdictions=[CA])


@pytest.mark.parametrize("end", ["expired", "rejected", "revoked", "revoked later", "superseded"])
def test_a_code_is_free_once_its_certificate_has_ended(office: Office, end: str) -> None:
    """``revoked later``: only when that day has come."""
    first = "pending" if end == "rejected" else "active"
    office.create("A", **CODE, status=first, valid_to="2026-12-31")
    assert taken(office, "B")
    later = office
    if end == "expired":
        assert taken(office.on("2026-12-31"), "B")
        later = office.on("2027-01-01")
    elif end == "revoked later":
        office.set("A", "revoked", revoked_on="2026-06-01")
        assert taken(office.on("2026-05-31"), "B")
        later = office.on("2026-06-01")
    else:
        office.set("A", end)
    assert not taken(later, "B")
    assert taken(later, "C")


def test_a_merge_does_not_let_a_code_be_taken_twice(office: Office) -> None:
    ada = office.customer()
    assert not taken(office, "A", customer_guid=ada)
    survivor = absorbed(office.world, ada)
    assert taken(office, "B", customer_guid=survivor)
    assert taken(office, "B", customer_guid=ada)
    assert not taken(office, "B", customer_guid=ada, jurisdictions=[CA])
    assert office.get("B").data["certificate"]["customer_guid"] == survivor
    assert taken(office, "C", customer_guid=survivor, jurisdictions=[CA])
    # The certificate itself may be asked for again, under whichever guid.
    for guid in (ada, survivor):
        assert office.create("A", **CODE, customer_guid=guid).replayed


def test_a_merge_between_read_and_write_is_seen(office: Office, faults: Faults) -> None:
    ada, eve = office.customer(), office.customer()
    assert not taken(office, "A", customer_guid=ada)

    def merge() -> None:
        body = {"source_customer_guid": ada, "target_customer_guid": eve}
        why = {"reason": "one person", "source_refs": [{"kind": "t", "id": "1"}]}
        assert office.world.owner("/customer/merge", {**body, **why}).status == 200

    faults.inject(then(merge), operation="transact_write_items")
    assert taken(office, "B", customer_guid=eve)
    assert faults.pending == 0


# ---------------------------------------------------------------- one in the place of another


@pytest.mark.parametrize(("begins", "ends"), [("2026-02-01", TODAY), ("2026-05-01", "2026-05-01")])
def test_a_new_certificate_takes_the_place_of_one_with_the_same_code(
    office: Office, begins: str, ends: str
) -> None:
    ada = office.customer()
    office.create("A", **CODE, customer_guid=ada, jurisdictions=[CA])
    made = office.create(
        "B", **CODE, customer_guid=ada, jurisdictions=[CA], supersedes="a", valid_from=begins
    )
    assert made.data["certificate"]["supersedes"] == "a"
    old = office.get("A").data["certificate"]
    assert (old["status"], old["superseded_on"], old["revision"]) == ("superseded", ends, 2)
    assert office.on(ends).effective("A") == "superseded"
    assert office.effective("A", as_of="2026-03-09") in ("active", "expiring_soon")
    assert taken(office, "C", customer_guid=ada, jurisdictions=[CA])
    again = office.create(
        "B", **CODE, customer_guid=ada, jurisdictions=[CA], supersedes="A", valid_from=begins
    )
    assert again.replayed


def test_only_an_active_certificate_is_superseded(office: Office) -> None:
    office.create("A", status="pending")
    refused = office.create("B", supersedes="A")
    assert (refused.tag, refused.detail["state"]) == ("invalid-state", "pending")
    unknown = office.create("B", supersedes="unknown")
    assert (unknown.status, unknown.fields) == (404, ["certificate.supersedes"])
    office.set("A", "active")
    assert office.create("B", supersedes="A").status == 200
    second = office.create("C", supersedes="A")
    assert (second.tag, second.detail["state"]) == ("invalid-state", "superseded")
    assert sorted(office.listed()) == ["A", "B"]


def test_no_owner_ends_the_certificate_of_another_one(office: Office) -> None:
    ada, eve = office.customer(), office.customer()
    shop, other = (office.world.account()["account_guid"] for _ in range(2))
    owners: dict[str, dict[str, Any]] = {
        "ada": {"customer_guid": ada},
        "eve": {"customer_guid": eve},
        "shop": {"account_guid": shop},
        "other": {"account_guid": other},
        "nobody": {},
    }
    for name, owner in owners.items():
        office.create(f"OLD-{name}", **owner)
    for one, owner in owners.items():
        for name in owners.keys() - {one}:
            refused = office.create("NEW", **owner, supersedes=f"OLD-{name}")
            assert (refused.status, refused.fields) == (400, ["certificate.supersedes"]), name
    assert all(office.effective(f"OLD-{name}") == "active" for name in owners)
    for name, owner in owners.items():
        assert office.create(f"NEW-{name}", **owner, supersedes=f"OLD-{name}").status == 200


def test_customers_who_were_merged_are_one_owner(office: Office) -> None:
    ada, eve = office.customer(), office.customer()
    office.create("A", customer_guid=ada)
    assert office.create("B", customer_guid=eve, supersedes="A").status == 400
    survivor = absorbed(office.world, ada)
    assert office.create("B", customer_guid=survivor, supersedes="A").status == 200
    # A certificate of the survivor, in the place of which one is asked for by the old guid.
    assert office.create("C", customer_guid=ada, supersedes="B").status == 200
    assert [office.effective(one) for one in "ABC"] == ["superseded", "superseded", "active"]
    assert office.create("B", customer_guid=ada, supersedes="A").replayed


# ---------------------------------------------------------------- at once


def test_of_many_at_once_one_has_the_code(office: Office) -> None:
    ada = office.customer()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: taken(office, f"E-{n}", customer_guid=ada), range(12)))
    assert found.count(False) == 1


def test_one_creation_sent_by_many_at_once_is_one_certificate(office: Office) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: office.create("A", **CODE), range(12)))
    assert {a.status for a in answers} == {200}
    assert len({str(a.data) for a in answers}) == 1
    assert [a.replayed for a in answers].count(False) == 1


def test_of_many_at_once_one_takes_the_place(office: Office) -> None:
    office.create("A", **CODE)
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda n: office.create(f"B-{n}", **CODE, supersedes="A"), range(6))
        )
    assert [a.status for a in answers].count(200) == 1
    tags = {a.tag for a in answers if a.status != 200}
    assert tags <= {"invalid-state", "already-exists"}
    assert len(office.listed()) == 2


def test_a_certificate_is_revoked_or_superseded_and_never_both(office: Office) -> None:
    for n in range(6):
        office.create(f"A-{n}")
        with ThreadPoolExecutor(2) as pool:
            revoked = pool.submit(office.set, f"A-{n}", "revoked")
            superseded = pool.submit(office.create, f"B-{n}", supersedes=f"A-{n}")
        assert sorted([revoked.result().status, superseded.result().status]) == [200, 409]
        old = office.get(f"A-{n}").data["certificate"]
        assert ("revoked_on" in old) != ("superseded_on" in old)
        assert old["revision"] == 2


@pytest.mark.parametrize("wrong", GONE_WRONG)
@pytest.mark.parametrize("what", ["create", "supersede", "set"])
def test_whatever_goes_wrong_a_retry_ends_as_if_it_had_not(
    office: Office, faults: Faults, wrong: str, what: str
) -> None:
    ada = office.customer()
    office.create("A", **CODE, customer_guid=ada)
    key = {"idempotency_key": "k"}

    def act() -> Any:
        if what == "create":
            return office.create("B", customer_guid=ada)
        if what == "supersede":
            return office.create("B", **CODE, customer_guid=ada, supersedes="A")
        return office.set("A", "revoked", **key)

    calls = 1 if what == "create" else 2
    for at in range(1, calls + 1):
        faults.clear()
        faults.inject(GONE_WRONG[wrong](), at=at, times=3 if wrong == "throttled" else 1)
        with suppress(Crash):
            assert act().status in (200, 503)
        assert faults.pending == 0
    again = act()
    assert again.status == 200
    assert act().data == again.data
    assert office.get("A").data["certificate"]["revision"] == (1 if what == "create" else 2)
    assert len(office.listed()) == (1 if what == "set" else 2)


# ---------------------------------------------------------------- before a deletion


def test_a_fenced_certificate_is_not_found_and_takes_no_change(
    office: Office, database: Database
) -> None:
    ada = office.customer()
    office.create("A", **CODE, customer_guid=ada)
    key = of_org(office.world.code).certificate("A")
    database.client.update_item(
        TableName=settings().table_name,
        Key={"pk": {"S": key[0]}, "sk": {"S": key[1]}},
        UpdateExpression="SET fenced_by = :job, revision = :two",
        ExpressionAttributeValues={":job": {"S": "job_1"}, ":two": {"N": "2"}},
    )
    assert office.get("A").status == 404
    assert office.set("A", "revoked", 2).tag == "busy"
    assert office.create("A", **CODE, customer_guid=ada).tag == "busy"
    assert office.create("B", supersedes="A").tag == "busy"


@pytest.mark.parametrize("job", ["delete", "anonymize"])
def test_nothing_is_answered_of_a_customer_under_erasure(office: Office, job: str) -> None:
    ada = office.customer()
    office.create("A", **CODE, customer_guid=ada)
    office.world.set_state(ada, job_id="job_1", job_kind=job)
    asked = [
        office.set("A", "revoked"),
        office.set("A", "revoked", 7),
        office.set("A", "active"),
        office.set("A", "expired"),
        office.create("A", **CODE, customer_guid=ada),
        office.create("B", supersedes="A"),
    ]
    assert {answer.tag for answer in asked} == {"busy"}
    assert all("data" not in answer.body for answer in asked)

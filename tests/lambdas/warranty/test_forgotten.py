"""What becomes of a customer's warranties when the customer is deleted or anonymized."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.warranty import kinds
from tests.builders import WHY, World
from tests.conftest import Database
from tests.lambdas.warranty.counter import Counter

pytestmark = pytest.mark.usefixtures("emptied")


@pytest.fixture
def counter(world: World) -> Counter:
    return Counter(world)


def erase(counter: Counter, how: str, guid: str) -> dict[str, Any]:
    body = {"customer_guid": guid, **WHY}
    return dict(counter.world.owner(f"/customer/{how}", body, now=counter.now).data)


def test_a_deletion_takes_the_warranty_and_frees_its_serial_number(
    counter: Counter, database: Database
) -> None:
    ada, eve = counter.customer(), counter.customer()
    made = counter.registered(ada, metadata={"note": "SECRET"})
    answer = erase(counter, "delete", ada)
    assert answer["items_deleted"] == 2, "the profile and the warranty"
    assert counter.call("get", warranty_id=made).status == 404
    assert counter.call("get", serial_number="SN-1").status == 404
    # What was published names ids only; the answer and the guards are gone.
    left = [item for item in database.items(counter.world.code) if made in str(item)]
    assert left == []
    assert counter.register(eve, **{"expires_on": "2030-01-01"}).status == 200


def test_a_deletion_takes_no_warranty_that_was_transferred_and_is_forgotten_there(
    counter: Counter, database: Database
) -> None:
    ada, eve = counter.customer(), counter.customer()
    made = counter.registered(ada)
    counter.update(made, customer_id=eve)
    erase(counter, "delete", ada)
    kept = counter.get(made)
    assert kept["customer_id"] == eve
    assert [one.keys() for one in kept["transfers"]] == [{"to", "at"}]
    about = [i for i in database.items(counter.world.code) if i["record_kind"]["S"] == "warranty"]
    assert len(about) == 1
    assert ada not in str({k: v for k, v in about[0].items() if k != "events"})


def test_an_anonymization_leaves_the_warranty_without_what_is_personal(
    counter: Counter, database: Database
) -> None:
    ada = counter.customer()
    terms = {"name": "SECRET", "coverage": "SECRET", "duration": {"value": 1, "unit": "years"}}
    fields = {"terms": terms, "purchase_ref": "SECRET", "metadata": {"note": "SECRET"}}
    made = counter.registered(ada, **fields)
    erase(counter, "anonymize", ada)
    kept = counter.get(made)
    assert (kept["serial_number"], kept["expires_on"]) == ("SN-1", "2027-03-09")
    assert kept["terms"]["duration"] == terms["duration"]
    assert "SECRET" not in str(database.items(counter.world.code))
    # It still covers. Nothing is left that would tell a repeat from another registration.
    assert counter.register(counter.customer(), **fields).tag == "already-exists"
    assert counter.listed(status="active") == [made]
    assert counter.set(made, "voided", kept["revision"]).status == 200


def test_the_guards_go_only_with_the_warranty_that_has_them(counter: Counter) -> None:
    ada, eve = counter.customer(), counter.customer()
    counter.registered(ada)
    then = counter.on("2027-06-01")
    second = then.registered(eve, expires_on="2029-01-01")
    erase(then, "delete", ada)
    assert then.call("get", serial_number="SN-1").data["warranty"]["warranty_id"] == second
    assert then.register(eve, expires_on="2030-01-01").tag == "already-exists"
    assert {kind.name for kind in kinds.KINDS if kind.business} == {"warranty"}


@pytest.mark.parametrize("how", ["delete", "anonymize"])
@pytest.mark.parametrize("live", [True, False])
def test_a_customer_with_several_warranties_of_one_serial_number_is_forgotten(
    counter: Counter, database: Database, how: str, live: bool
) -> None:
    """The guard of the serial number is of the last one, and each of them asks for it to go."""
    ada = counter.customer()
    counter.registered(ada, expires_on="2026-03-31")
    counter.on("2026-04-01").registered(ada, expires_on="2026-04-30")
    last = counter.on("2026-05-01")
    made = last.registered(ada)
    if not live:
        last.set(made, "voided")
    erase(last, how, ada)
    kinds_left = {item["record_kind"]["S"] for item in database.items(counter.world.code)}
    assert ("warranty" in kinds_left) == (how == "anonymize")
    if how == "delete":
        assert not kinds_left & {"live_serial", "serial_history"}
        eve = last.customer()
        assert last.register(eve).status == 200

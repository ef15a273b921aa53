"""One live warranty for a serial number and product; how warranties are found and listed."""

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
from tests.faults import GONE_WRONG, Crash, Faults
from tests.lambdas.warranty.counter import Counter

LATER = {"expires_on": "2029-01-01"}


@pytest.fixture
def counter(world: World) -> Counter:
    return Counter(world)


def test_the_same_registration_is_a_replay_and_another_one_a_refusal(counter: Counter) -> None:
    ada, eve = counter.customer(), counter.customer()
    terms = {"duration": {"value": 2, "unit": "years"}}
    first = counter.register(ada, "SN-1", terms=terms)
    made = first.data["warranty"]["warranty_id"]
    counter.update(made, customer_id=eve, metadata={"a": 1})
    # On another day, where the default of ``starts_on`` is another one too.
    again = counter.on("2026-06-01").register(ada, "sn 1", terms=terms)
    assert again.replayed
    assert (again.data, again.body["revision"]) == (first.data, 1)
    for customer, more in ((eve, {"terms": terms}), (ada, LATER), (ada, {**LATER, "terms": terms})):
        refused = counter.register(customer, "SN1", **more)
        assert (refused.tag, refused.fields) == ("already-exists", ["warranty.serial_number"])
        told = str({k: v for k, v in refused.body.items() if k != "stats"})
        assert ada not in told
        assert eve not in told
    assert counter.register(eve, "SN-1", product_id="other", **LATER).status == 200


@pytest.mark.parametrize("end", ["expired", "voided", "doomed"])
def test_after_the_end_of_one_the_next_may_be_registered(counter: Counter, end: str) -> None:
    ada = counter.customer()
    first = counter.registered(ada)
    then = counter.on("2027-03-10")
    if end != "expired":
        then = counter.after(1)
        assert then.set(first, end).status == 200
    second = then.registered(ada, **LATER)
    assert second != first
    assert then.call("get", serial_number="sn1").data["warranty"]["warranty_id"] == second
    assert then.listed(serial_number="SN-1") == [second, first]
    revived = then.update(first, 1, expires_on="2030-01-01")
    assert revived.tag == ("already-exists" if end == "expired" else "conflict")
    # The next one's end does not touch what the first one left.
    if end == "expired":
        assert then.set(first, "voided").status == 200
        assert then.register(ada, expires_on="2031-01-01").tag == "already-exists"


def test_an_expired_one_is_revived_while_no_other_is_live(counter: Counter) -> None:
    ada = counter.customer()
    made = counter.registered(ada)
    then = counter.on("2027-06-01")
    assert then.update(made, expires_on="2027-12-31").data["warranty"]["status"] == "active"
    assert then.register(ada, **LATER).tag == "already-exists"
    assert counter.on("2028-01-01").register(ada, **LATER).status == 200


def test_a_last_day_that_moves_moves_the_guard(counter: Counter) -> None:
    ada = counter.customer()
    made = counter.registered(ada, starts_on="2026-01-01")
    assert counter.update(made, expires_on="2026-03-01").data["warranty"]["status"] == "expired"
    second = counter.registered(ada, **LATER)
    assert counter.update(second, expires_on=None).status == 200
    assert counter.on("2100-01-01").register(ada, expires_on="2101-01-01").tag == "already-exists"
    assert counter.update(second, 2, expires_on="2026-12-31").status == 200
    assert counter.on("2027-01-01").register(ada, expires_on="2101-01-01").status == 200


def test_one_that_is_over_already_takes_no_place(counter: Counter) -> None:
    ada = counter.customer()
    old = {"starts_on": "2020-01-01", "expires_on": "2021-12-31"}
    live = counter.registered(ada)
    assert counter.after(1).register(ada, **old).data["warranty"]["status"] == "expired"
    assert counter.call("get", serial_number="SN-1").data["warranty"]["warranty_id"] == live
    other = counter.registered(ada, "SN-2", **old)
    assert counter.get(other)["status"] == "expired"
    assert counter.after(1).register(ada, "SN-2", **LATER).status == 200
    assert counter.get(live)["status"] == "active"


def test_a_serial_number_of_several_products_needs_one_named(counter: Counter) -> None:
    ada = counter.customer()
    made = {p: counter.registered(ada, product_id=p) for p in ("kettle", "toaster")}
    asked = counter.call("get", serial_number="SN-1")
    assert (asked.tag, asked.detail) == ("invalid-state", {"count": 2})
    for product, warranty_id in made.items():
        found = counter.call("get", serial_number="SN-1", product_id=product)
        assert found.data["warranty"]["warranty_id"] == warranty_id
    counter.set(made["kettle"], "voided")
    assert counter.call("get", serial_number="SN-1").data["warranty"]["product_id"] == "toaster"
    ended = counter.call("get", serial_number="SN-1", product_id="kettle").data["warranty"]
    assert ended["status"] == "voided"
    assert counter.call("get", serial_number="SN-1", product_id="pan").status == 404
    assert counter.call("get", serial_number="SN-9").status == 404
    wrong = counter.call("get", warranty_id=made["kettle"], serial_number="SN-1")
    assert (wrong.status, counter.call("get").status) == (400, 400)


# ---------------------------------------------------------------- lists


def test_every_filter_finds_what_it_asks_for_in_its_order(counter: Counter) -> None:
    ada, eve = counter.customer(), counter.customer()
    last_days = {"A": "2027-01-01", "B": None, "C": "2026-04-01", "D": "2026-03-10", "E": None}
    owners = {"A": ada, "B": ada, "C": eve, "D": ada, "E": eve}
    made = {
        serial: counter.after(n).registered(owners[serial], serial, expires_on=last)
        for n, (serial, last) in enumerate(last_days.items())
    }
    counter.set(made["E"], "voided")
    then = counter.on("2026-04-01")
    status = {"A": "active", "B": "active", "C": "active", "D": "expired", "E": "voided"}

    def ids(serials: str) -> list[str]:
        return [made[serial] for serial in serials]

    assert then.listed() == ids("EDCBA")
    by_last_day = {"active": "CAB", "expired": "D", "voided": "E", "doomed": ""}
    for asked, serials in by_last_day.items():
        assert then.listed(status=asked) == ids(serials)
        for owner in (ada, eve):
            right = [s for s in "EDCBA" if owners[s] == owner and status[s] == asked]
            assert then.listed(status=asked, customer_id=owner) == ids("".join(right))
            assert then.listed(status=asked, customer_guid=owner) == ids("".join(right))
        for serial in "ABCDE":
            right = serial if status[serial] == asked else ""
            assert then.listed(status=asked, serial_number=serial) == ids(right)
            mine = right if owners[serial] == ada else ""
            found = then.listed(status=asked, serial_number=serial, customer_id=ada)
            assert found == ids(mine)
    assert then.call("list", customer_id="nobody").status == 404


def test_a_walk_stays_on_the_day_of_its_first_page(counter: Counter) -> None:
    ada = counter.customer()
    made = [counter.registered(ada, f"S{n}", expires_on="2026-03-10") for n in range(4)]
    for filters in ({}, {"customer_id": ada}):
        first = counter.call("list", status="active", limit=2, **filters).data
        token = first["next_token"]
        next_day = counter.on("2026-03-11")
        second = next_day.call("list", status="active", limit=2, next_token=token, **filters).data
        found = [one["warranty_id"] for one in first["warranties"] + second["warranties"]]
        assert sorted(found) == sorted(made)
        assert {one["status"] for one in second["warranties"]} == {"active"}
        assert next_day.call("list", status="active", **filters).data["warranties"] == []


def test_a_survivor_has_the_warranties_of_all(counter: Counter) -> None:
    ada = counter.customer()
    first = counter.registered(ada, "A")
    survivor = absorbed(counter.world, ada)
    second = counter.after(1).registered(survivor, "B")
    third = counter.after(2).registered(ada, "C")
    assert counter.get(third)["customer_id"] == survivor
    for guid in (ada, survivor):
        data = counter.call("list", customer_id=guid).data
        assert [one["warranty_id"] for one in data["warranties"]] == [third, second, first]
        assert {one["customer_id"] for one in data["warranties"]} == {survivor}
        assert data["customer_id"] == survivor
    # Both guids are of one customer: no transfer.
    assert counter.update(first, customer_id=survivor).body["revision"] == 1
    assert counter.update(first, metadata={"a": 1}).body["revision"] == 2
    eve = counter.customer()
    moved = counter.update(first, 2, customer_id=eve).data["warranty"]
    assert [(one["from"], one["to"]) for one in moved["transfers"]] == [(ada, eve)]
    assert counter.listed(customer_id=survivor) == [third, second]


# ---------------------------------------------------------------- at once


def test_of_many_at_once_one_is_live(counter: Counter) -> None:
    guids = [counter.customer() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(counter.register, guids))
    assert [a.status for a in answers].count(200) == 1
    assert {a.tag for a in answers if a.status != 200} == {"already-exists"}
    assert len(counter.listed(serial_number="SN-1")) == 1


def test_one_registration_sent_by_many_at_once_is_one_warranty(counter: Counter) -> None:
    ada = counter.customer()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: counter.register(ada), range(12)))
    assert {a.status for a in answers} == {200}
    assert all(a.data == answers[0].data for a in answers)
    assert [a.replayed for a in answers].count(False) == 1
    assert len(counter.listed()) == 1


def test_one_is_revived_or_another_registered_and_never_both(counter: Counter) -> None:
    ada = counter.customer()
    for n in range(6):
        made = counter.registered(ada, f"S{n}")
        then = counter.on("2027-06-01")
        with ThreadPoolExecutor(2) as pool:
            revived = pool.submit(then.update, made, expires_on="2030-01-01")
            second = pool.submit(then.register, ada, f"S{n}", **LATER)
        assert sorted([revived.result().status, second.result().status]) == [200, 409]
        assert len(then.listed(serial_number=f"S{n}", status="active")) == 1


@pytest.mark.parametrize("wrong", GONE_WRONG)
@pytest.mark.parametrize("what", ["register", "transfer", "void"])
def test_whatever_goes_wrong_a_retry_ends_as_if_it_had_not(
    counter: Counter, faults: Faults, wrong: str, what: str
) -> None:
    ada, eve = counter.customer(), counter.customer()
    made = counter.registered(ada)

    def act() -> Any:
        if what == "register":
            return counter.register(ada, "SN-2")
        key = {"idempotency_key": "k"}
        if what == "void":
            return counter.set(made, "voided", **key)
        body = {"warranty_id": made, "expected_revision": 1, "warranty": {"customer_id": eve}}
        return counter.call("update", **body, **key)

    for at in range(1, 2 if what == "register" else 3):
        faults.clear()
        faults.inject(GONE_WRONG[wrong](), at=at, times=3 if wrong == "throttled" else 1)
        with suppress(Crash):
            assert act().status in (200, 503)
        assert faults.pending == 0
    again = act()
    assert again.status == 200
    assert act().data == again.data
    assert counter.get(made)["revision"] == (1 if what == "register" else 2)
    assert len(counter.get(made).get("transfers", [])) == (1 if what == "transfer" else 0)
    assert len(counter.listed()) == (2 if what == "register" else 1)


# ---------------------------------------------------------------- before an erasure


def test_a_fenced_warranty_is_not_found_and_takes_no_change(
    counter: Counter, database: Database
) -> None:
    ada = counter.customer()
    made = counter.registered(ada)
    key = of_org(counter.world.code).warranty(made)
    database.client.update_item(
        TableName=settings().table_name,
        Key={"pk": {"S": key[0]}, "sk": {"S": key[1]}},
        UpdateExpression="SET fenced_by = :job, revision = :two",
        ExpressionAttributeValues={":job": {"S": "job_1"}, ":two": {"N": "2"}},
    )
    assert counter.call("get", warranty_id=made).status == 404
    assert counter.call("get", serial_number="SN-1").status == 404
    assert counter.listed(serial_number="SN-1") == []
    assert counter.update(made, 2, metadata={}).tag == "busy"
    assert counter.set(made, "voided", 2).tag == "busy"
    assert counter.register(ada).tag == "busy"


@pytest.mark.parametrize("job", ["delete", "anonymize"])
def test_nothing_is_answered_of_a_customer_under_erasure(counter: Counter, job: str) -> None:
    ada, eve = counter.customer(), counter.customer()
    made = counter.registered(ada)
    counter.world.set_state(ada, job_id="job_1", job_kind=job)
    asked = [
        counter.set(made, "voided"),
        counter.set(made, "voided", 7),
        counter.set(made, "active"),
        counter.set(made, "expired"),
        counter.update(made, metadata={"a": 1}),
        counter.update(made, 7, metadata={"a": 1}),
        counter.update(made),
        counter.update(made, customer_id=eve),
        counter.register(ada),
    ]
    assert {answer.tag for answer in asked} == {"busy"}
    assert all("data" not in answer.body for answer in asked)
    assert counter.get(made)["revision"] == 1

"""An erasure that crashes at any call to the database, and whoever continues it: the end is that of
an erasure without a crash."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from lambdas.jobs.handler import lambda_handler as sweep
from shared.codec import CHANGE, KIND, Item
from shared.keys import TTL, of_org
from tests.builders import WHY, Response, World, store
from tests.conftest import Database
from tests.faults import Crash, Faults, crash, lost_answer
from tests.lambdas.privacy import lives
from tests.lambdas.privacy.lives import Life

Published = Callable[[str], list[dict[str, Any]]]
EVERY = {"sweeper", "the same call", "another key"}


def erase(world: World, guid: str, path: str, key: str | None = None) -> Response:
    more = {} if key is None else {"idempotency_key": key}
    return world.owner(path, {"customer_guid": guid, **WHY, **more})


def swept() -> dict[str, Any]:
    moment = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return sweep({"time": moment}, None)


def with_entries(world: World, guid: str, many: int) -> None:
    """Gives a customer so many more records, as imports would: notes of who looked at it."""
    from lambdas.privacy.models.records import ExportRecord

    keys = of_org(world.code)
    for number in range(many):
        record = ExportRecord(
            export_id=f"exp_{number:05d}",
            customer_guid=guid,
            actor="user_guid:U1",
            reason="for a test",
            exported_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        store(Item(keys.export(guid, record.export_id), record))


@dataclass(frozen=True)
class End:
    """What is left in the table, without what differs from run to run."""

    kinds: tuple[str, ...]
    deleted: int | None


def end_of(world: World, database: Database, answer: Response | None) -> End:
    kinds = sorted(item[KIND]["S"] for item in database.items(world.code))
    deleted = None if answer is None else answer.data.get("items_deleted")
    return End(tuple(k for k in kinds if k not in ("marker", "search_entry")), deleted)


def begun(many: int) -> tuple[World, Life]:
    world = World()
    life = lives.lived(world)
    with_entries(world, life.guid, many)
    return world, life


@pytest.mark.parametrize("path", ["/customer/delete", "/customer/anonymize"])
@pytest.mark.parametrize(
    ("many", "step"),
    [(3, 5), *(pytest.param(n, 1, marks=pytest.mark.soak) for n in (0, 1, 25, 26, 100, 250))],
)
def test_a_crash_at_any_call_then_anybody_ends_it(
    database: Database, faults: Faults, published: Published, path: str, many: int, step: int
) -> None:
    world, life = begun(many)
    faults.clear()
    answer = erase(world, life.guid, path)
    calls, end = faults.count(), end_of(world, database, answer)
    assert calls > 8
    ways = sorted(EVERY)
    for number in range(1, calls + 1, step):
        world, life = begun(many)
        faults.clear()
        faults.inject(crash(before=number % 2 == 0), at=number)
        with pytest.raises(Crash):
            erase(world, life.guid, path, key="k")
        faults.clear()
        again = _continued(world, life.guid, path, ways[number // step % 3])
        assert end_of(world, database, again) == end, number
        told = [event["action"] for event in published(world.code)]
        assert told.count(f"customer-{path.rpartition('/')[2]}d") == 1, number


def _continued(world: World, guid: str, path: str, way: str) -> Response:
    if way == "sweeper":
        swept()
    return erase(world, guid, path, key="k" if way == "the same call" else None)


@pytest.mark.parametrize(
    "many", [0, 1, 26, 100, *(pytest.param(n, marks=pytest.mark.soak) for n in (25, 250))]
)
def test_what_was_counted_is_what_is_told_however_the_work_is_cut(
    faults: Faults, many: int
) -> None:
    world, life = begun(many)
    faults.clear()
    whole = erase(world, life.guid, "/customer/delete").data
    calls = faults.count()
    for number in (5, calls - 1):
        world, life = begun(many)
        faults.clear()
        faults.inject(crash(before=False), at=number)
        with pytest.raises(Crash):
            erase(world, life.guid, "/customer/delete")
        swept()
        again = erase(world, life.guid, "/customer/delete").data
        assert again["items_deleted"] == whole["items_deleted"]
        assert again["receipt"] == whole["receipt"]


def test_answers_that_are_lost_change_nothing(faults: Faults, published: Published) -> None:
    world, life = begun(2)
    for at in (1, 3, 5):
        faults.inject(lost_answer(), operation="transact_write_items", at=at)
    assert erase(world, life.guid, "/customer/delete").status == 200
    told = [e["action"] for e in published(world.code)]
    assert told.count("customer-deleted") == 1
    assert faults.pending == 0


def test_a_large_customer_is_a_job_that_the_sweeper_ends(database: Database, world: World) -> None:
    guid = world.customer(email="a@example.com")["customer_guid"]
    with_entries(world, guid, 1_000)
    first = erase(world, guid, "/customer/delete")
    assert first.data["job"]["state"] == "running"
    assert "receipt" not in first.data
    assert world.owner("/customer/get", {"customer_guid": guid}).status == 404
    began = time.monotonic()
    assert swept()["erasures"]["running"] >= 1
    assert time.monotonic() - began < 60
    done = erase(world, guid, "/customer/delete").data
    assert done["items_deleted"] == 1_001
    (job,) = (i for i in database.items(world.code) if i[KIND]["S"] == "erasure_job")
    assert TTL in job
    assert "g2pk" not in job
    assert CHANGE in job

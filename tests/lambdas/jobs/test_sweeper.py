"""The sweeper: it ends what others have begun, in every org, and one bad job stops no other."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from infra.local.clients import table_administration
from lambdas.jobs import sweeper
from lambdas.jobs.handler import (
    DAILY,
    ERASURE_AGE,
    FAILED,
    RUNS_BEGUN,
    RUNS_OPEN,
    lambda_handler,
)
from shared import auth
from shared.errors import Unavailable
from shared.keys import of_org
from shared.settings import settings
from tests.builders import WHY, World
from tests.faults import Crash, Faults, crash
from tests.logs import logged_to

NOW = {"time": "2026-01-01T00:00:00Z"}
"""The schedule's event. Its minute may lie before the job: the job's own time counts then."""


Measured = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def measured() -> Iterator[Measured]:
    """``measured()``: the values of the metrics of each run, as its log line has them."""
    kept = io.StringIO()

    def lines() -> list[dict[str, Any]]:
        found = []
        for line in map(json.loads, kept.getvalue().splitlines()):
            if line["message"] == "worked":
                (directive,) = line["_aws"]["CloudWatchMetrics"]
                assert directive["Dimensions"] == [["function"]]
                assert line["function"] == "jobs"
                found.append({each["Name"]: line[each["Name"]] for each in directive["Metrics"]})
        return found

    with logged_to(kept):
        yield lines


def begun(world: World, faults: Faults) -> str:
    """Begins a deletion, and lets its process end right after the fence."""
    guid = str(world.customer(first_name="Ada")["customer_guid"])
    faults.clear()
    faults.inject(crash(before=False), operation="transact_write_items")
    with pytest.raises(Crash):
        world.owner("/customer/delete", {"customer_guid": guid, **WHY})
    faults.clear()
    return guid


def test_it_ends_the_jobs_of_every_org_and_then_finds_none(
    world: World, other_world: World, faults: Faults
) -> None:
    first, second = begun(world, faults), begun(other_world, faults)
    assert lambda_handler(NOW, None)["erasures"] == {"running": 2, "done": 2, "failed": 0}
    assert lambda_handler(NOW, None)["erasures"] == {"running": 0, "done": 0, "failed": 0}
    for org, guid in ((world, first), (other_world, second)):
        again = org.owner("/customer/delete", {"customer_guid": guid, **WHY})
        assert again.replayed
        assert again.data["deleted_at"] >= "2026-01-01T00:00:00Z"


def test_the_age_of_the_oldest_job_is_measured_until_it_has_ended(
    world: World, faults: Faults, measured: Measured
) -> None:
    begun(world, faults)
    (due,) = sweeper.due()
    assert due.begun is not None
    lambda_handler({"time": (due.begun + timedelta(hours=2)).isoformat()}, None)
    lambda_handler({"time": (due.begun + timedelta(hours=3)).isoformat()}, None)
    assert [each[ERASURE_AGE] for each in measured()] == [7200, 0]


def test_what_fails_is_measured(
    world: World, faults: Faults, monkeypatch: pytest.MonkeyPatch, measured: Measured
) -> None:
    begun(world, faults)

    def failing(*_: object, **__: object) -> object:
        raise Unavailable()

    monkeypatch.setattr(sweeper, "resume", failing)
    lambda_handler(NOW, None)
    (found,) = measured()
    # The minute of the schedule lies before the job.
    assert (found[FAILED], found[ERASURE_AGE]) == (1, 0)


@pytest.mark.usefixtures("world")
def test_each_day_s_beginning_is_told_from_the_minutes(measured: Measured) -> None:
    lambda_handler(NOW, None)
    lambda_handler({**NOW, "job": DAILY}, None)
    lambda_handler(NOW, None)
    assert [each[RUNS_BEGUN] for each in measured()] == [0, 1, 0]
    assert [each.get(RUNS_OPEN) for each in measured()] == [0, None, 0]


def test_a_job_that_fails_is_counted_and_stops_no_other(
    world: World, other_world: World, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(world, faults)
    begun(other_world, faults)
    resume = sweeper.resume

    def failing(job: sweeper.Due, *arguments: object, **more: object) -> object:
        if job.orgcode == world.code:
            raise Unavailable()
        return resume(job, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(sweeper, "resume", failing)
    assert lambda_handler(NOW, None)["erasures"] == {"running": 2, "done": 1, "failed": 1}
    monkeypatch.setattr(sweeper, "resume", resume)
    assert lambda_handler(NOW, None)["erasures"] == {"running": 1, "done": 1, "failed": 0}


def test_a_run_ends_when_its_time_is_up_and_the_next_one_goes_on(
    world: World, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(world, faults)
    monkeypatch.setattr(sweeper, "PAGES", 1)
    (job,) = (due for due in sweeper.due() if due.orgcode == world.code)
    assert sweeper.resume(job, auth.now(), until=0).state == "running"
    assert sweeper.resume(job, auth.now(), until=0).state == "done"
    place = of_org(world.code).erasure_job(job.job_id)
    stored = table_administration().get_item(
        TableName=settings().table_name, Key={"pk": {"S": place[0]}, "sk": {"S": place[1]}}
    )["Item"]
    assert "g2pk" not in stored, "it is no longer due"

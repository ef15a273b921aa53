"""The sweeper: it ends what others have begun, in every org, and one bad job stops no other."""

from __future__ import annotations

import pytest

from infra.local.clients import table_administration
from lambdas.jobs import sweeper
from lambdas.jobs.handler import lambda_handler
from shared import auth
from shared.errors import Unavailable
from shared.keys import of_org
from shared.settings import settings
from tests.builders import WHY, World
from tests.faults import Crash, Faults, crash

NOW = {"time": "2026-01-01T00:00:00Z"}
"""The schedule's event. Its minute may lie before the job: the job's own time counts then."""


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

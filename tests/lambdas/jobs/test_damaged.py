"""A damaged record of one org stops no other org, and whoever watches the alarms hears of it."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import pytest

from infra.local.clients import table_administration
from lambdas.jobs import handler, sweeper
from lambdas.jobs.handler import DAILY, FAILED, RUNS_BEGUN, Incomplete, lambda_handler
from lambdas.jobs.retention import runs
from lambdas.privacy import storage as privacy
from lambdas.retention import storage as retention
from shared.keys import of_org
from shared.org_keys import Key
from shared.settings import settings
from tests.builders import World
from tests.conftest import Database
from tests.faults import Faults
from tests.lambdas.jobs.test_erasure_log import Bucket, bucket, erase
from tests.lambdas.jobs.test_retention_runs import (
    LATER,
    customer,
    keep_for,
    registered,
    status,
)
from tests.lambdas.jobs.test_sweeper import begun
from tests.logs import logged_to

__all__ = ["bucket"]

TODAY = {"job": DAILY, "time": LATER.isoformat()}
MINUTE = {"time": LATER.isoformat()}

pytestmark = pytest.mark.usefixtures("emptied")


def damage(key: Key, attribute: str) -> None:
    """Takes a value from a stored record that it cannot be read without."""
    pk, sk = key
    table_administration().update_item(
        TableName=settings().table_name,
        Key={"pk": {"S": pk}, "sk": {"S": sk}},
        UpdateExpression="REMOVE #a",
        ExpressionAttributeNames={"#a": attribute},
    )


def of_kind(database: Database, world: World, kind: str) -> Key:
    (item,) = (one for one in database.items(world.code) if one["record_kind"]["S"] == kind)
    return item["pk"]["S"], item["sk"]["S"]


def logged(event: dict[str, Any], error: type[Exception] | None = None) -> list[dict[str, Any]]:
    """Runs the function, which has to end with this error, and returns what it logged."""
    kept = io.StringIO()
    with logged_to(kept):
        if error is None:
            lambda_handler(event, None)
        else:
            with pytest.raises(error):
                lambda_handler(event, None)
    return [json.loads(line) for line in kept.getvalue().splitlines()]


def test_the_day_begins_for_the_others_and_the_function_fails_at_its_end(
    world: World, other_world: World, database: Database
) -> None:
    guids = {}
    for org in (world, other_world):
        registered(org)
        guids[org.code] = customer(org)
        keep_for(org, customer_retention_days=365)
    # The list of orgs is in the order of their codes: the first one is damaged.
    bad, good = sorted((world, other_world), key=lambda org: org.code)
    damage(of_kind(database, bad, "retention_policy"), "actor")
    failed, worked = logged(TODAY, Incomplete)
    assert (failed["message"], failed["call"]) == ("failed", f"retention run of {bad.code}")
    assert (worked["begun"], worked["failed"], worked[RUNS_BEGUN]) == (1, 1, 1)
    for _ in range(3):
        lambda_handler(MINUTE, None)
    assert status(good, guids[good.code]) == "anonymized"
    assert status(bad, guids[bad.code]) == "active"


def test_the_log_of_erasures_is_written_for_the_others(
    world: World, other_world: World, database: Database, bucket: Bucket
) -> None:
    for org in (world, other_world):
        registered(org)
        erase(org, customer(org), "delete")
    bad, good = sorted((world, other_world), key=lambda org: org.code)
    damage(of_kind(database, bad, "erasure_job"), "owners")
    logged({**TODAY, "time": "2026-01-01T03:00:00Z"}, Incomplete)
    assert len(bucket.lines(good.code)) == 1
    assert bucket.lines(bad.code) == []


def test_erasures_of_the_others_go_on_and_the_metric_of_the_alarm_counts(
    world: World, other_world: World, faults: Faults
) -> None:
    begun(world, faults)
    begun(other_world, faults)
    (job,) = (one for one in sweeper.due() if one.orgcode == world.code)
    damage(privacy.job_at(of_org(world.code), job.job_id).key, "owners")
    failed, worked = logged(MINUTE)
    assert failed["message"] == "failed"
    assert worked["erasures"] == {"running": 2, "done": 1, "failed": 1}
    assert worked[FAILED] == 1
    assert [one.orgcode for one in sweeper.due()] == [world.code]


def test_runs_of_the_others_go_on(world: World, other_world: World) -> None:
    guids = {}
    for org in (world, other_world):
        guids[org.code] = customer(org)
        keep_for(org, customer_retention_days=365)
        assert runs.begin(org.code, LATER) is not None
    (run,) = (one for one in runs.due() if one.orgcode == world.code)
    damage(retention.run_at(of_org(world.code), run.run_id).key, "customer_action")
    until = time.monotonic() + handler.WORK_S
    found = handler._worked(runs.due(), lambda one: runs.resume(one, until=until), until=until)
    assert found == {"running": 2, "done": 1, "failed": 1}
    assert status(other_world, guids[other_world.code]) == "anonymized"

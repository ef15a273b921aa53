"""The schedules' function: each minute it continues what is not finished and tells what is due, and
each day it writes the log of erasures and begins the runs of the retention policy."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from lambdas.jobs import erasure_log, sweeper
from lambdas.jobs.announcer import Announcer
from lambdas.jobs.retention import runs
from shared import log

WORK_S = 45
"""How long one run works. The schedule starts the next one after a minute."""
DAILY = "daily"
"""What the event of the daily schedule names."""
ERASURE_AGE, RUNS_OPEN = "erasure_age_s", "retention_runs_open"
RUNS_BEGUN, FAILED = "retention_begun", "work_failed"
"""The metrics: how long the oldest erasure has run, how many runs of the retention policy go on,
whether the runs of a day were begun, and how many pieces of work failed."""


class Incomplete(Exception):
    """Some orgs are left out of what the day had to do. The function ends with it: so its alarm
    tells, and the event is handled again, which changes nothing for the others."""


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handles the event of a schedule. Returns for each kind of work how much there was, how much
    was done, and how much failed: that is tried again by the next run. Its log line carries the
    metrics by which the alarms see work that does not end, and a day whose runs did not begin."""
    del context
    now = datetime.fromisoformat(event["time"])
    if event.get("job") == DAILY:
        return _day(now)
    erasures, worked = _work(now)
    metrics = {
        ERASURE_AGE: sweeper.oldest_age_s(erasures, now),
        RUNS_OPEN: worked["retention"]["running"] - worked["retention"]["done"],
        FAILED: sum(kind["failed"] for kind in worked.values()),
        # A metric that is always there tells a missed day from a new deployment.
        RUNS_BEGUN: 0,
    }
    log.worked(**worked, **log.metrics(metrics, function="jobs"))
    return worked


def _day(now: datetime) -> dict[str, Any]:
    """Begins the runs of the day and writes its log. Raises ``Incomplete`` at the end where an org
    was left out of one of them."""
    begun = _begin_runs(now)
    log.worked(**begun, **log.metrics({RUNS_BEGUN: 1}, function="jobs"))
    # Last: where the bucket does not answer, the runs of the day have begun all the same, and
    # the schedule calls again for the log.
    written = erasure_log.write(now)
    if begun["failed"] or written["failed"]:
        raise Incomplete(f"runs: {begun['failed']} orgs, log of erasures: {written['failed']} orgs")
    return {**begun, "erasure_log": written}


def _work(now: datetime) -> tuple[list[sweeper.Due], dict[str, dict[str, int]]]:
    """Works for one minute: what is due has half of the time, and what the rest leaves of it.
    Returns the erasures that there were, and the counts of each kind of work."""
    begun = time.monotonic()
    until = begun + WORK_S
    announcer = Announcer(now)
    announcer.work(begun + WORK_S / 2)
    erasures = sweeper.due()
    worked = {
        "erasures": _worked(
            erasures, lambda job: sweeper.resume(job, now, until=until), until=until
        ),
        "retention": _worked(runs.due(), lambda run: runs.resume(run, until=until), until=until),
    }
    announcer.work(until)
    told = {"found": announcer.found, "written": announcer.written, "failed": announcer.failed}
    return erasures, {**worked, "subscriptions": told}


def _worked(found: Sequence[Any], resume: Callable[[Any], Any], *, until: float) -> dict[str, int]:
    """Works on what was found, in a random order, until the time is up: so one that always fails
    stops no other for long. What goes wrong with one, even a defect or a damaged record, is counted
    and stays with it."""
    done = failed = 0
    for one in sweeper.shuffled(found):
        if time.monotonic() >= until:
            break
        try:
            done += resume(one).state == "done"
        except Exception as error:
            log.failed(error, call=f"{one}")
            failed += 1
    return {"running": len(found), "done": done, "failed": failed}


def _begin_runs(now: datetime) -> dict[str, Any]:
    """Begins the run of the day for each org that has a policy. Begun runs are left as they are.
    What goes wrong with one org stops no other."""
    begun = failed = 0
    for orgcode in runs.orgs():
        try:
            begun += runs.begin(orgcode, now) is not None
        except Exception as error:
            log.failed(error, call=f"retention run of {orgcode}")
            failed += 1
    return {"begun": begun, "failed": failed}

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
from shared.errors import ApiError

WORK_S = 45
"""How long one run works. The schedule starts the next one after a minute."""
DAILY = "daily"
"""What the event of the daily schedule names."""


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handles the event of a schedule. What is due has half of the time, and what the rest leaves
    of it. Returns for each kind of work how much there was, how much was done, and how much failed:
    that is tried again by the next run."""
    del context
    now = datetime.fromisoformat(event["time"])
    if event.get("job") == DAILY:
        # The log first: the runs add to it from now on.
        return {"erasure_log": erasure_log.write(now), **_begin_runs(now)}
    begun = time.monotonic()
    until = begun + WORK_S
    announcer = Announcer(now)
    announcer.work(begun + WORK_S / 2)
    worked = {
        "erasures": _worked(
            sweeper.due(), lambda job: sweeper.resume(job, now, until=until), until=until
        ),
        "retention": _worked(runs.due(), lambda run: runs.resume(run, until=until), until=until),
    }
    announcer.work(until)
    told = {"found": announcer.found, "written": announcer.written, "failed": announcer.failed}
    return {**worked, "subscriptions": told}


def _worked(found: Sequence[Any], resume: Callable[[Any], Any], *, until: float) -> dict[str, int]:
    """Works on what was found, in a random order, until the time is up: so one that always fails
    stops no other for long."""
    done = failed = 0
    for one in sweeper.shuffled(found):
        if time.monotonic() >= until:
            break
        try:
            done += resume(one).state == "done"
        except ApiError as error:
            log.failed(error, call=f"{one}")
            failed += 1
    return {"running": len(found), "done": done, "failed": failed}


def _begin_runs(now: datetime) -> dict[str, Any]:
    """Begins the run of the day for each org that has a policy. Begun runs are left as they are."""
    begun = failed = 0
    for orgcode in runs.orgs():
        try:
            begun += runs.begin(orgcode, now) is not None
        except ApiError as error:
            log.failed(error, call=f"retention run of {orgcode}")
            failed += 1
    return {"begun": begun, "failed": failed}

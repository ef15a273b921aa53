"""The schedule's function: each minute it continues the erasures that are not finished, and tells
which occurrences of subscriptions are due."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from lambdas.jobs import sweeper
from lambdas.jobs.announcer import Announcer
from shared import log
from shared.errors import ApiError

WORK_S = 45
"""How long one run works. The schedule starts the next one after a minute."""


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Announces what is due, and continues every running erasure. Each has half of the time, and
    what the other one leaves of it. Returns for both how many there were, how much was done, and
    how many failed: those are tried again by the next run."""
    del context
    now = datetime.fromisoformat(event["time"])
    begun = time.monotonic()
    announcer = Announcer(now)
    announcer.work(begun + WORK_S / 2)
    erasures = _erasures(now, begun + WORK_S)
    announcer.work(begun + WORK_S)
    told = {"found": announcer.found, "written": announcer.written, "failed": announcer.failed}
    return {"erasures": erasures, "subscriptions": told}


def _erasures(now: datetime, until: float) -> dict[str, int]:
    jobs = sweeper.due()
    done = failed = 0
    for job in sweeper.shuffled(jobs):
        if time.monotonic() >= until:
            break
        try:
            done += sweeper.resume(job, now, until=until).state == "done"
        except ApiError as error:
            log.failed(error, call=f"erasure job {job.job_id}")
            failed += 1
    return {"running": len(jobs), "done": done, "failed": failed}

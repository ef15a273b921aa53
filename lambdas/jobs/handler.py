"""The schedule's function: each minute it continues the erasures that are not finished."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from lambdas.jobs import sweeper
from shared import log
from shared.errors import ApiError

WORK_S = 45
"""How long one run works. The schedule starts the next one after a minute."""


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Continues every running erasure. Returns how many there were, how many have ended, and how
    many failed: those are tried again by the next run."""
    del context
    now = datetime.fromisoformat(event["time"])
    until = time.monotonic() + WORK_S
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

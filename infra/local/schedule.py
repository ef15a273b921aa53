"""The schedules on this machine: they call the function of the jobs each minute, as rules of the
event bus do on AWS, and at once when ``settle`` asks for it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from lambdas.jobs.handler import DAILY, lambda_handler

EVERY_S = 60.0


def run_jobs(now: datetime | None = None) -> None:
    """Calls the function with the events of both schedules. ``now``: the test clock. The daily one
    comes first; it begins what was not begun on that day."""
    # As exact as the clock of a call: what became due in this very second must not wait for the
    # next run.
    time = (now or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    lambda_handler({"job": DAILY, "time": time}, None)
    lambda_handler({"detail-type": "Scheduled Event", "time": time}, None)


class Schedule(threading.Thread):
    """Calls the function each minute until it is stopped."""

    def __init__(self) -> None:
        super().__init__(name="schedule", daemon=True)
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(EVERY_S):
            run_jobs()

    def stop(self) -> None:
        self._stopped.set()
        self.join()

"""The sweeper: it continues every erasure that nobody is working on any more."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from lambdas.privacy import storage
from lambdas.privacy.models.records import ErasureJobRecord
from lambdas.privacy.operations.eraser import Eraser
from shared.api import new_id
from shared.codec import view_of
from shared.identity import OrgRecord
from shared.keys import of_org
from shared.paging import page
from shared.records import Get
from shared.table import Table

JOBS = 100
"""How many jobs one run takes up. The next run, a minute later, takes up the others."""
PAGES = 5
"""How many pages of a job are handled before the clock is asked again."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Due:
    """A job that is running, as the list of all orgs' jobs has it. ``begun``: when it began, where
    that list was read."""

    orgcode: str
    job_id: str
    begun: datetime | None = None


def due() -> list[Due]:
    """Returns the running jobs of all orgs, the oldest first."""
    views, _ = page(Table(), storage.due_jobs(), JOBS, None, view_of)
    return [
        Due(view["orgcode"], view["job_id"], datetime.fromisoformat(view["created_at"]))
        for view in views
    ]


def oldest_age_s(jobs: Sequence[Due], now: datetime) -> int:
    """Returns for how long the oldest of the jobs has run, in seconds; 0 where there is none."""
    ages = [int((now - job.begun).total_seconds()) for job in jobs if job.begun is not None]
    return max(0, *ages) if ages else 0


def resume(job: Due, now: datetime, *, until: float) -> ErasureJobRecord:
    """Works on a job until it has ended, or the time is up (``until``: by the monotonic clock).
    Returns the job as it is then."""
    keys = of_org(job.orgcode)
    job_at, org_at = storage.job_at(keys, job.job_id), Get(keys.org_record(), OrgRecord)
    records = Table().load([job_at, org_at])
    current, settings = records.require(job_at), records.require(org_at).settings
    # The schedule names the time of its minute, which may lie before the job.
    now = max(now, current.updated_at)
    while current.state == "running":
        # A new table for each round: the retry budget is that of a request, not of a whole job.
        eraser = Eraser(
            keys=keys,
            settings=settings,
            table=Table(),
            now=now,
            new_id=lambda: new_id(now),
        )
        current = eraser.advance(current, PAGES)
        if time.monotonic() >= until:
            break
    return current


def shuffled(jobs: Sequence[T]) -> list[T]:
    """Returns the jobs in a random order."""
    return secrets.SystemRandom().sample(jobs, len(jobs))

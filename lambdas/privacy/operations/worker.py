"""Whoever works on an erasure job: a request, its repeat, or the sweeper. Several may at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lambdas.privacy import storage
from lambdas.privacy.models.records import ErasureJobRecord
from shared.keys import Keys
from shared.settings import OrgSettings
from shared.table import Table
from shared.writes import Update, Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What works on the jobs of one org: its keys and settings, the table, clock and ids."""

    keys: Keys
    settings: OrgSettings
    table: Table
    now: datetime
    new_id: Callable[[], str]

    def move_on(self, job: ErasureJobRecord, *writes: Write, **changes: Any) -> ErasureJobRecord:
        """Writes the next state of a job, together with ``writes``, and returns it. Where another
        worker has moved the job on meanwhile, it writes nothing, and returns the job as that one
        left it."""
        moved = replace(job, revision=job.revision + 1, updated_at=self.now, **changes)
        update = Update(storage.job_item(self.keys, moved), if_revision=job.revision)
        if self.table.transact([update, *writes], self.new_id(), 0) is None:
            return moved
        place = storage.job_at(self.keys, job.job_id)
        return self.table.load([place]).require(place)

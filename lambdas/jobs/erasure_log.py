"""The log of erasures, outside the table. A table that is restored from a backup knows nothing of
the erasures since: with the log they are made again.

A line names customers by their guids, and nothing else of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from lambdas.jobs.retention.runs import orgs
from lambdas.privacy import storage
from lambdas.privacy.models.records import ErasureJobRecord
from shared import clients, log
from shared.codec import view_of
from shared.fields import instant_shown
from shared.keys import of_org
from shared.paging import page
from shared.settings import settings
from shared.table import Table

OVERLAP = timedelta(days=3)
"""How far back the log of a day goes: so a day on which none was written loses nothing."""
PAGE = 100


def erasures(orgcode: str, since: datetime) -> Iterator[dict[str, Any]]:
    """Yields the org's erasures that began since then, the newest first. Also those that still run:
    what was begun is always finished. ``refuses`` says which contact points are refused after it.
    Erasures that ended more than 30 days ago are no longer there."""
    keys, table = of_org(orgcode), Table()
    cursor = None
    while True:
        views, cursor = page(table, storage.jobs_of(keys), PAGE, cursor, view_of)
        places = [storage.job_at(keys, str(view["job_id"])) for view in views]
        records = table.load(places)
        jobs = [job for at in places if (job := records.get(at)) is not None]
        yield from (_line(job) for job in jobs if job.created_at >= since)
        if cursor is None or any(job.created_at < since for job in jobs):
            return


def _line(job: ErasureJobRecord) -> dict[str, Any]:
    return {
        "orgcode": job.orgcode,
        "job_kind": job.job_kind,
        "customer_guids": list(job.owners),
        "refuses": job.refuses,
        "begun_at": instant_shown(job.created_at),
    }


def write(now: datetime) -> dict[str, int]:
    """Writes the log of the day: one object for each org that had erasures. A second run of the day
    writes it again. An org whose records cannot be read is counted, and stops no other. A bucket
    that does not answer concerns them all, so that raises."""
    here, written, failed = settings(), 0, 0
    if here.erasure_log_bucket is None:
        return {"written": 0, "failed": 0}
    for orgcode in orgs():
        try:
            lines = [json.dumps(line) for line in erasures(orgcode, now - OVERLAP)]
        except Exception as error:
            log.failed(error, call=f"log of erasures of {orgcode}")
            failed += 1
            continue
        if lines:
            clients.files().put_object(
                Bucket=here.erasure_log_bucket,
                Key=f"{now:%Y/%m/%d}/{orgcode}.jsonl",
                Body="".join(f"{line}\n" for line in lines).encode(),
                ContentType="application/jsonl",
            )
            written += 1
    return {"written": written, "failed": failed}

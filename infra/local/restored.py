"""After a restore: the erasures since the backup are made again, from the log of erasures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from infra.local.identities import Refused, org_of
from lambdas.privacy.models.records import ErasureJobRecord
from lambdas.privacy.operations import fence as fences
from lambdas.privacy.operations.fence import eraser_of
from shared.call import Call
from shared.errors import NotFound
from shared.system import system_call

PAGES = 100
KINDS = ("delete", "anonymize")
FIELDS = {"orgcode", "job_kind", "customer_guids", "refuses", "begun_at"}


def reapply(lines: Iterable[str], now: datetime | None = None) -> Iterator[dict[str, Any]]:
    """Makes the erasures of a log again, in the order in which they had begun, and yields for each
    customer what became of it. Safe to repeat, and to stop anywhere: what is done already is
    ``done``. A customer that the table does not know is ``unknown``: it was made after the backup.
    """
    for line in sorted(map(_parsed, lines), key=lambda line: (line["begun_at"], line["job_kind"])):
        for guid in line["customer_guids"]:
            call = _call(line["orgcode"], now or datetime.now(UTC))
            outcome = _erased(call, guid, line["job_kind"], line["refuses"])
            yield {
                "orgcode": line["orgcode"],
                "customer_guid": guid,
                "job_kind": line["job_kind"],
                "outcome": outcome,
            }


def _parsed(text: str) -> dict[str, Any]:
    try:
        line: dict[str, Any] = json.loads(text)
    except ValueError:
        raise Refused(f"this is no line of the log: {text[:80]}") from None
    if line.keys() != FIELDS or line["job_kind"] not in KINDS:
        raise Refused(f"this is no line of the log: {text[:80]}")
    return line


def _call(orgcode: str, now: datetime) -> Call:
    return system_call(org_of(orgcode), now, work="restore", work_id="reapply", why="RESTORE.LOG")


def _erased(call: Call, customer_guid: str, job_kind: str, refuses: str) -> str:
    """Erases a customer, and everyone who is merged into it by now. Returns ``erased``, ``done`` or
    ``unknown``. Nothing that keeps a customer counts here: the erasure was lawful when it began."""
    outcome = "done"
    while True:
        try:
            call, there = fences.found(call, customer_guid)
        except NotFound:
            return "unknown"
        if there.tombstone is not None:
            return outcome
        state = there.state
        if state.job_id is None and job_kind == "anonymize" and state.status == "anonymized":
            return outcome
        outcome = "erased"
        _finish(call, fences.running_job(call, there, state.job_kind or job_kind))
        if state.job_id is None:
            _finish(call, fences.fence(call, there, job_kind, refuses=refuses))


def _finish(call: Call, job: ErasureJobRecord | None) -> None:
    while job is not None and job.state == "running":
        job = eraser_of(call).advance(job, PAGES)

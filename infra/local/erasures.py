"""The administration of erasures: jobs, receipts, runs of the retention policy, and exports to a
file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.identities import Refused, org_of
from infra.local.signing import verifies
from lambdas.jobs import sweeper
from lambdas.jobs.retention import runs
from lambdas.jobs.sweeper import Due
from lambdas.privacy import storage
from lambdas.privacy.operations.export import state_of
from lambdas.privacy.operations.exporting import exported
from lambdas.privacy.rules.receipt import digest_of, text_of
from lambdas.retention import storage as policies
from shared.codec import view_of
from shared.fields import instant_shown
from shared.keys import of_org
from shared.paging import Listing, page
from shared.table import Table

ROUND_S = 5.0
EXPORTED_AT_ONCE = 256


def jobs(orgcode: str) -> Iterator[dict[str, Any]]:
    """Yields the org's erasures, the newest first, with their progress. Those that have ended are
    there for a month."""
    return _listed(orgcode, storage.jobs_of(of_org(orgcode)))


def resume(orgcode: str, job_id: str) -> Iterator[dict[str, Any]]:
    """Continues an erasure to its end, and yields how far it has come. Safe beside the sweeper."""
    keys = of_org(orgcode)
    place = storage.job_at(keys, job_id)
    job = Table().load([place]).get(place)
    if job is None:
        raise Refused(f"there is no job {job_id}")
    while job.state == "running":
        until = time.monotonic() + ROUND_S
        job = sweeper.resume(Due(orgcode, job_id), datetime.now(UTC), until=until)
        yield dict(storage.job_item(keys, job).view or {})


def retention_run(orgcode: str, now: datetime) -> Iterator[dict[str, Any]]:
    """Runs the retention policy of an org by this clock, and yields how far it has come."""
    org_of(orgcode)
    run = runs.begin(orgcode, now, instant_shown(now))
    if run is None:
        raise Refused("no policy is in force that removes anything")
    while run.state == "running":
        run = runs.resume(runs.Due(orgcode, run.run_id), until=time.monotonic() + ROUND_S)
        yield policies.run_shown(run)


def retention_runs(orgcode: str) -> Iterator[dict[str, Any]]:
    """Yields the org's runs, the newest first."""
    return _listed(orgcode, policies.runs_of(of_org(orgcode)))


def kept(orgcode: str) -> Iterator[dict[str, Any]]:
    """Yields what is kept of deleted customers' records because a law wants it."""
    return _listed(orgcode, storage.kept_of(of_org(orgcode)))


def _listed(orgcode: str, listing: Listing) -> Iterator[dict[str, Any]]:
    org_of(orgcode)
    cursor = None
    while True:
        views, cursor = page(Table(), listing, 100, cursor, view_of)
        yield from views
        if cursor is None:
            return


def verified(receipt: Path, orgcode: str, key_of: Callable[[str], Iterable[str]]) -> str:
    """Returns the digest of a receipt that is as it was signed. ``receipt``: the file with the
    answer to a deletion, or with its data. ``key_of(key_id)``: the public keys (PEM) of which one
    has to have signed it. Raises ``Refused`` where anything of it was changed, or where none of
    them has. Needs no service but for the keys."""
    said = json.loads(receipt.read_text())
    data = said.get("data", said)
    try:
        proof = data["receipt_proof"]
        text = text_of(orgcode, data["customer_guid"], data["deleted_at"], data["receipt"])
        digest = digest_of(text)
        key_id, signature = proof["key_id"], proof["signature"]
        good = digest.hex() == proof["digest"]
    except KeyError as missing:
        raise Refused(f"the receipt has no {missing}") from None
    if not good:
        raise Refused("the receipt is not what was signed")
    if not any(verifies(key, digest, signature) for key in key_of(key_id)):
        raise Refused(f"none of these keys has signed it; it says that its key is {key_id}")
    return digest.hex()


def export_to(orgcode: str, customer_guid: str, target: Path) -> int:
    """Writes everything that is stored about a customer into a file, one record a line. Returns how
    many records there are. Only the file's owner may read it."""
    org_of(orgcode)
    keys, table = of_org(orgcode), Table()
    state = state_of(keys, table, customer_guid)
    owners, cursor, count = state.owners, None, 0
    target.touch(mode=0o600)
    with target.open("w", encoding="utf-8") as file:
        while True:
            records, cursor = exported(keys, Table(), owners, EXPORTED_AT_ONCE, cursor)
            for record in records:
                file.write(json.dumps(record, ensure_ascii=False, sort_keys=True) + "\n")
            count += len(records)
            if cursor is None:
                return count

"""Where the family's own records lie, and how they come back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from lambdas.privacy.models.records import (
    ErasureJobRecord,
    ExportRecord,
    KeptRecord,
    LostPointsRecord,
    MergeRecord,
    TombstoneRecord,
)
from shared.codec import Item, shown
from shared.fields import instant_shown
from shared.keys import ALL_OF_KIND, NO_ORG, SECOND_ORDER, Keys, of_org
from shared.paging import Listing
from shared.records import Get
from shared.writes import Put, Update, Write

JOB_KEPT = timedelta(days=30)
"""How long an administrator can still see a job that has ended."""


def merge_item(keys: Keys, merge: MergeRecord) -> Item[MergeRecord]:
    return Item(keys.customer_merge(merge.customer_guid, merge.merge_id), merge)


def merges_of(keys: Keys, customer_guid: str) -> Listing:
    """Returns the list of a customer's merges, newest first."""
    partition, prefix = keys.customer_merges(customer_guid)
    return Listing((partition,), prefix=prefix)


def other_side(merge: MergeRecord) -> MergeRecord:
    """Returns the source's side of an audit, without the values that the target's side keeps."""
    return replace(
        merge,
        customer_guid=merge.source_customer_guid,
        direction="source",
        conflicts=(),
        discarded=None,
    )


def moved_shown(merge: MergeRecord) -> dict[str, int]:
    """Returns how many values of each kind a merge has moved."""
    return {name: getattr(merge, name) for name in ("lots", "alternates", "refs", "tags")}


def outcome_shown(merge: MergeRecord) -> dict[str, Any]:
    """Returns what the answer to a merge says of it."""
    return {
        "merge_id": merge.merge_id,
        "moved": moved_shown(merge),
        "conflicts": list(merge.conflicts),
        "discarded": merge.discarded or {},
    }


def merge_shown(merge: MergeRecord) -> dict[str, Any]:
    """Returns what lists show of a merge: not the values that it discarded."""
    hidden = ("customer_guid", "lots", "alternates", "refs", "tags", "conflicts", "discarded")
    return shown(merge, without=hidden)


def job_at(keys: Keys, job_id: str) -> Get[ErasureJobRecord]:
    return Get(keys.erasure_job(job_id), ErasureJobRecord)


def job_item(keys: Keys, job: ErasureJobRecord) -> Item[ErasureJobRecord]:
    """Returns a job in its place. While it runs it is in the list of all orgs' due jobs, which the
    sweeper reads."""
    indexes = keys.listed(ALL_OF_KIND, job.KIND, job.job_id)
    running = job.state == "running"
    if running:
        indexes |= of_org(NO_ORG).listed(SECOND_ORDER, job.KIND, job.job_id)
    view = {
        "orgcode": job.orgcode,
        "job_id": job.job_id,
        "job_kind": job.job_kind,
        "state": job.state,
        "customer_guid": job.customer_guid,
        "records": sum(job.counts.values()),
        "handled": job.handled,
        "created_at": instant_shown(job.created_at),
        "updated_at": instant_shown(job.updated_at),
    }
    expires = None if running else job.updated_at + JOB_KEPT
    return Item(job_at(keys, job.job_id).key, job, indexes=indexes, view=view, expires=expires)


def due_jobs() -> Listing:
    """Returns the list of the running jobs of all orgs, the oldest first."""
    partition = of_org(NO_ORG).list_of(ErasureJobRecord.KIND)
    return Listing((partition,), SECOND_ORDER, newest_first=False)


def jobs_of(keys: Keys) -> Listing:
    """Returns the list of an org's jobs, the newest first."""
    return Listing((keys.list_of(ErasureJobRecord.KIND),), ALL_OF_KIND)


def tombstone_at(keys: Keys, customer_guid: str) -> Get[TombstoneRecord]:
    return Get(keys.tombstone(customer_guid), TombstoneRecord)


def tombstone_item(
    keys: Keys, tombstone: TombstoneRecord, customer_guid: str
) -> Item[TombstoneRecord]:
    """Returns the tombstone in the place of the customer, or of one who was merged into it."""
    return Item(keys.tombstone(customer_guid), tombstone)


def lost_at(keys: Keys, lost: LostPointsRecord) -> Get[LostPointsRecord]:
    return Get(keys.lost_points(lost.day.isoformat(), lost.policy_version), LostPointsRecord)


def lost_write(keys: Keys, new: LostPointsRecord, before: LostPointsRecord | None) -> Write:
    """Returns the write that adds lost points to those of the same day and policy version."""
    place = lost_at(keys, new).key
    if before is None:
        return Put(Item(place, new))
    points, revision = before.points + new.points, before.revision + 1
    both = replace(before, points=points, revision=revision)
    return Update(Item(place, both), if_revision=before.revision)


def export_write(keys: Keys, record: ExportRecord, event: dict[str, Any]) -> Put:
    place = keys.export(record.customer_guid, record.export_id)
    return Put(Item(place, record), events=[event])


def kept_item(keys: Keys, kept: KeptRecord, made_id: str) -> Item[KeptRecord]:
    """Returns a record without its person in its place, under the day on which it goes by itself.
    The id is made anew: nothing leads from the person to it."""
    day = kept.kept_until.date().isoformat()
    return Item(
        keys.kept(day, kept.kind, made_id),
        kept,
        indexes=keys.listed(ALL_OF_KIND, kept.KIND, f"{day}#{made_id}"),
        view=shown(kept),
        expires=kept.kept_until,
    )


def kept_of(keys: Keys) -> Listing:
    """Returns the list of an org's kept records, those that go first at the front."""
    return Listing((keys.list_of(KeptRecord.KIND),), ALL_OF_KIND, newest_first=False)

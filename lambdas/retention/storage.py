"""Where the versions of the policy lie, and how answers show them."""

from __future__ import annotations

from typing import Any

from lambdas.retention.models.records import (
    RetentionHeadRecord,
    RetentionPolicyRecord,
    RetentionRunRecord,
)
from lambdas.retention.models.requests import SUFFIX
from shared.codec import Item, shown
from shared.commit import Subject
from shared.fields import instant_text
from shared.keys import ALL_OF_KIND, NO_ORG, SECOND_ORDER, Keys, of_org
from shared.ledger_storage import revised
from shared.paging import Listing
from shared.records import Get, Query
from shared.writes import Put, Write


def head_at(keys: Keys) -> Get[RetentionHeadRecord]:
    return Get(keys.retention_head(), RetentionHeadRecord)


def versions(keys: Keys) -> Query[RetentionPolicyRecord]:
    """Returns the read of all versions. A policy changes seldom."""
    return Query(*keys.retention_policies(), RetentionPolicyRecord, None)


def version_at(keys: Keys, policy_version: str) -> Get[RetentionPolicyRecord]:
    """Returns the read of a version by its name."""
    number = int(policy_version.removeprefix("v"))
    return Get(keys.retention_policy(number), RetentionPolicyRecord)


def subject(keys: Keys, policy: RetentionPolicyRecord) -> Subject:
    """Returns what an answer about a version speaks of; it is kept with the org's policies."""
    return Subject(keys.retention_head()[0], f"retention-{policy.policy_version}")


def policy_writes(keys: Keys, policy: RetentionPolicyRecord, event: dict[str, Any]) -> list[Write]:
    """Returns the writes of a new version: itself, which never changes, and the number of versions.
    Of two that are set at once, one finds the number taken."""
    head = RetentionHeadRecord(revision=policy.revision)
    return [
        revised(Item(keys.retention_head(), head), head.revision),
        Put(Item(keys.retention_policy(policy.revision), policy), events=[event]),
    ]


def run_at(keys: Keys, run_id: str) -> Get[RetentionRunRecord]:
    return Get(keys.retention_run(run_id), RetentionRunRecord)


def run_item(keys: Keys, run: RetentionRunRecord) -> Item[RetentionRunRecord]:
    """Returns a run in its place. While it goes on it is in the list of all orgs' due runs, which
    the sweeper reads."""
    indexes = keys.listed(ALL_OF_KIND, run.KIND, f"{instant_text(run.created_at)}#{run.run_id}")
    if run.state == "running":
        indexes |= of_org(NO_ORG).listed(SECOND_ORDER, run.KIND, f"{run.orgcode}#{run.run_id}")
    return Item(keys.retention_run(run.run_id), run, indexes=indexes, view=run_shown(run))


def run_shown(run: RetentionRunRecord) -> dict[str, Any]:
    """Returns what the administration command shows of a run."""
    return shown(run, without=("step", "cursor"))


def due_runs() -> Listing:
    """Returns the list of the runs of all orgs that go on."""
    partition = of_org(NO_ORG).list_of(RetentionRunRecord.KIND)
    return Listing((partition,), SECOND_ORDER, newest_first=False)


def runs_of(keys: Keys) -> Listing:
    """Returns the list of an org's runs, the newest first."""
    return Listing((keys.list_of(RetentionRunRecord.KIND),), ALL_OF_KIND)


def policy_shown(policy: RetentionPolicyRecord) -> dict[str, Any]:
    """Returns a version as answers show it."""
    days = {f"{kind}{SUFFIX}": number for kind, number in policy.days.items()}
    minimum = dict(policy.minimum_days) or None
    return shown(policy, without=("days", "revision"), minimum_days=minimum, **days)

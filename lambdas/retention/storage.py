"""Where the versions of the policy lie, and how answers show them."""

from __future__ import annotations

from typing import Any

from lambdas.retention.models.records import RetentionHeadRecord, RetentionPolicyRecord
from lambdas.retention.models.requests import SUFFIX
from shared.codec import Item, shown
from shared.commit import Subject
from shared.keys import Keys
from shared.ledger_storage import revised
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


def policy_shown(policy: RetentionPolicyRecord) -> dict[str, Any]:
    """Returns a version as answers show it."""
    days = {f"{kind}{SUFFIX}": number for kind, number in policy.days.items()}
    minimum = dict(policy.minimum_days) or None
    return shown(policy, without=("days", "revision"), minimum_days=minimum, **days)

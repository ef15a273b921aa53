"""The policy: a new immutable version, and the one in force."""

from __future__ import annotations

from typing import Any

from lambdas.retention import due, rules, storage
from lambdas.retention.models.envelopes import RetentionPolicyChanged
from lambdas.retention.models.records import RetentionPolicyRecord
from lambdas.retention.models.requests import RetentionPolicyGetRequest, RetentionPolicySetRequest
from shared.api import Answer, Call
from shared.commit import Step, commit
from shared.errors import NotFound
from shared.events import change_event
from shared.records import Records


def retention_policy_set(call: Call, body: RetentionPolicySetRequest) -> Answer:
    """Puts a new version of the whole policy in force, now or later. What it does not name is kept
    for ever. A policy that would remove more, sooner or more thoroughly than the version that would
    be in force then needs `confirm_shortening`. The first version needs no `expected_revision`. A
    dry run also counts what is past its time when the policy comes into force."""
    given = body.policy
    head_at, versions_at = storage.head_at(call.keys), storage.versions(call.keys)

    def decide(call: Call, records: Records) -> Step:
        head, versions = records.get(head_at), records.all(versions_at)
        if head is not None:
            call.facts.require_revision()
        revision = 0 if head is None else head.revision
        latest = versions[-1] if versions else None
        call.facts.ensure_revision(revision, {} if latest is None else _data(latest))
        policy = _drafted(call, body, revision + 1)
        if latest is not None and _changes_nothing(call, given.effective_from, latest, policy):
            answer = Answer({**_data(latest), "unchanged": True})
            return Step(answer, storage.subject(call.keys, latest))
        rules.ensure_not_back_dated(policy, call.now)
        if not body.confirm_shortening:
            rules.ensure_confirmed(versions, policy)
        event = change_event(
            call,
            "retention-policy-set",
            ("retention_policy", policy.policy_version, policy.revision),
            {name: getattr(policy, name) for name in RetentionPolicyChanged.model_fields},
        )
        return Step(
            Answer({**_data(policy), **_trial(call, policy)}),
            storage.subject(call.keys, policy),
            storage.policy_writes(call.keys, policy, event),
        )

    return commit(call, [head_at, versions_at], decide)


def _trial(call: Call, policy: RetentionPolicyRecord) -> dict[str, Any]:
    """Returns what a dry run says besides: how much the policy would remove."""
    if not call.facts.dry_run:
        return {}
    found = due.would_remove(
        call.table, call.keys, policy, policy.effective_from, call.settings.timezone
    )
    return {"would_remove": found, "exemptions_checked": False}


def _drafted(call: Call, body: RetentionPolicySetRequest, revision: int) -> RetentionPolicyRecord:
    given, why = body.policy, call.facts.provenance
    return RetentionPolicyRecord(
        policy_version=f"v{revision}",
        effective_from=given.effective_from or call.now,
        days=given.days(),
        customer_action=given.customer_action,
        minimum_days=given.minimums(),
        notes=given.notes,
        actor=call.caller.actor,
        reason=why.reason,
        reason_code=why.reason_code,
        source_refs=why.source_refs,
        revision=revision,
        created_at=call.now,
    )


def _changes_nothing(
    call: Call, effective_from: Any, latest: RetentionPolicyRecord, policy: RetentionPolicyRecord
) -> bool:
    """Whether the latest version says the same, and from the same time on."""
    if effective_from is None:
        same_time = latest.effective_from <= call.now
    else:
        same_time = latest.effective_from == effective_from
    return same_time and rules.is_same(latest, policy)


def retention_policy_get(call: Call, body: RetentionPolicyGetRequest) -> Answer:
    """Returns a version of the policy, or the one in force at a time; without both the one in force
    now. A version that is to come changes nothing before its time."""
    if body.policy_version is not None:
        policy = call.require(storage.version_at(call.keys, body.policy_version))
        return Answer(_data(policy))
    versions_at = storage.versions(call.keys)
    versions = call.load(versions_at).all(versions_at)
    in_force = rules.in_force(versions, body.as_of or call.now)
    if in_force is None:
        raise NotFound()
    return Answer(_data(in_force))


def _data(policy: RetentionPolicyRecord) -> dict[str, Any]:
    return {"policy": storage.policy_shown(policy), "revision": policy.revision}

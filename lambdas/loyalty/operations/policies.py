"""Policies: a new immutable version, and the one in force."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

from lambdas.loyalty import storage
from lambdas.loyalty.models.envelopes import PolicyChanged
from lambdas.loyalty.models.records import PolicyCountRecord, PolicyHeadRecord, PolicyRecord
from lambdas.loyalty.models.requests import LoyaltyPolicyGetRequest, LoyaltyPolicySetRequest
from lambdas.loyalty.rules.policy import drafted, ensure_not_back_dated, ensure_repeated
from shared.api import Answer, Call
from shared.codec import shown
from shared.commit import Step, commit
from shared.errors import NotFound
from shared.events import change_event
from shared.records import Records

NAMES_READ = 20


def loyalty_policy_set(call: Call, body: LoyaltyPolicySetRequest) -> Answer:
    """Puts a new version of a channel's policy in force, now or later. A version never changes;
    lots that exist keep what they were given."""
    given = body.policy.model_dump(exclude_unset=True)
    draft = drafted(given, call.settings.currency, call.now)
    head_at = storage.policy_head_at(call.keys, draft.channel_code)
    count_at = storage.policy_count_at(call.keys)
    named_at = storage.policy_named(call.keys, draft.policy_version)
    chosen = [named_at] if draft.policy_version else []

    def decide(call: Call, records: Records) -> Step:
        head, named = records.get(head_at), records.get(named_at) if chosen else None
        if named is not None:
            ensure_repeated(named, draft, dated="effective_from" in given)
            return Step(_answer(named, replayed=True), storage.policy_subject(call.keys, named))
        ensure_not_back_dated(draft, call.now)
        if head is not None:
            call.facts.require_revision()
        latest = _latest(call, records, head)
        call.facts.ensure_revision(0 if head is None else head.revision, latest)
        versions = records.get(count_at)
        name = draft.policy_version or _free_name(call, records, versions)
        revision = 1 if head is None else head.revision + 1
        policy = replace(draft, policy_version=name, revision=revision)
        event = change_event(
            call,
            "loyalty-policy-set",
            ("loyalty_policy", policy.channel_code or "default", policy.revision),
            {name: getattr(policy, name) for name in PolicyChanged.model_fields},
        )
        writes = storage.policy_writes(call.keys, policy, versions, event)
        return Step(_answer(policy), storage.policy_subject(call.keys, policy), writes)

    return commit(call, [head_at, count_at, *chosen], decide)


def _latest(call: Call, records: Records, head: PolicyHeadRecord | None) -> dict[str, Any]:
    """Returns the version that another ``expected_revision`` is answered with: the last one."""
    if head is None or call.facts.expected_revision in (None, head.revision):
        return {}
    latest = records.get(storage.policy_named(call.keys, head.latest))
    return {} if latest is None else {"policy": shown(latest)}


def _free_name(call: Call, records: Records, versions: PolicyCountRecord | None) -> str:
    """Returns the next name that nobody has chosen. The first is tried unread, because people
    seldom choose ``v7``. Where somebody has, the failed write shows it; then more and more names
    are read at once, so that however many are taken, a few trips find a free one."""
    first = 1 if versions is None else versions.revision + 1
    if records.if_read(storage.policy_named(call.keys, f"v{first}")) is None:
        return f"v{first}"
    for trip in count():
        many = NAMES_READ * 2**trip
        places = [storage.policy_named(call.keys, f"v{first + n}") for n in range(many)]
        records.ensure(*places)
        for n, place in enumerate(places):
            if records.get(place) is None:
                return f"v{first + n}"
        first += many
    raise AssertionError("names never end")


def loyalty_policy_get(call: Call, body: LoyaltyPolicyGetRequest) -> Answer:
    """Answers a version by its name, or the one in force at a time for a channel."""
    if body.policy_version is not None:
        named = call.require(storage.policy_named(call.keys, body.policy_version))
        if body.channel_code not in (None, named.channel_code):
            raise NotFound()
        return _answer(named)
    at = body.as_of or call.now
    records = call.load(*storage.policies_in_force(call.keys, body.channel_code, at))
    policy = storage.policy_in_force(records, call.keys, body.channel_code, at)
    if policy is None:
        raise NotFound()
    return _answer(policy)


def _answer(policy: PolicyRecord, *, replayed: bool = False) -> Answer:
    return Answer({"policy": shown(policy)}, policy.revision, replayed)

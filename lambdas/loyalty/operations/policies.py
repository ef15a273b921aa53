"""Policies: a new immutable version, and the one in force."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from lambdas.loyalty import storage
from lambdas.loyalty.models import LoyaltyPolicyGetRequest, LoyaltyPolicySetRequest
from lambdas.loyalty.rules import (
    Multiplier,
    PointValue,
    PolicyRecord,
    drafted,
    not_back_dated,
    repeats,
)
from lambdas.loyalty.storage import PolicyCountRecord, PolicyHeadRecord
from shared.api import Answer, Call
from shared.call import More, Step
from shared.errors import NotFound
from shared.table import Records

NAMES_READ = 20


def loyalty_policy_set(call: Call, body: LoyaltyPolicySetRequest) -> Answer:
    """Puts a new version of a channel's policy in force, now or later. A version never changes;
    lots that exist keep what they were given."""
    given = _given(body.policy)
    draft = drafted(given, call.caller.settings.currency, call.now)
    head_at = storage.policy_head_at(call.keys, draft.channel_code)
    count_at = storage.policy_count_at(call.keys)
    named_at = storage.policy_named(call.keys, draft.policy_version)
    chosen = [named_at] if draft.policy_version else []

    def decide(call: Call, seen: Records) -> Step | More:
        head, named = seen.get(head_at), seen.get(named_at) if chosen else None
        if named is not None and repeats(named, draft, dated="effective_from" in given):
            return Step(_answer(named, replayed=True), head_at.key[0])
        not_back_dated(draft, call.now)
        if head is not None:
            call.need_revision()
        latest = _latest(call, seen, head)
        if isinstance(latest, More):
            return latest
        call.expect(0 if head is None else head.revision, latest)
        count = seen.get(count_at)
        name = draft.policy_version or _free_name(call, seen, count)
        if isinstance(name, More):
            return name
        revision = 1 if head is None else head.revision + 1
        policy = replace(draft, policy_version=name, revision=revision)
        event = call.event(
            "loyalty-policy-set",
            ("loyalty_policy", policy.channel_code or "default", policy.revision),
            {
                "policy_version": policy.policy_version,
                "channel_code": policy.channel_code,
                "currency": policy.currency,
                "effective_from": policy.effective_from,
            },
        )
        writes = storage.policy_writes(call.keys, policy, count, event)
        return Step(_answer(policy), head_at.key[0], writes)

    return call.write([head_at, count_at, *chosen], decide)


def _latest(call: Call, seen: Records, head: PolicyHeadRecord | None) -> dict[str, Any] | More:
    """The version that another ``expected_revision`` is answered with: the one set last."""
    if head is None or call.expected_revision in (None, head.revision):
        return {}
    latest_at = storage.policy_named(call.keys, head.latest)
    if not seen.has(latest_at):
        return More([latest_at])
    latest = seen.get(latest_at)
    return {} if latest is None else {"policy": storage.policy_shown(latest)}


def _free_name(call: Call, seen: Records, count: PolicyCountRecord | None) -> str | More:
    """The next name that nobody has chosen. The first is tried unread: people seldom choose ``v7``;
    where somebody has, the failed write shows it, and a score of further names is read."""
    first = 1 + (0 if count is None else count.revision)
    if not seen.has(storage.policy_named(call.keys, f"v{first}")):
        return f"v{first}"
    number = first
    while True:
        names = [f"v{n}" for n in range(number, number + NAMES_READ)]
        places = [storage.policy_named(call.keys, name) for name in names]
        unread = [place for place in places if not seen.has(place)]
        if unread:
            return More(unread)
        for name, place in zip(names, places, strict=True):
            if seen.get(place) is None:
                return name
        number += NAMES_READ


def loyalty_policy_get(call: Call, body: LoyaltyPolicyGetRequest) -> Answer:
    """Answers a version by its name, or the one in force at a time for a channel."""
    if body.policy_version is not None:
        named = call.one(storage.policy_named(call.keys, body.policy_version))
        if body.channel_code not in (None, named.channel_code):
            raise NotFound()
        return _answer(named)
    at = body.as_of or call.now
    seen = call.load(*storage.policies_in_force(call.keys, body.channel_code, at))
    policy = storage.policy_seen(seen, call.keys, body.channel_code, at)
    if policy is None:
        raise NotFound()
    return _answer(policy)


def _answer(policy: PolicyRecord, *, replayed: bool = False) -> Answer:
    return Answer({"policy": storage.policy_shown(policy)}, policy.revision, replayed)


def _given(body: BaseModel) -> dict[str, Any]:
    """What the request says, in the types of the rules; what it leaves out is left out."""
    given: dict[str, Any] = {}
    for name in body.model_fields_set:
        value = getattr(body, name)
        given[name] = _given(value) if isinstance(value, BaseModel) else value
    if "multipliers" in given:
        given["multipliers"] = tuple(Multiplier(**m.model_dump()) for m in given["multipliers"])
    if "point_value" in given:
        value = body.point_value  # type: ignore[attr-defined]
        given["point_value"] = PointValue(points=value.points, money=value.money.money())
    return given

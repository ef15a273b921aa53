"""Policies: a new immutable version, and the one in force."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from lambdas.loyalty import storage
from lambdas.loyalty.models import LoyaltyPolicyGetRequest, LoyaltyPolicySetRequest
from lambdas.loyalty.rules import (
    Multiplier,
    PointValue,
    PolicyRecord,
    check,
    drafted,
    in_force,
    repeats,
)
from shared.api import Answer, Call
from shared.call import Step
from shared.errors import NotFound
from shared.table import Seen


def loyalty_policy_set(call: Call, body: LoyaltyPolicySetRequest) -> Answer:
    """Puts a new version of a channel's policy in force, now or later. A version never changes;
    lots that exist keep what they were given."""
    given = _given(body.policy)
    head_at = storage.policy_head_at(call.keys, body.policy.channel_code)
    every = storage.policies_of_org(call.keys)

    def decide(call: Call, seen: Seen) -> Step:
        head, existing = seen.get(head_at), seen.all(every)
        draft = drafted(given, call.caller.settings.currency, call.now, existing)
        named = {p.policy_version.upper(): p for p in existing}.get(draft.policy_version.upper())
        if named is not None and repeats(named, draft, dated="effective_from" in given):
            return Step(_answer(named, replayed=True), head_at.key[0])
        if head is not None:
            call.need_revision()
            current = in_force(
                [p for p in existing if p.channel_code == draft.channel_code],
                max(p.effective_from for p in existing),
                draft.channel_code,
            )
            shown = {} if current is None else {"policy": storage.policy_shown(current)}
            call.expect(head.revision, shown)
        check(draft, call.now)
        event = call.event(
            "loyalty-policy-set",
            ("loyalty_policy", draft.channel_code or "default", draft.revision),
            {
                "policy_version": draft.policy_version,
                "channel_code": draft.channel_code,
                "currency": draft.currency,
                "effective_from": draft.effective_from,
            },
        )
        writes = storage.policy_writes(call.keys, draft, head, event)
        return Step(_answer(draft), head_at.key[0], writes)

    return call.write([head_at, every], decide)


def loyalty_policy_get(call: Call, body: LoyaltyPolicyGetRequest) -> Answer:
    """Answers a version by its name, or the one in force at a time for a channel."""
    if body.policy_version is not None:
        named = call.one(storage.policy_named(call.keys, body.policy_version))
        if body.channel_code not in (None, named.channel_code):
            raise NotFound()
        return _answer(named)
    at = body.as_of or call.now
    ranges = storage.policies_in_force(call.keys, body.channel_code, at)
    seen = call.load(*ranges)
    versions = [policy for wanted in ranges for policy in seen.all(wanted)]
    policy = in_force(versions, at, body.channel_code)
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

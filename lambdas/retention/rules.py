"""The policy: which version is in force, and what a new one would remove that is kept now. Values
in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from lambdas.retention.models.records import RetentionPolicyRecord
from shared.errors import Fault, InvalidInput

EVER = 10**9
"""More days than any policy has: what is kept for ever."""


def in_force(
    versions: Iterable[RetentionPolicyRecord], at: datetime
) -> RetentionPolicyRecord | None:
    """Returns the version in force at a time: the one that came into force last."""
    begun = [version for version in versions if version.effective_from <= at]
    return max(begun, key=lambda one: (one.effective_from, one.revision), default=None)


def ensure_not_back_dated(policy: RetentionPolicyRecord, now: datetime) -> None:
    """400 for a version that would have been in force already: what was kept was kept by it."""
    if policy.effective_from < now:
        raise InvalidInput.of("policy.effective_from", "must not lie in the past", "past")


def is_same(before: RetentionPolicyRecord, after: RetentionPolicyRecord) -> bool:
    """Whether two versions keep the same for as long, and say the same of it."""
    return _said(before) == _said(after)


def _said(policy: RetentionPolicyRecord) -> tuple[object, ...]:
    days, minimum = dict(policy.days), dict(policy.minimum_days)
    return days, policy.customer_action, minimum, policy.notes


def ensure_confirmed(
    versions: Sequence[RetentionPolicyRecord], after: RetentionPolicyRecord
) -> None:
    """400, with every field that would remove more, sooner or more thoroughly than the version that
    would be in force at that time. A first version without any number removes nothing."""
    if not versions and not after.days:
        return
    before = in_force(versions, after.effective_from)
    message = "would remove more or sooner: send confirm_shortening"
    faults = [Fault("needs-confirmation", name, message) for name in _harder(before, after)]
    if faults:
        raise InvalidInput(minor=faults)


def _harder(before: RetentionPolicyRecord | None, after: RetentionPolicyRecord) -> Iterable[str]:
    kept = {} if before is None else before.days
    for kind, days in sorted(after.days.items()):
        if days < kept.get(kind, EVER):
            yield f"policy.{kind}_retention_days"
    if after.customer_action == "delete" and (before is None or before.customer_action != "delete"):
        yield "policy.customer_action"
    for kind, days in sorted({} if before is None else before.minimum_days.items()):
        if after.minimum_days.get(kind, 0) < days:
            yield f"policy.minimum_days.{kind}"

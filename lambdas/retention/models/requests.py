"""What comes in: the bodies of the routes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from shared.errors import Fault
from shared.fields import Instant, Note, Request, matching
from shared.settings import OrgSettings

CustomerAction = Literal["anonymize", "delete"]
"""What becomes of customers of whom nothing was heard: they are anonymized or deleted."""
Days = Annotated[int, Field(ge=1, le=36_500)]
VERSION = r"v[1-9][0-9]{0,5}"
PolicyVersion = Annotated[
    str,
    matching(VERSION, "must be v and a number, as in v3"),
    WithJsonSchema({
        "type": "string",
        "pattern": rf"^\s*{VERSION}\s*$",
        "description": "The name of a version.",
    }),
]  # fmt: skip


class MinimumDays(Request):
    """How long a law wants records of a kind, in days. It beats the maximum."""

    customer: Days | None = None
    """Profiles."""
    loyalty_txn: Days | None = None
    """Entries of points ledgers."""
    comment: Days | None = None
    """Comments."""
    inbox: Days | None = None
    """Notifications."""
    fraud: Days | None = None
    """Assessments, holds and flags."""
    subscription: Days | None = None
    """Subscriptions."""
    warranty: Days | None = None
    """Warranties."""
    certificate: Days | None = None
    """Exemption certificates."""
    giftcard: Days | None = None
    """Gift cards."""


class RetentionPolicyIn(Request):
    """The whole policy: what is absent is kept for ever."""

    effective_from: Instant | None = None
    """From when it is in force; without it at once. It must not lie in the past."""
    customer_retention_days: Days | None = None
    """How long customers are kept after their last activity."""
    loyalty_txn_retention_days: Days | None = None
    """How long entries of points ledgers are kept: a checkpoint takes their place, and balances do
    not change. Runs and dry runs count ledgers, not entries."""
    comment_retention_days: Days | None = None
    """How long comments are kept after their last change."""
    inbox_retention_days: Days | None = None
    """How long notifications are kept after their last change."""
    fraud_retention_days: Days | None = None
    """How long assessments are kept, and settled holds and flags."""
    subscription_retention_days: Days | None = None
    """How long subscriptions are kept after their end."""
    warranty_retention_days: Days | None = None
    """How long warranties are kept after their last day."""
    certificate_retention_days: Days | None = None
    """How long certificates are kept after their last day."""
    giftcard_retention_days: Days | None = None
    """How long gift cards without a balance are kept after their last activity."""
    customer_action: CustomerAction = "anonymize"
    minimum_days: MinimumDays | None = None
    notes: Note | None = None
    """Why the policy is as it is."""

    def days(self) -> dict[str, int]:
        """Returns the numbers of days that are given, by kind."""
        return {
            name.removesuffix(SUFFIX): value
            for name, value in self
            if name.endswith(SUFFIX) and value is not None
        }

    def minimums(self) -> dict[str, int]:
        """Returns the legal minimums that are given, by kind."""
        given = self.minimum_days
        return {} if given is None else {k: v for k, v in given if v is not None}


SUFFIX = "_retention_days"


class RetentionPolicySetRequest(Request):
    policy: RetentionPolicyIn
    confirm_shortening: bool = False
    """Must be true where the policy would remove more, sooner or more thoroughly than before."""

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        minimums = self.policy.minimums()
        for kind, days in self.policy.days().items():
            if days < minimums.get(kind, 0):
                message = f"must be at least minimum_days.{kind}"
                yield Fault("invalid", f"policy.{kind}{SUFFIX}", message)


class RetentionPolicyGetRequest(Request):
    """A version, or the one in force at a time; without both the one in force now."""

    policy_version: PolicyVersion | None = None
    """This version, whether or not it is in force."""
    as_of: Instant | None = None
    """The time in question."""

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        if self.policy_version is not None and self.as_of is not None:
            yield Fault("invalid", "as_of", "must not be sent with policy_version")

"""What goes out: the answers of the routes, and the data of events."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypeAliasType

from lambdas.retention.models.requests import CustomerAction
from shared.fields import Shape, SourceRefOut

DaysByKind = TypeAliasType(
    "DaysByKind", Annotated[dict[str, int], Field(description="Numbers of days, by kind.")]
)


CountsByKind = TypeAliasType(
    "CountsByKind", Annotated[dict[str, int], Field(description="How many, by kind.")]
)


class RetentionPolicy(Shape):
    """A version of the policy. It never changes."""

    policy_version: str
    """Its name: `v1`, `v2` …"""
    effective_from: datetime
    """From when it is in force, unless a later version is."""
    customer_retention_days: int | None = None
    """How long customers are kept after their last activity; absent: for ever."""
    loyalty_txn_retention_days: int | None = None
    """How long entries of points ledgers are kept."""
    comment_retention_days: int | None = None
    """How long comments are kept after their last change."""
    inbox_retention_days: int | None = None
    """How long notifications are kept after their last change."""
    fraud_retention_days: int | None = None
    """How long assessments are kept, and settled holds and flags."""
    subscription_retention_days: int | None = None
    """How long subscriptions are kept after their end."""
    warranty_retention_days: int | None = None
    """How long warranties are kept after their last day."""
    certificate_retention_days: int | None = None
    """How long certificates are kept after their last day."""
    giftcard_retention_days: int | None = None
    """How long gift cards without a balance are kept after their last activity."""
    customer_action: CustomerAction
    minimum_days: DaysByKind | None = None
    """How long a law wants records of a kind."""
    notes: str | None = None
    """Why the policy is as it is."""
    actor: str
    """Who set it: `user_guid:<id>` or `service_account:<id>`."""
    reason: str | None = None
    """Why it was set, in words."""
    reason_code: str | None = None
    """Why it was set, as CATEGORY.CODE."""
    source_refs: list[SourceRefOut] | None = None
    """What the change goes back to."""
    created_at: datetime
    """When it was set."""


class WouldRemove(Shape):
    """How many records of a kind are past their time."""

    count: int
    """How many were found."""
    more: bool | None = None
    """There are more: only some pages were counted."""


RemovalsByKind = TypeAliasType(
    "RemovalsByKind",
    Annotated[
        dict[str, WouldRemove],
        Field(
            description="What would be removed, by kind. Whoever is under a legal hold, has points "
            "or anything else that keeps them is counted too."
        ),
    ],
)


class RetentionPolicyData(Shape):
    """The version, and how many versions there were with it."""

    policy: RetentionPolicy
    revision: int
    """The number of versions when this one was set."""
    would_remove: RemovalsByKind | None = None
    exemptions_checked: bool | None = None
    """False: what keeps a record although its time is past was not looked at."""
    unchanged: bool | None = None
    """True: the policy was this already, so no version was made."""
    dry_run: bool | None = None


class RetentionPolicyEnvelope(Shape):
    data: RetentionPolicyData


# ---------------------------------------------------------------- data of events


class RetentionRunFinished(Shape):
    """A run has enforced the policy."""

    run_id: str
    """The run: its day, or the time that an administrator named."""
    as_of: datetime
    """The clock of the run."""
    policy_version: str
    """The version that it enforced."""
    scanned: CountsByKind
    """How many records it looked at, by kind."""
    acted: CountsByKind
    """How many it removed or anonymized, by kind."""
    skipped: CountsByKind
    """How many stay although their time is past, by kind and reason."""
    errors: CountsByKind
    """How many it could not handle, by kind. The next run tries again."""


class RetentionPolicyChanged(Shape):
    """A version of the policy was set."""

    policy_version: str
    """Its name."""
    effective_from: datetime
    """From when it is in force."""
    days: DaysByKind
    """How long records are kept, by kind; a kind that is absent is kept for ever."""
    customer_action: CustomerAction
    minimum_days: DaysByKind
    """How long a law wants records, by kind."""

"""What goes out about flags, assessments and holds, and the data of their events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lambdas.customer.models.risk_requests import (
    FlagSeverity,
    FlagStatus,
    FraudDecision,
    HoldResolution,
    HoldStatus,
    RiskLevel,
)
from shared.fields import MoneyOut, Shape, SourceRefOut


class Explained(Shape):
    """Why a record was last changed."""

    reason: str | None = None
    """Why, in words."""
    reason_code: str | None = None
    """Why, as a code."""
    source_refs: list[SourceRefOut] | None = None
    """What the change goes back to."""


class CustomerFlag(Explained):
    """A flag on a customer."""

    flag_id: str
    customer_guid: str
    flag_type: str
    """What the flag says."""
    status: FlagStatus
    severity: FlagSeverity
    note: str | None = None
    """What people should know about it."""
    evidence_refs: list[SourceRefOut] | None = None
    expires_at: datetime | None = None
    """From when it no longer counts."""
    revision: int
    created_at: datetime
    updated_at: datetime


class CustomerFlagData(Shape):
    """The flag as the call leaves it."""

    customer_guid: str
    flag: CustomerFlag
    redirected_from: str | None = None


class CustomerFlagEnvelope(Shape):
    data: CustomerFlagData
    revision: int


class CustomerFlagListData(Shape):
    """A page of flags."""

    customer_guid: str
    flags: list[CustomerFlag]
    """The flags of this page."""
    next_token: str | None = None
    redirected_from: str | None = None


class CustomerFlagListEnvelope(Shape):
    data: CustomerFlagListData


# ---------------------------------------------------------------- assessments


class FraudReason(Shape):
    """What one rule added to the score, or that it decided alone."""

    rule: str
    """The rule."""
    points: int
    """Its points."""
    text: str
    """What it found."""


class FraudInputs(Shape):
    """What the assessment was made from, beside its time. Through the rule set of the same version
    it gives the same decision."""

    amount: MoneyOut | None = None
    order_ref: str | None = None
    channel_code: str | None = None
    signals: dict[str, Any] | None = None
    block_flags: int
    """How many flags of type `block` are open."""
    critical_flags: int
    """How many flags of critical severity are open."""
    trusted_flags: int
    """How many flags of type `trusted` are open and count."""
    low_flags: int
    """How many other flags of low severity are open."""
    medium_flags: int
    """How many other flags of medium severity are open."""
    high_flags: int
    """How many other flags of high severity are open."""
    chargeback: bool
    """Whether the customer ever had a flag of type `chargeback`."""
    customer_created_at: datetime
    """Since when the customer has been known."""
    redemptions_24h: int
    """How many redemptions of points and of the customer's cards are counted in the clock hours
    that reach into the last 24 hours."""
    pending_elsewhere: int
    """How many holds for the same action and another order are pending."""
    high_value_mark: MoneyOut
    """The org's mark for high values."""


class FraudAssessment(Explained):
    """An assessment; it never changes."""

    assessment_id: str
    customer_guid: str
    action_type: str
    """The action."""
    score: int
    """From 0 to 100."""
    risk_level: RiskLevel
    decision: FraudDecision
    reasons: list[FraudReason]
    """What the score is made of."""
    rule_set_version: str
    """The version of the rules."""
    inputs: FraudInputs
    hold_id: str | None = None
    """The hold that waits for a person, after `review`."""
    assessed_at: datetime
    """When it was made."""
    valid_until: datetime
    """Until when the same question with the same inputs gets this answer."""
    revision: int


class CustomerFraudAssessData(Shape):
    """The assessment: a new one, or the one that stands."""

    assessment: FraudAssessment
    redirected_from: str | None = None


class CustomerFraudAssessEnvelope(Shape):
    data: CustomerFraudAssessData
    revision: int


class CustomerFraudListData(Shape):
    """A page of assessments."""

    customer_guid: str
    assessments: list[FraudAssessment]
    """The assessments of this page."""
    next_token: str | None = None
    redirected_from: str | None = None


class CustomerFraudListEnvelope(Shape):
    data: CustomerFraudListData


# ---------------------------------------------------------------- holds


class CustomerHold(Explained):
    """A hold: an action waits for a person to decide."""

    hold_id: str
    """The hold."""
    customer_guid: str
    action_type: str
    """The action."""
    status: HoldStatus
    assessment_id: str
    """The assessment that made it."""
    order_ref: str | None = None
    amount: MoneyOut | None = None
    expires_at: datetime
    """Until when it waits."""
    on_expiry: str
    """What it counts as when nobody has resolved it by then: `reject` or `release`."""
    resolution: HoldResolution | None = None
    resolved_by: str | None = None
    """Who resolved it."""
    resolved_at: datetime | None = None
    """When it was resolved."""
    note: str | None = None
    """What the person who decided said."""
    revision: int
    created_at: datetime
    updated_at: datetime


class CustomerHoldData(Shape):
    """The hold as the call leaves it."""

    customer_guid: str
    hold: CustomerHold
    redirected_from: str | None = None


class CustomerHoldEnvelope(Shape):
    data: CustomerHoldData
    revision: int


class CustomerHoldListData(Shape):
    """A page of holds."""

    customer_guid: str
    holds: list[CustomerHold]
    """The holds of this page."""
    next_token: str | None = None
    redirected_from: str | None = None


class CustomerHoldListEnvelope(Shape):
    data: CustomerHoldListData


# ---------------------------------------------------------------- data of events


class CustomerFlagSet(Shape):
    """A flag that was made or changed."""

    customer_guid: str
    flag_id: str
    flag_type: str
    """What the flag says."""
    status: FlagStatus
    previous_status: FlagStatus | None = None
    severity: FlagSeverity
    expires_at: datetime | None = None
    """From when it no longer counts."""


class CustomerFraudAssessed(Shape):
    """An assessment that was made."""

    customer_guid: str
    assessment_id: str
    action_type: str
    """The action."""
    order_ref: str | None = None
    score: int
    """From 0 to 100."""
    risk_level: RiskLevel
    decision: FraudDecision
    rule_set_version: str
    hold_id: str | None = None
    """The hold that waits for a person, after `review`."""


class CustomerHoldMoved(Shape):
    """A hold that was made or resolved."""

    customer_guid: str
    hold_id: str
    """The hold."""
    action_type: str
    """The action."""
    status: HoldStatus
    previous_status: HoldStatus | None = None
    assessment_id: str
    order_ref: str | None = None
    amount: MoneyOut | None = None
    expires_at: datetime
    """Until when it waits."""
    resolution: HoldResolution | None = None

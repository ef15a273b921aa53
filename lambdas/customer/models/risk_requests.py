"""What comes in: the bodies of the routes about flags, assessments and holds."""

from __future__ import annotations

from typing import Literal

from shared.fields import (
    ChannelCode,
    Code,
    FreeMap,
    Guid,
    Instant,
    MoneyIn,
    Note,
    OrderRef,
    Page,
    Request,
    SourceRef,
    bounded,
)

FlagStatus = Literal["open", "resolved", "dismissed"]
"""`open` counts; `resolved` is over, also by its own expiry; `dismissed` was a mistake."""
FlagSeverity = Literal["low", "medium", "high", "critical"]
"""How much a flag counts; an open `critical` one denies everything."""
FraudDecision = Literal["allow", "review", "deny"]
"""`allow` goes on; `review` waits for a person, with a hold; `deny` does not happen."""
RiskLevel = Literal["low", "medium", "high"]
"""The score in words: `low` below 30, `medium` below 70, else `high`."""
HoldStatus = Literal["pending", "approved", "rejected", "expired", "cancelled"]
"""`pending` blocks the action until a person resolves it; `expired` was resolved by nobody."""
HoldResolution = Literal["approved", "rejected", "cancelled"]
"""`approved` lets the order pass; `rejected` refuses it for good; `cancelled` says neither."""
EVIDENCE = 20


class FlagIn(Request):
    """A flag to set, or with ``flag_id`` the changes of one that exists: what is left out stays as
    it is, and ``null`` clears a field."""

    flag_id: Guid | None = None
    """The flag to change; without it a new flag is made."""
    flag_type: Code
    """What the flag says. `block`, `trusted`, `chargeback` and `legal_hold` have a meaning for the
    service; other codes are yours. It never changes."""
    status: FlagStatus = "open"
    severity: FlagSeverity = "low"
    note: Note | None = None
    """What people should know about it."""
    evidence_refs: bounded(SourceRef, EVIDENCE) | None = None  # type: ignore[valid-type]
    """What the flag is based on, in whatever system."""
    expires_at: Instant | None = None
    """From when it no longer counts; without it, it counts until it is resolved."""


FlagIn.clearable = frozenset({"note", "evidence_refs", "expires_at"})


class CustomerFlagSetRequest(Request):
    customer_guid: Guid
    flag: FlagIn


class CustomerFlagListRequest(Page):
    customer_guid: Guid
    status: FlagStatus | None = None
    severity: FlagSeverity | None = None
    flag_type: Code | None = None
    """Only flags of this type, in any case of its letters."""


class AssessmentIn(Request):
    """What the customer is about to do."""

    action_type: Code
    """The action. Holds are enforced for `loyalty.redeem`, `loyalty.adjust`, `giftcard.redeem`,
    `customer.merge` and `subscription.create`; other codes are yours."""
    amount: MoneyIn | None = None
    """How much it is about."""
    order_ref: OrderRef | None = None
    """The order that it is for; a hold is then about this order."""
    channel_code: ChannelCode | None = None
    """Where it happens."""
    signals: FreeMap | None = None
    """What else you know of the attempt; kept with the assessment, and weighed by no rule."""


class CustomerFraudAssessRequest(Request):
    customer_guid: Guid
    assessment: AssessmentIn


class CustomerFraudListRequest(Page):
    customer_guid: Guid
    decision: FraudDecision | None = None
    action_type: Code | None = None
    """Only assessments of this action, in any case of its letters."""


class CustomerHoldListRequest(Page):
    customer_guid: Guid
    status: HoldStatus | None = None
    action_type: Code | None = None
    """Only holds of this action, in any case of its letters."""


class CustomerHoldResolveRequest(Request):
    customer_guid: Guid
    hold_id: Guid
    """The hold."""
    resolution: HoldResolution
    note: Note | None = None
    """What the person who decided wants to say."""

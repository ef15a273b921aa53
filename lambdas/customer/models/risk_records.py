"""What is stored about the risk of a customer: flags, assessments, holds, and their summary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from shared.fields import Money
from shared.marks import FreeText, Id, Personal, Word

# ---------------------------------------------------------------- flags


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRef:
    kind: Word
    id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRecord:
    """A flag. ``reason``, ``reason_code`` and ``source_refs`` are those of its last change."""

    KIND: ClassVar[str] = "customer_flag"
    flag_id: Id
    customer_guid: Id
    flag_type: Id
    status: Word
    severity: Word
    note: FreeText[str | None] = None
    evidence_refs: Personal[tuple[EvidenceRef, ...]] = ()
    expires_at: datetime | None = None
    reason: FreeText[str | None] = None
    reason_code: Id | None = None
    source_refs: Personal[tuple[dict[str, str], ...]] = ()
    revision: int = 1
    created_at: datetime
    updated_at: datetime

    @property
    def settled_at(self) -> datetime | None:
        """When the flag was resolved, or runs out; None for an open one without an end."""
        return self.expires_at if self.status == "open" else self.updated_at


# ---------------------------------------------------------------- assessments


@dataclass(frozen=True, slots=True, kw_only=True)
class FraudInputs:
    """Everything that an assessment was made from, beside the rules and the time.

    The numbers of flags are those of open ones: by type, and of all other types by severity.
    ``pending_elsewhere``: pending holds for the same action that are not about this order.
    """

    amount: Money | None = None
    order_ref: Id | None = None
    channel_code: Id | None = None
    signals: FreeText[dict[str, Any] | None] = None
    block_flags: int
    critical_flags: int
    trusted_flags: int
    low_flags: int
    medium_flags: int
    high_flags: int
    chargeback: bool
    customer_created_at: datetime
    redemptions_24h: int
    pending_elsewhere: int
    high_value_mark: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class FraudReason:
    """What one rule added to the score, or what it decided."""

    rule: Word
    points: int
    text: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentRecord:
    """An assessment as it was made. It never changes: the inputs, through the rule set of that
    version, at that time, give the decision again."""

    KIND: ClassVar[str] = "fraud_assessment"
    assessment_id: Id
    customer_guid: Id
    action_type: Id
    score: int
    risk_level: Word
    decision: Word
    reasons: tuple[FraudReason, ...] = ()
    rule_set_version: Id
    inputs: FraudInputs
    hold_id: Id | None = None
    assessed_at: datetime
    valid_until: datetime
    reason: FreeText[str | None] = None
    reason_code: Id | None = None
    source_refs: Personal[tuple[dict[str, str], ...]] = ()
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRecord:
    """The last assessment of one question, which is in the key. ``inputs_hash`` tells whether the
    service knew the same of the customer."""

    KIND: ClassVar[str] = "fraud_question"
    assessment_id: Id
    inputs_hash: Id
    assessed_at: datetime


# ---------------------------------------------------------------- holds


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRecord:
    """A hold. ``status`` stays ``pending`` after ``expires_at``: only its reader knows the time.
    ``on_expiry`` is the org's setting when the hold was made: ``reject`` or ``release``."""

    KIND: ClassVar[str] = "customer_hold"
    hold_id: Id
    customer_guid: Id
    action_type: Id
    status: Word
    assessment_id: Id
    order_ref: Id | None = None
    amount: Money | None = None
    expires_at: datetime
    on_expiry: Word
    resolution: Word | None = None
    resolved_by: Id | None = None
    resolved_at: datetime | None = None
    note: FreeText[str | None] = None
    reason: FreeText[str | None] = None
    reason_code: Id | None = None
    source_refs: Personal[tuple[dict[str, str], ...]] = ()
    revision: int = 1
    created_at: datetime
    updated_at: datetime

    @property
    def settled_at(self) -> datetime:
        """When the hold was resolved, or runs out."""
        return self.resolved_at or self.expires_at


# ---------------------------------------------------------------- the summary


@dataclass(frozen=True, slots=True)
class OpenFlag:
    """An open flag in the summary. ``void``: a ``trusted`` flag of only one of two customers who
    were merged: it trusts neither of them."""

    ROW: ClassVar[bool] = True
    flag_id: Id
    flag_type: Id
    severity: Word
    expires_at: datetime | None = None
    void: bool = False


@dataclass(frozen=True, slots=True)
class PendingHold:
    """A pending hold in the summary. ``order`` is the hash of its order; None: it has none.
    ``rejects``: once it has expired, it counts as rejected."""

    ROW: ClassVar[bool] = True
    hold_id: Id
    action: Id
    expires_at: datetime
    rejects: bool
    since: datetime
    order: Id | None = None


@dataclass(frozen=True, slots=True)
class ActionDenial:
    """An action that was denied without an order, at a time, for a ``reason`` in one word."""

    ROW: ClassVar[bool] = True
    action: Id
    at: datetime
    reason: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRiskRecord:
    """What an assessment must know of a customer, so that it need not read every flag and hold.

    ``chargeback``: the customer has had a ``chargeback`` flag, whatever became of it. The numbers
    of open flags and of pending holds are bounded, so the record is small.
    """

    KIND: ClassVar[str] = "customer_risk"
    customer_guid: Id
    flags: tuple[OpenFlag, ...] = ()
    holds: tuple[PendingHold, ...] = ()
    denials: tuple[ActionDenial, ...] = ()
    chargeback: bool = False
    revision: int = 1

"""What is stored: profiles, what they are found by, and consents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from shared.contact_points import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalRef:
    kind: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerProfileRecord:
    """Who a customer is. It carries the revision that callers see. ``status`` and ``merged_into``
    repeat what the customer's state says, because lists show them."""

    KIND: ClassVar[str] = "customer_profile"
    customer_guid: str
    customer_code: str | None = None
    kind: str
    status: str
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    company_name: str | None = None
    email: str | None = None
    phone: str | None = None
    alternate_emails: tuple[str, ...] = ()
    alternate_phones: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    date_of_birth: date | None = None
    language: str | None = None
    home_logical_guid: str | None = None
    external_refs: tuple[ExternalRef, ...] = ()
    tags: tuple[str, ...] = ()
    attributes: dict[str, Any] | None = None
    merged_into: str | None = None
    revision: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLookupRecord:
    """Leads from an e-mail, a phone, a code or an external ref to a customer who has it."""

    KIND: ClassVar[str] = "customer_lookup"
    customer_guid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionRecord:
    """Stops the silent return of a deleted customer's e-mail or phone. It does not say whose."""

    KIND: ClassVar[str] = "suppression"
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentHeadRecord:
    """The revision of a customer's consents, and the preferences."""

    KIND: ClassVar[str] = "consent_head"
    customer_guid: str
    preferences: dict[str, Any] | None = None
    revision: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The text that a customer was shown before the decision."""

    id: str
    version: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentDecisionRecord:
    """A decision as it was made. It never changes."""

    KIND: ClassVar[str] = "consent_decision"
    decision_id: str
    customer_guid: str
    consent_type: str
    consent_state: str
    channel: str | None = None
    contact_point: str | None = None
    effective_at: datetime
    method: str | None = None
    opt_in_level: str | None = None
    notice: Notice | None = None
    jurisdiction: str | None = None
    legal_basis: str | None = None
    evidence_ref: str | None = None
    expires_at: datetime | None = None
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentCurrentRecord:
    """The decision that counts for one type, channel and contact point."""

    KIND: ClassVar[str] = "consent_current"
    decision: ConsentDecisionRecord
    revision: int = 1

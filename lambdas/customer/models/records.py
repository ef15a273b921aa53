"""What is stored: profiles, what they are found by, and consents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from shared.contact_points import Address
from shared.marks import FreeText, Id, Personal, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalRef:
    kind: Word
    id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerProfileRecord:
    """Who a customer is. It carries the revision that callers see. ``status`` and ``merged_into``
    repeat what the customer's state says, because lists show them."""

    KIND: ClassVar[str] = "customer_profile"
    customer_guid: Id
    customer_code: Personal[str | None] = None
    kind: Word
    status: Word
    first_name: Personal[str | None] = None
    last_name: Personal[str | None] = None
    display_name: Personal[str | None] = None
    company_name: Personal[str | None] = None
    email: Personal[str | None] = None
    phone: Personal[str | None] = None
    alternate_emails: Personal[tuple[str, ...]] = ()
    alternate_phones: Personal[tuple[str, ...]] = ()
    addresses: Personal[tuple[Address, ...]] = ()
    date_of_birth: Personal[date | None] = None
    language: Personal[str | None] = None
    home_logical_guid: Personal[str | None] = None
    external_refs: Personal[tuple[ExternalRef, ...]] = ()
    tags: FreeText[tuple[str, ...]] = ()
    attributes: FreeText[dict[str, Any] | None] = None
    merged_into: Id | None = None
    revision: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLookupRecord:
    """Leads from an e-mail, a phone, a code or an external ref to a customer who has it."""

    KIND: ClassVar[str] = "customer_lookup"
    customer_guid: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionRecord:
    """Stops the silent return of a deleted customer's e-mail or phone. It does not say whose."""

    KIND: ClassVar[str] = "suppression"
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentHeadRecord:
    """The revision of a customer's consents, and the preferences."""

    KIND: ClassVar[str] = "consent_head"
    customer_guid: Id
    preferences: Personal[dict[str, Any] | None] = None
    revision: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The text that a customer was shown before the decision."""

    id: Id
    version: Id
    sha256: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentDecisionRecord:
    """A decision as it was made. It never changes."""

    KIND: ClassVar[str] = "consent_decision"
    decision_id: Id
    customer_guid: Id
    consent_type: Id
    consent_state: Word
    channel: Id | None = None
    contact_point: Personal[str | None] = None
    effective_at: datetime
    method: FreeText[str | None] = None
    opt_in_level: Word | None = None
    notice: Notice | None = None
    jurisdiction: FreeText[str | None] = None
    legal_basis: FreeText[str | None] = None
    evidence_ref: Personal[str | None] = None
    expires_at: datetime | None = None
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentCurrentRecord:
    """The decision that counts for one type, channel and contact point."""

    KIND: ClassVar[str] = "consent_current"
    decision: ConsentDecisionRecord
    revision: int = 1

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
class Away:
    """Which customer a merged one went into, and when. It never changes: where that customer was
    merged too, ``merged_into`` names the final survivor."""

    into: Id
    merged_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerProfileRecord:
    """Who a customer is. It carries the revision that callers see. ``status`` and ``merged_into``
    repeat what the customer's state says, because lists show them.

    A merged customer keeps its profile. ``away`` says where it went. ``places`` names the places of
    its look-ups, which still lead to it. ``borrowed`` names those of a survivor's values that a
    merged customer has a look-up for. Both hold keyed hashes, no values."""

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
    away: Away | None = None
    places: tuple[Id, ...] = ()
    borrowed: tuple[Id, ...] = ()
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
    """The org's own refusal of an e-mail or phone. It does not say whose it was. ``refused_at``:
    all contact was refused then. ``erased_at``: a customer who had it was deleted then."""

    KIND: ClassVar[str] = "suppression"
    refused_at: datetime
    erased_at: datetime | None = None
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentHeadRecord:
    """The revision of a customer's consents, and the preferences with the reason and the sources
    of their last change."""

    KIND: ClassVar[str] = "consent_head"
    customer_guid: Id
    preferences: Personal[dict[str, Any] | None] = None
    preferences_reason: FreeText[str | None] = None
    preferences_reason_code: Id | None = None
    preferences_source_refs: Personal[tuple[dict[str, str], ...]] = ()
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
    """A decision as it was made. It never changes. ``effective_at`` never lies after
    ``recorded_at``. ``time_stated``: the caller said since when it holds."""

    KIND: ClassVar[str] = "consent_decision"
    decision_id: Id
    customer_guid: Id
    consent_type: Id
    consent_state: Word
    channel: Id | None = None
    contact_point: Personal[str | None] = None
    effective_at: datetime
    time_stated: bool = False
    method: FreeText[str | None] = None
    opt_in_level: Word | None = None
    notice: Notice | None = None
    jurisdiction: FreeText[str | None] = None
    legal_basis: FreeText[str | None] = None
    evidence_ref: Personal[str | None] = None
    expires_at: datetime | None = None
    reason: FreeText[str | None] = None
    reason_code: Id | None = None
    source_refs: Personal[tuple[dict[str, str], ...]] = ()
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentCurrentRecord:
    """What decides about one type, channel and contact point: the decision that counts, and the
    greatest decision of each other kind. They are all that a later decision is compared with."""

    KIND: ClassVar[str] = "consent_current"
    decision: ConsentDecisionRecord
    others: tuple[ConsentDecisionRecord, ...] = ()
    revision: int = 1

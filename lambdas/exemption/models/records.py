"""What is stored: certificates, who has their codes, and the links that customers have to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from shared.marks import FreeText, Id, Personal, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Jurisdiction:
    """Where a certificate counts, and when, where that is not the certificate's own period."""

    country: Word
    region: Word | None = None
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateDocument:
    """The scan of a certificate, in the system that keeps it."""

    record_id: Id
    sha256: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRecord:
    """A certificate. ``first_status`` is the one that it was created with; a repeat of the creation
    is told by it. ``last_day`` is the last day on which it counts anywhere, or the day on which it
    was rejected; it is absent where there is no such day yet. ``fenced_by`` names the deletion that
    is about to remove it."""

    KIND: ClassVar[str] = "certificate"
    certificate_id: Id
    certificate_code: Personal[str]
    status: Word
    first_status: Word
    customer_guid: Id | None = None
    account_guid: Id | None = None
    jurisdictions: tuple[Jurisdiction, ...] = ()
    reason_type: FreeText[str | None] = None
    exempt_percent: int = 100
    scope: Word
    order_ref: Personal[str | None] = None
    valid_from: date | None = None
    valid_to: date | None = None
    signed_on: date | None = None
    document: Personal[CertificateDocument | None] = None
    supersedes: Id | None = None
    superseded_on: date | None = None
    revoked_on: date | None = None
    last_day: date | None = None
    fenced_by: Id | None = None
    revision: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeHolder:
    """The certificate that has a code in one jurisdiction, and until when at the latest."""

    certificate_id: Id
    last_day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateCodeRecord:
    """Who has a code of one owner, by jurisdiction. What is said here is what the certificates were
    created with. One that has ended early since says so itself: no change of a certificate writes
    here. A certificate that is removed is taken out, and the record goes with the last one."""

    KIND: ClassVar[str] = "certificate_code"
    holders: Mapping[str, CodeHolder]
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateLinkRecord:
    """Leads from a customer to a certificate of theirs."""

    KIND: ClassVar[str] = "certificate_link"
    certificate_id: Id

"""What goes out: answers, and the data of events."""

from __future__ import annotations

from datetime import date, datetime

from lambdas.exemption.models.requests import (
    CertificateEffectiveStatus,
    CertificateScope,
    CertificateStatus,
    FirstCertificateStatus,
)
from shared.fields import Shape


class CertificateSummary(Shape):
    """What lists show of a certificate."""

    certificate_id: str
    """The id that its creator chose."""
    certificate_code: str
    """The code on it."""
    status: CertificateStatus
    """What was set."""
    effective_status: CertificateEffectiveStatus
    """What that means on the day in question."""
    customer_guid: str | None = None
    account_guid: str | None = None
    """The account that it exempts."""
    exempt_percent: int
    """How much of the tax is not charged, in percent."""
    scope: CertificateScope
    valid_from: date | None = None
    """The first day on which it counts; absent: since ever."""
    valid_to: date | None = None
    """The last day on which it counts; absent: for ever."""
    superseded_on: date | None = None
    """The first day on which it no longer counts, because another one superseded it."""
    revoked_on: date | None = None
    """The first day on which it no longer counts, because it was revoked."""
    revision: int
    created_at: datetime
    updated_at: datetime


class JurisdictionOut(Shape):
    """Where a certificate counts, and what it is worth there on the day in question."""

    country: str
    """The country."""
    region: str | None = None
    """The part of the country."""
    valid_from: date | None = None
    """The first day on which it counts there, where that is not the certificate's own."""
    valid_to: date | None = None
    """The last day on which it counts there, where that is not the certificate's own."""
    effective_status: CertificateEffectiveStatus
    """What its status means there."""


class CertificateDocumentOut(Shape):
    """The scan of a certificate."""

    record_id: str
    """Its id in the system that keeps it."""
    sha256: str
    """Its checksum."""


class Certificate(CertificateSummary):
    """A certificate. Its ``effective_status`` is the best one of its jurisdictions."""

    jurisdictions: list[JurisdictionOut] | None = None
    """Where it counts; absent: everywhere."""
    reason_type: str | None = None
    order_ref: str | None = None
    signed_on: date | None = None
    document: CertificateDocumentOut | None = None
    supersedes: str | None = None
    """The certificate whose place it took."""


class CertificateData(Shape):
    """The certificate as the call leaves it."""

    certificate: Certificate


class ExemptionCertificateEnvelope(Shape):
    data: CertificateData
    revision: int


class CertificateListData(Shape):
    """A page of certificates."""

    customer_guid: str | None = None
    """The customer of the list: the survivor, where the one that was named was merged."""
    redirected_from: str | None = None
    """The customer that was named, where that was merged into another one."""
    certificates: list[CertificateSummary]
    """The certificates of this page."""
    next_token: str | None = None


class ExemptionCertificateListEnvelope(Shape):
    data: CertificateListData


# ---------------------------------------------------------------- events


class ExemptionCertificateCreated(Shape):
    """A certificate that was created."""

    certificate_id: str
    """The id that its creator chose."""
    status: FirstCertificateStatus
    customer_guid: str | None = None
    account_guid: str | None = None
    """The account that it exempts."""
    exempt_percent: int
    scope: CertificateScope
    valid_from: date | None = None
    """The first day on which it counts; absent: since ever."""
    valid_to: date | None = None
    """The last day on which it counts; absent: for ever."""
    jurisdictions: list[str] | None = None
    """Where it counts, as codes like `US-CA` or `US`; absent: everywhere."""
    supersedes: str | None = None
    """The certificate whose place it took."""


class ExemptionCertificateStatusChanged(Shape):
    """A certificate whose status was set, or whose place a new one took."""

    certificate_id: str
    """The id that its creator chose."""
    previous_status: CertificateStatus
    status: CertificateStatus
    superseded_on: date | None = None
    """The first day on which it no longer counts, because another one superseded it."""
    revoked_on: date | None = None
    """The first day on which it no longer counts, because it was revoked."""
    superseded_by: str | None = None
    """The new certificate that took its place, where there is one."""

"""What comes in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from lambdas.exemption.models.records import CertificateDocument, Jurisdiction
from shared.contact_points import Country
from shared.errors import Fault
from shared.fields import (
    AsOfDay,
    Code,
    Day,
    ForeignId,
    Guid,
    OrderRef,
    Page,
    PastDay,
    RecordId,
    Request,
    ShortText,
    Unordered,
    matching,
)
from shared.settings import OrgSettings

CertificateStatus = Literal["pending", "active", "rejected", "revoked", "superseded"]
"""What can be set. `rejected`, `revoked` and `superseded` are final."""
FirstCertificateStatus = Literal["pending", "active"]
"""The states in which a certificate can begin."""
CertificateEffectiveStatus = Literal[
    "pending", "active", "rejected", "revoked", "superseded",
    "not_yet_valid", "expiring_soon", "expired",
]  # fmt: skip
"""What a status means on a day. The last three follow from the calendar and are never set."""
CertificateScope = Literal["blanket", "single"]
"""`blanket`: any order. `single`: the one order that `order_ref` names."""

CertificateId = Annotated[Code, RecordId()]
Region = Annotated[
    str,
    matching(r"[A-Z0-9]{1,3}", "must be the part of an ISO 3166-2 code after -", upper=True),
    WithJsonSchema(
        {
            "title": "Region",
            "type": "string",
            "pattern": "^[A-Za-z0-9]{1,3}$",
            "description": "A part of a country: what follows the hyphen of its ISO 3166-2 code.",
            "examples": ["CA"],
        }
    ),
]
Sha256 = Annotated[
    str,
    matching(r"[0-9a-fA-F]{64}", "must be 64 hexadecimal digits"),
    AfterValidator(str.lower),
    WithJsonSchema(
        {
            "title": "Sha256",
            "type": "string",
            "pattern": "^[0-9a-fA-F]{64}$",
            "description": "A SHA-256 in hexadecimal digits.",
            "examples": ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        }
    ),
]


def _backwards(first: date | None, last: date | None) -> Iterable[Fault]:
    if first is not None and last is not None and last < first:
        yield Fault("invalid", "valid_to", "must not be before valid_from")


class JurisdictionIn(Request):
    """Where a certificate counts. A date that is left out is the certificate's own."""

    country: Country
    """The country."""
    region: Region | None = None
    """The part of the country; without it the country itself."""
    valid_from: Day | None = None
    """The first day on which it counts there."""
    valid_to: Day | None = None
    """The last day on which it counts there."""

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        yield from _backwards(self.valid_from, self.valid_to)

    def jurisdiction(self) -> Jurisdiction:
        return Jurisdiction(
            country=self.country,
            region=self.region,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
        )


Jurisdictions = Annotated[list[JurisdictionIn], Field(max_length=60), Unordered()]


class CertificateDocumentIn(Request):
    """The scan of a certificate. The service keeps where it is, and not the scan itself."""

    record_id: ForeignId
    """Its id in the system that keeps it."""
    sha256: Sha256
    """Its checksum, by which a change of it would show."""

    def document(self) -> CertificateDocument:
        return CertificateDocument(record_id=self.record_id, sha256=self.sha256)


class CertificateNew(Request):
    """A new certificate. Without ``valid_from`` it counts since ever, without ``valid_to`` for
    ever."""

    at_most_one = ("customer_guid", "account_guid")
    only_with: ClassVar = {"order_ref": ("scope", "single")}

    certificate_id: Code
    """The id that you choose for it, unique in its org; case does not tell two apart."""
    certificate_code: Code
    """The code on the certificate. One owner has it once in each jurisdiction, as long as it has
    not ended there."""
    status: FirstCertificateStatus
    """The status to begin with."""
    customer_guid: Guid | None = None
    """The customer whom it exempts."""
    account_guid: Guid | None = None
    """The account that it exempts."""
    jurisdictions: Jurisdictions = Field(default_factory=list)
    """Where it counts, each place once; without any, everywhere."""
    reason_type: ShortText | None = None
    """Why its holder is exempt, such as `resale`; in your own words."""
    exempt_percent: Annotated[int, Field(ge=1, le=100)] = 100
    """How much of the tax is not charged, in percent."""
    scope: CertificateScope = "blanket"
    """What it counts for."""
    order_ref: OrderRef | None = None
    valid_from: Day | None = None
    """The first day on which it counts."""
    valid_to: Day | None = None
    """The last day on which it counts."""
    signed_on: PastDay | None = None
    """The day on which it was signed."""
    document: CertificateDocumentIn | None = None
    """Its scan."""
    supersedes: CertificateId | None = None
    """An active certificate of the same owner, which ends on the day before this one begins, or
    today if that is later."""

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        yield from _backwards(self.valid_from, self.valid_to)
        seen = set[tuple[str, str | None]]()
        for number, one in enumerate(self.jurisdictions):
            if (one.country, one.region) in seen:
                yield Fault("invalid", f"jurisdictions.{number}", "names a place again")
            seen.add((one.country, one.region))
            if one.valid_from is None or one.valid_to is None:
                # Of two dates of its own it says itself what is wrong.
                first, last = one.valid_from or self.valid_from, one.valid_to or self.valid_to
                for fault in _backwards(first, last):
                    name = "valid_to" if one.valid_to else "valid_from"
                    if one.valid_from or one.valid_to:
                        message = "leaves no day, with the certificate's own period"
                        yield Fault(fault.tag, f"jurisdictions.{number}.{name}", message)
        if self.supersedes is not None and self.status != "active":
            yield Fault("invalid", "supersedes", "is only for status active")
        if self.supersedes is not None and self.supersedes.upper() == self.certificate_id.upper():
            yield Fault("invalid", "supersedes", "must be another certificate")


class ExemptionCertificateCreateRequest(Request):
    certificate: CertificateNew


class ExemptionCertificateGetRequest(Request):
    certificate_id: CertificateId
    """The id of the certificate."""
    as_of: AsOfDay | None = None
    """The day of which the answer says what counts; without it today."""


class ExemptionCertificateListRequest(Page):
    """Filters of the list. Several filters narrow it together."""

    customer_guid: Guid | None = None
    """Certificates of this customer."""
    account_guid: Guid | None = None
    """Certificates of this account."""
    status: CertificateEffectiveStatus | None = None
    """Certificates with this effective status; `active` includes `expiring_soon`."""
    as_of: AsOfDay | None = None
    """The day on which they have it; without it today."""


class ExemptionCertificateStatusSetRequest(Request):
    """``expired`` and the other states that follow from the calendar are understood, and always
    refused: no call sets them."""

    certificate_id: CertificateId
    """The id of the certificate."""
    status: CertificateEffectiveStatus
    """The status to set."""
    revoked_on: Day | None = None
    """The first day on which a revoked certificate no longer counts; without it today, never
    earlier."""

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        if self.revoked_on is not None and self.status != "revoked":
            yield Fault("invalid", "revoked_on", "is only for status revoked")

"""What comes in: the bodies of the customers' routes."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from shared.contact_points import AddressIn, Email, Language, Phone
from shared.field_schemas import EMAIL_FORM
from shared.fields import (
    CODE,
    Code,
    ForeignId,
    FreeMap,
    Guid,
    Instant,
    Name,
    Page,
    PastDay,
    Request,
    SearchText,
    ShortText,
    SourceRef,
    Tags,
    bounded,
    not_ahead,
    refuse,
)
from shared.keys import CUSTOMER_PREFIX

CustomerStatus = Literal["active", "inactive", "merged", "anonymized"]
CustomerKind = Literal["individual", "business"]
ConsentState = Literal["granted", "denied", "withdrawn", "pending"]
ALTERNATES, ADDRESSES, REFS, FIRST_CONSENTS = 10, 10, 20, 10
SELECTORS = ("customer_guid", "customer_code", "email", "phone", "external_ref")
TEXT_SELECTORS = "|".join((f"^{CODE}$", EMAIL_FORM, r"^\+[1-9][0-9 ()./-]{2,30}[0-9]$"))
"""A guid looks like a code here."""
CODE_FORM = re.compile(CODE)
CLOCK_SKEW = timedelta(minutes=5)
"""How far the clock of a caller may be ahead of ours."""


def _not_a_guid(code: str) -> str:
    # A bare JSON string is told apart by its form, so a code must not look like a guid.
    if code.lower().startswith(CUSTOMER_PREFIX):
        raise refuse("customer-code", f"must not begin with {CUSTOMER_PREFIX}")
    return code


def _each_once(refs: list[SourceRef]) -> list[SourceRef]:
    if len({(ref.kind, ref.id) for ref in refs}) < len(refs):
        raise refuse("duplicate", "must name each kind and id once")
    return refs


ChosenCode = Annotated[Code, AfterValidator(_not_a_guid)]
ExternalRefs = Annotated[list[SourceRef], Field(max_length=REFS), AfterValidator(_each_once)]


class CustomerChanges(Request):
    """The fields of a customer that an update may set; ``null`` clears one. A list replaces the
    whole list. An alternate that repeats the e-mail or phone, or another alternate, is dropped."""

    customer_code: ChosenCode | None = None
    kind: CustomerKind | None = None
    status: Literal["active", "inactive"] | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    display_name: Name | None = None
    company_name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    alternate_emails: bounded(Email, ALTERNATES) | None = None  # type: ignore[valid-type]
    alternate_phones: bounded(Phone, ALTERNATES) | None = None  # type: ignore[valid-type]
    addresses: bounded(AddressIn, ADDRESSES) | None = None  # type: ignore[valid-type]
    date_of_birth: PastDay | None = None
    language: Language | None = None
    home_logical_guid: ForeignId | None = None
    external_refs: ExternalRefs | None = None
    tags: Tags | None = None
    attributes: FreeMap | None = None


# Every customer has a kind and a status; all else may be cleared.
CustomerChanges.clearable = frozenset(CustomerChanges.model_fields) - {"kind", "status"}


class ConsentNotice(Request):
    id: ShortText
    version: ShortText
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None


class ConsentIn(Request):
    """A decision about a consent. It holds from ``effective_at``, by default from now."""

    consent_type: Code
    consent_state: ConsentState
    channel: Code | None = None
    contact_point: Name | None = None
    effective_at: Annotated[Instant, not_ahead(CLOCK_SKEW)] | None = None
    method: ShortText | None = None
    opt_in_level: Literal["single", "double", "unknown"] | None = None
    notice: ConsentNotice | None = None
    jurisdiction: ShortText | None = None
    legal_basis: ShortText | None = None
    evidence_ref: Name | None = None
    expires_at: Instant | None = None


class CustomerNew(CustomerChanges):
    clearable: ClassVar[frozenset[str]] = frozenset()

    kind: CustomerKind = "individual"
    status: Literal["active", "inactive"] = "active"
    consents: bounded(ConsentIn, FIRST_CONSENTS) = []  # type: ignore[valid-type]  # noqa: RUF012


class CustomerCreateRequest(Request):
    """``override_suppression`` brings back an e-mail or phone whose owner was deleted; only a
    privacy role may ask for it. A granted consent does the same."""

    customer: CustomerNew = CustomerNew()
    override_suppression: bool = False


class CustomerGetRequest(Request):
    """Exactly one of the fields. A bare JSON string is told apart by its form: a guid, an e-mail, a
    phone number that begins with +, else a code."""

    exactly_one = SELECTORS
    text_pattern = TEXT_SELECTORS
    customer_guid: Guid | None = None
    customer_code: Code | None = None
    email: Email | None = None
    phone: Phone | None = None
    external_ref: SourceRef | None = None


def selector_of(text: str) -> str:
    """Returns the selector that a bare JSON string stands for, by its form."""
    text = text.strip()
    if text.startswith(CUSTOMER_PREFIX):
        return "customer_guid"
    if "@" in text:
        return "email"
    return "phone" if text.startswith("+") else "customer_code"


class CustomerListRequest(Page):
    status: CustomerStatus | None = None
    kind: CustomerKind | None = None
    q: SearchText | None = None


class CustomerSearchRequest(Page):
    q: SearchText
    status: Literal["active", "inactive"] = "active"
    kind: CustomerKind | None = None


class CustomerUpdateRequest(Request):
    customer_guid: Guid
    customer: CustomerChanges = CustomerChanges()

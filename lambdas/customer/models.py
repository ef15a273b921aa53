"""What comes in, what is stored, what goes out: profiles and the consents that come with them. No
side is reused for another."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from shared.contact_points import AddressIn, AddressOut, Email, Language, Phone, not_a_phone
from shared.errors import Fault
from shared.fields import (
    CODE,
    Code,
    Day,
    FreeMap,
    Guid,
    Instant,
    Name,
    Page,
    Request,
    SearchText,
    Shape,
    ShortText,
    SourceRef,
    SourceRefOut,
    Tags,
    bounded,
    not_in_the_future,
    refuse,
)
from shared.settings import OrgSettings

CustomerStatus = Literal["active", "inactive", "merged", "anonymized"]
CustomerKind = Literal["individual", "business"]
ConsentState = Literal["granted", "denied", "withdrawn", "pending"]
MADE_CUSTOMER = "cust_"
ALTERNATES, ADDRESSES, REFS, FIRST_CONSENTS = 10, 10, 20, 10
SELECTORS = ("customer_guid", "customer_code", "email", "phone", "external_ref")
CODE_FORM = re.compile(CODE)
BARE = "text"
"""Where the door puts a bare JSON string."""

# ---------------------------------------------------------------- in


def _free(code: str) -> str:
    if code.lower().startswith(MADE_CUSTOMER):
        raise refuse("customer-code", f"must not begin with {MADE_CUSTOMER}")
    return code


def _each_once(refs: list[SourceRef]) -> list[SourceRef]:
    if len({(ref.kind, ref.id) for ref in refs}) < len(refs):
        raise refuse("duplicate", "must name each kind and id once")
    return refs


ChosenCode = Annotated[Code, AfterValidator(_free)]
ExternalRefs = Annotated[list[SourceRef], Field(max_length=REFS), AfterValidator(_each_once)]


EARLY = timedelta(minutes=5)
"""How far the clocks of callers may be ahead of ours."""


class CustomerChanges(Request):
    """The fields of a customer that an update may set; ``null`` clears one. A list replaces the
    whole list. An alternate that repeats the e-mail or phone, or another alternate, is dropped."""

    clearable: ClassVar[frozenset[str]] = frozenset(
        {"customer_code", "first_name", "last_name", "display_name", "company_name", "email"}
        | {"phone", "alternate_emails", "alternate_phones", "addresses", "date_of_birth"}
        | {"language", "home_logical_guid", "external_refs", "tags", "attributes"}
    )

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
    date_of_birth: Day | None = None
    language: Language | None = None
    home_logical_guid: Guid | None = None
    external_refs: ExternalRefs | None = None
    tags: Tags | None = None
    attributes: FreeMap | None = None

    def faults(self, now: datetime, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(now, org)
        yield from not_a_phone("phone", self.phone, org.region)
        for number, value in enumerate(self.alternate_phones or ()):
            yield from not_a_phone(f"alternate_phones.{number}", value, org.region)
        today = now.astimezone(ZoneInfo(org.timezone)).date()
        yield from not_in_the_future("date_of_birth", self.date_of_birth, today)


class ConsentNotice(Request):
    id: ShortText
    version: ShortText
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None


class ConsentIn(Request):
    """A decision about a consent; it holds from ``effective_at``, by default from now."""

    consent_type: Code
    consent_state: ConsentState
    channel: Code | None = None
    contact_point: Name | None = None
    effective_at: Instant | None = None
    method: ShortText | None = None
    opt_in_level: Literal["single", "double", "unknown"] | None = None
    notice: ConsentNotice | None = None
    jurisdiction: ShortText | None = None
    legal_basis: ShortText | None = None
    evidence_ref: Name | None = None
    expires_at: Instant | None = None

    def faults(self, now: datetime, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(now, org)
        yield from not_in_the_future("effective_at", self.effective_at, now + EARLY)


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
    """Exactly one of them. A bare JSON string is told apart by its form: a guid, an e-mail, a phone
    number beginning with +, else a code."""

    customer_guid: Guid | None = None
    customer_code: Code | None = None
    email: Email | None = None
    phone: Phone | None = None
    external_ref: SourceRef | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_form(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.keys() == {BARE} and isinstance(data[BARE], str):
            text = data[BARE].strip()
            if text.startswith(MADE_CUSTOMER):
                return {"customer_guid": text}
            if "@" in text:
                return {"email": text}
            return {"phone" if text.startswith("+") else "customer_code": text}
        return data

    @model_validator(mode="after")
    def _exactly_one(self) -> CustomerGetRequest:
        if sum(getattr(self, name) is not None for name in SELECTORS) != 1:
            raise refuse("exactly-one", f"must name exactly one of {', '.join(SELECTORS)}")
        return self


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


# ---------------------------------------------------------------- stored


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerAddress:
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalRef:
    kind: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerProfileRecord:
    """Who a customer is. Carries the revision that callers see; ``status`` repeats the state's."""

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
    addresses: tuple[CustomerAddress, ...] = ()
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
    """From an e-mail, a phone, a code or an external ref to the customer who has it."""

    KIND: ClassVar[str] = "customer_lookup"
    customer_guid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionRecord:
    """Stops the silent return of a deleted customer's e-mail or phone; of whom, it does not say."""

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
    """The text that a customer was shown before deciding."""

    id: str
    version: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentDecisionRecord:
    """A decision as it was made; never changed."""

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


# ---------------------------------------------------------------- out


class CustomerSummary(Shape):
    """What lists show of a customer."""

    customer_guid: str
    customer_code: str | None = None
    kind: CustomerKind
    status: CustomerStatus
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    company_name: str | None = None
    merged_into: str | None = None
    revision: int
    created_at: datetime
    updated_at: datetime


class Customer(CustomerSummary):
    email: str | None = None
    phone: str | None = None
    alternate_emails: list[str] | None = None
    alternate_phones: list[str] | None = None
    addresses: list[AddressOut] | None = None
    date_of_birth: date | None = None
    language: str | None = None
    home_logical_guid: str | None = None
    external_refs: list[SourceRefOut] | None = None
    tags: list[str] | None = None
    attributes: dict[str, Any] | None = None


class CustomerData(Shape):
    customer: Customer
    redirected_from: str | None = None


class CustomerEnvelope(Shape):
    data: CustomerData
    revision: int


class CustomerHit(Customer):
    """A whole customer where searched for, with the fields that matched; else a summary."""

    match_fields: list[str] | None = None


class CustomerListData(Shape):
    customers: list[CustomerHit]
    next_token: str | None = None


class CustomerListEnvelope(Shape):
    data: CustomerListData


# ---------------------------------------------------------------- events


class CustomerChanged(Shape):
    customer_guid: str
    customer_code: str | None = None
    kind: CustomerKind
    status: CustomerStatus
    previous_status: CustomerStatus | None = None
    changed: list[str] | None = None


class ConsentMoved(Shape):
    """One decision of a call: about what, how it went, and whether it counts now."""

    decision_id: str
    consent_type: str
    channel: str | None = None
    consent_state: ConsentState
    applied: bool


class CustomerConsentSet(Shape):
    customer_guid: str
    decisions: list[ConsentMoved]

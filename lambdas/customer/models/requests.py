"""What comes in: the bodies of the customers' routes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, ValidationInfo

from shared.contact_points import AddressIn, Email, Language, Phone
from shared.errors import Fault
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
from shared.settings import OrgSettings

CustomerStatus = Literal["active", "inactive", "merged", "anonymized"]
"""`merged` lives on in another customer; `anonymized` has nothing personal left."""
SettableStatus = Literal["active", "inactive"]
"""The states that a call can set."""
CustomerKind = Literal["individual", "business"]
"""A person, or a company."""
ConsentState = Literal["granted", "denied", "withdrawn", "pending"]
"""`denied` was refused when asked; `withdrawn` was given before; `pending` waits for an answer."""
OptInLevel = Literal["single", "double", "unknown"]
"""`double` was confirmed a second time, such as by a link in an e-mail."""
REFUSALS = ("denied", "withdrawn")
ALTERNATES, ADDRESSES, REFS, FIRST_CONSENTS = 10, 10, 20, 10
CONSENTS = 40
"""How many decisions one call may bring. Each is up to two writes, and a transaction holds 100: 80,
and at most four for the head, the customer's state, the idempotency key and its answer."""
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
    """A code that people use for the customer, such as a card's number; unique in the org."""
    kind: CustomerKind | None = None
    status: SettableStatus | None = None
    first_name: Name | None = None
    """The given name."""
    last_name: Name | None = None
    """The family name."""
    display_name: Name | None = None
    """How to address the customer, where the names do not say it."""
    company_name: Name | None = None
    """The company that the customer is, or is with."""
    email: Email | None = None
    """The e-mail address; one customer's only, unless the org shares them."""
    phone: Phone | None = None
    """The phone number, answered as E.164; several customers may have it, unless the org says
    otherwise."""
    alternate_emails: bounded(Email, ALTERNATES) | None = None  # type: ignore[valid-type]
    """Further e-mail addresses, which find the customer too."""
    alternate_phones: bounded(Phone, ALTERNATES) | None = None  # type: ignore[valid-type]
    """Further phone numbers, which find the customer too."""
    addresses: bounded(AddressIn, ADDRESSES) | None = None  # type: ignore[valid-type]
    """The postal addresses."""
    date_of_birth: PastDay | None = None
    """The date of birth; not in the future."""
    language: Language | None = None
    """The language to write in: a BCP 47 tag."""
    home_logical_guid: ForeignId | None = None
    """The store or site that the customer belongs to: an id of another system."""
    external_refs: ExternalRefs | None = None
    """What other systems call the customer; no two customers share one."""
    tags: Tags | None = None
    """Short texts to sort by; a repeated one counts once."""
    attributes: FreeMap | None = None
    """Fields of your own; the service keeps them and does not read them."""


# Every customer has a kind and a status; all else may be cleared.
CustomerChanges.clearable = frozenset(CustomerChanges.model_fields) - {"kind", "status"}


class ConsentNotice(Request):
    """What the customer was shown before deciding."""

    id: ShortText
    """The id of the notice."""
    version: ShortText
    """Its version."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """The SHA-256 of its text, hexadecimal."""


def _not_far_ahead(value: datetime, info: ValidationInfo) -> datetime:
    """A refusal may come from a clock that is wrong by any time: it counts as of now. Nothing else
    may, because it would overrule a refusal that comes in between."""
    if info.data.get("consent_state") not in REFUSALS:
        _AHEAD(value, info)
    return value


_AHEAD: Any = not_ahead(CLOCK_SKEW).func


class ConsentIn(Request):
    """A decision about a consent. It holds from ``effective_at``, by default from now. A later
    decision about the same type, channel and contact point takes its place."""

    consent_type: Code
    """What it is for, such as `MARKETING`."""
    consent_state: ConsentState
    channel: Code | None = None
    """The channel, such as `EMAIL`; without it all."""
    contact_point: Name | None = None
    """The e-mail address or phone number; without it all."""
    effective_at: Annotated[Instant, AfterValidator(_not_far_ahead)] | None = None
    """From when the decision holds. A future time counts as now. What is granted or pending may be
    at most 5 minutes ahead."""
    method: ShortText | None = None
    """How it was given, such as `web-form`."""
    opt_in_level: OptInLevel | None = None
    """Whether it was confirmed."""
    notice: ConsentNotice | None = None
    """What the customer was shown."""
    jurisdiction: ShortText | None = None
    """Whose law applies, such as `EU`."""
    legal_basis: ShortText | None = None
    """The legal basis, such as `GDPR-6-1-a`."""
    evidence_ref: Name | None = None
    """Where the evidence lies."""
    expires_at: Instant | None = None
    """When the consent ends. A refusal has no end."""


class CustomerNew(CustomerChanges):
    """A new customer; every field may be left out."""

    clearable: ClassVar[frozenset[str]] = frozenset()

    kind: CustomerKind = "individual"
    status: SettableStatus = "active"
    consents: bounded(ConsentIn, FIRST_CONSENTS) = []  # type: ignore[valid-type]  # noqa: RUF012
    """Decisions that come with the customer, such as from a sign-up form."""


class CustomerCreateRequest(Request):
    """``override_suppression`` brings back an e-mail or phone whose owner was deleted; only a
    privacy role may ask for it. A granted consent does the same."""

    customer: CustomerNew = CustomerNew()
    override_suppression: bool = False
    """Takes an e-mail or phone although its owner was deleted; for privacy roles."""


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
    """What another system calls the customer."""


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
    """Words, or their beginnings, as in search."""


class CustomerSearchRequest(Page):
    q: SearchText
    """Words, or parts of them; all must match."""
    status: SettableStatus = "active"
    kind: CustomerKind | None = None


class CustomerUpdateRequest(Request):
    customer_guid: Guid
    customer: CustomerChanges = CustomerChanges()
    override_suppression: bool = False
    """Takes an e-mail or phone although its owner was deleted; for privacy roles."""


# ---------------------------------------------------------------- consents


class PreferencesIn(Request):
    """The preferences of a customer. They replace the ones before."""

    preferences: FreeMap
    """Fields of your own; the service keeps them and does not read them."""


class CustomerConsentSetRequest(Request):
    """Without ``customer_guid`` the call refuses for everyone who has the contact points: it may
    then hold only refusals, each with a ``contact_point``."""

    customer_guid: Guid | None = None
    consents: bounded(ConsentIn, CONSENTS) = []  # type: ignore[valid-type]  # noqa: RUF012
    """The decisions, at most 40."""
    preferences: PreferencesIn | None = None
    """The preferences, where they change."""

    @property
    def only_refuses(self) -> bool:
        """Whether the call only refuses. Such a call is always accepted from who may make it."""
        states = [one.consent_state for one in self.consents]
        return bool(states) and self.preferences is None and set(states) <= set(REFUSALS)

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        if self.customer_guid is not None:
            return
        if not self.only_refuses:
            message = "is required, unless the call holds only refusals of contact points"
            yield Fault("missing", "customer_guid", message)
            return
        for number, one in enumerate(self.consents):
            if one.contact_point is None:
                field = f"consents.{number}.contact_point"
                yield Fault("missing", field, "is required without customer_guid")


class CustomerConsentGetRequest(Request):
    customer_guid: Guid
    as_of: Instant | None = None
    """Answers what was in force at this time."""
    history: bool = False
    """Answers the newest 100 decisions too."""


# ---------------------------------------------------------------- duplicates


class CustomerDedupeRequest(Page):
    """Exactly one of the fields that name a customer. A bare JSON string is told apart by its form:
    a guid, an e-mail, a phone number that begins with +, else a code."""

    exactly_one = SELECTORS
    text_pattern = TEXT_SELECTORS
    customer_guid: Guid | None = None
    customer_code: Code | None = None
    email: Email | None = None
    phone: Phone | None = None
    external_ref: SourceRef | None = None

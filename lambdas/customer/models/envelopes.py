"""What goes out: the answers of the customers' routes, and the data of their events."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from lambdas.customer.models.requests import (
    ConsentState,
    CustomerKind,
    CustomerStatus,
    OptInLevel,
)
from shared.contact_points import AddressOut
from shared.fields import Shape, SourceRefOut


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
    """The customer that this one was merged into."""
    revision: int
    created_at: datetime
    updated_at: datetime


class Customer(CustomerSummary):
    """A customer."""

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
    """Short texts to sort by."""
    attributes: dict[str, Any] | None = None


class MovedRecords(Shape):
    """How many values a merge has moved to the survivor. Records that stay where they are, such as
    subscriptions or cards, are not counted: they are found through the survivor."""

    lots: int
    """Lots of points."""
    alternates: int
    """E-mails and phones that became alternates."""
    refs: int
    """External refs."""
    tags: int
    """Tags."""


class MergeConflict(Shape):
    """A value that the survivor has no room for. It still finds the survivor."""

    field: str
    """The field of the customer that is full."""
    value: str | None = None
    """The e-mail, the phone or the tag."""
    external_ref: SourceRefOut | None = None
    """The external ref."""


class MergeOutcome(Shape):
    """What a merge did."""

    merge_id: str
    """The id of the merge."""
    moved: MovedRecords
    conflicts: list[MergeConflict]
    """Values of the source that the survivor has no room for."""
    discarded: dict[str, Any]
    """Values of the source that gave way to the survivor's own, by field."""


JobState = Literal["running", "done"]
"""`running` goes on by itself; a repeat of the call continues it."""


class ErasureJob(Shape):
    """An erasure that is not finished yet."""

    job_id: str
    """The id of the job."""
    state: JobState


class CustomerData(Shape):
    """The customer as the call leaves it."""

    customer: Customer
    merge: MergeOutcome | None = None
    redirected_from: str | None = None
    dry_run: bool | None = None
    job: ErasureJob | None = None
    """The anonymization, while it runs."""


class CustomerEnvelope(Shape):
    data: CustomerData
    revision: int


class CustomerHit(Customer):
    """A whole customer from search, a summary from list. With ``q``, ``match_fields`` names the
    fields that matched."""

    match_fields: list[str] | None = None
    """The fields in which `q` was found."""


class CustomerListData(Shape):
    """A page of customers."""

    customers: list[CustomerHit]
    """The customers of this page."""
    next_token: str | None = None


class CustomerListEnvelope(Shape):
    data: CustomerListData


# ---------------------------------------------------------------- consents

ConsentShown = Literal["granted", "denied", "withdrawn", "pending", "expired", "redacted"]
"""As decided; `expired` was granted or pending and has ended. `redacted` is not answered today: an
anonymization leaves the states as they were."""
NotApplied = Literal["older", "evidence-required"]
"""`older`: something later counts. `evidence-required`: the key was refused before, and a grant
needs `effective_at`, `method`, and `notice` or `evidence_ref`."""


class NoticeOut(Shape):
    """What the customer was shown before deciding."""

    id: str
    """The id of the notice."""
    version: str
    """Its version."""
    sha256: str | None = None
    """The SHA-256 of its text, hexadecimal."""


class ConsentOut(Shape):
    """A decision about a consent."""

    decision_id: str | None = None
    """The id of the decision."""
    consent_type: str
    consent_state: ConsentShown
    channel: str | None = None
    contact_point: str | None = None
    effective_at: datetime
    can_contact: bool | None = None
    """In `consent/get`: whether the customer may be contacted under it now. Where it names no
    contact point, it must count for every one that the customer has for the channel."""
    contact_points: list[str] | None = None
    """Where `can_contact` is false although the consent counts for some of the customer's contact
    points: those that may be contacted."""
    applied: bool | None = None
    """In `consent/set`: whether it counts now."""
    not_applied: NotApplied | None = None
    """Why it does not count."""
    method: str | None = None
    opt_in_level: OptInLevel | None = None
    notice: NoticeOut | None = None
    jurisdiction: str | None = None
    legal_basis: str | None = None
    evidence_ref: str | None = None
    expires_at: datetime | None = None
    """Until when the decision holds."""
    reason: str | None = None
    """Why it was recorded."""
    reason_code: str | None = None
    """The same as a code."""
    source_refs: list[SourceRefOut] | None = None
    """What it goes back to."""
    recorded_at: datetime | None = None
    """When it was recorded."""


class PreferencesOut(Shape):
    """The preferences, with the reason and the sources of their last change."""

    preferences: dict[str, Any]
    """Fields of your own."""
    reason: str | None = None
    """Why it was recorded."""
    reason_code: str | None = None
    """The same as a code."""
    source_refs: list[SourceRefOut] | None = None
    """What it goes back to."""


class CustomerConsentData(Shape):
    """Consents and preferences of a customer. A call without a customer answers its refusals."""

    customer_guid: str | None = None
    consents: list[ConsentOut]
    """From `consent/get` what counts for each type, channel and contact point; from `consent/set`
    the decisions of the call, in its order."""
    preferences: PreferencesOut | None = None
    history: list[ConsentOut] | None = None
    """The newest 100 decisions, newest first."""
    revision: int | None = None
    redirected_from: str | None = None


class CustomerConsentEnvelope(Shape):
    """The revision is that of the consents; there is none before the first set."""

    data: CustomerConsentData
    revision: int | None = None


# ---------------------------------------------------------------- duplicates

MatchKind = Literal["same", "same-mailbox", "same-name"]
"""`same`: equal in normal form; `same-mailbox`: the same without a tag and without the dots that
the provider ignores; `same-name`: the same letters, whatever case and accents."""


class MatchField(Shape):
    """A signal that two customers are one person."""

    field: str
    """The field that matches."""
    kind: MatchKind
    weight: float
    """What it adds to the score."""


class DedupeMatch(Shape):
    """A customer who may be the same person."""

    customer: Customer
    match_fields: list[MatchField]
    """The signals, the strongest first."""
    score: float
    """How likely it is the same person: from 0 to 1."""


class CustomerDedupeData(Shape):
    """Possible duplicates, best first."""

    matches: list[DedupeMatch]
    """The possible duplicates of this page."""
    next_token: str | None = None
    redirected_from: str | None = None


class CustomerDedupeEnvelope(Shape):
    data: CustomerDedupeData


# ---------------------------------------------------------------- data of events


class CustomerChanged(Shape):
    """A customer who was made or changed."""

    customer_guid: str
    customer_code: str | None = None
    kind: CustomerKind
    status: CustomerStatus
    previous_status: CustomerStatus | None = None
    changed: list[str] | None = None


class ConsentMoved(Shape):
    """One decision of a call: what it is about, what it says, and whether it counts now."""

    decision_id: str
    """The id of the decision."""
    consent_type: str
    channel: str | None = None
    consent_state: ConsentState
    applied: bool
    """Whether it is in force now."""


class CustomerConsentSet(Shape):
    """Decisions about a customer's consents. Without ``customer_guid`` contact points were refused
    for everyone who has them."""

    customer_guid: str | None = None
    decisions: list[ConsentMoved]
    """The decisions that were recorded."""
    preferences_changed: bool | None = None
    """Whether the preferences changed too."""


class CustomerMerged(Shape):
    """Two customers who became one."""

    merge_id: str
    """The id of the merge."""
    source_customer_guid: str
    """The customer that became a redirect."""
    target_customer_guid: str
    """The customer that stayed."""
    moved: MovedRecords


class CustomerAnonymized(Shape):
    """A customer of whom nothing personal is left."""

    customer_guid: str
    merged_customer_guids: list[str]
    """Everyone who had been merged into it."""
    kind: CustomerKind
    status: CustomerStatus
    ended_subscription_ids: list[str]
    """The subscriptions that were active or paused, and were cancelled with it."""

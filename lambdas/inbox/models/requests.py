"""What comes in: the bodies of the routes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from pydantic import WithJsonSchema

from shared.actors import ActorId
from shared.errors import Fault
from shared.fields import (
    ForeignId,
    FreeMap,
    Guid,
    IdempotencyKey,
    Instant,
    Name,
    Note,
    Page,
    RecordId,
    Request,
    matching,
)
from shared.settings import OrgSettings
from shared.targets import NamesRecord, TargetType

Priority = Literal["low", "normal", "high", "urgent"]
"""How urgent it is; lists of a team show `urgent` ones first."""
NotificationStatus = Literal["inbox", "archived", "deleted"]
"""Where it lies; `deleted` is final."""
ListedStatus = Literal["inbox", "archived"]
"""Where it lies. Deleted ones are in no list."""
NotificationState = Literal["pending", "claimed", "done", "dismissed"]
"""The work on it."""
RECORD_ID = r"[\x21-\x7e]{1,128}"
AboutId = Annotated[
    str,
    matching(RECORD_ID, "must be an id of 1 to 128 printable characters"),
    WithJsonSchema({"type": "string", "minLength": 1, "pattern": rf"^\s*{RECORD_ID}\s*$"}),
    RecordId(),
]


class Addressed(Request):
    """To whom it goes: a team, or the whole org."""

    team_guid: ForeignId | None = None
    """The team."""
    org_wide: bool | None = None
    """True: the whole org. False counts as absent."""


class About(NamesRecord):
    """What it is about: a record by its type and id, or nothing."""

    type_and_id: ClassVar[tuple[str, str]] = ("record_type", "record_id")

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        absent = [name for name in self.type_and_id if getattr(self, name) is None]
        if len(absent) == 1:
            yield Fault("missing", absent[0], "is required together with the other one")


class InboxCreateRequest(Addressed, About):
    title: Name
    """What it is about, in a line."""
    body: Note | None = None
    """What there is to say."""
    record_type: TargetType | None = None
    """The type of the record that it is about: one of this service, or any other word."""
    record_id: AboutId | None = None
    """The id of that record. One of this service must exist."""
    priority: Priority = "low"
    due_at: Instant | None = None
    """Until when somebody should have dealt with it."""
    dedupe_key: IdempotencyKey | None = None
    """While one with this key lives for the addressee, another one only counts it up."""
    metadata: FreeMap | None = None
    """What else belongs to it."""

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        if self.team_guid is None and not self.org_wide:
            yield Fault("missing", "team_guid", "or org_wide is required")
        if self.team_guid is not None and self.org_wide:
            yield Fault("invalid", "org_wide", "must not be sent with team_guid")


class InboxGetRequest(Request):
    notification_id: Guid
    """The notification."""


class InboxListRequest(Page, Addressed, About):
    """Without an addressee it lists all of the org."""

    status: ListedStatus = "inbox"
    state: NotificationState | None = None
    priority: Priority | None = None
    record_type: TargetType | None = None
    """Only those about this record, together with its id."""
    record_id: AboutId | None = None
    """Only those about this record, together with its type."""
    claimed_by: ActorId | None = None
    """Only those that this actor has claimed."""
    include_snoozed: bool = False
    """Shows those too that sleep until later."""

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        if self.team_guid is not None and self.org_wide:
            yield Fault("invalid", "org_wide", "must not be sent with team_guid")


class InboxStatusRequest(Request):
    notification_id: Guid
    """The notification."""
    status: NotificationStatus


class InboxStateRequest(Request):
    notification_id: Guid
    """The notification."""
    state: NotificationState
    snoozed_until: Instant | None = None
    """With `pending`: lists hide it until then. It must lie ahead."""

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        if self.snoozed_until is not None and self.state != "pending":
            yield Fault("invalid", "snoozed_until", "goes with state pending only")

"""What goes out: the answers of the routes, and the data of events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lambdas.inbox.models.requests import NotificationState, NotificationStatus, Priority
from shared.fields import Shape


class NotificationSummary(Shape):
    """A notification without its text."""

    notification_id: str
    team_guid: str | None = None
    org_wide: bool | None = None
    """True: it goes to the whole org."""
    title: str
    """What it is about, in a line."""
    record_type: str | None = None
    """The type of the record that it is about."""
    record_id: str | None = None
    """The id of that record."""
    priority: Priority
    status: NotificationStatus
    state: NotificationState
    claimed_by: str | None = None
    """Who has claimed it: `user_guid:<id>` or `service_account:<id>`."""
    claimed_at: datetime | None = None
    """When it was claimed."""
    due_at: datetime | None = None
    """Until when somebody should have dealt with it."""
    snoozed_until: datetime | None = None
    """Until when lists hide it."""
    occurrences: int
    """How often it was created while it lived."""
    revision: int
    created_at: datetime
    updated_at: datetime


class Notification(NotificationSummary):
    """A notification."""

    body: str | None = None
    """What there is to say."""
    dedupe_key: str | None = None
    """The key under which another one only counts it up."""
    metadata: dict[str, Any] | None = None
    """What else belongs to it."""


class InboxData(Shape):
    """The notification as the call leaves it."""

    notification: Notification


class InboxEnvelope(Shape):
    data: InboxData
    revision: int


class InboxListData(Shape):
    """A page: of one addressee the urgent ones first, and then the newest; of all the newest."""

    items: list[NotificationSummary]
    """The notifications of this page."""
    next_token: str | None = None


class InboxListEnvelope(Shape):
    data: InboxListData


# ---------------------------------------------------------------- data of events


class InboxCreated(Shape):
    """A notification was created, or one that lives was created again."""

    notification_id: str
    team_guid: str | None = None
    org_wide: bool
    """True: it goes to the whole org."""
    record_type: str | None = None
    """The type of the record that it is about. Of another system's it is told only where it is a
    code, in lower snake case."""
    record_id: str | None = None
    """The id of that record. It is absent for a record of another system: that id may say anything,
    and events hold nothing personal."""
    priority: Priority
    status: NotificationStatus
    state: NotificationState
    occurrences: int
    """How often it was created while it lived."""


class InboxStatusChanged(Shape):
    """A notification was archived, deleted, or taken back."""

    notification_id: str
    status: NotificationStatus
    previous_status: NotificationStatus
    """The status before."""


class InboxStateChanged(Shape):
    """The work on a notification has changed."""

    notification_id: str
    state: NotificationState
    previous_state: NotificationState
    """The state before."""
    claimed_by: str | None = None
    """Who has claimed it."""
    snoozed_until: datetime | None = None
    """Until when lists hide it."""

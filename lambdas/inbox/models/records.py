"""What is stored: notifications, and what they are found by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar

from shared.marks import Content, FreeText, Id, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRecord:
    """A notification, to a team or to the whole org."""

    KIND: ClassVar[str] = "notification"
    notification_id: Id
    team_guid: Id | None = None
    org_wide: bool = False
    title: FreeText[str]
    body: FreeText[str | None] = None
    record_type: Id | None = None
    record_id: Id | None = None
    priority: Word
    status: Word
    state: Word
    claimed_by: Id | None = None
    claimed_at: datetime | None = None
    due_at: datetime | None = None
    snoozed_until: datetime | None = None
    dedupe_key: FreeText[str | None] = None
    occurrences: int = 1
    metadata: FreeText[dict[str, Any] | None] = None
    fenced_by: Id | None = None
    revision: int = 1
    created_at: datetime
    updated_at: datetime

    @property
    def addressee(self) -> str:
        """Whom it goes to, as lists and the dedupe key name it."""
        return "org" if self.team_guid is None else f"team#{self.team_guid}"

    @property
    def lives(self) -> bool:
        """Whether somebody has still to deal with it."""
        return self.status == "inbox" and self.state in ("pending", "claimed")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationLinkRecord:
    """Leads from a record to a notification about it, and has a copy of what lists show of it:
    the title, and the rest (``summary``)."""

    KIND: ClassVar[str] = "notification_link"
    notification_id: Id
    title: FreeText[str]
    summary: Annotated[dict[str, Any], Content.ID]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveNotificationRecord:
    """The one notification that lives with a dedupe key, for an addressee."""

    KIND: ClassVar[str] = "live_notification"
    holder: Id

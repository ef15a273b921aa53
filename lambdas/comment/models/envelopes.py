"""What goes out: the answers of the routes, and the data of events."""

from __future__ import annotations

from datetime import datetime

from lambdas.comment.models.requests import CommentStatus, CommentVisibility
from shared.fields import Shape, SourceRefOut


class Attachment(Shape):
    """A file that lies elsewhere."""

    record_id: str
    """Its id in the system that keeps it."""
    filename: str | None = None
    """Its name."""
    content_type: str | None = None
    """Its media type."""
    size_bytes: int | None = None
    """Its size."""
    checksum: str | None = None
    """Its checksum."""


class Mention(Shape):
    """Somebody or something that the comment speaks of."""

    kind: str
    """What it is."""
    id: str
    """Its id."""


class CommentSummary(Shape):
    """A comment without its text."""

    comment_id: str
    target_type: str
    target_id: str
    parent_comment_id: str | None = None
    """The comment that it replies to."""
    visibility: CommentVisibility
    status: CommentStatus
    current_revision: int
    """The number of its content, from 1."""
    size_bytes: int
    """The bytes of caption and body, as UTF-8. A deleted comment keeps the number."""
    user_guid: str
    """The author: `user_guid:<id>` or `service_account:<id>`."""
    revision: int
    created_at: datetime
    updated_at: datetime
    revised_at: datetime
    """When its content last changed."""


class Comment(CommentSummary):
    """A comment with its content."""

    caption: str | None = None
    """The line above the text."""
    body: str | None = None
    """The text."""
    attachments: list[Attachment] | None = None
    """Files that belong to it."""
    hashtags: list[str] | None = None
    """Words to find it by, in lower case."""
    mentions: list[Mention] | None = None
    """Whom or what it speaks of."""


class CommentRevision(Shape):
    """What a comment said in one revision."""

    content_revision: int
    """The number of the revision."""
    caption: str | None = None
    """The line above the text."""
    body: str | None = None
    """The text."""
    size_bytes: int
    """The bytes of caption and body, as UTF-8."""
    sha256: str | None = None
    """SHA-256 of caption and body, in hexadecimal; gone with the text of a deleted comment."""
    actor: str
    """Who wrote it."""
    at: datetime
    """When it was written."""
    reason: str | None = None
    """Why, in words."""
    reason_code: str | None = None
    """Why, as CATEGORY.CODE."""
    source_refs: list[SourceRefOut] | None = None
    """What it goes back to."""


class CommentData(Shape):
    comment: Comment
    content: CommentRevision | None = None
    """The revision that was asked for."""
    history: list[CommentRevision] | None = None
    """The revisions of this page, newest first."""
    next_token: str | None = None
    unchanged: bool | None = None
    """True: the comment said this already, so nothing was written."""


class CommentEnvelope(Shape):
    data: CommentData
    revision: int


class CommentListData(Shape):
    """A page of comments, newest first: whole ones of a record, summaries of an author."""

    items: list[Comment]
    """The comments of this page."""
    next_token: str | None = None


class CommentListEnvelope(Shape):
    data: CommentListData


class LargeComment(Shape):
    """One of the largest comments."""

    comment_id: str
    target_type: str
    target_id: str
    size_bytes: int
    """The bytes of caption and body, as UTF-8."""
    user_guid: str
    """The author."""
    created_at: datetime


class CommentReportData(Shape):
    items: list[LargeComment]
    """The largest first."""


class CommentReportEnvelope(Shape):
    data: CommentReportData


# ---------------------------------------------------------------- data of events


class CommentChanged(Shape):
    """A comment was written or revised."""

    comment_id: str
    target_type: str
    target_id: str
    parent_comment_id: str | None = None
    """The comment that it replies to."""
    visibility: CommentVisibility
    current_revision: int
    """The number of its content."""
    size_bytes: int
    """The bytes of caption and body."""


class CommentStatusChanged(Shape):
    """A comment was archived, deleted, or taken back from the archive."""

    comment_id: str
    target_type: str
    target_id: str
    status: CommentStatus
    previous_status: CommentStatus
    """The status before."""
    size_bytes: int
    """The bytes of caption and body."""

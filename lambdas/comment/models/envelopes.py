"""What goes out: answers, and the data of events."""

from __future__ import annotations

from datetime import datetime

from lambdas.comment.models.requests import CommentStatus, CommentVisibility
from shared.fields import Shape, SourceRefOut


class Attachment(Shape):
    """A file that goes with a comment."""

    record_id: str
    """The id of the file in the system that keeps it."""
    filename: str | None = None
    """The name of the file."""
    content_type: str | None = None
    """The media type of the file."""
    size_bytes: int | None = None
    """The size of the file."""
    checksum: str | None = None
    """A checksum of the file."""


class MentionOut(Shape):
    """Whom or what a comment mentions."""

    kind: str
    """What kind of thing it is."""
    id: str
    """Its id."""


class CommentSummary(Shape):
    """What a list by author shows of a comment."""

    comment_id: str
    target_type: str
    """What the comment is on."""
    target_id: str
    """The id of the record that the comment is on; of a merged customer, the survivor's where the
    request names the record."""
    parent_comment_id: str | None = None
    """The comment that this one replies to."""
    visibility: CommentVisibility
    status: CommentStatus
    current_revision: int
    """The number of its content, from 1."""
    revision: int
    size_bytes: int
    """The size of caption and body in UTF-8."""
    user_guid: str
    """The author: `user_guid:` or `service_account:` and the id."""
    created_at: datetime
    updated_at: datetime
    revised_at: datetime | None = None
    """When the content last changed; absent until it does."""


class Comment(CommentSummary):
    """A comment. A deleted one has no caption, body, attachments, hashtags and mentions."""

    caption: str | None = None
    """A line above the body."""
    body: str | None = None
    """The text."""
    attachments: list[Attachment] | None = None
    """The files that go with it."""
    hashtags: list[str] | None = None
    """In lower case: those that its author gave, then those of the body; at most 100."""
    mentions: list[MentionOut] | None = None
    """Whom or what it mentions now; absent where an earlier content is shown."""
    content_revision: int | None = None
    """The number of the content that is shown, where the request asked for one."""


class CommentContent(Shape):
    """One content of a comment. Of a deleted comment only the sizes are left."""

    content_revision: int
    """Its number, from 1."""
    caption: str | None = None
    """A line above the body."""
    body: str | None = None
    """The text."""
    size_bytes: int
    """The size of caption and body in UTF-8."""
    sha256: str | None = None
    """The SHA-256 of caption and body, one after the other in UTF-8."""
    actor: str
    """Who wrote it."""
    at: datetime
    """When it was written."""
    reason: str | None = None
    """Why it was written, where the call said so."""
    reason_code: str | None = None
    """Why it was written, as a code."""
    source_refs: list[SourceRefOut] | None = None
    """What it goes back to."""


class CommentData(Shape):
    """The comment as the call leaves it."""

    comment: Comment
    unchanged: bool | None = None
    """True where a revision says what the comment says already."""
    history: list[CommentContent] | None = None
    """The contents of this page, newest first."""
    next_token: str | None = None
    redirected_from: str | None = None
    """The customer that was named, where it was merged into another one."""


class CommentEnvelope(Shape):
    data: CommentData
    revision: int


class CommentListData(Shape):
    """A page of comments."""

    items: list[Comment]
    """The comments of this page, whole ones where a record was named."""
    next_token: str | None = None
    redirected_from: str | None = None
    """The customer that was named, where it was merged into another one."""


class CommentListEnvelope(Shape):
    data: CommentListData


class ReportedComment(Shape):
    """What the report shows of a comment."""

    comment_id: str
    target_type: str
    """What the comment is on."""
    target_id: str
    """The id of the record that the comment is on."""
    size_bytes: int
    """The size of caption and body in UTF-8."""
    user_guid: str
    """The author."""
    created_at: datetime


class CommentReportData(Shape):
    """The largest comments."""

    items: list[ReportedComment]
    """The comments, the largest first; of equal ones the oldest first."""


class CommentReportEnvelope(Shape):
    data: CommentReportData


# ---------------------------------------------------------------- events


class CommentChanged(Shape):
    """A comment that was added or revised. What it says is not told."""

    comment_id: str
    target_type: str | None = None
    """The type of the record that the comment is on. Of another system's it is told only where it
    is a code, in lower snake case."""
    target_id: str | None = None
    """The id of the record that the comment is on. It is absent for a record of another system:
    that id may say anything, and events hold nothing personal."""
    parent_comment_id: str | None = None
    """The comment that this one replies to."""
    visibility: CommentVisibility
    status: CommentStatus
    current_revision: int
    """The number of its content, from 1."""
    size_bytes: int
    """The size of caption and body in UTF-8; it stays when the texts are removed."""
    user_guid: str
    """The author."""


class CommentStatusChanged(Shape):
    """A comment whose status changed."""

    comment_id: str
    target_type: str | None = None
    """The type of the record that the comment is on. Of another system's it is told only where it
    is a code, in lower snake case."""
    target_id: str | None = None
    """The id of the record that the comment is on. It is absent for a record of another system:
    that id may say anything, and events hold nothing personal."""
    previous_status: CommentStatus
    """The status until then."""
    status: CommentStatus
    current_revision: int
    """The number of its content, from 1."""
    size_bytes: int
    """The size of caption and body in UTF-8; it stays when the texts are removed."""

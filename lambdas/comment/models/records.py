"""What is stored: a comment with its current content, and the contents before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from shared.marks import FreeText, Id, Personal, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentRecord:
    """A comment with its current content, which is number ``current_revision``. ``user_guid`` is
    the whole actor who wrote it. ``sha256`` covers caption and body."""

    KIND: ClassVar[str] = "comment"
    comment_id: Id
    target_type: Id
    target_id: Id
    caption: FreeText[str | None] = None
    body: FreeText[str | None] = None
    attachments: FreeText[tuple[dict[str, Any], ...]] = ()
    parent_comment_id: Id | None = None
    visibility: Word
    hashtags: FreeText[tuple[str, ...]] = ()
    mentions: Personal[tuple[dict[str, str], ...]] = ()
    status: Word
    current_revision: int
    size_bytes: int
    sha256: FreeText[str | None] = None
    user_guid: Id
    reason: FreeText[str | None] = None
    reason_code: Id | None = None
    source_refs: Personal[tuple[dict[str, str], ...]] = ()
    fenced_by: Id | None = None
    revision: int = 1
    created_at: datetime
    updated_at: datetime
    revised_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentContentRecord:
    """What a comment said before it was revised. It never changes; with the comment's deletion its
    texts go."""

    KIND: ClassVar[str] = "comment_content"
    comment_id: Id
    content_revision: int
    caption: FreeText[str | None] = None
    body: FreeText[str | None] = None
    size_bytes: int
    sha256: FreeText[str | None] = None
    actor: Id
    at: datetime
    reason: FreeText[str | None] = None
    reason_code: Id | None = None
    source_refs: Personal[tuple[dict[str, str], ...]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionLinkRecord:
    """Leads from a customer to a comment that mentions it."""

    KIND: ClassVar[str] = "mention_link"
    comment_id: Id

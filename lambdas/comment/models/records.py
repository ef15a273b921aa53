"""What is stored: comments, every text that they had, and the links from whom they mention."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from shared.marks import FreeText, Id, Personal, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    kind: Id
    id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentRecord:
    """A comment, with its current content, so that one read shows it.

    - ``chosen_hashtags``: those that its author gave; ``hashtags`` has those of the body too.
    - ``body``: None once the comment is deleted; an empty text is one.
    - ``mentions``: only here, and in no earlier content: a customer who is forgotten is then
      mentioned in one place.
    - ``fenced_by``: the deletion that will remove it.
    - ``reason``, ``reason_code`` and ``source_refs`` are those of its last change."""

    KIND: ClassVar[str] = "comment"
    comment_id: Id
    target_type: Id
    target_id: Id
    parent_comment_id: Id | None = None
    caption: FreeText[str | None] = None
    body: FreeText[str | None] = None
    attachments: FreeText[tuple[dict[str, Any], ...]] = ()
    visibility: Word = "internal"
    chosen_hashtags: FreeText[tuple[str, ...]] = ()
    hashtags: FreeText[tuple[str, ...]] = ()
    mentions: FreeText[tuple[Mention, ...]] = ()
    status: Word = "current"
    current_revision: int = 1
    revision: int = 1
    size_bytes: int
    user_guid: Id
    created_at: datetime
    updated_at: datetime
    revised_at: datetime | None = None
    fenced_by: Id | None = None
    reason: FreeText[str | None] = None
    reason_code: Id | None = None
    source_refs: Personal[tuple[dict[str, str], ...]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentContentRecord:
    """One content of a comment. It is written once; only the deletion of the comment takes its
    texts. ``sha256`` is that of caption and body, one after the other in UTF-8."""

    KIND: ClassVar[str] = "comment_content"
    comment_id: Id
    content_revision: int
    caption: FreeText[str | None] = None
    body: FreeText[str | None] = None
    attachments: FreeText[tuple[dict[str, Any], ...]] = ()
    hashtags: FreeText[tuple[str, ...]] = ()
    size_bytes: int
    sha256: Id | None = None
    actor: Id
    at: datetime
    reason: FreeText[str | None] = None
    reason_code: Id | None = None
    source_refs: Personal[tuple[dict[str, str], ...]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentMentionRecord:
    """Leads from a customer to a comment that mentions it."""

    KIND: ClassVar[str] = "comment_mention"
    comment_id: Id

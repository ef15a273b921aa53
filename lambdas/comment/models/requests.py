"""What comes in: the bodies of the routes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from shared.errors import Fault
from shared.fields import (
    Guid,
    Limit,
    Name,
    NotNegative,
    Page,
    Positive,
    RecordId,
    Request,
    ShortText,
    is_visible,
    matching,
    refuse,
    text_of,
)
from shared.settings import OrgSettings
from shared.targets import normal_id

CommentStatus = Literal["current", "archived", "deleted"]
"""`deleted` is final: the texts of all revisions are gone."""
CommentVisibility = Literal["internal", "public"]
"""Who may see it: the org only (`internal`), or customers too."""
BODY_BYTES = 65_536
TARGET_ID = r"[\x21-\x7e]{1,128}"
TargetId = Annotated[
    str,
    matching(TARGET_ID, "must be an id of 1 to 128 printable characters"),
    WithJsonSchema({"type": "string", "minLength": 1, "pattern": rf"^\s*{TARGET_ID}\s*$"}),
    RecordId(),
]
Author = Annotated[
    str,
    matching(TARGET_ID, "must be an id of 1 to 128 printable characters"),
    WithJsonSchema({"type": "string", "minLength": 1, "pattern": rf"^\s*{TARGET_ID}\s*$"}),
    RecordId(ours=False),
]
Body = Annotated[
    str,
    text_of(BODY_BYTES, empty=True, lines=True),
    WithJsonSchema({"type": "string", "maxLength": BODY_BYTES}),
]
HASHTAG = r"[^\W_][\w-]{0,63}"


def _tag(value: str) -> str:
    text = value.strip().removeprefix("#").lower()
    if not is_visible(text) or len(text.encode()) > 64 or any(c.isspace() for c in text):
        raise refuse("form", "must be a word of at most 64 bytes")
    return text


def _distinct(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


Hashtag = Annotated[
    str,
    AfterValidator(_tag),
    WithJsonSchema({"type": "string", "pattern": r"^\s*#?[A-Za-z0-9][A-Za-z0-9_-]{0,30}\s*$"}),
]


class AttachmentIn(Request):
    """A file that lies elsewhere."""

    record_id: ShortText
    """Its id in the system that keeps it."""
    filename: Name | None = None
    """Its name."""
    content_type: Name | None = None
    """Its media type, such as `application/pdf`."""
    size_bytes: NotNegative | None = None
    """Its size."""
    checksum: Name | None = None
    """Its checksum, with the name of the method, such as `sha256:9f86d0…`."""


class MentionIn(Request):
    """Somebody or something that the comment speaks of."""

    kind: ShortText
    """What it is: `customer`, `user`, `team` …"""
    id: Annotated[
        str,
        matching(TARGET_ID, "must be an id of 1 to 128 printable characters"),
        WithJsonSchema({"type": "string", "minLength": 1, "pattern": rf"^\s*{TARGET_ID}\s*$"}),
    ]
    """Its id. A customer must exist."""


class Targeted(Request):
    """The record that a comment is about."""

    target_type: ShortText
    """`customer`, `account`, `contact`, `certificate`, `subscription`, `warranty`, `gift_card` (by
    its `card_id`), `notification` or `comment` for records of this service; any other word for
    those of another system."""
    target_id: TargetId
    """The id of the record. One of this service must exist."""

    @property
    def normal_target_id(self) -> str:
        return normal_id(self.target_type, self.target_id)


class Content(Request):
    """What a comment says."""

    clearable: ClassVar[frozenset[str]] = frozenset()

    caption: Name | None = None
    """A line above the text."""
    body: Body | None = None
    """The text."""
    attachments: Annotated[list[AttachmentIn], Field(max_length=20)] | None = None
    """Files that belong to it."""
    hashtags: Annotated[list[Hashtag], Field(max_length=50), AfterValidator(_distinct)] | None = (
        None
    )
    """Words to find it by. Those in the body count too."""
    mentions: Annotated[list[MentionIn], Field(max_length=20)] | None = None
    """Whom or what it speaks of."""
    visibility: CommentVisibility | None = None

    def values(self) -> dict[str, Any]:
        """Returns the given fields in the form that records hold. ``None`` clears a field."""
        names = self.model_fields_set & set(Content.model_fields)
        found: dict[str, Any] = {name: getattr(self, name) for name in names}
        for name in ("attachments", "mentions"):
            if found.get(name) is not None:
                told = [one.model_dump(exclude_none=True) for one in found[name]]
                found[name] = tuple(one for n, one in enumerate(told) if one not in told[:n])
        if found.get("hashtags") is not None:
            found["hashtags"] = tuple(found["hashtags"])
        return found


class CommentAddRequest(Targeted, Content):
    parent_comment_id: Guid | None = None
    """The comment that it replies to, about the same record. A reply takes no reply itself."""


class CommentReviseRequest(Targeted, Content):
    """What is left out stays as it is; ``null`` clears."""

    clearable: ClassVar[frozenset[str]] = frozenset(
        {"caption", "body", "attachments", "hashtags", "mentions"}
    )

    comment_id: Guid
    """The comment."""


class CommentGetRequest(Targeted, Page):
    """The comment as it is, or as it was in an earlier revision, or all of its revisions."""

    comment_id: Guid
    """The comment."""
    content_revision: Positive | None = None
    """Shows the content of this revision."""
    history: bool = False
    """Adds every revision of the content, newest first."""


class CommentStatusRequest(Targeted):
    comment_id: Guid
    """The comment."""
    status: CommentStatus


class CommentListRequest(Page):
    """Comments on a record, of an author, or both."""

    target_type: ShortText | None = None
    """The type of the record, together with its id."""
    target_id: TargetId | None = None
    """The id of the record, together with its type."""
    user_guid: Author | None = None
    """The author: `user_guid:<id>` or `service_account:<id>`; an id alone is a person."""
    status: Literal["current", "archived", "deleted", "all"] = "current"
    """Only comments of this status."""
    hashtag: Hashtag | None = None
    """Only comments with this word."""
    parent_comment_id: Guid | None = None
    """Only replies to this comment."""

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        if (self.target_type is None) != (self.target_id is None):
            missing = "target_id" if self.target_id is None else "target_type"
            yield Fault("missing", missing, "is required together with the other one")
        elif self.target_id is None and self.user_guid is None:
            message = "or user_guid is required: a list needs one of them"
            yield Fault("missing", "target_type", message)


class CommentReportRequest(Request):
    limit: Limit = 8
    """How many comments."""

"""What comes in: the bodies of the routes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from lambdas.comment.models.hashtags import TAG_LENGTH, normal_hashtag
from shared import field_schemas as schemas
from shared.actors import ActorId
from shared.errors import Fault
from shared.fields import (
    ForeignId,
    Guid,
    Limit,
    LongText,
    Name,
    NotNegative,
    Page,
    Positive,
    RecordId,
    Request,
    matching,
    printable,
    refuse,
)
from shared.settings import OrgSettings
from shared.targets import NamesRecord, TargetType

CommentStatus = Literal["current", "archived", "deleted"]
"""`current` can be revised; `archived` can come back; `deleted` is final and has no texts."""
CommentStatusFilter = Literal["current", "archived", "deleted", "all"]
"""A status, or `all` of them."""
CommentVisibility = Literal["internal", "public"]
"""Whom the comment is written for: `internal` for the org alone, `public` for others too."""
ATTACHMENTS, MENTIONS, HASHTAGS = 20, 20, 100


def _hashtag(value: str) -> str:
    tag = normal_hashtag(value)
    if tag is None:
        raise refuse("hashtag", f"must be 1 to {TAG_LENGTH} letters, digits, _ or -, with a letter")
    return tag


def _each_once(values: list[Any]) -> list[Any]:
    return [value for n, value in enumerate(values) if value not in values[:n]]


_ID = r"[\x21-\x7e]{1,128}"
TargetId = Annotated[
    str,
    AfterValidator(printable),
    WithJsonSchema(
        schemas.printable_text(
            "TargetId",
            "The id of the record that a comment is on, as the record's own system writes it.",
            "acct_01KA0000000000000000000000",
        )
    ),
]
MentionedId = Annotated[
    str,
    matching(_ID, "must be 1 to 128 printable characters"),
    WithJsonSchema(
        schemas.form(
            "MentionedId", "[!-~]{1,128}", "The id of what is mentioned.", "user_guid:U123"
        )
    ),
]
ContentType = Annotated[
    str,
    matching(r"[!#$&^_.+A-Za-z0-9-]{1,63}/[!#$&^_.+A-Za-z0-9-]{1,63}", "must be a media type"),
    WithJsonSchema(
        schemas.form(
            "ContentType",
            "[!#$&^_.+A-Za-z0-9-]{1,63}/[!#$&^_.+A-Za-z0-9-]{1,63}",
            "A media type.",
            "application/pdf",
        )
    ),
]
Checksum = Annotated[
    str,
    matching(_ID, "must be 1 to 128 printable characters"),
    WithJsonSchema(
        schemas.form("Checksum", "[!-~]{1,128}", "A checksum of a file.", "sha256:9f86d081884c7d65")
    ),
]
Hashtag = Annotated[
    str,
    AfterValidator(_hashtag),
    WithJsonSchema(
        schemas.form(
            "Hashtag",
            "#?[^\\s#]{1,64}",
            "A hashtag, with or without its #: letters of any script, digits, _ and -, and at "
            "least one letter. Kept in lower case.",
            "delivery",
        )
    ),
]


class AttachmentIn(Request):
    """A file that goes with a comment. The service keeps what is said of it, and not the file."""

    record_id: ForeignId
    """The id of the file in the system that keeps it."""
    filename: Name | None = None
    """The name of the file."""
    content_type: ContentType | None = None
    size_bytes: NotNegative | None = None
    """The size of the file."""
    checksum: Checksum | None = None


class MentionIn(Request):
    """Whom or what a comment mentions."""

    kind: TargetType
    """What kind of thing it is: `customer`, which must exist, `user`, `order` …"""
    id: MentionedId


Attachments = Annotated[list[AttachmentIn], Field(max_length=ATTACHMENTS)]
Mentions = Annotated[list[MentionIn], Field(max_length=MENTIONS), AfterValidator(_each_once)]
Hashtags = Annotated[list[Hashtag], Field(max_length=HASHTAGS), AfterValidator(_each_once)]


class CommentText(Request):
    """What a comment says. Each field may be absent."""

    caption: Name | None = None
    """A line above the body."""
    body: LongText | None = None
    """The text."""
    attachments: Attachments | None = None
    """The files that go with it, at most 20."""
    visibility: CommentVisibility | None = None
    hashtags: Hashtags | None = None
    """Hashtags beside those that the body has."""
    mentions: Mentions | None = None
    """Whom or what it mentions, at most 20."""

    def content(self) -> dict[str, Any]:
        """Returns the given fields by name; None clears one."""
        given = self.model_fields_set & CommentText.model_fields.keys()
        return {name: getattr(self, name) for name in given}


class CommentAddRequest(CommentText, NamesRecord):
    """A comment on a record. Only the record must be named."""

    target_type: TargetType
    """What the comment is on: `customer`, `account`, `contact`, `certificate`, `subscription`,
    `warranty`, `gift_card`, `notification` or `comment`, which must exist, or any other word."""
    target_id: TargetId
    """The id of that record; a gift card is named by its `card_id`."""
    parent_comment_id: Guid | None = None
    """The comment that this one replies to, on the same record; it is no reply itself."""


class _NamedComment(NamesRecord):
    """Names a comment by its id and by what it is on."""

    comment_id: Guid
    """The comment. The end of its id stands for the record that it is on, and may be left out."""
    target_type: TargetType
    """What the comment is on."""
    target_id: Annotated[TargetId, RecordId()]
    """The id of the record that the comment is on. Of customers who were merged, any one."""


class CommentGetRequest(_NamedComment):
    """With ``history``, ``limit`` and ``next_token`` page through the texts."""

    content_revision: Positive | None = None
    """Which of its texts to show; without it the last one."""
    history: bool = False
    """Whether to list all of its texts, newest first."""
    limit: Limit = 8
    next_token: Annotated[str, WithJsonSchema(schemas.NEXT_TOKEN)] | None = None

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        if self.history and self.content_revision is not None:
            yield Fault("invalid", "content_revision", "is not for a history")
        if self.next_token is not None and not self.history:
            yield Fault("invalid", "next_token", "is only for a history")


class CommentListRequest(Page, NamesRecord):
    """Filters of the list: a record, by type and id together, or an author, or both. Further ones
    narrow it."""

    target_type: TargetType | None = None
    """What the comments are on; needs `target_id`."""
    target_id: Annotated[TargetId, RecordId()] | None = None
    """The id of the record that the comments are on; needs `target_type`."""
    user_guid: ActorId | None = None
    """The author."""
    status: CommentStatusFilter = "current"
    hashtag: Hashtag | None = None
    parent_comment_id: Guid | None = None
    """Only replies to this comment."""

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        pair = {"target_type": self.target_type, "target_id": self.target_id}
        absent = [name for name, value in pair.items() if value is None]
        if len(absent) == 1:
            yield Fault("missing", absent[0], "is required: a record is named by type and id")
        elif absent and self.user_guid is None:
            message = "is required with target_id, or user_guid: one of them must be named"
            yield Fault("missing", "target_type", message)


class CommentReportRequest(Request):
    limit: Limit = 8


class CommentReviseRequest(CommentText, _NamedComment):
    """The new content. What is absent stays as it is, and ``null`` clears a field."""

    clearable: ClassVar[frozenset[str]] = frozenset(
        {"caption", "attachments", "hashtags", "mentions"}
    )


class CommentStatusRequest(_NamedComment):
    status: CommentStatus
    """The status to set."""

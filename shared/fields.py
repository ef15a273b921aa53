"""Types that two families use: how a value must look to come in, and its one normal form.

Requests are strict: no coercion between JSON types, no unknown field, and ``null`` only in a patch,
where it clears a field. Messages name what would be right and never repeat the value.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from shared import field_schemas as schemas
from shared.amounts import (
    LARGEST_INTEGER as LARGEST_INTEGER,
)
from shared.amounts import (
    Currency as Currency,
)
from shared.amounts import (
    Factor as Factor,
)
from shared.amounts import (
    Money as Money,
)
from shared.amounts import (
    MoneyIn as MoneyIn,
)
from shared.amounts import (
    MoneyOrZeroIn as MoneyOrZeroIn,
)
from shared.amounts import (
    MoneyOut as MoneyOut,
)
from shared.amounts import (
    NotNegative as NotNegative,
)
from shared.amounts import (
    Percent as Percent,
)
from shared.amounts import (
    PointsDelta as PointsDelta,
)
from shared.amounts import (
    Positive as Positive,
)
from shared.amounts import (
    is_currency as is_currency,
)
from shared.amounts import (
    major_unit as major_unit,
)
from shared.models import (
    NULL as NULL,
)
from shared.models import (
    WHOLE as WHOLE,
)
from shared.models import (
    Circumstances as Circumstances,
)
from shared.models import (
    Listed as Listed,
)
from shared.models import (
    Request as Request,
)
from shared.models import (
    Shape as Shape,
)
from shared.models import (
    refuse as refuse,
)

MAP_BYTES, MAP_KEYS = 8 * 1024, 50

# ---------------------------------------------------------------- text


def _cleaned(value: str, *, lines: bool) -> str:
    whole = unicodedata.normalize("NFC", value)
    text = whole.strip()
    # Nearly every text is printable as a whole, and then has none; at its ends lines may break.
    if not whole.isprintable() and (
        _controls(whole) - set("\n\r\t") or (_controls(text) - set("\n\t" if lines else ""))
    ):
        raise refuse("control-character", "must not hold control characters")
    return text


# Fonts draw these as nothing, although they are letters or symbols by their category, or will be.
_BLANK = re.compile(
    "[\u115f\u1160\u2060-\u206f\u2800\u3164\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
# What this version of Unicode does not know yet, and what only a font knows: some reader sees it.
_UNKNOWN = ("Cn", "Co")


def is_visible(text: str) -> bool:
    """Whether a text has a character that a reader can see."""
    return any(
        (unicodedata.category(c)[0] in "LNPS" or unicodedata.category(c) in _UNKNOWN)
        and not _BLANK.match(c)
        for c in text
    )


def _controls(text: str) -> set[str]:
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cs")}


def _text(max_bytes: int, *, empty: bool = False, lines: bool = False) -> AfterValidator:
    def check(value: str) -> str:
        text = _cleaned(value, lines=lines)
        if not empty and not is_visible(text):
            raise refuse("empty", "must not be empty, nor only of invisible characters")
        if len(text.encode()) > max_bytes:
            raise refuse("too-long", f"must be at most {max_bytes} bytes")
        return text

    return AfterValidator(check)


Name = Annotated[str, _text(200), WithJsonSchema(schemas.NAME)]
ShortText = Annotated[str, _text(64), WithJsonSchema(schemas.SHORT_TEXT)]
LongText = Annotated[
    str, _text(schemas.LONG_BYTES, empty=True, lines=True), WithJsonSchema(schemas.LONG_TEXT)
]
SearchText = Annotated[str, _text(254), WithJsonSchema(schemas.SEARCH_TEXT)]
"""What is searched for: any text that can be a name or an e-mail address."""
Note = Annotated[str, _text(4000, lines=True), WithJsonSchema(schemas.NOTE)]
Reason = Annotated[str, _text(1000, lines=True), WithJsonSchema(schemas.REASON)]


def upper_ascii(text: str) -> str:
    """The text in upper case where it is ASCII. Letters of other scripts stay as they are, and so
    never turn into a code: the upper case of a sharp s is SS."""
    return text.upper() if text.isascii() else text


def matching(pattern: str, message: str, *, upper: bool = False) -> Any:
    """A trimmed string of one form; ``upper`` folds it to upper case first."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        text = value.strip()
        text = upper_ascii(text) if upper else text
        if not compiled.fullmatch(text):
            raise refuse("form", message)
        return text

    return AfterValidator(check)


@dataclass(frozen=True, slots=True)
class RecordId:
    """Marks a field of a request that names a record: one of this service, which is found only in
    the caller's org, or (``ours`` is false) one of another system. A test derives its cases from
    this mark."""

    ours: bool = True


Guid = Annotated[
    str,
    matching(r"[\x21-\x7e]{1,64}", "must be an id of 1 to 64 printable characters"),
    WithJsonSchema(schemas.GUID),
    RecordId(),
]
ForeignId = Annotated[
    str,
    matching(r"[\x21-\x7e]{1,64}", "must be an id of 1 to 64 printable characters"),
    WithJsonSchema(schemas.FOREIGN_ID),
    RecordId(ours=False),
]
"""The id of a record of another system."""
CODE = schemas.CODE
Code = Annotated[
    str,
    matching(CODE, "must be 1 to 64 of A-Z a-z 0-9 . _ - and begin with a letter or digit"),
    WithJsonSchema(schemas.CODE_TEXT),
]
ChannelCode = Annotated[
    str,
    matching(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", "must be lower snake case"),
    WithJsonSchema(schemas.CHANNEL_CODE),
]
CcCode = Annotated[
    str,
    matching(schemas.CCCODE, "must look like XXXX-XXXX-XXXX"),
    WithJsonSchema(schemas.CC_CODE),
]
ORGCODE = r"[A-Z0-9-]{2,32}"
OrgCode = Annotated[
    str,
    matching(ORGCODE, "must be 2 to 32 of A-Z 0-9 -", upper=True),
    WithJsonSchema(schemas.ORG_CODE),
]


def printable(value: str) -> str:
    """The trimmed text, where it has 1 to 128 characters and all of them print."""
    text = unicodedata.normalize("NFC", value).strip()
    # A character newer than this Python is taken: a repeat may meet another version.
    prints = text.isprintable() or all(
        c.isprintable() or unicodedata.category(c) in _UNKNOWN for c in text
    )
    if not 1 <= len(text) <= 128 or not prints:
        raise refuse("form", "must be 1 to 128 printable characters")
    return text


OrderRef = Annotated[str, AfterValidator(printable), WithJsonSchema(schemas.ORDER_REF)]
IdempotencyKey = Annotated[str, AfterValidator(printable), WithJsonSchema(schemas.IDEMPOTENCY_KEY)]

ReasonCode = Annotated[
    str,
    matching(schemas.REASON_CODE, "must be CATEGORY.CODE with a known category"),
    WithJsonSchema(schemas.REASON_CODE_TEXT),
]


# ---------------------------------------------------------------- time


# Strictly so: a library reads more forms, in each version others, and cuts what is too exact.
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}([.,](?P<part>\d+))?(Z|[+-]\d{2}(:?\d{2})?)?",
    re.ASCII | re.IGNORECASE,
)


def _instant(value: Any) -> Any:
    if not isinstance(value, str) or not (form := _INSTANT.fullmatch(value.strip())):
        raise refuse("instant", "must be an ISO 8601 time, as in 2026-01-01T00:00:00Z")
    try:
        moment = datetime.fromisoformat(form[0].upper())
        aware = moment if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise refuse(
            "instant", "must be a time of the calendar: seconds up to 59, UTC years 1 to 9999"
        ) from None
    if aware.tzinfo is None:
        raise refuse("naive", "must carry Z or an offset, as in 2026-01-01T00:00:00Z")
    if (form["part"] or "")[3:].strip("0"):
        raise refuse("instant", "must have milliseconds at most")
    return aware


Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema(schemas.INSTANT)]


def _day(value: Any) -> Any:
    try:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
            return date.fromisoformat(value.strip())
    except ValueError:
        pass
    raise refuse("date", "must be a date, YYYY-MM-DD")


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema(schemas.DAY)]


def instant_text(moment: datetime) -> str:
    """The one form that times are stored in: fixed width, so that text order is time order."""
    # Faster than ``strftime``, which does not pad a year below 1000 on every platform. What is cut
    # off is the zone.
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def instant_shown(moment: datetime) -> str:
    """The form that times are shown in: milliseconds only where there are any."""
    return instant_text(moment).replace(".000Z", "Z")


def not_ahead(skew: timedelta = timedelta(0)) -> AfterValidator:
    """A time or a day that has come, by the clock of the call; ``skew`` is how far the clock of a
    caller may be ahead of it."""

    def check(value: Any, info: ValidationInfo) -> Any:
        known = info.context
        assert isinstance(known, Circumstances), "the door validates"
        latest = known.now + skew if isinstance(value, datetime) else known.today
        if value > latest:
            raise refuse("future", "must not lie in the future")
        return value

    return AfterValidator(check)


def _as_of(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, str) and len(value.strip()) <= 10:
        return _day(value)
    known = info.context
    assert isinstance(known, Circumstances), "the door validates"
    try:
        return _instant(value).astimezone(ZoneInfo(known.org.timezone)).date()
    except OverflowError:
        raise refuse("instant", "must be a day of the org's calendar") from None


AsOfDay = Annotated[date, BeforeValidator(_as_of), WithJsonSchema(schemas.AS_OF_DAY)]
"""A day, or a time: then the day that it is in the org's time zone."""
PastInstant = Annotated[Instant, not_ahead()]
PastDay = Annotated[Day, not_ahead()]
"""A day that has come in the org's time zone."""


# ---------------------------------------------------------------- collections


def _map(value: dict[str, Any]) -> dict[str, Any]:
    import json

    if len(value) > MAP_KEYS:
        raise refuse("too-many", f"must have at most {MAP_KEYS} keys")
    if len(json.dumps(value, default=float, ensure_ascii=False).encode()) > MAP_BYTES:
        raise refuse("too-long", f"must be at most {MAP_BYTES} bytes")
    return value


FreeMap = Annotated[dict[str, Any], AfterValidator(_map), WithJsonSchema(schemas.FREE_MAP)]


def bounded(item: Any, most: int) -> Any:
    """A list of at most ``most`` items."""
    return Annotated[list[item], Field(max_length=most)]


@dataclass(frozen=True, slots=True)
class Unordered:
    """Marks a list whose order says nothing: two requests that differ only in it are alike."""


def _distinct(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


Tags = Annotated[
    list[ShortText],
    Field(max_length=50, title="Tags", description=schemas.TAGS),
    AfterValidator(_distinct),
]


class SourceRef(Request):
    """What a change goes back to: the kind of the thing, and its id."""

    kind: ShortText
    """What kind of thing it is: `order`, `ticket`, `loyalty_txn` …"""
    id: Annotated[str, _text(128), WithJsonSchema(schemas.SOURCE_ID)]
    """Its id in the system that it comes from."""


class SourceRefOut(Shape):
    """What a change goes back to."""

    kind: str
    """What kind of thing it is."""
    id: str
    """Its id in the system that it comes from."""


def source_refs(value: Any) -> Any:
    """Elements whose members are all null count as absent."""
    nothing: list[Any] = [{}, {"kind": None}, {"id": None}, {"kind": None, "id": None}]
    return [e for e in value if e not in nothing] if isinstance(value, list) else value


SourceRefs = Annotated[
    list[SourceRef],
    Field(max_length=20, title="SourceRefs", description=schemas.SOURCE_REFS),
    BeforeValidator(source_refs),
]


def _limit(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        raise refuse("integer", WHOLE)
    return min(max(value, 1), 256)


Limit = Annotated[int, BeforeValidator(_limit), WithJsonSchema(schemas.LIMIT)]
# What a token says is for ``paging.read`` to judge.
NextToken = Annotated[str, WithJsonSchema(schemas.NEXT_TOKEN)]


class Page(Request):
    """What every list takes."""

    limit: Limit = 8
    next_token: NextToken | None = None

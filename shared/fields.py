"""Types that two families use: how a value must look to come in, and its one normal form.

Requests are strict: no coercion between JSON types, no unknown field, and ``null`` only in a patch,
where it clears a field. Messages name what would be right and never repeat the value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from shared.errors import Fault
from shared.marks import Word
from shared.settings import OrgSettings

LARGEST_INTEGER = 2**53 - 1
MAP_BYTES, MAP_KEYS = 8 * 1024, 50


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a field may ask beside its value: the clock of the call, and the org's settings."""

    now: datetime
    org: OrgSettings

    @property
    def today(self) -> date:
        """The date in the org's time zone."""
        return self.now.astimezone(ZoneInfo(self.org.timezone)).date()


NULL = object()
"""Stands where a request says ``null`` and may not."""


class Request(BaseModel):
    """What comes in. ``null`` has no meaning here: an absent value is left out."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, defer_build=True, populate_by_name=True
    )
    clearable: ClassVar[frozenset[str]] = frozenset()
    named_by: ClassVar[tuple[str, ...]] = ()
    """The kinds of sources of which the first may name the order in the place of ``order_ref``."""
    needs_order: ClassVar[bool] = False

    @model_validator(mode="before")
    @classmethod
    def _no_nulls(cls, data: Any) -> Any:
        if isinstance(data, dict) and None in data.values():
            # No type accepts NULL, so each such field gets its own fault beside all others.
            return {k: NULL if v is None and k not in cls.clearable else v for k, v in data.items()}
        return data

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        """Returns the faults that only another field shows. Each part of a request speaks for
        itself. Nothing that time may make wrong belongs here: a repeat must find its answer however
        late it comes."""
        assert org.currency, "the org of the call"
        return ()


class Shape(BaseModel):
    """What goes out, for the API document and the tests; answers are built by ``shown``."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


def refuse(kind: str, message: str) -> PydanticCustomError:
    """A fault of the field being validated; the message must not repeat the value."""
    return PydanticCustomError(kind.replace("-", "_"), message)


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


# Letters and symbols by their category, which fonts draw as nothing.
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def is_visible(text: str) -> bool:
    """Whether a text has a character that a reader can see."""
    return any(unicodedata.category(c)[0] in "LNPS" and c not in _BLANKS for c in text)


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


def _length(most: int, least: int = 1) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "minLength": least, "maxLength": most})


Name = Annotated[str, _text(200), _length(200)]
ShortText = Annotated[str, _text(64), _length(64)]
SearchText = Annotated[str, _text(254), _length(254)]
"""What is searched for: any text that can be a name or an e-mail address."""
Note = Annotated[str, _text(4000, lines=True), _length(4000)]
Reason = Annotated[str, _text(1000, lines=True), _length(1000)]


def matching(pattern: str, message: str, *, upper: bool = False) -> Any:
    """A trimmed string of one form; ``upper`` folds it to upper case first."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        text = value.strip()
        text = text.upper() if upper else text
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
    _length(64),
    RecordId(),
]
ForeignId = Annotated[
    str,
    matching(r"[\x21-\x7e]{1,64}", "must be an id of 1 to 64 printable characters"),
    _length(64),
    RecordId(ours=False),
]
"""The id of a record of another system."""
CODE = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
Code = Annotated[
    str,
    matching(CODE, "must be 1 to 64 of A-Z a-z 0-9 . _ - and begin with a letter or digit"),
    WithJsonSchema({"type": "string", "pattern": f"^{CODE}$"}),
]
ChannelCode = Annotated[
    str,
    matching(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", "must be lower snake case"),
    WithJsonSchema({"type": "string", "pattern": "^[a-z][a-z0-9]*(_[a-z0-9]+)*$"}),
]
CCCODE = r"[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}"
CcCode = Annotated[
    str,
    matching(CCCODE, "must look like XXXX-XXXX-XXXX"),
    WithJsonSchema({"type": "string", "pattern": f"^{CCCODE}$"}),
]
ORGCODE = r"[A-Z0-9-]{2,32}"
OrgCode = Annotated[
    str,
    matching(ORGCODE, "must be 2 to 32 of A-Z 0-9 -", upper=True),
    WithJsonSchema({"type": "string", "examples": ["ACME"]}),
]


def _printable(value: str) -> str:
    text = unicodedata.normalize("NFC", value).strip()
    if not 1 <= len(text) <= 128 or not text.isprintable():
        raise refuse("form", "must be 1 to 128 printable characters")
    return text


OrderRef = Annotated[str, AfterValidator(_printable), _length(128)]
IdempotencyKey = Annotated[str, AfterValidator(_printable), _length(128)]

_CATEGORIES = (
    "LIFECYCLE|POLICY|PRICING|PROMOTION|INVENTORY|RECEIVING|FULFILLMENT|CUSTOMER|LOYALTY|FRAUD"
    "|ACCOUNTING|COMPLIANCE|TAX|SYSTEM"
)
REASON_CODE = rf"({_CATEGORIES})\.[A-Z0-9_]{{1,48}}"
ReasonCode = Annotated[
    str,
    matching(REASON_CODE, "must be CATEGORY.CODE with a known category"),
    WithJsonSchema({"type": "string", "pattern": f"^{REASON_CODE}$"}),
]


# ---------------------------------------------------------------- money


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An integer number of minor units of an ISO 4217 currency."""

    currency: Word
    amount: int

    def plus(self, minor: int) -> Money:
        return Money(self.currency, self.amount + minor)


@cache
def _exponents() -> dict[str, int]:
    import iso4217

    return {c.code: c.exponent for c in iso4217.Currency if c.exponent is not None}


def major_unit(currency: str) -> int:
    """How many minor units one major unit of the currency has (EUR 100, JPY 1)."""
    return int(10 ** _exponents()[currency])


def is_currency(code: str) -> bool:
    """Whether the code is a currency of ISO 4217 that has a minor unit."""
    return code in _exponents()


def _currency(value: str) -> str:
    if not is_currency(value):
        raise refuse("currency", "must be an ISO 4217 currency code")
    return value


Currency = Annotated[
    str,
    AfterValidator(_currency),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["EUR"]}),
]
Positive = Annotated[int, Field(gt=0, le=LARGEST_INTEGER)]
NotNegative = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]


class MoneyIn(Request):
    """More than nothing, in minor units."""

    currency: Currency
    amount: Positive

    def money(self) -> Money:
        return Money(self.currency, self.amount)


class MoneyOrZeroIn(Request):
    """Nothing or more, in minor units."""

    currency: Currency
    amount: NotNegative

    def money(self) -> Money:
        return Money(self.currency, self.amount)


class MoneyOut(Shape):
    currency: str
    amount: int


def _factor(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise refuse("decimal", "must be a decimal number")
    text = str(value)
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text):
        # Fifteen digits are what every reader of JSON numbers takes exactly.
        message = "must be a decimal number of at most 9 digits and 6 places, not negative"
        raise refuse("decimal", message)
    return Decimal(text)


Factor = Annotated[
    Decimal,
    BeforeValidator(_factor),
    WithJsonSchema({"type": ["number", "string"], "minimum": 0, "examples": [1.5]}),
]


# ---------------------------------------------------------------- time


def _instant(value: Any) -> Any:
    if not isinstance(value, str):
        raise refuse("instant", "must be an ISO 8601 time")
    if len(text := value.strip()) < 19:
        raise refuse("instant", "must be an ISO 8601 time")
    try:
        moment = datetime.fromisoformat(text.replace("z", "Z"))
        aware = moment if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise refuse("instant", "must be an ISO 8601 time with Z or an offset") from None
    if aware.tzinfo is None:
        raise refuse("naive", "must carry Z or an offset, as in 2026-01-01T00:00:00Z")
    moment = aware
    if moment.microsecond % 1000:
        raise refuse("instant", "must have milliseconds at most")
    return moment


Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


def _day(value: Any) -> Any:
    try:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
            return date.fromisoformat(value.strip())
    except ValueError:
        pass
    raise refuse("date", "must be a date, YYYY-MM-DD")


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]


def instant_text(moment: datetime) -> str:
    """The one form that times are stored in: fixed width, so that text order is time order."""
    # Not every platform pads a year below 1000, and text order must be time order.
    day_and_time = moment.strftime("-%m-%dT%H:%M:%S.")
    return f"{moment.year:04d}{day_and_time}{moment.microsecond // 1000:03d}Z"


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


FreeMap = Annotated[
    dict[str, Any], AfterValidator(_map), WithJsonSchema({"type": "object", "maxProperties": 50})
]


def bounded(item: Any, most: int) -> Any:
    """A list of at most ``most`` items."""
    return Annotated[list[item], Field(max_length=most)]


@dataclass(frozen=True, slots=True)
class Unordered:
    """Marks a list whose order says nothing: two requests that differ only in it are alike."""


def _distinct(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


Tags = Annotated[list[ShortText], Field(max_length=50), AfterValidator(_distinct)]


class SourceRef(Request):
    """What a change goes back to: the kind of the thing, and its id."""

    kind: ShortText
    id: Annotated[str, _text(128), _length(128)]


class SourceRefOut(Shape):
    kind: str
    id: str


def source_refs(value: Any) -> Any:
    """Elements whose members are all null count as absent."""
    nothing: list[Any] = [{}, {"kind": None}, {"id": None}, {"kind": None, "id": None}]
    return [e for e in value if e not in nothing] if isinstance(value, list) else value


SourceRefs = Annotated[list[SourceRef], Field(max_length=20), BeforeValidator(source_refs)]


def _limit(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        raise refuse("integer", "must be an integer")
    return min(max(value, 1), 256)


Limit = Annotated[int, BeforeValidator(_limit), WithJsonSchema({"type": "integer", "default": 8})]
NextToken = str  # what it says is for ``paging.read`` to judge


class Page(Request):
    """What every list takes."""

    limit: Limit = 8
    next_token: NextToken | None = None

"""The codec: it turns records into items and back. A frozen dataclass is one item, and each field
is one attribute.

The codec of a record's class is built once, from the annotations. The stored forms are:

- text, integers and booleans as themselves;
- times as ISO text of a fixed width, so that they sort by time; dates as ``YYYY-MM-DD``;
- exact numbers as text;
- nested dataclasses and ``Mapping[str, X]`` as maps, so that conditions can look into them;
- ``dict`` as JSON text: it holds what callers sent, which the database need not interpret.

``None`` is not stored.

A nested dataclass of which an item holds very many says ``ROW = True``. It is stored as a list of
its values in the order of its fields, because the names would be half of the billed size. Such a
class takes its fields by position, and new fields may only be added at its end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache
from operator import itemgetter
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Generic,
    Protocol,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from shared.fields import instant_shown, instant_text
from shared.keys import PARTITION, SORT, TTL, VIEW, Key
from shared.marks import content_of

Wire = dict[str, Any]
"""An item, or a value, in DynamoDB's own JSON."""

KIND, CHANGE, EVENTS = "record_kind", "change_id", "events"


class Record(Protocol):
    """A stored record: a frozen dataclass that names its kind."""

    KIND: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]


R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Item(Generic[R]):
    """A record with its key, its index entries, the part that lists may show (``view``), and the
    time from which the table may delete it (``expires``)."""

    key: Key
    record: R
    indexes: Mapping[str, str] = field(default_factory=dict)
    view: Mapping[str, Any] | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Codec:
    encode: Callable[[Any], Wire]
    decode: Callable[[Wire], Any]


def _as_it_is(tag: str) -> _Codec:
    return _Codec(lambda value: {tag: value}, itemgetter(tag))


def _plain(tag: str, out: Callable[[Any], Any], back: Callable[[Any], Any]) -> _Codec:
    return _Codec(lambda value: {tag: out(value)}, lambda wire: back(wire[tag]))


def dumps(value: Any) -> str:
    """Returns compact JSON with sorted keys. Decimals become JSON numbers."""
    return _SORTED.encode(value)


# Made once: ``json.dumps`` makes an encoder for each call that is not by its defaults.
_SORTED = json.JSONEncoder(separators=(",", ":"), sort_keys=True, ensure_ascii=False, default=float)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


_SCALARS: dict[Any, _Codec] = {
    str: _as_it_is("S"),
    int: _plain("N", str, int),
    bool: _as_it_is("BOOL"),
    datetime: _plain("S", instant_text, _moment),
    date: _plain("S", date.isoformat, date.fromisoformat),
    Decimal: _plain("S", str, Decimal),
    Fraction: _plain("S", str, Fraction),
}


@cache
def _codec(annotation: Any, *, marked: bool = False) -> _Codec:
    """Returns the codec of an annotation. ``marked``: the field's type says what its text is
    (``shared.marks``). That holds for everything inside the field."""
    if get_origin(annotation) is Annotated:
        return _codec(get_args(annotation)[0], marked=marked or content_of(annotation) is not None)
    if not marked and (annotation is str or dict in (annotation, get_origin(annotation))):
        raise TypeError("a stored text must say what it is: Id, Word, Personal or FreeText")
    scalar = _SCALARS.get(annotation)
    if scalar is not None:
        return scalar
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is UnionType or NoneType in arguments:
        (inner,) = (a for a in arguments if a is not NoneType)
        return _codec(inner, marked=marked)
    if origin is tuple:
        item = _codec(arguments[0], marked=marked)
        return _Codec(
            lambda values: {"L": [item.encode(v) for v in values]},
            lambda wire: tuple(item.decode(w) for w in wire["L"]),
        )
    if origin is Mapping:
        entry = _codec(arguments[1], marked=marked)
        return _Codec(
            lambda values: {"M": {k: entry.encode(v) for k, v in values.items()}},
            lambda wire: {k: entry.decode(w) for k, w in wire["M"].items()},
        )
    if annotation is dict or origin is dict:
        return _Codec(lambda value: {"S": dumps(value)}, lambda wire: json.loads(wire["S"]))
    if getattr(annotation, "ROW", False):
        return _Codec(
            lambda value: {"L": _row(value, marked)},
            lambda wire: _of_row(annotation, wire["L"], marked),
        )
    if is_dataclass(annotation) and isinstance(annotation, type):
        return _Codec(
            lambda value: {"M": encode(value, marked)},
            lambda wire: decode(annotation, wire["M"], marked),
        )
    raise TypeError(f"no stored form for {annotation}")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    codec: _Codec
    default: Any
    required: bool

    def missing(self, cls: Any) -> Any:
        """Returns the value of a field that is not stored. Raises ``ValueError`` for a required
        field: the item is damaged or of another class, and no decision may use it."""
        if self.required:
            raise ValueError(f"a stored {cls.__name__} has no {self.name}")
        return None if self.default is MISSING else self.default


@cache
def _plan(cls: Any, marked: bool = False) -> tuple[_Field, ...]:
    hints = get_type_hints(cls, include_extras=True)
    return tuple(_field(f, hints[f.name], marked) for f in fields(cls))


def _field(f: Any, hint: Any, marked: bool) -> _Field:
    default = f.default if f.default_factory is MISSING else f.default_factory()
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    optional = NoneType in get_args(bare)
    codec = _codec(hint, marked=marked or content_of(hint) is not None)
    return _Field(f.name, codec, default, default is MISSING and not optional)


def ensure_storable(cls: Any) -> None:
    """``TypeError`` for a record class that has a field without a stored form, or a text that does
    not say what it is."""
    _plan(cls)


_NOTHING: Wire = {"NULL": True}


def _absent(value: Any, default: Any) -> bool:
    # Compare types too: 0 == False, but a number that is 0 must be stored.
    if isinstance(value, bool | tuple):
        return not value and type(default) is type(value) and not default
    return value is None


def _row(record: Any, marked: bool) -> list[Wire]:
    """Returns the values of a record in the order of its fields, without absent ones at the end."""
    row = []
    for f in _plan(record.__class__, marked):
        value = getattr(record, f.name)
        row.append(_NOTHING if _absent(value, f.default) else f.codec.encode(value))
    while row and row[-1] is _NOTHING:
        row.pop()
    return row


def _of_row(cls: Any, row: list[Wire], marked: bool) -> Any:
    plan = _plan(cls, marked)
    values = [
        f.missing(cls) if "NULL" in wire else f.codec.decode(wire)
        for f, wire in zip(plan, row, strict=False)
    ]
    return cls(*values, *(f.missing(cls) for f in plan[len(row) :]))


def encode(record: Any, marked: bool = False) -> Wire:
    """Returns the attributes of a record. Absent values and empty collections are left out.
    ``marked``: the record is inside a field whose type says what its texts are."""
    wire: Wire = {}
    for f in _plan(record.__class__, marked):
        value = getattr(record, f.name)
        if not _absent(value, f.default):
            wire[f.name] = f.codec.encode(value)
    return wire


def decode(cls: Any, wire: Wire, marked: bool = False) -> Any:
    """Returns the record of an item. Other attributes (keys, index entries) are ignored. Raises
    ``ValueError`` where a required field is missing."""
    values = {}
    for f in _plan(cls, marked):
        raw = wire.get(f.name)
        values[f.name] = f.missing(cls) if raw is None else f.codec.decode(raw)
    return cls(**values)


@cache
def _names(cls: Any) -> tuple[str, ...]:
    return tuple(f.name for f in fields(cls))


def item_wire(item: Item[Any], change_id: str, events: list[dict[str, Any]]) -> Wire:
    """Returns the whole item as it is written. The change id names the logical write that wrote
    it. The events are stored in the item, so that the publisher finds them in the stream."""
    wire = encode(item.record)
    wire[PARTITION], wire[SORT] = {"S": item.key[0]}, {"S": item.key[1]}
    wire[KIND], wire[CHANGE] = {"S": item.record.KIND}, {"S": change_id}
    if events:
        wire[EVENTS] = {"S": dumps(events)}
    for name, value in item.indexes.items():
        wire[name] = {"S": value}
    if item.view is not None:
        wire[VIEW] = {"S": dumps({k: v for k, v in item.view.items() if v is not None})}
    if item.expires is not None:
        wire[TTL] = {"N": str(int(item.expires.timestamp()))}
    return wire


def with_views(wires: list[Wire]) -> list[Wire]:
    """Returns the index entries with their views decoded. All views are decoded as one JSON array,
    because a page has hundreds and one call is much faster."""
    views = json.loads("[" + ",".join(wire[VIEW]["S"] for wire in wires) + "]")
    return [{**wire, VIEW: view} for wire, view in zip(wires, views, strict=True)]


def view_of(wire: Wire) -> dict[str, Any]:
    """Returns what a list may show of an index entry that ``with_views`` has decoded."""
    view: dict[str, Any] = wire[VIEW]
    return view


def key_of(wire: Wire) -> Key:
    return wire[PARTITION]["S"], wire[SORT]["S"]


class _Forms(dict[type, Callable[[Any], Any] | None]):
    """How the values of each type are shown; ``None``: as they are. A type is looked at once."""

    def __missing__(self, cls: type) -> Callable[[Any], Any] | None:
        form: Callable[[Any], Any] | None = None
        if issubclass(cls, datetime):
            form = instant_shown
        elif issubclass(cls, date):
            form = date.isoformat
        elif issubclass(cls, tuple):
            form = _list_shown
        elif is_dataclass(cls):
            form = shown
        self[cls] = form
        return form


def _list_shown(values: tuple[Any, ...]) -> list[Any]:
    return [shown_value(value) for value in values]


_forms = _Forms()


def shown_value(value: Any) -> Any:
    """Returns a value as answers show it."""
    form = _forms[value.__class__]
    return value if form is None else form(value)


def shown(record: Any, *, without: tuple[str, ...] = (), **derived: Any) -> dict[str, Any]:
    """Returns a record as answers show it: its fields by name, without absent ones and empty lists.
    ``derived`` values are added, or replace the field of the same name."""
    out: dict[str, Any] = {}
    for name in _names(record.__class__):
        if name in without or name in derived:
            continue
        value = getattr(record, name)
        if value is not None and value != ():
            form = _forms[value.__class__]
            out[name] = value if form is None else form(value)
    out.update((k, shown_value(v)) for k, v in derived.items() if v is not None)
    return out


def utc(moment: datetime) -> datetime:
    """Returns the same instant in UTC, cut to the millisecond, as records store it."""
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

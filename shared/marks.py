"""Marks for stored texts: every text field of a record says in its type what the text is.

The codec refuses a text field without a mark. So erasure, export and the tests that look for
personal data cannot miss a new field: ``personal_fields`` finds all that are marked.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


class Content(Enum):
    """What a text is. Only the last two can be personal data."""

    ID = "an id, a code, a number or a hash, of this service or another"
    WORD = "one of the service's own words: a status, a kind, a currency"
    PERSONAL = "a fact about a person"
    FREE_TEXT = "what people wrote: it may say anything"


Id = Annotated[str, Content.ID]
Word = Annotated[str, Content.WORD]
Personal = Annotated[T, Content.PERSONAL]
FreeText = Annotated[T, Content.FREE_TEXT]


def content_of(annotation: Any) -> Content | None:
    """Returns the mark of an annotation, or None."""
    if get_origin(annotation) is not Annotated:
        return None
    return next((mark for mark in get_args(annotation)[1:] if isinstance(mark, Content)), None)


def personal_fields(record: type[Any]) -> tuple[str, ...]:
    """Returns the names of the fields of a record that are personal or free text. A field of a
    nested record has a dotted name."""
    found: list[str] = []
    for name, hint in get_type_hints(record, include_extras=True).items():
        if name not in {f.name for f in fields(record)}:
            continue
        if content_of(hint) in (Content.PERSONAL, Content.FREE_TEXT):
            found.append(name)
            continue
        for part in _parts(hint):
            if content_of(part) in (Content.PERSONAL, Content.FREE_TEXT):
                found.append(name)
            elif isinstance(part, type) and is_dataclass(part):
                found += [f"{name}.{inner}" for inner in personal_fields(part)]
    return tuple(dict.fromkeys(found))


def _parts(annotation: Any) -> list[Any]:
    """Returns the annotation and every type inside it."""
    return [annotation, *(deep for part in get_args(annotation) for deep in _parts(part))]

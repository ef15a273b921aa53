"""What a record is without its personal fields. Values in, values out.

The types of a record say which of its fields are personal (``shared.marks``). So nothing here knows
a family, and a new field is redacted without a line of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass, replace
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from shared.marks import Content, content_of

NewText = Callable[[], str]
"""Makes a new text, at random: it must not follow from the text that it stands for."""

CONTACT_POINTS = frozenset({"email", "phone", "contact_point"})
"""Texts that have a form. They are removed: no text in their place would be a valid one."""


def redacted(record: Any, new_text: NewText) -> Any:
    """Returns the record without its personal fields. A text becomes a new text. A contact point, a
    date, an address, a list or a map is removed. Returns the very same object where there is
    nothing to remove."""
    hints = get_type_hints(record.__class__, include_extras=True)
    changes = {}
    for field in fields(record):
        value, hint = getattr(record, field.name), hints[field.name]
        if content_of(hint) in (Content.PERSONAL, Content.FREE_TEXT):
            after = _without(field.name, value, hint, new_text)
        else:
            after = _inside(value, new_text)
        if after is not value and after != value:
            changes[field.name] = after
    return replace(record, **changes) if changes else record


def _without(name: str, value: Any, hint: Any, new_text: NewText) -> Any:
    """Returns what stands in the place of a personal value."""
    if value is None:
        return None
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    optional = NoneType in get_args(bare)
    if isinstance(value, str):
        return None if optional and name in CONTACT_POINTS else new_text()
    if isinstance(value, tuple):
        return ()
    if isinstance(value, dict) and not optional:
        return {}
    return None


def _inside(value: Any, new_text: NewText) -> Any:
    """Returns a value without the personal fields of the records inside it."""
    if is_dataclass(value) and not isinstance(value, type):
        return redacted(value, new_text)
    if isinstance(value, tuple):
        return tuple(_inside(one, new_text) for one in value)
    return value


def scrubbed(data: Any, names: Collection[str]) -> Any:
    """Returns the data of an answer without the members of these names, at any depth."""
    if isinstance(data, Mapping):
        return {k: scrubbed(v, names) for k, v in data.items() if k not in names}
    if isinstance(data, list):
        return [scrubbed(one, names) for one in data]
    return data

"""The searchable parts of a record, its words and numbers, and how a query matches them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from shared.folding import compounds, is_unspaced
from shared.search.query import Number, Query, Word

INNER = 3
"""How many letters a query needs to match inside a name. Fewer would match too many names."""
Way = Literal["phone", "code", "name", "email"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The searched attributes of a kind of record. ``person``: the first and the last name, which
    together are a full name. ``domains``: the domain of an e-mail is searched too."""

    names: tuple[str, ...]
    person: tuple[str, ...] = ()
    codes: tuple[str, ...]
    emails: tuple[str, ...]
    phones: tuple[str, ...] = ()
    domains: bool = False


SEARCHED = {
    "account": Fields(
        names=("company_name", "legal_name"), codes=("account_code",), emails=("email",)
    ),
    "customer_profile": Fields(
        names=("first_name", "last_name", "display_name", "company_name"),
        person=("first_name", "last_name"),
        codes=("customer_code",),
        emails=("email", "alternate_emails"),
        phones=("phone", "alternate_phones"),
        domains=True,
    ),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A folded word, or the digits of a phone number, and its fields: one, or both names where the
    part is a full name."""

    fields: tuple[str, ...]
    way: Way
    text: str


def parts(kind: str, record: Mapping[str, Any]) -> Iterator[Part]:
    """Yields every part by which a record can be found."""
    fields = SEARCHED[kind]
    for name, value in _values(record, fields.names):
        yield from (Part((name,), "name", word) for word in [*_words(value), *_joined_words(value)])
    if fields.person:
        one, other = ("".join(_unspaced_words(record.get(name))) for name in fields.person)
        if one and other:
            yield Part(fields.person, "name", one + other)
            yield Part(fields.person, "name", other + one)
    for name, value in _values(record, fields.codes):
        yield from (Part((name,), "code", word) for word in _words(value))
    for name, value in _values(record, fields.emails):
        local, _, domain = value.rpartition("@")
        for text in [local, domain] if fields.domains else [local]:
            yield from (Part((name,), "email", word) for word in _words(text))
    for name, value in _values(record, fields.phones):
        yield Part((name,), "phone", re.sub(r"\D", "", value))


def matched_fields(kind: str, record: Mapping[str, Any], query: Query) -> list[str]:
    """Returns the fields in which a current record matches the query; none where a term does not
    match."""
    fields: dict[str, None] = {}
    searched = list(parts(kind, record))
    for term in query:
        hits = [name for reading in term.readings for name in _hits(searched, reading)]
        if not hits:
            return []
        fields.update(dict.fromkeys(hits))
    return list(fields)


def _hits(searched: list[Part], reading: tuple[Word | Number, ...]) -> list[str]:
    found: list[str] = []
    for asked in reading:
        matching = [part for part in searched if _matches(part, asked)]
        if not matching:
            return []
        # A full name counts only if no single name matches.
        matching = [part for part in matching if len(part.fields) == 1] or matching
        found += [name for part in matching for name in part.fields]
    return found


def _matches(part: Part, asked: Word | Number) -> bool:
    if isinstance(asked, Number):
        begins = part.text.startswith(asked.beginnings)
        ends = asked.end != "" and part.text.endswith(asked.end)
        return part.way == "phone" and (begins or ends)
    if part.way == "phone":
        return False
    if asked.whole:
        return part.text == asked.text
    if is_unspaced(asked.text[0]):
        return part.text.startswith(asked.text) or (len(asked.text) > 1 and asked.text in part.text)
    inner = part.way == "name" and len(asked.text) >= INNER
    return part.text.startswith(asked.text) or (inner and asked.text in part.text)


# ---------------------------------------------------------------- the words of a value


def _values(record: Mapping[str, Any], names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        value = record.get(name)
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, str) and one:
                yield name, one


def _words(value: str) -> Iterator[str]:
    """Yields the words, and the pieces of each that has an apostrophe or hyphen."""
    for word in compounds(value):
        yield from word
        if len(word) > 1:
            yield "".join(word)


def _joined_words(value: str) -> Iterator[str]:
    """Yields adjacent words of a script without spaces as one word, because people may leave out
    the space between them. Two words may be a full name, so both orders count."""
    words = [piece for word in compounds(value) for piece in word]
    for unspaced, group in groupby(words, lambda word: is_unspaced(word[0])):
        run = list(group)
        if unspaced and len(run) > 1:
            yield "".join(run)
            if len(run) == 2:
                yield run[1] + run[0]


def _unspaced_words(value: str | None) -> Iterator[str]:
    for word in compounds(value or ""):
        yield from (piece for piece in word if is_unspaced(piece[0]))

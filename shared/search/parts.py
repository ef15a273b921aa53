"""What of a record is searched: its words and numbers, and how a query finds them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from shared.folding import compounds, is_unspaced
from shared.search.query import Number, Query, Word

INNER = 3
"""From how many letters on an inner part of a name finds it."""
Way = Literal["phone", "code", "name", "email"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Which attributes of a kind are searched, and as what; ``person`` are the two names that make
    a full one; ``domains`` whether the domain of an e-mail counts as well."""

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
    """A folded word, or the digits of a phone number, and the fields in which it stands: one, or
    both names where it is the full name."""

    fields: tuple[str, ...]
    way: Way
    text: str


def parts(kind: str, record: Mapping[str, Any]) -> Iterator[Part]:
    """Everything by which a record is found."""
    fields = SEARCHED[kind]
    for name, value in _values(record, fields.names):
        yield from (Part((name,), "name", word) for word in [*_words(value), *_runs(value)])
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
    """The fields in which a live record has what is asked for; none where a term is missing."""
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
    for wanted in reading:
        having = [part for part in searched if _has(part, wanted)]
        if not having:
            return []
        # The full name counts where neither of its halves has it alone.
        having = [part for part in having if len(part.fields) == 1] or having
        found += [name for part in having for name in part.fields]
    return found


def _has(part: Part, wanted: Word | Number) -> bool:
    if isinstance(wanted, Number):
        begins = part.text.startswith(wanted.beginnings)
        ends = wanted.end != "" and part.text.endswith(wanted.end)
        return part.way == "phone" and (begins or ends)
    if part.way == "phone":
        return False
    if wanted.whole:
        return part.text == wanted.text
    if is_unspaced(wanted.text[0]):
        return part.text.startswith(wanted.text) or (
            len(wanted.text) > 1 and wanted.text in part.text
        )
    inner = part.way == "name" and len(wanted.text) >= INNER
    return part.text.startswith(wanted.text) or (inner and wanted.text in part.text)


# ---------------------------------------------------------------- the words of a value


def _values(record: Mapping[str, Any], names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        value = record.get(name)
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, str) and one:
                yield name, one


def _words(value: str) -> Iterator[str]:
    """The words, and the pieces of each that has an apostrophe or hyphen."""
    for word in compounds(value):
        yield from word
        if len(word) > 1:
            yield "".join(word)


def _runs(value: str) -> Iterator[str]:
    """Words of a script without spaces that stand side by side, as one word: the space between them
    may be left out. Two of them are a full name, and may change places."""
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

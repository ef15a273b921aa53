"""The query of a search: every meaning that the typed text may have."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from shared.contact_points import phone_beginnings
from shared.errors import InvalidInput
from shared.folding import compounds, is_unspaced

PHONE_ENDS = (4, 5, 6, 7)
"""How many digits a query may have to match the end of a phone number."""
_DIGITS = range(3, 21)
"""How many digits a phone number, or the beginning of one, may have."""
_LIKE_A_NUMBER = re.compile(r"[\d()+./\u2010-\u2015\u2212-]+")


@dataclass(frozen=True, slots=True)
class Word:
    """A folded word, or the beginning or an inner part of one. ``whole``: it matches whole words
    only, because a single letter begins too many words."""

    text: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """Digits of a phone number: the possible beginnings, and the end."""

    beginnings: tuple[str, ...]
    end: str


@dataclass(frozen=True, slots=True)
class Term:
    """One condition of a query. A record matches if it has every part of at least one reading."""

    readings: tuple[tuple[Word | Number, ...], ...]


Query = tuple[Term, ...]


def asked(q: str, region: str | None) -> Query:
    """Returns the terms of ``q``. A record must match all of them. A word with an apostrophe or
    hyphen also matches without it. Digits may begin or end a phone number, or be a part of a code
    or name. ``region`` is the country of national numbers; None where no phones are searched."""
    pieces = [piece for word in compounds(q) for piece in word]
    if not pieces:
        raise InvalidInput.of("q", "must have a letter or a digit", "too-short")
    alone = all(len(piece) == 1 and not is_unspaced(piece) for piece in pieces)
    terms: list[Term] = []
    for digits, chunks in groupby(q.split(), _is_like_a_number):
        typed = " ".join(chunks)
        number = _number(typed, region) if digits and region is not None else None
        if number is None:
            terms += _words(typed, alone=alone)
        else:
            meant = tuple(Word(p, alone) for word in compounds(typed) for p in word)
            terms.append(Term(((number,), meant)))
    return tuple(terms)


def _words(typed: str, *, alone: bool) -> Iterator[Term]:
    for word in compounds(typed):
        pieces = tuple(Word(piece, alone) for piece in word)
        yield Term((pieces,) if len(word) == 1 else ((Word("".join(word)),), pieces))


def _number(typed: str, region: str) -> Number | None:
    text = _plain_digits(typed)
    digits = re.sub(r"\D", "", text)
    if len(digits) not in _DIGITS:
        return None
    end = digits if len(digits) in PHONE_ENDS and "+" not in text else ""
    beginnings = phone_beginnings(text, region)
    return Number(beginnings, end) if beginnings or end else None


def _is_like_a_number(chunk: str) -> bool:
    return _LIKE_A_NUMBER.fullmatch(_plain_digits(chunk)) is not None


def _plain_digits(text: str) -> str:
    """Returns the text with ASCII digits for the digits of every script, and with full-width signs
    made narrow."""
    return "".join(
        str(unicodedata.decimal(c)) if c.isdecimal() else c
        for c in unicodedata.normalize("NFKC", text)
    )

"""The tokens that a record is kept under, and those that find what a query asks for.

- ``p:`` the beginning of a word, of one of the lengths in ``PREFIXES``;
- ``w:`` a word of one letter;
- ``g:`` three letters from within a name;
- ``p:`` and ``n:`` of a word in a script without spaces: its first character, and each two that are
  neighbours;
- ``s:`` and ``e:`` how the digits of a phone number begin and end, of one of the lengths in
  ``PHONE_STARTS`` and ``PHONE_ENDS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from shared.folding import is_unspaced
from shared.search.parts import INNER, Part, parts
from shared.search.query import PHONE_ENDS, Number, Query, Term, Word

PREFIXES, PHONE_STARTS = (2, 3, 5, 8), (3, 4, 5, 7, 9)
VERSION = 2
"""One more with every change of what tokens records get. ``admin search rebuild`` makes the entries
of the version before again."""
MOST = 128
"""How many tokens a record may have."""
WORDS_LOOKED_UP = 8
_ORDER = ("phone", "code", "name", "email")
"""Which parts of a record come first. The last are dropped first where there are too many."""


def tokens(kind: str, record: Mapping[str, Any]) -> list[str]:
    """What a record is found by: at most ``MOST``. Where there are more, alternates are dropped
    first, then inner parts of names, then the beginnings of words, e-mails before names. All tokens
    of a word stand together, because a query asks for the longest."""
    own, inner, alternate = list[str](), list[str](), list[str]()
    for part in sorted(parts(kind, record), key=lambda part: _ORDER.index(part.way)):
        begins, within = _tokens(part)
        if part.fields[0].startswith("alternate"):
            alternate += begins + within
        else:
            own += begins
            inner += within
    return list(dict.fromkeys([*own, *inner, *alternate]))[:MOST]


def _tokens(part: Part) -> tuple[list[str], list[str]]:
    """The tokens of a part: by how it begins or ends, and by what is in it."""
    text = part.text
    if part.way == "phone":
        starts = [f"s:{text[:n]}" for n in PHONE_STARTS if len(text) >= n]
        return starts + [f"e:{text[-n:]}" for n in PHONE_ENDS if len(text) >= n], []
    if is_unspaced(text[0]):
        pairs = [f"n:{one}{other}" for one, other in pairwise(text)]
        return [f"p:{text[0]}", *pairs[:1]], pairs[1:]
    if len(text) == 1:
        return [f"w:{text}"], []
    begins = [f"p:{text[:n]}" for n in PREFIXES if len(text) >= n]
    places = range(1, len(text) - INNER + 1) if part.way == "name" else ()
    return begins, [f"g:{text[i : i + INNER]}" for i in places]


# ---------------------------------------------------------------- the tokens of a query


def narrowed(query: Query) -> list[list[str]]:
    """Sets of tokens, of each of which a record that matches must have at least one: those of the
    longest terms, which are the rarest."""
    longest = sorted(query, key=_length, reverse=True)
    return [tokens for term in longest for tokens in _sets(term)][:WORDS_LOOKED_UP]


def _length(term: Term) -> int:
    return max(sum(map(len, _texts(reading))) for reading in term.readings)


def _texts(reading: tuple[Word | Number, ...]) -> list[str]:
    return [part.text for part in reading if isinstance(part, Word)]


def _sets(term: Term) -> list[list[str]]:
    """The sets of a term: those of the reading that has the most, each together with what finds the
    other readings. None where one of the readings has none."""
    by_reading = sorted((_sets_of_reading(reading) for reading in term.readings), key=len)
    if not by_reading[0]:
        return []
    *others, most = by_reading
    beside = [token for sets in others for token in sets[0]]
    if any(isinstance(reading[0], Number) for reading in term.readings):
        # The pieces of a number are many for one that is typed in full, and one of them will do.
        most = most[:1]
    return [list(dict.fromkeys([*beside, *tokens])) for tokens in most]


def _sets_of_reading(reading: tuple[Word | Number, ...]) -> list[list[str]]:
    if isinstance(reading[0], Number):
        number = reading[0]
        starts = [
            f"s:{digits[: max(n for n in PHONE_STARTS if n <= len(digits))]}"
            for digits in number.beginnings
        ]
        return [starts + ([f"e:{number.end}"] if number.end else [])]
    words = sorted((part for part in reading if isinstance(part, Word)), key=lambda w: -len(w.text))
    return [tokens for word in words for tokens in _sets_of_word(word)]


def _sets_of_word(word: Word) -> list[list[str]]:
    text = word.text
    if is_unspaced(text[0]):
        # Of a long word two pairs are enough to make it rare.
        ends = (text[:2], text[-2:]) if len(text) > 1 else ()
        return [[f"n:{pair}"] for pair in dict.fromkeys(ends)] or [[f"p:{text}"]]
    if word.whole:
        return [[f"w:{text}"]]
    if len(text) == 1:
        return []
    begins = f"p:{text[: max(n for n in PREFIXES if n <= len(text))]}"
    return [[begins, f"g:{text[-INNER:]}"] if len(text) >= INNER else [begins]]

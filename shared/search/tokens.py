"""The tokens of a record, and the tokens that a query looks up.

- ``p:`` is the beginning of a word, in one of the lengths in ``PREFIXES``.
- ``w:`` is a word of one letter.
- ``g:`` is three letters from inside a name.
- In a script without spaces, ``p:`` is the first character of a word, and ``n:`` is two adjacent
  characters.
- ``s:`` and ``e:`` are the beginning and the end of the digits of a phone number, in one of the
  lengths in ``PHONE_STARTS`` and ``PHONE_ENDS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from shared.folding import is_unspaced
from shared.search.parts import INNER, Part, parts
from shared.search.query import PHONE_ENDS, Number, Query, Term, Word

PREFIXES, PHONE_STARTS = (2, 3, 5, 8), (3, 4, 5, 7, 9)
VERSION = 3
"""Increased with every change of the rules for tokens or traits. ``admin search rebuild`` then
rewrites the entries of older versions."""
MOST = 128
"""How many tokens a record may have: each is an item to be written."""
WORDS_LOOKED_UP = 8
"""How many sets of tokens a query looks up. The check of each hit covers the other words."""
_ORDER = ("phone", "code", "name", "email")
"""The order of the parts of a record. Where there are too many tokens, the last are dropped."""


def tokens(kind: str, record: Mapping[str, Any]) -> list[str]:
    """Returns the tokens of a record, at most ``MOST``. If there are more, alternates are dropped
    first, then inner parts of names, then beginnings of words, and e-mails before names. The tokens
    of a word stay together, because a query looks up the longest one."""
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
    """Returns the tokens of a part: those of its beginning and end, and those of its inside."""
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
    """Returns sets of tokens. A record that matches the query has at least one token of each set.
    The longest terms come first, because they match the fewest records."""
    longest = sorted(query, key=_length, reverse=True)
    return [tokens for term in longest for tokens in _sets(term)][:WORDS_LOOKED_UP]


def _length(term: Term) -> int:
    return max(sum(map(len, _texts(reading))) for reading in term.readings)


def _texts(reading: tuple[Word | Number, ...]) -> list[str]:
    return [part.text for part in reading if isinstance(part, Word)]


def _sets(term: Term) -> list[list[str]]:
    """Returns the sets of a term: those of the reading with the most sets, each together with the
    tokens of the other readings. Returns no sets where a reading has none, because that reading
    cannot be looked up."""
    by_reading = sorted((_sets_of_reading(reading) for reading in term.readings), key=len)
    if not by_reading[0]:
        return []
    *others, most = by_reading
    beside = [token for sets in others for token in sets[0]]
    if any(isinstance(reading[0], Number) for reading in term.readings):
        # A number that is typed in full has many pieces, and one of them is rare enough.
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
        # Two pairs of a long word are rare enough.
        ends = (text[:2], text[-2:]) if len(text) > 1 else ()
        return [[f"n:{pair}"] for pair in dict.fromkeys(ends)] or [[f"p:{text}"]]
    if word.whole:
        return [[f"w:{text}"]]
    if len(text) == 1:
        return []
    begins = f"p:{text[: max(n for n in PREFIXES if n <= len(text))]}"
    return [[begins, f"g:{text[-INNER:]}"] if len(text) >= INNER else [begins]]

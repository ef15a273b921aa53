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

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from shared.folding import is_unspaced
from shared.search.parts import INNER, Part, parts
from shared.search.query import PHONE_ENDS, Number, Query, Term, Word

PREFIXES, PHONE_STARTS = (2, 3, 5, 8), (3, 4, 5, 7, 9)
SIGNED_PREFIXES = tuple(range(PREFIXES[0], PREFIXES[-1] + 1))
"""The lengths in a signature, which has room for more: "mary" is the beginning of few words, "mar"
that of very many."""
VERSION = 4
"""Increased with every change of the rules for tokens or traits. ``admin search rebuild`` then
rewrites the entries of older versions."""
MOST = 128
"""How many tokens a record may have: each is an item to be written."""
MOST_SIGNED = 200
"""How many tokens a signature may have. With more an entry would cost two write units."""
WORDS_LOOKED_UP = 8
"""How many sets of tokens a query looks up. The check of each hit covers the other words."""
_ORDER = ("phone", "code", "name", "email")
"""The order of the parts of a record. Where there are too many tokens, the last are dropped."""


def tokens(kind: str, record: Mapping[str, Any]) -> list[str]:
    """Returns the tokens of a record, at most ``MOST``. If there are more, alternates are dropped
    first, then inner parts of names, then beginnings of words, and e-mails before names. The tokens
    of a word stay together, because a query looks up the longest one."""
    return _every_token(kind, record, PREFIXES)[:MOST]


def signed_tokens(kind: str, record: Mapping[str, Any]) -> list[str]:
    """Returns the tokens in the signature of a record: all of them, and more beginnings of words.
    Returns none where there are too many: without a signature the record itself is looked at."""
    every = _every_token(kind, record, SIGNED_PREFIXES)
    return every if len(every) <= MOST_SIGNED else []


def _every_token(kind: str, record: Mapping[str, Any], prefixes: tuple[int, ...]) -> list[str]:
    own, inner, alternate = list[str](), list[str](), list[str]()
    for part in sorted(parts(kind, record), key=lambda part: _ORDER.index(part.way)):
        begins, within = _tokens(part, prefixes)
        if part.fields[0].startswith("alternate"):
            alternate += begins + within
        else:
            own += begins
            inner += within
    return list(dict.fromkeys([*own, *inner, *alternate]))


def _tokens(part: Part, prefixes: tuple[int, ...]) -> tuple[list[str], list[str]]:
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
    begins = [f"p:{text[:n]}" for n in prefixes if len(text) >= n]
    places = range(1, len(text) - INNER + 1) if part.way == "name" else ()
    return begins, [f"g:{text[i : i + INNER]}" for i in places]


# ---------------------------------------------------------------- the tokens of a query


def narrowed(query: Query) -> list[list[str]]:
    """Returns sets of tokens. A record that matches the query has at least one token of each set.
    The longest terms come first, because they match the fewest records."""
    return _all_sets(query, _looked_up)[:WORDS_LOOKED_UP]


def signed(query: Query) -> list[list[str]]:
    """Returns sets of tokens of signatures, in the same way. They tell more records apart."""
    return _all_sets(query, _signed)[: 2 * WORDS_LOOKED_UP]


_OfWord = Callable[[str], list[list[str]]]
"""Returns the sets of a word that has spaces around it, and more than one letter."""


def _all_sets(query: Query, of_word: _OfWord) -> list[list[str]]:
    longest = sorted(query, key=_length, reverse=True)
    found = [tuple(tokens) for term in longest for tokens in _sets(term, of_word)]
    return [list(tokens) for tokens in dict.fromkeys(found)]


def _length(term: Term) -> int:
    return max(sum(map(len, _texts(reading))) for reading in term.readings)


def _texts(reading: tuple[Word | Number, ...]) -> list[str]:
    return [part.text for part in reading if isinstance(part, Word)]


def _sets(term: Term, of_word: _OfWord) -> list[list[str]]:
    """Returns the sets of a term: those of the reading with the most sets, each together with the
    tokens of the other readings. Returns no sets where a reading has none, because that reading
    cannot be looked up."""
    found = (_sets_of_reading(reading, of_word) for reading in term.readings)
    by_reading = sorted(found, key=len)
    if not by_reading[0]:
        return []
    *others, most = by_reading
    beside = [token for sets in others for token in sets[0]]
    if any(isinstance(reading[0], Number) for reading in term.readings):
        # A number that is typed in full has many pieces, and one of them is rare enough.
        most = most[:1]
    return [list(dict.fromkeys([*beside, *tokens])) for tokens in most]


def _sets_of_reading(reading: tuple[Word | Number, ...], of_word: _OfWord) -> list[list[str]]:
    if isinstance(reading[0], Number):
        number = reading[0]
        starts = [
            f"s:{digits[: max(n for n in PHONE_STARTS if n <= len(digits))]}"
            for digits in number.beginnings
        ]
        return [starts + ([f"e:{number.end}"] if number.end else [])]
    words = sorted((part for part in reading if isinstance(part, Word)), key=lambda w: -len(w.text))
    return [tokens for word in words for tokens in _sets_of_word(word, of_word)]


def _sets_of_word(word: Word, of_word: _OfWord) -> list[list[str]]:
    text = word.text
    if is_unspaced(text[0]):
        # Two pairs of a long word are rare enough.
        ends = (text[:2], text[-2:]) if len(text) > 1 else ()
        return [[f"n:{pair}"] for pair in dict.fromkeys(ends)] or [[f"p:{text}"]]
    if word.whole:
        return [[f"w:{text}"]]
    return [] if len(text) == 1 else of_word(text)


def _looked_up(text: str) -> list[list[str]]:
    # A word that has the text inside has its first letters inside. A word that begins with the text
    # has its last letters inside as well, and its entries would be read twice.
    inner = [f"g:{text[:INNER]}"] if len(text) >= INNER else []
    return [[_beginning(text, PREFIXES), *inner]]


def _signed(text: str) -> list[list[str]]:
    begins = _beginning(text, SIGNED_PREFIXES)
    if len(text) < INNER:
        return [[begins]]
    return [[begins, f"g:{inner}"] for inner in dict.fromkeys((text[:INNER], text[-INNER:]))]


def _beginning(text: str, lengths: tuple[int, ...]) -> str:
    return f"p:{text[: max(n for n in lengths if n <= len(text))]}"

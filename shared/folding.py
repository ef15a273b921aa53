"""Folding: names in the form in which they are compared, without case and accents.

Search and the search for duplicates use it. A letter of any Latin alphabet folds to its plain form.
The other alphabets keep their own letters, without accents. Scripts without spaces between words
keep their characters, because there a single character may be a word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

JOINER = "'"
"""Replaces each apostrophe and hyphen in a folded text, because people often leave them out."""

# Apostrophes, typed or typographic, as accents and modifier letters; the dot of Catalan; the minus.
_JOINERS = frozenset(
    "'`\u00b7\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u05f3\u2018\u2019\u201b\u2032\u2212\ua78b\ua78c"
)
# NFKC would turn this character into a space and an accent.
_ACUTE_ALONE = {0xB4: JOINER}
# The prefixes of the Unicode names of the characters of these scripts.
_UNSPACED = (
    "BOPOMOFO ",
    "CJK ",
    "HANGUL ",
    "HIRAGANA ",
    "IDEOGRAPHIC ",
    "KATAKANA",
    "KHMER ",
    "LAO ",
    "MYANMAR ",
    "THAI ",
    "YI ",
)
# Parts of the Unicode names of characters that only change how others are drawn.
_DRAWN = ("VARIATION SELECTOR", "COMBINING GRAPHEME JOINER", "ARABIC TATWEEL", "HANGUL JUNGSEONG F")


@lru_cache(maxsize=4096)
def is_unspaced(character: str) -> bool:
    """Returns whether the character belongs to a script that writes no spaces between words (Han,
    Kana, Hangul, Thai and similar ones)."""
    named = unicodedata.name(character, "").startswith(_UNSPACED)
    return named and unicodedata.category(character)[0] in "LMN" and not character.isdecimal()


def fold(text: str) -> str:
    """Returns the text in plain small letters, with one space between words and ``JOINER`` between
    the pieces of a word."""
    compatible = unicodedata.normalize("NFKC", text.translate(_ACUTE_ALONE)).casefold()
    folded: list[str] = []
    unspaced = False
    # Twice NFKC: casefolding may produce characters that are not normalized.
    for character in unicodedata.normalize("NFKC", compatible):
        plain = _plain(character)
        if plain and is_unspaced(plain[0]) != unspaced:
            # A word ends where the kind of script changes.
            unspaced = not unspaced
            folded.append(" ")
        folded.append(plain)
    return " ".join("".join(folded).split())


def compounds(text: str) -> Iterator[tuple[str, ...]]:
    """Yields the folded words of a text, each as the pieces between its apostrophes and hyphens:
    ``O'Brien`` is (o, brien). In a script without spaces each piece is a word of its own."""
    for word in fold(text).split():
        pieces = tuple(piece for piece in word.split(JOINER) if piece)
        if pieces and is_unspaced(pieces[0][0]):
            yield from ((piece,) for piece in pieces)
        elif pieces:
            yield pieces


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    """Returns the folded form of one character: letters, digits, ``JOINER``, nothing, or a space
    for everything else."""
    category = unicodedata.category(character)
    if character in _JOINERS or category == "Pd":
        return JOINER
    if category in ("Cf", "Me") or any(n in unicodedata.name(character, "") for n in _DRAWN):
        return ""
    if is_unspaced(character):
        return character
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category[0] not in "LMN":
        return " "
    bare = "".join(
        part for part in unicodedata.normalize("NFD", character) if not unicodedata.combining(part)
    )
    return bare if bare.isascii() else "".join(_latin(letter) for letter in bare)


def _latin(letter: str) -> str:
    """Returns the plain letters for a letter of a Latin alphabet, and any other letter as it is."""
    if not unicodedata.name(letter, "").startswith("LATIN "):
        return letter
    # Imported late, because most names have no such letter.
    from anyascii import anyascii

    return "".join(c for c in anyascii(letter).lower() if c.isalnum()) or letter

"""Names as they are compared: without case, accents and the letters of one language only.

Search and the look for duplicates stand on it. A letter of any Latin alphabet folds to its plain
form; the other alphabets keep their own letters, without accents. Scripts that write no spaces keep
their characters as they are, because there a character is as much as a word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

JOINER = "'"
"""Stands in a folded text for each apostrophe and hyphen: people leave them out."""

# Apostrophes, typed or typographic, as accents and modifier letters; the dot of Catalan; the minus.
_JOINERS = frozenset(
    "'`\u00b7\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u05f3\u2018\u2019\u201b\u2032\u2212\ua78b\ua78c"
)
# What the compatibility forms would take apart into a space and an accent.
_ACUTE_ALONE = {0xB4: JOINER}
# The beginnings of the names by which Unicode knows the characters of these scripts.
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
# Parts of the names of what says how characters are drawn, not which they are.
_DRAWN = ("VARIATION SELECTOR", "COMBINING GRAPHEME JOINER", "ARABIC TATWEEL", "HANGUL JUNGSEONG F")


@lru_cache(maxsize=4096)
def is_unspaced(character: str) -> bool:
    """Whether the character belongs to a script that writes words without spaces between them
    (Han, Kana, Hangul, Thai and their like)."""
    named = unicodedata.name(character, "").startswith(_UNSPACED)
    return named and unicodedata.category(character)[0] in "LMN" and not character.isdecimal()


def fold(text: str) -> str:
    """The text in plain small letters: words with one space between them, and ``JOINER`` between
    the pieces of a word."""
    compatible = unicodedata.normalize("NFKC", text.translate(_ACUTE_ALONE)).casefold()
    folded: list[str] = []
    unspaced = False
    for character in unicodedata.normalize("NFKC", compatible):
        plain = _plain(character)
        if plain and is_unspaced(plain[0]) != unspaced:
            # Where the script changes, a word ends.
            unspaced = not unspaced
            folded.append(" ")
        folded.append(plain)
    return " ".join("".join(folded).split())


def compounds(text: str) -> Iterator[tuple[str, ...]]:
    """The folded words of a text, each as the pieces that apostrophes and hyphens make of it:
    ``O'Brien`` is (o, brien). In a script without spaces each piece is a word."""
    for word in fold(text).split():
        pieces = tuple(piece for piece in word.split(JOINER) if piece)
        if pieces and is_unspaced(pieces[0][0]):
            yield from ((piece,) for piece in pieces)
        elif pieces:
            yield pieces


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    """What is left of one character: letters, digits, ``JOINER``, nothing, or else a space."""
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
    """The plain letters for one of a Latin alphabet; any other letter as it is."""
    if not unicodedata.name(letter, "").startswith("LATIN "):
        return letter
    # Imported at the first letter that needs it: most names do not.
    from anyascii import anyascii

    return "".join(c for c in anyascii(letter).lower() if c.isalnum()) or letter

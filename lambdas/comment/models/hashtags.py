"""The form of a hashtag, which requests check and rules look for in a body."""

from __future__ import annotations

import unicodedata

TAG_LENGTH = 64


def normal_hashtag(text: str) -> str | None:
    """Returns a hashtag in the form in which it is stored and compared: in lower case and without
    the ``#``. Returns None where it is none: it has letters, digits, ``_`` and ``-``, and at least
    one letter, so that ``#1`` is a number."""
    tag = unicodedata.normalize("NFC", text.strip().removeprefix("#").lower())
    right = 1 <= len(tag) <= TAG_LENGTH and all(is_of_hashtag(c) for c in tag)
    return tag if right and any(unicodedata.category(c)[0] == "L" for c in tag) else None


def is_of_hashtag(character: str) -> bool:
    """Returns whether a hashtag may have this character. Marks are parts of letters: some scripts
    cannot be written without them."""
    return character in "_-" or unicodedata.category(character)[0] in "LMN"

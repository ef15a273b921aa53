"""What a card's code looks like. Pure, and no code is stored anywhere.

A code of our making has 16 characters that carry 80 random bits, and one that checks them.
"""

from __future__ import annotations

from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is easily taken for a digit, and no U."""
LENGTH = 16
CHECK_MODULUS = 37
"""A prime above 32: the check finds one wrong character, and two neighbours that were exchanged."""
_LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})


def folded(code: str) -> str:
    """Returns the one form that a code is found under, whichever look-alike was typed. Imported
    codes are folded too, so two that differ in look-alikes only are one."""
    return code.translate(_LOOK_ALIKES)


def made_from(number: Callable[[int], int]) -> str:
    """Returns the code of the first of the 80-bit numbers ``number(0), number(1), …`` whose check
    value is a character of the alphabet. The scheme has five more check symbols, but no till's
    keypad has them."""
    tried = 0
    while (found := number(tried)) % CHECK_MODULUS >= len(ALPHABET):
        tried += 1
    text = "".join(ALPHABET[found >> shift & 31] for shift in range(5 * (LENGTH - 1), -1, -5))
    return text + ALPHABET[found % CHECK_MODULUS]


def is_made(code: str) -> bool:
    """Whether a code, in any spelling, is one of our making: by its length and its check."""
    return _has_made_form(code) and _checks(code)


def is_mistyped(code: str) -> bool:
    """Whether a code has the form of ours, but its check fails: no card can have it."""
    return _has_made_form(code) and not _checks(code)


def in_fours(code: str) -> str:
    """Returns a code as answers show it. One of ours has its own characters, whichever look-alikes
    were typed. Another's stays as it was typed, because only its maker knows its own."""
    code = folded(code) if is_made(code) else code
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def _has_made_form(code: str) -> bool:
    return len(code) == LENGTH + 1 and set(folded(code)) <= set(ALPHABET)


def _checks(code: str) -> bool:
    number = 0
    for letter in folded(code)[:LENGTH]:
        number = number << 5 | ALPHABET.index(letter)
    return number % CHECK_MODULUS == ALPHABET.index(folded(code)[LENGTH])

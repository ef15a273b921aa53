"""Codes and expiry, without a database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.giftcard import codes, rules
from shared.errors import InvalidInput, RateLimited

NOW = datetime(2028, 2, 29, 12, tzinfo=UTC)


def checks(code: str) -> bool:
    """Whether a code's last character is the check value of the sixteen before it."""
    number = 0
    for letter in code[:-1]:
        number = number * 32 + codes.ALPHABET.index(letter)
    return number % 37 == codes.ALPHABET.index(code[-1])


@given(st.lists(st.integers(0, 2**80 - 1), min_size=60, max_size=60))
def test_a_code_is_sixteen_characters_and_one_that_checks_them(numbers: list[int]) -> None:
    usable = [n for n in numbers if n % 37 < 32]
    if not usable:
        return
    code = codes.made_from(lambda tried: numbers[tried])
    assert len(code) == 17
    assert set(code) <= set(codes.ALPHABET)
    assert checks(code)
    assert (codes.is_made(code), codes.is_mistyped(code)) == (True, False)
    for at in range(17):
        other = codes.ALPHABET[(codes.ALPHABET.index(code[at]) + 1) % 32]
        wrong = code[:at] + other + code[at + 1 :]
        assert not checks(wrong), "a wrong character goes unnoticed"
        assert (codes.is_made(wrong), codes.is_mistyped(wrong)) == (False, True)
    for at in range(15):
        if code[at] != code[at + 1]:
            swapped = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
            assert codes.is_mistyped(swapped), "two exchanged characters go unnoticed"


def test_only_a_code_of_our_form_can_be_mistyped() -> None:
    right = "7K3M9QWX2VBN4RTZ"
    (check,) = (c for c in codes.ALPHABET if checks(right + c))
    wrong = "A" if check != "A" else "B"
    assert codes.is_mistyped(right + wrong)
    # Another length, or a character that ours never have: it may be an imported card's.
    for code in (right, right + wrong + "0", "U" + right[1:] + wrong, "?" * 17, "", "é" * 17):
        assert (codes.is_made(code), codes.is_mistyped(code)) == (False, False)
    spelled = "OIL" + "0" * 13
    (check,) = (c for c in codes.ALPHABET if checks(codes.folded(spelled) + c))
    assert codes.is_made(spelled + check)
    assert codes.is_mistyped(spelled + ("A" if check != "A" else "B"))


def test_look_alikes_are_one_and_codes_are_shown_in_fours() -> None:
    assert codes.folded("OIL0-1") == "0110-1"
    code = codes.made_from(lambda tried: 37 * 2**40 + 10 + tried)
    assert codes.is_made(code)
    shown = codes.in_fours(code)
    assert [len(group) for group in shown.split("-")] == [4, 4, 4, 4, 1]
    # Ours is shown in its own letters; of another's only who bears it knows them.
    assert codes.in_fours(code.replace("0", "O").replace("1", "L")) == shown
    assert not codes.is_made(code[:-1] + ("A" if code[-1] != "A" else "B"))
    assert codes.in_fours("GOLD00420042") == "GOLD-0042-0042"


def test_bought_value_lasts_five_years_and_a_gift_at_least_a_moment() -> None:
    rules.ensure_expiry(None, NOW, promotional=False)
    rules.ensure_expiry(datetime(2033, 2, 28, 12, tzinfo=UTC), NOW, promotional=False)
    soon = datetime(2033, 2, 28, 11, 59, tzinfo=UTC)
    rules.ensure_expiry(soon, NOW, promotional=True)
    with pytest.raises(InvalidInput):
        rules.ensure_expiry(soon, NOW, promotional=False)
    with pytest.raises(InvalidInput):
        rules.ensure_expiry(NOW, NOW, promotional=True)


def test_a_wait_is_told_in_whole_seconds_and_is_long_enough() -> None:
    begun = NOW.replace(microsecond=500_000)
    rules.ensure_not_guessing((begun,) * 19, 20, begun)
    with pytest.raises(RateLimited) as refused:
        rules.ensure_not_guessing((begun,) * 20, 20, NOW.replace(minute=9, second=59))
    assert refused.value.headers["Retry-After"] == "2"
    rules.ensure_not_guessing((begun,) * 20, 20, NOW.replace(minute=10, second=1))
    # With a lower limit the latest codes count, with a higher one the same codes are too few.
    later = begun.replace(minute=5)
    with pytest.raises(RateLimited) as refused:
        rules.ensure_not_guessing((begun, later, later), 2, later)
    assert refused.value.headers["Retry-After"] == "600"
    rules.ensure_not_guessing((begun,) * 20, 21, begun)

"""Codes and expiry, without a database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.giftcard import rules
from shared.errors import InvalidInput, RateLimited

NOW = datetime(2028, 2, 29, 12, tzinfo=UTC)


def checks(code: str) -> bool:
    """Whether a code's last character is the check value of the sixteen before it."""
    number = 0
    for letter in code[:-1]:
        number = number * 32 + rules.ALPHABET.index(letter)
    return number % 37 == rules.ALPHABET.index(code[-1])


@given(st.lists(st.integers(0, 2**80 - 1), min_size=60, max_size=60))
def test_a_code_is_sixteen_characters_and_one_that_checks_them(numbers: list[int]) -> None:
    usable = [n for n in numbers if n % 37 < 32]
    if not usable:
        return
    code = rules.code_of(lambda tried: numbers[tried])
    assert len(code) == 17
    assert set(code) <= set(rules.ALPHABET)
    assert checks(code)
    for at in range(17):
        other = rules.ALPHABET[(rules.ALPHABET.index(code[at]) + 1) % 32]
        assert not checks(code[:at] + other + code[at + 1 :]), "a wrong character goes unnoticed"
    for at in range(15):
        if code[at] != code[at + 1]:
            swapped = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
            assert not checks(swapped), "two exchanged characters go unnoticed"


def test_look_alikes_are_one_and_codes_are_shown_in_fours() -> None:
    assert rules.folded("OIL0-1") == "0110-1"
    code = rules.code_of(lambda tried: 37 * 2**40 + 10 + tried)
    assert rules.is_made(code)
    shown = rules.in_fours(code)
    assert [len(group) for group in shown.split("-")] == [4, 4, 4, 4, 1]
    # Ours is shown in its own letters; of another's only who bears it knows them.
    assert rules.in_fours(code.replace("0", "O").replace("1", "L")) == shown
    assert not rules.is_made(code[:-1] + ("A" if code[-1] != "A" else "B"))
    assert rules.in_fours("GOLD00420042") == "GOLD-0042-0042"


def test_bought_value_lasts_five_years_and_a_gift_at_least_a_moment() -> None:
    rules.may_expire(None, NOW, promotional=False)
    rules.may_expire(datetime(2033, 2, 28, 12, tzinfo=UTC), NOW, promotional=False)
    soon = datetime(2033, 2, 28, 11, 59, tzinfo=UTC)
    rules.may_expire(soon, NOW, promotional=True)
    with pytest.raises(InvalidInput):
        rules.may_expire(soon, NOW, promotional=False)
    with pytest.raises(InvalidInput):
        rules.may_expire(NOW, NOW, promotional=True)


def test_a_wait_is_told_in_whole_seconds_and_is_long_enough() -> None:
    begun = NOW.replace(microsecond=500_000)
    rules.not_guessing((begun,) * 19, begun)
    with pytest.raises(RateLimited) as refused:
        rules.not_guessing((begun,) * 20, NOW.replace(minute=9, second=59))
    assert refused.value.headers["Retry-After"] == "2"
    rules.not_guessing((begun,) * 20, NOW.replace(minute=10, second=1))

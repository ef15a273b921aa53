"""Policies and quotes: what is in force, and what a sale is worth to the last fraction."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.loyalty.models.records import Line, Multiplier, PolicyRecord
from lambdas.loyalty.rules.policy import (
    drafted,
    ensure_not_back_dated,
    ensure_repeated,
    expires_at,
    in_force,
    rounded,
)
from lambdas.loyalty.rules.quote import Sale
from shared.errors import AlreadyExists, InvalidInput
from shared.fields import Money
from tests.lambdas.loyalty.shelf import START, again, at, policy, priced

GIVEN: dict[str, Any] = {
    "earn_policy": {"points_per_unit": Decimal("1.5")},
    "redeem_policy": {"mode": "per_point"},
}


def sale(amount: int, *lines: Line, channel: str | None = None) -> Sale:
    return Sale(amount=Money("EUR", amount), lines=lines, channel_code=channel)


def points(terms: PolicyRecord, sold: Sale) -> int:
    return priced(terms, sold, START).points


# ---------------------------------------------------------------- versions


def test_the_defaults_are_one_major_unit_and_a_hundred_points_for_it() -> None:
    for currency, major in (("EUR", 100), ("JPY", 1), ("KWD", 1000)):
        made = drafted(GIVEN, currency, START)
        assert made.earn_policy.unit_minor == major
        assert made.redeem_policy.point_value.money == Money(currency, major)
        assert made.redeem_policy.point_value.points == 100
        assert made.policy_version == "", "the name is still open"
        assert made.effective_from == START
        assert again(made) == made


def test_the_newest_version_of_the_channel_is_in_force_else_the_default() -> None:
    old = policy(policy_version="old")
    new = replace(old, policy_version="new", effective_from=at(5), revision=2)
    twin = replace(new, policy_version="twin", revision=3)
    web = replace(old, policy_version="web", channel_code="web", effective_from=at(7))
    versions = [twin, old, web, new]
    cases = [(at(4), None, "old"), (at(5), None, "twin"), (at(6), "web", "twin")]
    cases += [(at(7), "web", "web"), (at(9), "till", "twin")]
    for moment, channel, name in cases:
        found = in_force(versions, moment, channel)
        assert found is not None
        assert found.policy_version == name
    assert in_force(versions, at(-9999), None) is None
    assert in_force([web], at(9), None) is None


def test_a_version_set_again_repeats_and_another_of_its_name_is_refused() -> None:
    first = drafted({**GIVEN, "policy_version": "v1"}, "EUR", START)
    same = drafted({**GIVEN, "policy_version": "V1"}, "EUR", at(1))
    ensure_repeated(first, same, dated=False)
    other = replace(same, earn_policy=replace(same.earn_policy, pending_days=3))
    for draft, dated in ((other, False), (same, True)):
        with pytest.raises(AlreadyExists):
            ensure_repeated(first, draft, dated=dated)


def test_a_version_does_not_begin_in_the_past() -> None:
    late = drafted({**GIVEN, "effective_from": at(1)}, "EUR", START)
    ensure_not_back_dated(late, at(1))
    with pytest.raises(InvalidInput) as refused:
        ensure_not_back_dated(late, at(1.001))
    assert refused.value.minor[0].field == "policy.effective_from"


# ---------------------------------------------------------------- dates


@pytest.mark.parametrize(
    ("sold", "months", "ends"),
    [
        (datetime(2026, 1, 31, 23, 59, tzinfo=UTC), 0, datetime(2026, 2, 1, tzinfo=UTC)),
        (datetime(2026, 1, 31, tzinfo=UTC), 1, datetime(2026, 3, 1, tzinfo=UTC)),
        (datetime(2026, 11, 5, tzinfo=UTC), 1, datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2026, 12, 5, tzinfo=UTC), 0, datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2024, 2, 29, tzinfo=UTC), 12, datetime(2025, 3, 1, tzinfo=UTC)),
        (datetime(2026, 6, 30, tzinfo=UTC), 36, datetime(2029, 7, 1, tzinfo=UTC)),
    ],
)
def test_the_end_of_a_month_is_the_start_of_the_next(
    sold: datetime, months: int, ends: datetime
) -> None:
    terms = policy(expiry={"mode": "month_end", "months": months})
    assert expires_at(terms.expiry_policy, sold, UTC) == ends


def test_dates_count_from_the_sale() -> None:
    terms = policy(earn={"pending_days": 14}, expiry={"mode": "days", "days": 365})
    (lot,) = priced(terms, sale(100), at(3)).lots
    assert (lot.available_from, lot.expires_at) == (at(17), at(382))
    (forever,) = priced(policy(), sale(100), at(3)).lots
    assert (forever.available_from, forever.expires_at) == (at(3), None)
    with pytest.raises(InvalidInput):
        priced(terms, sale(100), datetime(9500, 1, 1, tzinfo=UTC))


# ---------------------------------------------------------------- points


def test_three_points_for_two_euros_round_once() -> None:
    terms = policy(earn={"points_per_unit": Decimal(3), "unit_minor": 200})
    by_rounding = {
        rounding: points(
            replace(terms, earn_policy=replace(terms.earn_policy, rounding=rounding)), sale(1001)
        )
        for rounding in ("floor", "half_up", "ceil")
    }
    assert by_rounding == {"floor": 15, "half_up": 15, "ceil": 16}


def test_halves_round_up_and_nothing_else_does() -> None:
    assert [rounded(Fraction(n, 4), "half_up") for n in range(8)] == [0, 0, 1, 1, 1, 1, 2, 2]
    assert [rounded(Fraction(n, 4), "ceil") for n in range(5)] == [0, 1, 1, 1, 1]
    assert [rounded(Fraction(n, 4), "floor") for n in range(5)] == [0, 0, 0, 0, 1]


def test_all_multipliers_that_match_multiply_and_the_sum_is_rounded_once() -> None:
    terms = policy(
        earn={
            "unit_minor": 100,
            "multipliers": (
                Multiplier(kind="sku", id="A", factor=Decimal("1.5")),
                Multiplier(kind="category", id="wine", factor=Decimal(2)),
                Multiplier(kind="channel", id="web", factor=Decimal("1.1")),
            ),
        }
    )
    lines = (
        Line(amount=333, sku="A", category="wine"),
        Line(amount=333, sku="A"),
        Line(amount=333, category="wine"),
        Line(amount=333, sku="B"),
        Line(amount=10_000, sku="A", eligible=False),
    )
    exact = Fraction(333) * (3 + Fraction(3, 2) + 2 + 1) / 100
    assert points(terms, sale(20_000, *lines)) == rounded(exact, "floor") == 24
    web = sale(20_000, *lines, channel="web")
    assert points(terms, web) == rounded(exact * Fraction(11, 10), "floor") == 27
    assert points(terms, sale(20_000, channel="web")) == 220


def test_with_lines_only_the_lines_earn() -> None:
    terms = policy()
    assert points(terms, sale(100, Line(amount=60), Line(amount=10, eligible=False))) == 60
    assert points(terms, sale(100, Line(amount=100))) == 100


def test_the_least_amount_and_the_most_points_bound_an_order() -> None:
    terms = policy(earn={"min_amount_minor": 50, "max_points": 80})
    earned = [points(terms, sale(minor)) for minor in (0, 49, 50, 80, 81, 9999)]
    assert earned == [0, 0, 50, 80, 80, 80]


def test_a_number_of_points_beyond_counting_is_refused() -> None:
    with pytest.raises(InvalidInput):
        points(policy(earn={"points_per_unit": Decimal(2)}), sale(2**53 - 1))


@given(st.integers(0, 10**9), st.decimals(0, 99, places=6), st.integers(1, 10**4))
def test_points_are_the_exact_product_rounded_once(amount: int, rate: Decimal, unit: int) -> None:
    terms = policy(earn={"points_per_unit": rate, "unit_minor": unit})
    exact = Fraction(amount) * Fraction(rate) / unit
    assert points(terms, sale(amount)) == exact.numerator // exact.denominator


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=9), st.data())
def test_more_money_never_earns_less(amounts: list[int], data: st.DataObject) -> None:
    terms = policy(
        earn={
            "points_per_unit": data.draw(st.decimals(0, 9, places=2)),
            "unit_minor": data.draw(st.integers(1, 300)),
            "rounding": data.draw(st.sampled_from(["floor", "half_up", "ceil"])),
            "min_amount_minor": data.draw(st.integers(0, 1000)),
        }
    )
    earned = [points(terms, sale(amount)) for amount in sorted(amounts)]
    assert earned == sorted(earned)


# ---------------------------------------------------------------- quotes


def test_a_quote_hash_changes_with_whatever_changes_the_grant() -> None:
    terms = policy(expiry={"mode": "days", "days": 30})
    sold = sale(100, Line(amount=50, sku="A"), channel="web")
    first = priced(terms, sold, START).quote_hash
    others = [
        (replace(terms, policy_version="v2"), sold),
        (terms, sale(101, Line(amount=50, sku="A"), channel="web")),
        (terms, sale(100, Line(amount=51, sku="A"), channel="web")),
        (terms, sale(100, Line(amount=50, sku="B"), channel="web")),
        (terms, sale(100, Line(amount=50, category="A"), channel="web")),
        (terms, sale(100, Line(amount=50, sku="A", eligible=False), channel="web")),
        (terms, sale(100, Line(amount=50, sku="A"))),
    ]
    hashes = {priced(version, other, START).quote_hash for version, other in others}
    assert len(hashes) == len(others)
    assert first not in hashes
    later = priced(terms, sold, START + timedelta(hours=30))
    assert later.quote_hash == first


def test_a_quote_says_in_words_how_it_came_about() -> None:
    terms = policy(
        earn={
            "points_per_unit": Decimal(3),
            "unit_minor": 200,
            "pending_days": 14,
            "max_points": 12,
        },
        expiry={"mode": "days", "days": 365},
    )
    assert priced(terms, sale(1001), START).explanation == (
        "3 points per 2.00 EUR make 15.015 points.",
        "Rounded down: 15 points.",
        "At most 12 points per order.",
        "The points are pending for 14 days.",
        "The points expire 365 days after they become available.",
    )
    small = policy(earn={"min_amount_minor": 5000})
    assert priced(small, sale(1001), START).explanation == (
        "10.01 EUR is below the least amount that earns, 50.00 EUR.",
    )
    doubled = policy(
        earn={"multipliers": (Multiplier(kind="channel", id="web", factor=Decimal("0.333333")),)}
    )
    said = priced(doubled, sale(1, channel="web"), START).explanation
    assert said[0] == "The channel counts 0.333333 times."
    lines = priced(doubled, sale(9, Line(amount=3), Line(amount=4, eligible=False)), START)
    assert lines.explanation[:2] == (
        "0.03 EUR of the lines is eligible.",
        "With multipliers that counts as 3 minor units.",
    )


def test_a_shown_quote_is_plain_and_leaves_out_what_is_absent() -> None:
    shown = priced(policy(), sale(100), START).shown()
    assert shown["lots"] == [{"available_from": "2026-01-01T00:00:00Z", "points": 100}]
    assert shown["amount"] == {"currency": "EUR", "amount": 100}
    assert set(shown) == {
        "points",
        "amount",
        "policy_version",
        "rounding",
        "lots",
        "explanation",
        "quote_hash",
    }

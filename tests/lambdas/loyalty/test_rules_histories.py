"""Random histories: the rules, in pages and in the ledger's fold, against a second opinion."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.loyalty.rules import earning, spending
from lambdas.loyalty.rules.decision import Decision
from lambdas.loyalty.rules.earning import EarnOrder, Reversal
from lambdas.loyalty.rules.quote import Sale
from lambdas.loyalty.rules.spending import RedeemOrder, Restoration
from shared.fields import Money
from shared.ledger import Holdings
from tests.lambdas.loyalty.game import ONE, TWO, Game
from tests.lambdas.loyalty.shelf import START, policy, priced, stamp


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages and directories so small that a short history fills many."""
    monkeypatch.setattr("shared.ledger.pages.LOTS", 3)
    monkeypatch.setattr("shared.ledger.pages.WORTH_A_PAGE", 2)
    monkeypatch.setattr("shared.ledger.pages.ENTRIES", 4)
    monkeypatch.setattr("shared.ledger.pages.SEGMENT", 3)


Step = tuple[str, int, int, int]
"""A move, its amount, its kind, and the hours before it."""

# Chance alone seldom comes to the deep corners: a redemption, then debt, then lots that repay it;
# or many pending lots that fall due while there is debt.
OPENINGS: list[list[Step]] = [
    [],
    [("adjust", 20, kind, 0) for kind in (1, 3, 5, 7, 9, 11)],
    [
        *[("adjust", 12, kind, 0) for kind in (1, 3, 5, 7, 9)],
        ("redeem", 45, 0, 8),
        ("adjust", 60, 4, 8),
        *[("earn", 9, 1, hours) for hours in (7, 0, 8, 0, 9, 0)],
        ("restore", 15, 0, 30),
    ],
    [
        *[("earn", 8, 1, hours) for hours in (0, 7, 0, 8, 0, 9, 0)],
        ("adjust", 30, 4, 0),
        ("expire", 1, 0, 30),
    ],
    [
        *[("earn", 25, 2, 0) for _ in range(3)],
        ("redeem", 60, 0, 30),
        ("reverse", 25, 0, 0),
        ("reverse", 25, 1, 0),
        *[("earn", 11, 1, 7) for _ in range(5)],
        ("restore", 35, 0, 30),
    ],
    # Lots that expire with and without what was spent of them, swept and not; then refunds.
    [
        *[("earn", 30, 1, 0) for _ in range(3)],
        ("redeem", 40, 0, 7),
        ("adjust", 50, 1, 0),
        ("expire", 1, 0, 30),
        ("earn", 20, 1, 30),
        ("earn", 15, 0, 30),
        ("reverse", 10, 2, 30),
        ("expire", 1, 0, 30),
        ("restore", 12, 0, 0),
        *[("reverse", 18, kind, 0) for kind in range(5)],
    ],
]
MOVES = ["earn", "earn", "redeem", "redeem", "restore", "repeat", "reverse", "adjust", "expire"]
moves = st.builds(
    list.__add__,
    st.sampled_from(OPENINGS),
    st.lists(
        st.tuples(
            st.sampled_from(MOVES), st.integers(1, 60), st.integers(0, 11), st.integers(0, 30)
        ),
        min_size=2,
        max_size=16,
    ),
)
kinds_of_policy = st.fixed_dictionaries(
    {
        "earn": st.fixed_dictionaries(
            {
                "pending_days": st.sampled_from([0, 0, 1]),
                "min_amount_minor": st.sampled_from([0, 5]),
            }
        ),
        "expiry": st.sampled_from([{}, {"mode": "days", "days": 1}, {"mode": "days", "days": 3}]),
        "reversal": st.fixed_dictionaries(
            {
                "shortfall": st.sampled_from(["any_lot", "own_lot"]),
                "uncollected": st.sampled_from(["debt", "debt", "write_off", "reject"]),
            }
        ),
        "restore": st.sampled_from([{}, {"expired": "grace", "grace_days": 2}]),
    }
)
QUICK = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def play(game: Game, who: Iterator[str], steps: list[Step]) -> None:
    for move, amount, kind, hours in steps:
        # Several things at one instant are the harder case.
        if hours > 6 or len(game.players) == 2:
            game.pass_time(hours)
        getattr(game, move)(next(who), amount, kind)
        game.judge()


def _game(parts: dict[str, Any]) -> Game:
    grace = parts["restore"].get("grace_days")
    return Game(policy(**parts), None if grace is None else timedelta(days=grace))


def _always(who: str) -> Iterator[str]:
    while True:
        yield who


@QUICK
@given(kinds_of_policy, moves)
def test_every_history_agrees_with_the_second_opinion(
    parts: dict[str, Any], steps: list[Step]
) -> None:
    game = _game(parts)
    game.players.pop(TWO)
    play(game, _always(ONE), steps)


@QUICK
@given(kinds_of_policy, moves, st.lists(st.sampled_from([ONE, TWO]), min_size=32), moves)
def test_a_merge_moves_everything_and_loses_nothing(
    parts: dict[str, Any],
    before: list[Step],
    who: list[str],
    after: list[Step],
) -> None:
    game = _game(parts)
    play(game, iter(who), before)
    if not {ONE, TWO} <= game.shelf.balances.keys():
        return
    game.merge()
    game.judge()
    assert game.shelf.totals(TWO, game.now).lifetime_earned == 0
    play(game, _always(ONE), after[:10])


@QUICK
@given(kinds_of_policy, moves, st.integers(1, 80), st.data())
def test_restoring_leaves_the_lots_of_having_redeemed_less(
    parts: dict[str, Any], steps: list[Step], points: int, data: st.DataObject
) -> None:
    game = _game(parts)
    game.players.pop(TWO)
    for number in range(4):
        game.adjust(ONE, 20, 2 * number + 1)
    play(game, _always(ONE), steps)
    available = game.shelf.totals(ONE, game.now).available_points
    if not available:
        return
    points = min(points, available)
    back = data.draw(st.integers(1, points))
    here = game.shelf.holdings(ONE, game.now, lambda _: True)
    by = stamp(game.now)

    def redeemed(many: int) -> Decision:
        return spending.redeem(here, RedeemOrder(order_ref="R", points=many), game.policy, by)

    done = redeemed(points)
    assert done.redeemed is not None
    undone, guard = done.holdings, done.redeemed
    for part in (back // 2, back - back // 2):
        if part:
            step = spending.restore(
                undone, Restoration(redeemed=guard, parts=done.parts, points=part), by
            )
            assert step.redeemed is not None
            undone, guard = step.holdings, step.redeemed
    less = redeemed(points - back).holdings if points > back else here.settled(game.now)
    assert set(undone.loaded()) == set(less.loaded())


@QUICK
@given(kinds_of_policy, moves, st.lists(st.integers(0, 200), max_size=6))
def test_it_does_not_matter_how_often_one_looks(
    parts: dict[str, Any], steps: list[Step], looks: list[int]
) -> None:
    game = _game(parts)
    game.players.pop(TWO)
    play(game, _always(ONE), steps)
    here = game.shelf.holdings(ONE, game.now, lambda _: True)
    end = game.now + timedelta(hours=200)
    often: Holdings = here
    for hours in sorted(looks):
        often = often.settled(game.now + timedelta(hours=hours))
        assert often.settled(often.at) == often
    assert often.settled(end) == here.settled(end)


@settings(max_examples=300, deadline=None)
@given(
    amount=st.integers(1, 10**7),
    rate=st.decimals(0, 50, places=3),
    unit=st.integers(1, 1000),
    rounding=st.sampled_from(["floor", "half_up", "ceil"]),
    least=st.integers(0, 500),
    most=st.one_of(st.none(), st.integers(0, 5000)),
    cuts=st.lists(st.integers(0, 10**7), max_size=5),
)
def test_refunds_in_any_split_sum_to_what_was_earned(
    amount: int,
    rate: Decimal,
    unit: int,
    rounding: str,
    least: int,
    most: int | None,
    cuts: list[int],
) -> None:
    terms = policy(
        earn={
            "points_per_unit": rate,
            "unit_minor": unit,
            "rounding": rounding,
            "min_amount_minor": least,
            "max_points": most,
        }
    )
    by = stamp(START)
    sale = Sale(amount=Money("EUR", amount))
    promised = priced(terms, sale, START)
    order = EarnOrder(order_ref="E", sale=sale, quote_hash=promised.quote_hash)
    done = earning.earn(Holdings.empty(ONE, START), order, terms, by)
    assert done.entry.points == promised.points
    edges = sorted({min(cut, amount) for cut in cuts} | {0, amount})
    total = 0
    for low, high in pairwise(edges):
        guard = done.earned
        assert guard is not None
        done = earning.reverse(
            done.holdings, Reversal(earned=guard, asked=Money("EUR", high - low)), by
        )
        assert done.entry.points <= 0
        total -= done.entry.points
    assert total == promised.points
    assert done.holdings.totals().lifetime_earned == 0


def test_a_year_of_quiet_does_not_change_what_a_pending_lot_repaid() -> None:
    game = Game(policy(earn={"pending_days": 1}, expiry={"mode": "days", "days": 3}), None)
    game.players.pop(TWO)
    game.earn(ONE, 50, 1)
    game.adjust(ONE, 20, 4)
    later: datetime = game.now + timedelta(days=400)
    game.now = later
    game.players[ONE].pass_time(later)
    game.judge()
    assert game.shelf.totals(ONE, later).debt_points == 0

"""One layer tries again, within one budget of time, whatever goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from shared import clients
from shared import table as table_module
from shared.errors import Unavailable
from shared.keys import of_org
from shared.records import Get
from shared.table import (
    LONGEST_PAUSE_S,
    RETRY_S,
    SHORTEST_PAUSE_S,
    RetryBudget,
    Table,
    after_conflict,
    after_failure,
)
from tests.builders import World, euro
from tests.faults import Faults, conflict, throttled, unreachable


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that only pauses move: ``clock[0]`` is the time, the rest are the pauses."""
    times = [1000.0]

    def pause(seconds: float) -> None:
        times[0] += seconds
        times.append(seconds)

    monkeypatch.setattr(table_module, "pause", pause)
    monkeypatch.setattr(table_module.time, "monotonic", lambda: times[0])
    return times


def test_the_sdk_makes_each_call_to_the_table_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    table, bus = clients._sdk("dynamodb"), clients._make("events")
    assert table.meta.config.retries["total_max_attempts"] == 1
    assert bus.meta.config.retries["total_max_attempts"] > 1


@pytest.mark.parametrize("conflict", [False, True])
def test_budget_ends_when_its_time_is_up_however_often_it_waited(
    clock: list[float], conflict: bool
) -> None:
    budget = RetryBudget()
    while budget.may_retry_after_pause(conflict=conflict):
        assert clock[0] <= 1000 + RETRY_S
    assert budget.attempts == len(clock) - 1 >= 4
    assert sum(clock[1:]) == pytest.approx(RETRY_S)
    assert max(clock[1:]) <= LONGEST_PAUSE_S
    assert not budget.may_retry_after_pause(conflict=conflict)


def test_a_table_in_trouble_is_asked_ever_less_often() -> None:
    bounds = [after_failure(attempts) for attempts in range(8)]
    assert bounds == sorted(bounds)
    assert bounds[-1] == LONGEST_PAUSE_S


def test_after_conflicts_who_has_waited_longest_asks_most_often() -> None:
    assert after_conflict(0, RETRY_S) < after_conflict(1, RETRY_S) < after_conflict(2, RETRY_S)
    late = [after_conflict(5, RETRY_S * left / 10) for left in range(10, 0, -1)]
    assert late == sorted(late, reverse=True)
    assert late[-1] == SHORTEST_PAUSE_S


@pytest.mark.parametrize("fault", [throttled, unreachable])
def test_a_read_that_never_succeeds_gives_up_within_the_budget(
    world: World, faults: Faults, clock: list[float], fault: Callable[[], Any]
) -> None:
    faults.inject(fault(), times=10_000)
    with pytest.raises(Unavailable):
        Table().load([Get(of_org(world.code).org_record(), object)])
    assert sum(clock[1:]) == pytest.approx(RETRY_S)
    assert faults.count() == len(clock)


def test_all_that_goes_wrong_in_one_request_draws_on_one_budget(
    world: World, faults: Faults
) -> None:
    guid = world.account()["account_guid"]
    body = {"account_guid": guid, "amount": euro(1), "order_ref": "SO-1", "expected_revision": 1}
    began = time.monotonic()
    faults.inject(throttled(), operation="batch_get_item", times=3)
    faults.inject(conflict(), operation="transact_write_items", times=10_000)
    answer = world.owner("/account/credit/consume", body)
    assert (answer.status, answer.tag) == (409, "busy")
    assert answer.body["error"]["retryable"] is True
    assert time.monotonic() - began < RETRY_S + 3
    faults.clear()
    assert world.owner("/account/credit/consume", body).status == 200

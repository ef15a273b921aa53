"""Calls that are made at the same time."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.table import pool, together


def test_answers_come_in_the_order_of_the_calls_and_from_several_threads() -> None:
    here = threading.current_thread().name
    everybody = threading.Barrier(3, timeout=5)

    def call() -> str:
        everybody.wait()
        return threading.current_thread().name

    first, second, third = together([call, call, call])
    assert first == here
    assert len({first, second, third}) == 3
    assert together([]) == []
    assert together([lambda: 1]) == [1]


def test_calls_that_make_calls_do_not_wait_for_each_other() -> None:
    many = 3 * pool()._max_workers

    def inner() -> int:
        time.sleep(0.001)
        return 1

    def outer() -> int:
        return sum(together([inner, inner, inner]))

    def request(_: int) -> int:
        return sum(together([outer, outer]))

    with ThreadPoolExecutor(many) as requests:
        answers = requests.map(request, range(many), timeout=30)
        assert list(answers) == [6] * many


def test_what_a_call_raises_is_raised() -> None:
    def fails() -> None:
        raise KeyError("gone")

    for calls in ([fails, int], [int, fails]):
        with pytest.raises(KeyError):
            together(calls)

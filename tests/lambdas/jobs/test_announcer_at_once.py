"""The announcer works on many subscriptions at the same time: how many, in which order, and what
that costs."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from lambdas.jobs import announcer
from lambdas.jobs.announcer import Announcer
from lambdas.subscription.operations.announcing import Advanced
from tests.builders import WHY, World
from tests.faults import Crash, Faults, crash, then
from tests.lambdas.subscription.shop import NOW, Published, Shop

pytestmark = pytest.mark.usefixtures("emptied")
DAY = timedelta(days=1)
Advance = Callable[..., Advanced]


@dataclass
class Watch:
    """Stands before ``advance``: who is at work with whom, and in which order they begin."""

    real: Advance
    pause_s: float = 0.0
    begun: list[str] = field(default_factory=list)
    most: int = 0
    twice: int = 0
    _here: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, call: Any, subscription_id: str, *more: Any) -> Advanced:
        with self._lock:
            self.begun.append(subscription_id)
            self._here[subscription_id] += 1
            self.most = max(self.most, self._here.total())
            self.twice += self._here[subscription_id] > 1
        try:
            time.sleep(self.pause_s)
            return self.real(call, subscription_id, *more)
        finally:
            with self._lock:
                self._here[subscription_id] -= 1


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    made = Watch(announcer.advance)
    monkeypatch.setattr(announcer, "advance", made)
    return made


def told(published: Published, shop: Shop) -> dict[str, list[int]]:
    """The numbers that were told of each subscription, in the order of the events."""
    found: dict[str, list[int]] = {}
    for event in published(shop.world.code):
        if event["action"] == "subscription-due":
            found.setdefault(event["data"]["subscription_id"], []).append(event["data"]["n"])
    return found


def worked(days: int, seconds: float = 60) -> Announcer:
    run = Announcer(NOW + days * DAY)
    run.work(time.monotonic() + seconds)
    return run


def test_several_are_written_at_the_same_time_and_none_by_two_threads(
    world: World, published: Published, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcer, "WORKERS", 4)
    monkeypatch.setattr(announcer, "STEPS", 2)
    monkeypatch.setattr(announcer, "PAGE", 3)
    shop, watch.pause_s = Shop(world), 0.01
    ids = [shop.new()["subscription_id"] for _ in range(8)]
    run = worked(days=6)
    assert (watch.most, watch.twice) == (4, 0)
    # Each of them moved on in the list while pages of it were still to come.
    assert (run.found, run.written, run.failed) == (8, 8 * 7, 0)
    assert told(published, shop) == {one: list(range(7)) for one in ids}


def test_who_is_far_behind_has_a_turn_and_then_waits_for_all_others(
    world: World, watch: Watch, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcer, "WORKERS", 1)
    monkeypatch.setattr(announcer, "BEGUN", 1)
    monkeypatch.setattr(announcer, "PAGE", 2)
    shop = Shop(world)
    far = [shop.new()["subscription_id"] for _ in range(3)]
    shop.now += 55 * DAY
    near = [shop.new()["subscription_id"] for _ in range(3)]
    worked(days=60)
    turns = [one for n, one in enumerate(watch.begun) if n == 0 or watch.begun[n - 1] != one]
    # Everybody once, those that wait longest first; only then somebody for the second time.
    assert (set(turns[:3]), set(turns[3:6])) == (set(far), set(near))
    assert sorted(Counter(turns).values()) == [1, 1, 1, 4, 4, 4]
    assert told(published, shop) == {
        **{one: list(range(61)) for one in far},
        **{one: list(range(6)) for one in near},
    }


def test_defects_in_more_of_them_than_there_are_threads_stop_no_other(
    world: World, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcer, "WORKERS", 2)
    shop = Shop(world)
    bad = {shop.new()["subscription_id"] for _ in range(5)}
    shop.now += timedelta(seconds=1)
    good = [shop.new()["subscription_id"] for _ in range(2)]
    real = announcer.advance

    def failing(call: Any, subscription_id: str, *more: Any) -> Advanced:
        if subscription_id in bad:
            raise AssertionError("a defect")
        return real(call, subscription_id, *more)

    monkeypatch.setattr(announcer, "advance", failing)
    run = worked(days=1)
    assert (run.found, run.written, run.failed) == (7, 4 - 2, 5)
    assert told(published, shop) == {one: [0] for one in good}


def test_a_run_ends_with_its_time_whatever_its_threads_still_have(
    world: World, published: Published, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcer, "WORKERS", 3)
    shop, watch.pause_s = Shop(world), 0.1
    ids = [shop.new()["subscription_id"] for _ in range(6)]
    began = time.monotonic()
    run = worked(days=30, seconds=0.5)
    took, written = time.monotonic() - began, run.written
    # One step of each thread may be under way when the time is up.
    assert took < 0.5 + 3 * 0.1 + 1
    assert 3 <= written < 6 * 31
    assert sum(len(one) for one in told(published, shop).values()) == written
    watch.pause_s = 0
    run.work(time.monotonic() + 60)
    assert (run.found, run.written, run.failed) == (6, 6 * 31, 0)
    assert told(published, shop) == {one: list(range(31)) for one in ids}


def test_a_process_that_ends_in_a_thread_ends_the_run(world: World, faults: Faults) -> None:
    shop = Shop(world)
    shop.new()
    faults.clear()
    faults.inject(crash(before=True), operation="transact_write_items", at=3)
    with pytest.raises(Crash):
        worked(days=30)
    assert faults.count("transact_write_items") == 3


def test_an_occurrence_costs_its_write_and_a_share_of_the_reads_of_its_page(
    world: World, faults: Faults
) -> None:
    shop = Shop(world)
    for _ in range(20):
        shop.new()
    faults.clear()
    assert worked(days=0).written == 20
    assert faults.count("transact_write_items") == 20
    # A page is four lists. Its records and their org are one read.
    assert (faults.count("query"), faults.count("batch_get_item")) == (4, 1)
    faults.clear()
    assert worked(days=3).written == 60
    # Further occurrences of one subscription are read one by one, and nobody asks after the last.
    assert faults.count("batch_get_item") == 1 + 40


@pytest.mark.parametrize("change", ["pause", "merge", "cancel"])
def test_what_was_read_with_the_page_may_be_out_of_date(
    world: World, faults: Faults, published: Published, change: str
) -> None:
    shop, other = Shop(world), Shop(world)
    made = shop.new()
    shop.now += DAY

    def meanwhile() -> None:
        if change == "merge":
            pair = {"source_customer_guid": shop.guid, "target_customer_guid": other.guid}
            assert world.owner("/customer/merge", {**pair, **WHY}, now=shop.now).status == 200
        else:
            shop.done(change, made)

    faults.inject(then(meanwhile), operation="transact_write_items")
    run = worked(days=1)
    assert (faults.pending, run.written, run.failed) == (0, 2, 0)
    due = [e["data"] for e in published(world.code) if e["action"] == "subscription-due"]
    owner = other.guid if change == "merge" else shop.guid
    assert [(one["n"], one["customer_id"]) for one in due] == [(0, owner), (1, owner)]
    assert shop.get(made)["status"] == {"pause": "paused", "cancel": "cancelled"}.get(
        change, "active"
    )

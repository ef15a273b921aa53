"""The announcer: each due occurrence is told once, in order, in every org, whatever goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.local.clients import table_administration
from lambdas.jobs import announcer
from lambdas.jobs.announcer import Announcer
from lambdas.jobs.handler import lambda_handler
from lambdas.subscription import storage
from lambdas.subscription.operations.announcing import Advanced
from shared.errors import Unavailable
from shared.fields import instant_shown
from shared.keys import of_org
from shared.settings import settings
from tests.builders import WHY, World
from tests.faults import GONE_WRONG, Crash, Faults, lost_answer, then
from tests.lambdas.subscription.shop import NOW, Published, Shop, events_of

pytestmark = pytest.mark.usefixtures("emptied")
DAY = timedelta(days=1)
MONTH_ENDS = [
    "03-31",
    "04-30",
    "05-31",
    "06-30",
    "07-31",
    "08-31",
    "09-30",
    "10-31",
    "11-30",
    "12-31",
    "01-31",
    "02-28",
]


def run(now: datetime) -> dict[str, Any]:
    told: dict[str, Any] = lambda_handler({"time": now.isoformat()}, None)
    return dict(told["subscriptions"])


def numbers(published: Published, shop: Shop) -> list[int]:
    return [number for action, number in events_of(published, shop) if action == "due"]


def test_what_is_due_is_told_once_in_every_org(
    world: World, other_world: World, published: Published
) -> None:
    shops = [Shop(world), Shop(other_world)]
    made = [shop.new() for shop in shops]
    other_world.set_org("suspended")
    assert run(NOW - timedelta(minutes=1)) == {"found": 0, "written": 0, "failed": 0}
    assert run(NOW) == {"found": 2, "written": 2, "failed": 0}
    assert run(NOW) == {"found": 0, "written": 0, "failed": 0}
    for shop, one in zip(shops, made, strict=True):
        event = published(shop.world.code)[-1]
        assert (event["action"], event["aggregate_revision"]) == ("subscription-due", 2)
        assert event["request_context"]["context_source"] == "system"
        assert event["request_context"]["orgcode"] == shop.world.code
        assert event["data"] == {
            "subscription_id": one["subscription_id"],
            "customer_id": shop.guid,
            "plan_id": "COFFEE",
            "n": 0,
            "date": instant_shown(NOW),
        }
        assert shop.get(one)["occurrence"] == 1


def test_a_month_without_a_sweeper_is_made_up_for_in_order(
    world: World, published: Published
) -> None:
    shop = Shop(world)
    shop.new()
    shop.new(frequency="weekly", end_date=(NOW + 20 * DAY).date().isoformat())
    assert run(NOW + 31 * DAY) == {"found": 2, "written": 32 + 3 + 1, "failed": 0}
    dues = [e["data"] for e in published(world.code) if e["action"] == "subscription-due"]
    by_id: dict[str, list[int]] = {}
    for due in dues:
        by_id.setdefault(due["subscription_id"], []).append(due["n"])
    assert sorted(by_id.values(), key=len) == [list(range(3)), list(range(32))]
    assert run(NOW + 31 * DAY)["written"] == 0


def test_one_that_fails_is_counted_and_stops_no_other(
    world: World, other_world: World, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = Shop(world), Shop(other_world)
    bad.new()
    damaged = bad.new()["subscription_id"]
    good.new()
    key = storage.subscription_at(of_org(world.code), damaged).key
    table_administration().update_item(
        TableName=settings().table_name,
        Key={"pk": {"S": key[0]}, "sk": {"S": key[1]}},
        UpdateExpression="REMOVE plan_id",
    )
    assert run(NOW) == {"found": 3, "written": 2, "failed": 1}
    assert numbers(published, good) == numbers(published, bad) == [0]
    advance = announcer.advance

    def failing(call: Any, *more: Any) -> Advanced:
        if call.caller.orgcode == world.code:
            raise Unavailable()
        return advance(call, *more)

    monkeypatch.setattr(announcer, "advance", failing)
    assert run(NOW + DAY) == {"found": 3, "written": 1, "failed": 2}
    assert numbers(published, good) == [0, 1]


@pytest.mark.parametrize("wrong", ["damaged", "gone"])
def test_an_org_whose_record_is_damaged_or_gone_stops_no_other(
    world: World, other_world: World, published: Published, wrong: str
) -> None:
    bad, good = Shop(world), Shop(other_world)
    bad.new()
    good.new()
    pk, sk = of_org(world.code).org_record()
    place = {"TableName": settings().table_name, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}}
    if wrong == "gone":
        table_administration().delete_item(**place)
    else:
        table_administration().update_item(**place, UpdateExpression="REMOVE org_guid")
    assert run(NOW) == {"found": 2, "written": 1, "failed": 1}
    assert numbers(published, good) == [0]


def test_a_run_ends_with_its_time_and_the_next_one_goes_on(
    world: World, published: Published
) -> None:
    shop = Shop(world)
    shop.new()
    started = Announcer(NOW + 5 * DAY)
    started.work(0)
    assert started.written == 0
    started.work(time.monotonic() + 60)
    assert started.written == 6
    assert numbers(published, shop) == list(range(6))


def test_a_page_after_the_other_is_taken_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcer, "PAGE", 2)
    shop = Shop(world)
    for _ in range(7):
        shop.new()
    assert run(NOW) == {"found": 7, "written": 7, "failed": 0}


def test_a_customer_under_erasure_waits_and_is_no_failure(
    world: World, published: Published
) -> None:
    shop = Shop(world)
    shop.new()
    world.set_state(shop.guid, job_id="job_1", job_kind="anonymize")
    assert run(NOW) == {"found": 1, "written": 0, "failed": 0}
    world.set_state(shop.guid, job_id=None, job_kind=None)
    assert run(NOW)["written"] == 1
    assert numbers(published, shop) == [0]


def test_a_fence_between_read_and_write_stops_the_announcement(
    world: World, faults: Faults, published: Published
) -> None:
    shop = Shop(world)
    shop.new()

    def fence() -> None:
        world.set_state(shop.guid, job_id="job_1", job_kind="delete")

    faults.inject(then(fence), operation="transact_write_items")
    assert run(NOW) == {"found": 1, "written": 0, "failed": 0}
    assert (faults.pending, numbers(published, shop)) == (0, [])


def test_it_is_no_activity_of_the_customer_and_no_matter_of_its_status(
    world: World, published: Published
) -> None:
    shop = Shop(world)
    shop.new()
    shop.done("cancel", shop.listed(customer_id=shop.guid)[0])
    before = world.state_of(shop.guid).active_on
    world.set_state(shop.guid, status="anonymized")
    assert run(NOW + 9 * DAY)["written"] == 1
    assert numbers(published, shop) == [0]
    assert world.state_of(shop.guid).active_on == before


def test_two_sweepers_at_once_tell_nothing_twice(world: World, published: Published) -> None:
    shop = Shop(world)
    made = shop.new()
    now = NOW + 12 * DAY

    def work(_: int) -> int:
        started = Announcer(now)
        started.work(time.monotonic() + 60)
        return started.written

    with ThreadPoolExecutor(4) as pool:
        written = sum(pool.map(work, range(4)))
    shop.now = now
    if written < 13:
        written += run(now)["written"]  # One that was too contended is left to the next run.
    assert written == 13
    assert numbers(published, shop) == list(range(13))
    assert shop.get(made)["revision"] == 14


def test_a_pause_that_comes_first_loses_no_occurrence(
    world: World, faults: Faults, published: Published
) -> None:
    shop = Shop(world)
    made = shop.new()
    shop.now += 2 * DAY
    faults.inject(then(lambda: shop.done("pause", made)), operation="transact_write_items", at=2)
    assert run(shop.now)["written"] == 3
    assert numbers(published, shop) == [0, 1, 2]
    shop.now += 3 * DAY
    assert run(shop.now)["written"] == 0
    assert shop.get(made)["skipped"] == 3


@pytest.mark.parametrize("wrong", GONE_WRONG)
def test_after_any_fault_at_any_call_the_next_run_goes_on(
    world: World, faults: Faults, published: Published, wrong: str
) -> None:
    now, at = NOW + DAY, 1
    while True:
        shop = Shop(world)
        shop.new(end_date=NOW.date().isoformat())
        faults.clear()
        faults.inject(GONE_WRONG[wrong](), at=at)
        with suppress(Crash):
            run(now)
        hit = faults.pending == 0
        faults.clear()
        run(now)
        assert events_of(published, shop)[-3:] == [
            ("created", None),
            ("due", 0),
            ("ended", None),
        ]
        mine = [e for e in published(world.code) if e["data"].get("customer_id") == shop.guid]
        assert len(mine) == 3
        if not hit:
            return
        at += 1


@pytest.mark.parametrize("before", ["batch_get_item", "transact_write_items"])
def test_a_deleted_subscription_that_is_still_listed_is_passed_over(
    world: World, faults: Faults, before: str
) -> None:
    shop = Shop(world)
    made = shop.new()
    key = storage.subscription_at(of_org(world.code), made["subscription_id"]).key

    def remove() -> None:
        table_administration().delete_item(
            TableName=settings().table_name, Key={"pk": {"S": key[0]}, "sk": {"S": key[1]}}
        )

    faults.inject(then(remove), operation=before)
    assert run(NOW) == {"found": 1, "written": 0, "failed": 0}
    assert faults.pending == 0


def simulated(world: World, published: Published, days: int, sweeps: Callable[[int], bool]) -> None:
    """Lives through so many days with four subscriptions and a sweeper that comes on some days."""
    shop = Shop(world)
    daily = shop.new()
    berlin = shop.new(frequency="weekly", timezone="Europe/Berlin", start_date="2026-03-22T02:30")
    monthly = shop.new(frequency="monthly", start_date="2026-03-31")
    ending = shop.new(frequency="weekly", end_date=(NOW + 40 * DAY).date().isoformat())
    due: set[tuple[str, int]] = set()
    for day in range(days):
        shop.now = NOW + day * DAY
        if day % 50 == 20:
            shop.done("pause", daily, resume_at=instant_shown(shop.now + 10 * DAY))
        if sweeps(day):
            assert run(shop.now)["failed"] == 0
    for one, step in ((daily, 1), (ending, 7)):
        for day in range(0, days, step):
            in_pause = one is daily and (day - 20) % 50 in range(1, 10) and day > 20
            if not in_pause and (one is daily or day <= 40):
                due.add((one["subscription_id"], day // step))
    run(shop.now)
    found = [e["data"] for e in published(world.code) if e["action"] == "subscription-due"]
    told = [(one["subscription_id"], one["n"]) for one in found]
    assert len(told) == len(set(told)), "nothing is told twice"
    mine = {one for one in told if one[0] in (daily["subscription_id"], ending["subscription_id"])}
    assert mine == due
    for one in (daily, berlin, monthly, ending):
        by_number = [n for subscription_id, n in told if subscription_id == one["subscription_id"]]
        assert by_number == sorted(by_number)
    dates = [one["date"] for one in found if one["subscription_id"] == monthly["subscription_id"]]
    assert [date[5:10] for date in dates] == list(MONTH_ENDS[: 2 if days == 60 else 12])
    over = [e for e in published(world.code) if e["action"] == "subscription-ended"]
    assert [e["aggregate_id"] for e in over] == [ending["subscription_id"]]


def test_two_months_are_told_day_by_day(world: World, published: Published) -> None:
    simulated(world, published, 60, lambda _: True)


def test_two_months_are_told_by_a_sweeper_that_seldom_comes(
    world: World, published: Published
) -> None:
    simulated(world, published, 60, lambda day: day % 17 == 3)


@pytest.mark.soak
@pytest.mark.parametrize("every", [1, 30])
def test_a_year_is_told(world: World, published: Published, every: int) -> None:
    simulated(world, published, 365, lambda day: day % every == 0)


def test_a_lost_answer_tells_nothing_twice(
    world: World, faults: Faults, published: Published
) -> None:
    shop = Shop(world)
    shop.new()
    faults.inject(lost_answer(), operation="transact_write_items")
    assert run(NOW + DAY)["written"] == 2
    assert numbers(published, shop) == [0, 1]


def test_the_erasures_and_the_announcements_share_the_time(
    world: World, monkeypatch: pytest.MonkeyPatch, published: Published
) -> None:
    from lambdas.jobs import handler

    shop = Shop(world)
    shop.new()
    ends: list[float] = []
    work = Announcer.work

    def watched(self: Announcer, until: float) -> None:
        ends.append(until - time.monotonic())
        work(self, until)

    monkeypatch.setattr(Announcer, "work", watched)
    assert run(datetime(2026, 3, 4, 12, 30, tzinfo=UTC))["written"] == 1
    assert ends[0] < handler.WORK_S * 0.6 < ends[1]
    guid = world.customer(first_name="Eve")["customer_guid"]
    assert world.owner("/customer/delete", {"customer_guid": guid, **WHY}).status == 200
    assert numbers(published, shop) == [0]

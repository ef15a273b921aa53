"""Subscriptions through the door: create, get, list, pause, resume, cancel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.fields import instant_shown
from tests.builders import WHY, World, euro
from tests.lambdas.subscription.shop import NOW, Published, Shop, events_of

DAY = timedelta(days=1)


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


def test_a_subscription_begins_now_and_has_its_defaults(shop: Shop) -> None:
    answer = shop.create(frequency="monthly")
    made = answer.data["subscription"]
    assert answer.body["revision"] == 1
    assert made == {
        "subscription_id": made["subscription_id"],
        "customer_id": shop.guid,
        "plan_id": "COFFEE",
        "frequency": "monthly",
        "interval": 1,
        "status": "active",
        "start_date": "2026-03-04T12:30:00",
        "timezone": "UTC",
        "next_run_at": "2026-03-04T12:30:00Z",
        "occurrence": 0,
        "current_period_end": "2026-04-04T12:30:00Z",
        "skipped": 0,
        "revision": 1,
        "created_at": instant_shown(NOW),
        "updated_at": instant_shown(NOW),
    }
    assert shop.get(made) == made


def test_everything_that_was_sent_is_answered(shop: Shop) -> None:
    given: dict[str, Any] = {
        "interval": 2,
        "start_date": "2026-03-31",
        "timezone": "Europe/Berlin",
        "end_date": "2027-03-31",
        "amount": euro(1_900),
        "items": [{"sku": "A", "quantity": 2}, {"sku": "B"}],
        "metadata": {"channel": "web"},
    }
    made = shop.new(frequency="monthly", customer_guid=shop.guid, **given)
    assert {name: made[name] for name in given} == {**given, "start_date": "2026-03-31T00:00:00"}
    assert made["customer_id"] == shop.guid
    assert "customer_guid" not in made
    assert "current_period_end" not in made, "its first period has not begun"
    assert shop.listed(customer_id=shop.guid) == [made]
    assert shop.dates(made, 4) == [
        (0, "2026-03-30T22:00:00Z"),
        (1, "2026-05-30T22:00:00Z"),
        (2, "2026-07-30T22:00:00Z"),
        (3, "2026-09-29T22:00:00Z"),
    ]


def test_dates_before_the_creation_are_skipped_and_counted(shop: Shop) -> None:
    made = shop.new(start_date="2026-02-28T12:30:00")
    assert (made["skipped"], made["occurrence"]) == (4, 4)
    assert made["next_run_at"] == instant_shown(NOW), "a date at the creation itself is not before"
    year = shop.new(start_date="2025-03-04T12:30:00", frequency="yearly")
    assert (year["skipped"], year["next_run_at"]) == (1, "2026-03-04T12:30:00Z")


def test_one_that_begins_in_the_second_of_two_hours_begins_then(shop: Shop) -> None:
    shop.now = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # 02:30 there, as an hour before
    made = shop.new(timezone="Europe/Berlin")
    assert (made["start_date"], made["skipped"]) == ("2026-10-25T02:30:00", 0)
    assert shop.dates(made, 2) == [(0, "2026-10-25T01:30:00Z"), (1, "2026-10-26T01:30:00Z")]
    named = shop.new(timezone="Europe/Berlin", start_date="2026-10-25T02:30:00")
    assert (named["skipped"], named["occurrence"]) == (1, 1), "a time that is named is the first"
    assert shop.sweep() == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"start_date": "2026-03-10T09:00:00Z"}, "start_date"),
        ({"start_date": "2026-03-10T09:00:00+01:00"}, "start_date"),
        ({"start_date": "2026-02-30"}, "start_date"),
        ({"start_date": "2025-03-04T12:29:59"}, "start_date"),
        ({"start_date": "9000-01-01"}, "start_date"),
        ({"timezone": "Europe/Atlantis"}, "timezone"),
        ({"timezone": "../UTC"}, "timezone"),
        ({"end_date": "2026-03-03"}, "end_date"),
        ({"start_date": "2026-05-01", "end_date": "2026-04-30"}, "end_date"),
        ({"interval": 0}, "interval"),
        ({"interval": 1001}, "interval"),
        ({"frequency": "hourly"}, "frequency"),
        ({"items": [{}] * 101}, "items"),
        ({"items": [{"text": "x" * 8_000}] * 5}, "items"),
        ({"amount": euro(0)}, "amount.amount"),
        ({"status": "paused"}, "status"),
    ],
)
def test_what_is_wrong_with_a_new_subscription_is_400_and_named(
    shop: Shop, wrong: dict[str, Any], field: str
) -> None:
    answer = shop.create(**wrong)
    assert (answer.status, answer.fields) == (400, [f"subscription.{field}"])


def test_both_dates_that_the_clock_refuses_are_told_at_once(shop: Shop) -> None:
    answer = shop.create(start_date="0001-01-01", end_date="0001-01-01")
    assert answer.fields == ["subscription.start_date", "subscription.end_date"]


@pytest.mark.parametrize("name", ["customer_id", "customer_guid"])
def test_a_customer_who_is_not_there_is_named(shop: Shop, name: str) -> None:
    order = {"source_refs": [{"kind": "order", "id": "SO-1"}]}
    for nobody in ("cust_01KA0000000000000000000099", "nobody"):
        for more in ({}, order):
            answer = shop.create(**{name: nobody}, **more)
            assert (answer.status, answer.fields) == (404, [f"subscription.{name}"])


def test_exactly_one_name_of_the_customer_is_needed(shop: Shop) -> None:
    both = shop.create(customer_id=shop.guid, customer_guid=shop.guid)
    assert both.status == 400
    given = {"plan_id": "COFFEE", "frequency": "daily"}
    assert shop.call("create", subscription=given, **WHY).status == 400


def test_without_a_key_each_call_makes_one_and_a_key_makes_one_of_them(shop: Shop) -> None:
    assert shop.new()["subscription_id"] != shop.new()["subscription_id"]
    first = shop.create(idempotency_key="k")
    shop.now += DAY
    again = shop.create(idempotency_key="k")
    assert again.replayed
    assert again.data == first.data
    assert shop.create(idempotency_key="k", interval=2).tag == "idempotency-key-reused"
    assert len(shop.listed(customer_id=shop.guid)) == 3


def test_a_pause_skips_what_falls_into_it(shop: Shop, published: Published) -> None:
    made = shop.new()
    shop.now += 2 * DAY
    paused = shop.done("pause", made)
    assert (paused["status"], paused["paused_at"]) == ("paused", instant_shown(shop.now))
    assert (paused["occurrence"], paused["next_run_at"]) == (0, instant_shown(NOW))
    assert shop.dates(made, 9) == [(n, instant_shown(NOW + n * DAY)) for n in range(3)]
    assert shop.sweep() == 3
    shop.now += 5 * DAY
    still = shop.get(made)
    assert (still["skipped"], still["occurrence"], still["status"]) == (5, 8, "paused")
    assert "next_run_at" not in still
    resumed = shop.done("resume", made, expected_revision=still["revision"])
    assert (resumed["status"], resumed["skipped"]) == ("active", 5)
    assert (resumed["occurrence"], resumed["next_run_at"]) == (8, instant_shown(shop.now + DAY))
    assert "paused_at" not in resumed
    due = [("due", n) for n in range(3)]
    assert events_of(published, shop) == [
        ("created", None),
        ("paused", None),
        *due,
        ("resumed", None),
    ]


def test_a_pause_ends_by_itself_at_once_for_readers_and_in_the_next_write(
    shop: Shop, published: Published
) -> None:
    made = shop.new()
    until = NOW + 3 * DAY
    paused = shop.done("pause", made, resume_at=instant_shown(until))
    assert (paused["resume_at"], paused["next_run_at"]) == (
        instant_shown(until),
        instant_shown(NOW),
    )
    shop.sweep()
    waits = shop.get(made)
    assert (waits["next_run_at"], waits["occurrence"]) == (instant_shown(until), 3)
    shop.now = until
    there = shop.get(made)
    assert (there["status"], there["skipped"], there["occurrence"]) == ("active", 2, 3)
    assert "resume_at" not in there
    assert there["revision"] == waits["revision"], "nothing is written yet"
    assert shop.do("resume", made).detail == {"state": "active", "allowed": ["cancelled", "paused"]}
    again = shop.done("pause", made, expected_revision=there["revision"])
    assert again["revision"] == there["revision"] + 2, "it was resumed, and paused"
    assert events_of(published, shop)[-2:] == [("resumed", None), ("paused", None)]
    last, *_ = reversed(published(shop.world.code))
    assert last["aggregate_revision"] == again["revision"]


def test_a_restart_counts_from_now(shop: Shop) -> None:
    made = shop.new(frequency="monthly", timezone="Europe/Berlin")
    shop.sweep()
    shop.done("pause", made)
    shop.now = datetime(2026, 4, 30, 8, tzinfo=UTC)
    resumed = shop.done("resume", made, mode="restart")
    assert (resumed["occurrence"], resumed["skipped"]) == (2, 1)
    assert resumed["current_period_end"] == resumed["next_run_at"] == "2026-05-30T08:00:00Z"
    assert shop.dates(made, 2) == [(2, "2026-05-30T08:00:00Z"), (3, "2026-06-30T08:00:00Z")]


def test_a_cancellation_at_the_end_of_the_period_can_be_withdrawn(
    shop: Shop, published: Published
) -> None:
    made = shop.new(frequency="weekly")
    shop.sweep()
    shop.now += DAY
    soon = shop.done("cancel", made, at_period_end=True)
    assert (soon["status"], soon["cancel_at"]) == ("active", instant_shown(NOW + 7 * DAY))
    assert soon["current_period_end"] == soon["cancel_at"]
    assert "next_run_at" not in soon
    same = shop.done("cancel", made, at_period_end=True)
    assert same == soon, "it is scheduled already"
    told = {"state": "active", "allowed": ["cancelled"], "cancel_at": soon["cancel_at"]}
    refused = shop.do("pause", made)
    assert (refused.tag, refused.detail) == ("invalid-state", told)
    assert shop.do("resume", made, mode="restart").detail == told
    kept = shop.done("resume", made)
    assert kept["next_run_at"] == instant_shown(NOW + 7 * DAY)
    assert "cancel_at" not in kept
    assert shop.do("resume", made).detail["state"] == "active"
    assert shop.done("cancel", made, at_period_end=True)["revision"] == kept["revision"] + 1
    shop.now = NOW + 7 * DAY
    gone = shop.get(made)
    assert (gone["status"], gone["cancelled_at"]) == ("cancelled", instant_shown(shop.now))
    assert shop.do("pause", made).detail == {"state": "cancelled", "allowed": []}
    assert shop.sweep() == 1
    assert events_of(published, shop) == [
        ("created", None),
        ("due", 0),
        ("updated", None),
        ("updated", None),
        ("updated", None),
        ("cancelled", None),
    ]


def test_a_cancellation_at_once_is_final_and_drops_nothing_that_was_due(shop: Shop) -> None:
    made = shop.new()
    shop.now += 2 * DAY
    gone = shop.done("cancel", made)
    assert (gone["status"], gone["cancelled_at"]) == ("cancelled", instant_shown(shop.now))
    for verb in ("pause", "resume", "cancel"):
        refused = shop.do(verb, made)
        assert (refused.tag, refused.detail) == (
            "invalid-state",
            {"state": "cancelled", "allowed": []},
        )
    assert shop.sweep(shop.now + 90 * DAY) == 3


@pytest.mark.parametrize("first", ["paused", "not begun"])
def test_at_period_end_cancels_at_once_where_there_is_no_period(shop: Shop, first: str) -> None:
    made = shop.new(start_date="2026-04-01" if first == "not begun" else "2026-03-01")
    if first == "paused":
        shop.done("pause", made)
    assert shop.done("cancel", made, at_period_end=True)["status"] == "cancelled"


def test_a_cancellation_needs_the_revision_and_the_others_check_it(shop: Shop) -> None:
    made = shop.new()
    body = {"subscription_id": made["subscription_id"], **WHY}
    assert shop.call("cancel", **body).tag == "expected-revision-required"
    for verb in ("cancel", "pause", "resume"):
        stale = shop.call(verb, **body, expected_revision=7)
        assert (stale.tag, stale.body["revision"]) == ("conflict", 1), verb
        assert stale.body["data"]["subscription"] == made
    assert shop.call("pause", **body, resume_at=instant_shown(NOW)).fields == ["resume_at"]


def test_a_repeat_by_key_gets_its_answer_whatever_the_state_is(shop: Shop) -> None:
    made = shop.new()
    paused = shop.do("pause", made, idempotency_key="p")
    shop.done("resume", made)
    again = shop.do("pause", made, idempotency_key="p")
    assert again.replayed
    assert again.data == paused.data
    assert shop.get(made)["status"] == "active"


def test_an_end_date_is_over_at_midnight_of_its_zone(shop: Shop) -> None:
    made = shop.new(timezone="America/New_York", end_date="2026-03-06")
    assert [n for n, _ in shop.dates(made, 60)] == [0, 1, 2]
    shop.now = datetime(2026, 3, 7, 4, 59, tzinfo=UTC)
    assert shop.get(made)["status"] == "active"
    shop.now += timedelta(minutes=1)
    over = shop.get(made)
    assert (over["status"], over["occurrence"]) == ("ended", 0)
    assert shop.do("pause", made).detail["state"] == "ended"
    assert shop.sweep() == 4
    assert (shop.get(made)["occurrence"], shop.dates(made, 5)) == (3, [])


def test_an_end_that_no_date_reaches_is_accepted_and_comes(
    shop: Shop, published: Published
) -> None:
    made = shop.new(frequency="monthly", start_date="2026-02-28", end_date="2026-03-04")
    assert (made["status"], made["skipped"], shop.dates(made, 9)) == ("active", 1, [])
    assert "next_run_at" not in made
    assert made["current_period_end"] == "2026-03-05T00:00:00Z"
    shop.now = datetime(2026, 3, 5, tzinfo=UTC)
    assert shop.get(made)["status"] == "ended"
    assert shop.sweep() == 1
    assert events_of(published, shop) == [("created", None), ("ended", None)]


def test_lists_are_by_status_by_customer_or_of_the_whole_org(shop: Shop) -> None:
    other = Shop(shop.world)
    made = []
    for n in range(6):
        shop.now = other.now = NOW + timedelta(seconds=n)
        one = shop.new(items=[{"sku": "A"}], start_date="2026-04-01T12:00:00")
        made.append(shop.done("pause", one) if n % 2 else one)
    other.now += timedelta(seconds=1)
    theirs = other.new()
    ids = [one["subscription_id"] for one in reversed(made)]
    whole = shop.listed(customer_id=shop.guid, limit=4)
    assert whole == list(reversed(made))
    assert shop.listed(customer_guid=shop.guid, status="paused") == whole[::2]
    page = shop.call("list", customer_guid=shop.guid).data
    assert page["customer_id"] == shop.guid
    every = shop.listed(limit=2)
    assert [one["subscription_id"] for one in every] == [theirs["subscription_id"], *ids]
    assert not any("items" in one for one in every)
    assert [one["subscription_id"] for one in shop.listed(status="paused")] == ids[::2]
    assert shop.listed(status="ended") == []
    both = shop.call("list", customer_guid=shop.guid, customer_id=shop.guid)
    assert both.status == 400


def test_a_list_by_status_lags_one_sweep_and_drops_what_differs(shop: Shop) -> None:
    made = shop.new(end_date="2026-03-04")
    shop.now += DAY
    assert shop.listed(status="active") == shop.listed(status="ended") == []
    assert [one["status"] for one in shop.listed()] == ["ended"]
    assert [one["status"] for one in shop.listed(customer_id=shop.guid, status="ended")] == [
        "ended"
    ]
    shop.sweep()
    assert [one["subscription_id"] for one in shop.listed(status="ended")] == [
        made["subscription_id"]
    ]


def test_events_tell_states_and_numbers_and_nothing_of_what_was_sent(
    shop: Shop, published: Published
) -> None:
    made = shop.new(
        items=[{"note": "Elm Street"}], metadata={"for": "Grace"}, start_date="2026-03-01"
    )
    shop.done("pause", made, resume_at=instant_shown(NOW + DAY))
    created, paused = published(shop.world.code)[-2:]
    assert (paused["aggregate_id"], paused["aggregate_revision"]) == (made["subscription_id"], 2)
    assert paused["data"] == {
        "subscription_id": made["subscription_id"],
        "customer_id": shop.guid,
        "plan_id": "COFFEE",
        "frequency": "daily",
        "interval": 1,
        "status": "paused",
        "previous_status": "active",
        "occurrence": 5,
        "next_run_at": "2026-03-06T00:00:00Z",
        "skipped": 4,
        "resume_at": "2026-03-05T12:30:00Z",
    }
    assert "previous_status" not in created["data"]
    assert not any(text in str((created, paused)) for text in ("Elm Street", "Grace"))


def test_readers_may_read_and_only_editors_change(shop: Shop) -> None:
    made = shop.new()
    named = {"subscription_id": made["subscription_id"]}
    reader, editor = shop.world.person("crm_view"), shop.world.key("crm_edit")
    assert reader("/subscription/get", named).status == 200
    assert reader("/subscription/list", {}).status == 200
    assert reader("/subscription/pause", {**named, **WHY}).tag == "forbidden"
    assert editor("/subscription/pause", {**named, **WHY}).status == 200

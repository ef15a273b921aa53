"""The customers of subscriptions: holds, merges, and writers at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared import auth
from shared.fields import instant_shown
from tests.builders import WHY, World
from tests.conftest import Database
from tests.faults import GONE_WRONG, Crash, Faults, then
from tests.lambdas.subscription.shop import NOW, Published, Shop, events_of


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


def test_a_block_and_a_hold_of_the_order_refuse_a_new_subscription(shop: Shop) -> None:
    order = [{"kind": "ticket", "id": "T"}, {"kind": "order", "id": "SO-1"}]
    shop.world.refuse_order(shop.guid, "subscription.create", "SO-1")
    refused = shop.create(source_refs=order)
    assert (refused.tag, refused.detail) == ("invalid-state", {"reason": "rejected"})
    other = [{"kind": "order", "id": "SO-2"}, *order]
    assert shop.create(source_refs=other).status == 200, "only the first order counts"
    flag = {"flag": {"flag_type": "block"}, "customer_guid": shop.guid, **WHY}
    assert shop.world.owner("/customer/flag/set", flag, now=shop.now).status == 200
    made = shop.listed(customer_id=shop.guid)
    assert shop.create().detail == {"reason": "block"}
    assert shop.create(source_refs=other).detail == {"reason": "block"}
    assert shop.done("pause", made[0])["status"] == "paused", "only a creation is refused"


def test_a_pending_hold_refuses_until_its_order_is_approved(shop: Shop) -> None:
    def ask(path: str, **body: Any) -> dict[str, Any]:
        sent = {"customer_guid": shop.guid, **body, **WHY}
        return shop.world.owner(f"/customer/{path}", sent, now=shop.now).data

    ask("flag/set", flag={"flag_type": "address-mismatch", "severity": "high"})
    asked = {"action_type": "subscription.create", "order_ref": "SO-1"}
    hold = ask("fraud/assess", assessment=asked)["assessment"]["hold_id"]
    order = [{"kind": "order", "id": "SO-1"}]
    for refs in (WHY["source_refs"], order):
        refused = shop.create(source_refs=refs)
        assert (refused.tag, refused.detail) == ("hold-pending", {"hold_id": hold})
    ask("hold/resolve", hold_id=hold, resolution="approved")
    assert shop.create(source_refs=order).status == 200


def merge(shop: Shop, into: Shop) -> None:
    pair = {"source_customer_guid": shop.guid, "target_customer_guid": into.guid}
    assert shop.world.owner("/customer/merge", {**pair, **WHY}, now=shop.now).status == 200


def test_the_survivor_of_a_merge_answers_for_all_subscriptions(
    world: World, published: Published
) -> None:
    gone, here = Shop(world), Shop(world)
    old = gone.new()
    merge(gone, here)
    here.now = gone.now = NOW + timedelta(minutes=1)
    new = gone.create()
    assert new.data["redirected_from"] == gone.guid
    assert new.data["subscription"]["customer_id"] == here.guid
    assert here.get(old) == {**old, "customer_id": here.guid}
    listed = here.listed(customer_id=here.guid)
    assert [one["subscription_id"] for one in listed] == [
        new.data["subscription"]["subscription_id"],
        old["subscription_id"],
    ]
    assert {one["customer_id"] for one in listed} == {here.guid}
    assert gone.call("list", customer_id=gone.guid).data["redirected_from"] == gone.guid
    paused = gone.done("pause", old)
    assert (paused["status"], paused["customer_id"]) == ("paused", here.guid)
    here.sweep()
    due = [e["data"] for e in published(world.code) if e["action"] == "subscription-due"]
    assert {(one["customer_id"], one["n"]) for one in due} == {(here.guid, 0)}
    assert len(due) == 2


def test_a_hold_of_an_absorbed_customer_refuses_the_survivor(world: World) -> None:
    gone, here = Shop(world), Shop(world)
    world.refuse_order(gone.guid, "subscription.create", "SO-1")
    merge(gone, here)
    order = [{"kind": "order", "id": "SO-1"}]
    assert here.create(source_refs=order).detail == {"reason": "rejected"}
    assert gone.create(source_refs=order).detail == {"reason": "rejected"}


@pytest.mark.parametrize("verb", ["create", "pause"])
def test_a_merge_that_overtakes_a_write_redirects_it(
    world: World, faults: Faults, verb: str
) -> None:
    gone, here = Shop(world), Shop(world)
    made = gone.new()
    faults.inject(then(lambda: merge(gone, here)), operation="transact_write_items")
    answer = gone.create() if verb == "create" else gone.do("pause", made)
    assert answer.data["subscription"]["customer_id"] == here.guid
    assert faults.pending == 0


def test_two_writers_from_one_revision_one_of_whom_hears_a_conflict(
    shop: Shop, faults: Faults
) -> None:
    made = shop.new()
    first = then(lambda: shop.done("pause", made))
    faults.inject(first, operation="transact_write_items")
    late = shop.do("pause", made, expected_revision=1)
    assert (late.tag, late.detail) == ("conflict", {"current_revision": 2})


@pytest.mark.parametrize("wrong", GONE_WRONG)
@pytest.mark.parametrize("verb", ["create", "pause", "cancel"])
def test_after_any_fault_at_any_call_a_retry_ends_as_if_there_were_none(
    world: World, faults: Faults, published: Published, wrong: str, verb: str
) -> None:
    for at in (1, 2):
        shop = Shop(world)
        made = shop.new()

        def ask(shop: Shop = shop, made: dict[str, Any] = made) -> Any:
            key = {"idempotency_key": shop.guid}
            if verb == "create":
                return shop.create(**key)
            return shop.do(verb, made, expected_revision=1, **key)

        before = len(events_of(published, shop))
        faults.clear()
        faults.inject(GONE_WRONG[wrong](), at=at)
        try:
            answer = ask()
        except Crash:
            answer = None
        faults.clear()
        again = ask()
        assert again.status == 200
        if answer is not None and answer.status == 200:
            assert (again.replayed, again.data) == (True, answer.data)
        assert len(events_of(published, shop)) == before + 1
        assert len(shop.listed(customer_id=shop.guid)) == (2 if verb == "create" else 1)


# ---------------------------------------------------------------- told whatever has changed since

NEEDLE = "needle-of-ada"


@pytest.mark.parametrize(("how", "told"), [("anonymize", [0, 1, 2]), ("delete", [])])
def test_what_was_due_before_an_erasure_is_told_after_it_unless_it_is_gone(
    world: World, database: Database, published: Published, how: str, told: list[int]
) -> None:
    shop = Shop(world)
    made = shop.new(items=[{"note": NEEDLE}], metadata={"for": NEEDLE})
    shop.now += timedelta(days=2)
    erased = world.owner(f"/customer/{how}", {"customer_guid": shop.guid, **WHY}, now=shop.now)
    assert erased.status == 200
    shop.now += timedelta(days=30)
    shop.sweep()
    due = [e for e in published(world.code) if e["action"] == "subscription-due"]
    assert [event["data"]["n"] for event in due] == told
    for event in due:
        assert event["data"].keys() == {"subscription_id", "customer_id", "plan_id", "n", "date"}
        assert event["data"]["customer_id"] == shop.guid
        assert event["data"]["date"] <= erased.body["stats"]["timestamp_utc"]
    assert NEEDLE not in str(published(world.code))
    assert NEEDLE not in str(database.items(world.code))
    after = shop.call("get", subscription_id=made["subscription_id"])
    assert after.status == (200 if told else 404)
    assert shop.sweep(shop.now + timedelta(days=90)) == 0


@pytest.mark.parametrize("status", ["unverified", "parked", "suspended", "frozen", "doomed"])
def test_what_is_due_is_told_in_an_org_where_nobody_may_write(
    world: World, published: Published, status: str
) -> None:
    shop = Shop(world)
    made = shop.new()
    shop.done("pause", made, resume_at=instant_shown(NOW + timedelta(days=1)))
    world.set_org(status)
    auth.forget()
    assert shop.do("resume", made).tag == "org-write-blocked"
    shop.now += timedelta(days=1)
    assert shop.sweep() == 3
    assert events_of(published, shop)[-3:] == [("due", 0), ("resumed", None), ("due", 1)]
    assert shop.get(made)["occurrence"] == 2

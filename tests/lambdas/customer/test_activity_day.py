"""The day of a customer's last activity: the org's date, moved on once a day, never back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from shared.keys import of_org
from shared.settings import OrgSettings
from tests.builders import WHY, Response, World, euro
from tests.conftest import Database
from tests.contract.scenes import POLICY
from tests.faults import Faults, then

Act = Callable[[datetime], Response]

ZONES = [
    # Fourteen hours ahead of UTC: the next day has begun there.
    ("Pacific/Kiritimati", datetime(2030, 6, 15, 12, tzinfo=UTC), date(2030, 6, 16)),
    # Eleven hours behind: the day before has not ended.
    ("Pacific/Niue", datetime(2030, 6, 15, 5, tzinfo=UTC), date(2030, 6, 14)),
]
each_zone = pytest.mark.parametrize(("zone", "now", "today"), ZONES)


def updating(world: World, guid: str) -> Act:
    revisions = count(1)

    def act(now: datetime) -> Response:
        revision = next(revisions)
        body = {"customer_guid": guid, "customer": {"tags": [str(revision)]}, **WHY}
        body["expected_revision"] = revision
        return world.owner("/customer/update", body, now=now)

    return act


def changing_status(world: World, guid: str) -> Act:
    revisions = count(1)

    def act(now: datetime) -> Response:
        revision = next(revisions)
        status = ("active", "inactive")[revision % 2]
        body = {"customer_guid": guid, "customer": {"status": status}, **WHY}
        body["expected_revision"] = revision
        return world.owner("/customer/update", body, now=now)

    return act


def earning(world: World, guid: str) -> Act:
    assert world.owner("/loyalty/policy/set", {"policy": POLICY, **WHY}).status == 200
    orders = count(1)

    def act(now: datetime) -> Response:
        body: dict[str, Any] = {"customer_guid": guid, "order_ref": f"SO-{next(orders)}", **WHY}
        return world.owner("/loyalty/earn", {**body, "amount": euro(1_000)}, now=now)

    return act


def redeeming_a_card(world: World, guid: str) -> Act:
    issued = world.owner("/giftcard/issue", {"amount": euro(100), "customer_guid": guid, **WHY})
    code, orders = issued.data["stored_value"]["card_code"], count(1)

    def act(now: datetime) -> Response:
        body: dict[str, Any] = {"card_code": code, "order_ref": f"SO-{next(orders)}", **WHY}
        return world.owner("/giftcard/redeem", {**body, "amount": euro(1)}, now=now)

    return act


def adjusting(world: World, guid: str) -> Act:
    """Another caller, who changes neither the profile nor the card, nor the points of an order."""

    def act(now: datetime) -> Response:
        body = {"customer_guid": guid, "points_delta": 5, **WHY}
        return world.owner("/loyalty/adjust", body, now=now)

    return act


ACTS = [updating, changing_status, earning, redeeming_a_card]
each_act = pytest.mark.parametrize("making", ACTS, ids=lambda making: making.__name__)


def state_item(database: Database, world: World, guid: str) -> dict[str, Any]:
    key = of_org(world.code).customer_state(guid)
    (found,) = (i for i in database.items(world.code) if (i["pk"]["S"], i["sk"]["S"]) == key)
    return found


@each_zone
@each_act
def test_the_day_is_the_orgs_and_moves_on_once_a_day(
    world: World,
    database: Database,
    making: Callable[[World, str], Act],
    zone: str,
    now: datetime,
    today: date,
) -> None:
    world.set_org("verified", OrgSettings(timezone=zone))
    guid = world.customer()["customer_guid"]
    act = making(world, guid)
    assert act(now).status == 200
    first = state_item(database, world, guid)
    assert first["active_on"] == {"S": today.isoformat()}
    # The same day, and a call whose clock is a day behind.
    for moment in (now + timedelta(hours=1), now - timedelta(days=1)):
        assert act(moment).status == 200
        again = state_item(database, world, guid)
        if making is changing_status:
            assert again["active_on"] == first["active_on"]
        else:
            assert again == first
    assert act(now + timedelta(days=1)).status == 200
    assert world.state_of(guid).active_on == today + timedelta(days=1)


@each_zone
@each_act
def test_of_two_calls_around_midnight_the_late_one_does_not_turn_the_day_back(
    world: World,
    faults: Faults,
    making: Callable[[World, str], Act],
    zone: str,
    now: datetime,
    today: date,
) -> None:
    world.set_org("verified", OrgSettings(timezone=zone))
    guid = world.customer()["customer_guid"]
    act, other = making(world, guid), adjusting(world, guid)
    if making is earning:
        other = updating(world, guid)  # it leaves the points as they were read

    def after_midnight() -> None:
        assert other(now + timedelta(days=1)).status == 200

    faults.inject(then(after_midnight), operation="transact_write_items")
    assert act(now).status == 200
    assert faults.pending == 0
    assert world.state_of(guid).active_on == today + timedelta(days=1)


def test_a_card_still_pays_its_bearer_and_leaves_a_fenced_customer_alone(
    world: World, database: Database, faults: Faults
) -> None:
    now = datetime(2030, 6, 15, tzinfo=UTC)
    guid = world.customer()["customer_guid"]
    act = redeeming_a_card(world, guid)
    begun: list[dict[str, Any]] = []

    def erase() -> None:
        world.set_state(guid, job_id="job_1", job_kind="delete")
        begun.append(state_item(database, world, guid))

    faults.inject(then(erase), operation="transact_write_items")
    for _ in range(2):
        assert act(now).status == 200
        assert [state_item(database, world, guid)] == begun

"""Holds, denials and block flags stop the enforced routes in the very write that they stop, also
where they come between its read and its write, or with a merge."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.api import new_id
from shared.customer_guard import CustomerGuard, order_holds_at
from shared.errors import ApiError, HoldPending, InvalidState
from shared.keys import of_org
from shared.table import Table
from tests.builders import World
from tests.faults import Faults, then
from tests.lambdas.customer.desk import (
    ADJUST,
    CARD,
    EXPIRED,
    NOW,
    REDEEM,
    Suspect,
    club,
    deny,
    held,
    merge,
    reason,
    two_flags,
)


@pytest.fixture
def suspect(world: World) -> Suspect:
    return two_flags(Suspect.of(club(world), points=1_000))


# ---------------------------------------------------------------- in the same write


def made_meanwhile(faults: Faults, act: Any) -> None:
    faults.inject(then(act), operation="transact_write_items")


@pytest.mark.parametrize("what", ["redeem", "adjust", "pay"])
def test_a_hold_made_between_read_and_write_stops_the_write(
    suspect: Suspect, faults: Faults, what: str
) -> None:
    card = suspect.card()
    before = suspect.call("/loyalty/balance/get").data["balance"]["available_points"]
    action = {"redeem": REDEEM, "adjust": ADJUST, "pay": CARD}[what]
    order = None if what == "adjust" else "SO-9"
    made: list[str] = []
    made_meanwhile(faults, lambda: made.append(suspect.assess(action, order)["hold_id"]))
    calls = {
        "redeem": lambda: suspect.redeem("SO-1"),
        "adjust": lambda: suspect.adjust(-1),
        "pay": lambda: suspect.pay(card, "SO-1"),
    }
    assert held(calls[what]()) == made[0]
    assert faults.pending == 0
    assert suspect.call("/loyalty/balance/get").data["balance"]["available_points"] == before


def test_a_block_flag_set_between_read_and_write_stops_an_approved_order(
    suspect: Suspect, faults: Faults
) -> None:
    card = suspect.card()
    for action in (REDEEM, CARD):
        assert suspect.resolve(suspect.assess(action, "SO-1")["hold_id"]).status == 200
    made_meanwhile(faults, lambda: suspect.flag("block"))
    assert reason(suspect.redeem("SO-1")) == "block"
    flag = next(f for f in suspect.listed("flag") if f["flag_type"] == "block")
    assert suspect.change(flag, status="resolved").status == 200
    made_meanwhile(faults, lambda: suspect.flag("block"))
    assert reason(suspect.pay(card, "SO-1")) == "block"


def test_a_denial_between_read_and_write_stops_an_approved_order(
    suspect: Suspect, faults: Faults
) -> None:
    hold_id = suspect.assess(REDEEM, "SO-1")["hold_id"]
    assert suspect.resolve(hold_id).status == 200
    later = suspect.at(NOW + timedelta(minutes=1))
    made_meanwhile(faults, lambda: deny(later, REDEEM))
    assert reason(suspect.redeem("SO-1")) == "denied"


@pytest.mark.parametrize("action", [REDEEM, CARD])
def test_an_order_held_and_rejected_between_read_and_write_is_refused(
    suspect: Suspect, faults: Faults, action: str
) -> None:
    card = suspect.card()

    def reject() -> None:
        hold_id = suspect.assess(action, "SO-1")["hold_id"]
        assert suspect.resolve(hold_id, "rejected").status == 200

    made_meanwhile(faults, reject)
    raced = suspect.redeem("SO-1") if action == REDEEM else suspect.pay(card, "SO-1")
    assert reason(raced) == "rejected"
    assert faults.pending == 0


def test_an_approval_that_is_taken_back_between_read_and_write_refuses(
    suspect: Suspect, faults: Faults
) -> None:
    """Two holds of one order: the first expired and was approved, the second is rejected."""
    first = suspect.assess(REDEEM, "SO-1")["hold_id"]
    late = suspect.at(EXPIRED)
    second = late.assess(REDEEM, "SO-1")["hold_id"]
    assert late.resolve(first).status == 200
    made_meanwhile(faults, lambda: late.resolve(second, "rejected"))
    assert reason(late.redeem("SO-1")) == "rejected"


def test_an_approval_between_read_and_write_lets_the_order_pass(
    suspect: Suspect, faults: Faults
) -> None:
    """A card's payment reads nothing of its customer first: the failed write brings what there is,
    and what is missing is read."""
    card = suspect.card()
    hold_id = suspect.assess(CARD, "SO-1")["hold_id"]
    suspect.assess(CARD, "SO-2")
    made_meanwhile(faults, lambda: suspect.resolve(hold_id))
    assert suspect.pay(card, "SO-1").status == 200
    assert held(suspect.pay(card, "SO-3"))


def test_every_enforced_action_is_refused_by_the_guard_that_its_route_uses(
    suspect: Suspect,
) -> None:
    """Also for the routes of other families: merge and subscriptions."""
    keys = of_org(suspect.world.code)

    def refusal(action: str, order: str | None = None) -> ApiError | None:
        holds = order_holds_at(keys, [suspect.guid], action, order) if order else []
        records = Table().load([*holds])
        guard = CustomerGuard(
            keys=keys,
            customer_guid=suspect.guid,
            now=suspect.now,
            today=suspect.now.date(),
            state=suspect.world.state_of(suspect.guid),
            action=action,
            order_holds=holds,
        )
        failed = Table().transact(guard.writes(records), new_id(suspect.now), 0)
        try:
            guard.ensure(records)
        except ApiError as error:
            assert failed is not None, "the write is refused where the reader is"
            return error
        assert failed is None
        return None

    for action in ("customer.merge", "subscription.create"):
        assert refusal(action) is None
        hold_id = suspect.assess(action, "SO-1")["hold_id"]
        for order in (None, "SO-1", "SO-2"):
            error = refusal(action, order)
            assert isinstance(error, HoldPending)
            assert error.detail == {"hold_id": hold_id}
        suspect.now += timedelta(minutes=1)
        assert suspect.resolve(hold_id).status == 200
        assert refusal(action) is None
        suspect.assess(action)
        assert refusal(action, "SO-1") is None, "approved"
        assert isinstance(refusal(action, "SO-2"), HoldPending)
        suspect.now += timedelta(minutes=1)
    suspect.flag("block")
    for action in ("customer.merge", "subscription.create"):
        assert isinstance(refusal(action, "SO-1"), InvalidState)


# ---------------------------------------------------------------- merged customers


def test_what_was_said_of_an_order_before_a_merge_holds_for_the_survivor(world: World) -> None:
    gone, here = Suspect.of(club(world), points=500), Suspect.of(world, points=500)
    for one in (gone, here):
        two_flags(one)
    rejected = gone.assess(REDEEM, "BAD")["hold_id"]
    assert gone.resolve(rejected, "rejected").status == 200
    approved = gone.assess(REDEEM, "GOOD")["hold_id"]
    assert gone.resolve(approved).status == 200
    pending = gone.assess(REDEEM, "WAITS")["hold_id"]
    merge(world, gone, here)
    assert reason(here.redeem("BAD")) == "rejected"
    assert held(here.redeem("OTHER")) == pending
    assert here.redeem("GOOD").status == 200
    here.now = gone.now = NOW + timedelta(minutes=1)
    assert here.resolve(pending, "rejected").status == 200
    assert reason(gone.redeem("WAITS")) == "rejected"
    assert here.redeem("OTHER").status == 200


def test_of_two_words_about_one_order_the_later_one_counts_after_a_merge(world: World) -> None:
    gone, here = Suspect.of(club(world), points=500), Suspect.of(world, points=500)
    for one in (gone, here):
        two_flags(one)
    first, second = (one.assess(REDEEM, "SO-1")["hold_id"] for one in (gone, here))
    assert gone.resolve(first, "rejected").status == 200
    here.now = NOW + timedelta(minutes=1)
    assert here.resolve(second).status == 200
    merge(world, gone, here)
    assert here.redeem("SO-1").status == 200

"""Holds, denials and block flags: what each of them stops, and until when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.customer_guard import order_holds_at
from shared.fields import instant_shown
from shared.keys import of_org
from shared.table import Table
from tests.builders import World
from tests.lambdas.customer.desk import (
    ADJUST,
    CARD,
    EXPIRED,
    NOW,
    REDEEM,
    Suspect,
    allow,
    club,
    deny,
    held,
    reason,
    two_flags,
)


@pytest.fixture
def suspect(world: World) -> Suspect:
    return two_flags(Suspect.of(club(world), points=1_000))


# ---------------------------------------------------------------- what a hold blocks


def test_a_pending_hold_blocks_its_action_for_every_order_and_no_other(suspect: Suspect) -> None:
    card = suspect.card()
    hold_id = suspect.assess(REDEEM, "SO-1")["hold_id"]
    assert held(suspect.redeem("SO-1")) == hold_id
    assert held(suspect.redeem("SO-2")) == hold_id
    assert suspect.adjust().status == 200
    assert suspect.pay(card, "SO-1").status == 200
    adjust_id = suspect.assess(ADJUST)["hold_id"]
    card_id = suspect.assess(CARD, "SO-1")["hold_id"]
    assert held(suspect.adjust()) == adjust_id
    assert held(suspect.adjust(-5)) == adjust_id
    assert held(suspect.pay(card, "SO-7")) == card_id
    assert held(suspect.pay(card, "SO-8", 99_999)) == card_id, "before the balance"


def test_the_case_of_an_action_type_does_not_slip_through(suspect: Suspect) -> None:
    hold_id = suspect.assess("Loyalty.Redeem", "SO-1")["hold_id"]
    assert held(suspect.redeem("SO-1")) == hold_id


def test_an_action_that_no_route_enforces_blocks_nothing(suspect: Suspect) -> None:
    suspect.assess("store.visit", "SO-1")
    deny(suspect, "store.visit")
    assert suspect.world.state_of(suspect.guid).blocked == {}
    assert suspect.redeem("SO-1").status == 200


def test_what_happened_before_a_hold_is_told_all_the_same(suspect: Suspect) -> None:
    card = suspect.card()
    first, paid = suspect.redeem("SO-0"), suspect.pay(card, "SO-0")
    suspect.assess(REDEEM, "SO-1")
    suspect.assess(CARD, "SO-1")
    assert suspect.redeem("SO-0").replayed
    assert suspect.redeem("SO-0").data == first.data
    assert suspect.pay(card, "SO-0").replayed
    assert suspect.pay(card, "SO-0").data == paid.data


def test_a_card_of_nobody_is_never_held(suspect: Suspect) -> None:
    suspect.assess(CARD, "SO-1")
    stranger = Suspect.of(suspect.world)
    assert stranger.pay(stranger.card(), "SO-1").status == 200


def test_refusals_tell_the_hold_that_waits_longest(suspect: Suspect) -> None:
    first = suspect.assess(REDEEM, "SO-1")["hold_id"]
    suspect.now += timedelta(hours=1)
    second = suspect.assess(REDEEM, "SO-2")["hold_id"]
    assert held(suspect.redeem("SO-3")) == second
    assert suspect.resolve(second, "cancelled").status == 200
    assert held(suspect.redeem("SO-3")) == first


# ---------------------------------------------------------------- how it ends


def test_an_approved_order_passes_and_so_does_every_other_afterwards(suspect: Suspect) -> None:
    hold_id = suspect.assess(REDEEM, "SO-1")["hold_id"]
    assert suspect.resolve(hold_id).status == 200
    assert suspect.redeem("SO-1").status == 200
    assert suspect.redeem("SO-2").status == 200


def test_a_rejected_order_is_refused_for_good_and_no_other(suspect: Suspect) -> None:
    card = suspect.card()
    for action in (REDEEM, CARD):
        hold_id = suspect.assess(action, "SO-1")["hold_id"]
        assert suspect.resolve(hold_id, "rejected").status == 200
    for later in (suspect, suspect.at(NOW + timedelta(days=400))):
        assert reason(later.redeem("SO-1")) == "rejected"
        assert reason(later.pay(card, "SO-1")) == "rejected"
    assert suspect.redeem("SO-2").status == 200
    assert suspect.pay(card, "SO-2").status == 200
    allow(suspect, REDEEM, "SO-1")
    assert reason(suspect.redeem("SO-1")) == "rejected", "a rule does not undo what a person said"


def test_a_rejected_order_passes_once_a_new_hold_is_approved(suspect: Suspect) -> None:
    first = suspect.assess(REDEEM, "SO-1")["hold_id"]
    assert suspect.resolve(first, "rejected").status == 200
    second = suspect.assess(REDEEM, "SO-1", channel_code="web")["hold_id"]
    assert second != first
    assert reason(suspect.redeem("SO-1")) == "rejected"
    assert suspect.resolve(second, "cancelled").status == 200
    assert reason(suspect.redeem("SO-1")) == "rejected", "a cancellation undoes nothing"
    third = suspect.assess(REDEEM, "SO-1", channel_code="app")["hold_id"]
    assert suspect.resolve(third).status == 200
    assert suspect.redeem("SO-1").status == 200


def test_a_cancelled_hold_leaves_nothing_behind(suspect: Suspect) -> None:
    hold_id = suspect.assess(REDEEM, "SO-1")["hold_id"]
    assert suspect.resolve(hold_id, "cancelled").status == 200
    late = suspect.at(EXPIRED + timedelta(days=1))
    assert suspect.redeem("SO-1").status == 200
    assert late.redeem("SO-2").status == 200
    (get,) = order_holds_at(of_org(suspect.world.code), [suspect.guid], REDEEM, "SO-1")
    assert Table().load([get]).get(get) is None


def test_an_expired_hold_refuses_its_order_and_no_other(suspect: Suspect) -> None:
    card = suspect.card()
    suspect.assess(REDEEM, "SO-1")
    suspect.assess(CARD, "SO-1")
    last = suspect.at(EXPIRED - timedelta(milliseconds=1))
    assert held(last.redeem("SO-2"))
    late = suspect.at(EXPIRED)
    assert reason(late.redeem("SO-1")) == "hold-expired"
    assert reason(late.pay(card, "SO-1")) == "hold-expired"
    assert late.redeem("SO-2").status == 200
    assert late.pay(card, "SO-2").status == 200


def test_an_expired_hold_without_an_order_refuses_the_action_until_an_allow(
    suspect: Suspect,
) -> None:
    hold_id = suspect.assess(ADJUST)["hold_id"]
    assert held(suspect.adjust()) == hold_id
    late = suspect.at(EXPIRED)
    assert reason(late.adjust()) == "hold-expired"
    # Another change of the summary makes no difference.
    late.flag("another")
    assert reason(late.adjust()) == "hold-expired"
    allow(late, ADJUST)
    assert late.adjust().status == 200


def test_an_expired_hold_without_an_order_ends_with_its_approval(suspect: Suspect) -> None:
    hold_id = suspect.assess(ADJUST)["hold_id"]
    late = suspect.at(EXPIRED + timedelta(days=3))
    late.flag("another")
    assert reason(late.adjust()) == "hold-expired"
    assert late.resolve(hold_id).status == 200
    assert late.adjust().status == 200


def test_a_rejection_without_an_order_refuses_the_action_until_an_allow(suspect: Suspect) -> None:
    hold_id = suspect.assess(ADJUST)["hold_id"]
    assert suspect.resolve(hold_id, "rejected").status == 200
    late = suspect.at(NOW + timedelta(days=400))
    assert reason(late.adjust()) == "rejected"
    assert late.assess(ADJUST)["decision"] == "review"
    assert reason(late.adjust()) == "rejected", "a review is no allow"
    allow(late, ADJUST)
    assert held(late.adjust()), "the review's hold"


# ---------------------------------------------------------------- denials


def test_a_denied_order_is_refused_until_the_next_assessment_says_otherwise(
    suspect: Suspect,
) -> None:
    card = suspect.card()
    deny(suspect, REDEEM, "SO-1")
    deny(suspect, CARD, "SO-1")
    assert reason(suspect.redeem("SO-1")) == "denied"
    assert reason(suspect.pay(card, "SO-1")) == "denied"
    assert suspect.redeem("SO-2").status == 200
    allow(suspect, REDEEM, "SO-1")
    assert suspect.redeem("SO-1").status == 200
    hold_id = suspect.assess(CARD, "SO-1", channel_code="web")["hold_id"]
    assert held(suspect.pay(card, "SO-1")) == hold_id
    assert suspect.resolve(hold_id, "cancelled").status == 200
    assert suspect.pay(card, "SO-1").status == 200


def test_a_denial_without_an_order_refuses_the_action_until_a_later_allow(
    suspect: Suspect,
) -> None:
    deny(suspect, REDEEM)
    for order in ("SO-1", "SO-2"):
        assert reason(suspect.at(NOW + timedelta(days=400)).redeem(order)) == "denied"
    assert suspect.adjust().status == 200, "another action"
    allow(suspect, REDEEM, "SO-9")
    assert suspect.redeem("SO-1").status == 200


# ---------------------------------------------------------------- approval outranks


def test_an_approved_order_passes_pending_holds_of_others_and_earlier_denials(
    suspect: Suspect,
) -> None:
    card = suspect.card()
    for action in (REDEEM, CARD):
        hold_id = suspect.assess(action, "SO-1")["hold_id"]
        deny(suspect, action)
        suspect.now += timedelta(minutes=1)
        assert suspect.resolve(hold_id).status == 200
        suspect.assess(action, "SO-2")
    assert reason(suspect.redeem("SO-3")) == "denied"
    assert suspect.redeem("SO-1").status == 200
    assert reason(suspect.pay(card, "SO-3")) == "denied"
    assert suspect.pay(card, "SO-1").status == 200


def test_a_denial_after_the_approval_refuses_the_order_too(suspect: Suspect) -> None:
    hold_id = suspect.assess(REDEEM, "SO-1")["hold_id"]
    assert suspect.resolve(hold_id).status == 200
    suspect.now += timedelta(minutes=1)
    deny(suspect, REDEEM)
    assert reason(suspect.redeem("SO-1")) == "denied"


def test_no_approval_outranks_a_block_flag(suspect: Suspect) -> None:
    card = suspect.card()
    for action in (REDEEM, CARD):
        assert suspect.resolve(suspect.assess(action, "SO-1")["hold_id"]).status == 200
    end = NOW + timedelta(days=1)
    suspect.flag("block", expires_at=instant_shown(end))
    assert reason(suspect.redeem("SO-1")) == "block"
    assert reason(suspect.pay(card, "SO-1")) == "block"
    assert suspect.at(end).redeem("SO-1").status == 200
    assert suspect.at(end).pay(card, "SO-1").status == 200


def test_an_approval_outranks_a_hold_without_an_order_that_expires(suspect: Suspect) -> None:
    hold_id = suspect.assess(REDEEM, "SO-1")["hold_id"]
    suspect.assess(REDEEM)
    assert suspect.resolve(hold_id).status == 200
    late = suspect.at(EXPIRED)
    assert reason(late.redeem("SO-2")) == "hold-expired"
    assert late.redeem("SO-1").status == 200

"""Assessments: the redemptions that they count, whom they race, and merged customers."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import Response, World, euro
from tests.conftest import Database
from tests.faults import Faults, conflict, lost_answer, then
from tests.lambdas.customer.desk import NOW, Suspect, club, merge, under_review
from tests.meter import Meter


@pytest.fixture
def suspect(world: World) -> Suspect:
    return Suspect.of(world)


# ---------------------------------------------------------------- redemptions


def test_redemptions_of_points_and_of_linked_cards_count_for_a_day(world: World) -> None:
    suspect = Suspect.of(club(world), points=1_000)
    card, strangers = suspect.card(), Suspect.of(world).card()
    assert suspect.redeem("P-0").status == 200
    assert suspect.redeem("P-0").replayed, "a repeat is no redemption"
    assert suspect.redeem("P-1", 99_999).tag == "insufficient-points"
    for n in range(2):
        assert suspect.pay(card, f"C-{n}").status == 200
    assert suspect.pay(strangers, "C-9").status == 200
    assert suspect.assess(order="SO-1")["inputs"]["redemptions_24h"] == 3
    assert suspect.pay(card, "C-2").status == 200
    made = suspect.assess(order="SO-2")
    assert (made["inputs"]["redemptions_24h"], made["score"]) == (4, 15)
    for n in range(7):
        suspect.now = NOW + timedelta(hours=n)
        assert suspect.redeem(f"Q-{n}").status == 200
    assert suspect.assess(order="SO-3")["score"] == 35
    # The first five are of the hour from 12:00 to 13:00.
    kept = suspect.at(NOW + timedelta(hours=24, minutes=29)).assess(order="SO-4")
    assert kept["inputs"]["redemptions_24h"] == 11
    gone = suspect.at(NOW + timedelta(hours=25)).assess(order="SO-5")
    assert gone["inputs"]["redemptions_24h"] == 6


def test_a_redemption_that_lost_a_race_counts_once(world: World, faults: Faults) -> None:
    suspect = Suspect.of(club(world), points=1_000)
    faults.inject(then(lambda: suspect.redeem("A")), operation="transact_write_items")
    assert suspect.redeem("B").status == 200
    faults.inject(conflict(), operation="transact_write_items")
    assert suspect.redeem("C").status == 200
    faults.inject(lost_answer(), operation="transact_write_items")
    assert suspect.redeem("D").status == 200
    assert suspect.assess()["inputs"]["redemptions_24h"] == 4


@pytest.mark.parametrize("job_kind", ["delete", "anonymize"])
@pytest.mark.parametrize("begins", ["before", "between read and write"])
def test_nothing_is_counted_while_an_erasure_runs_and_nothing_refused_for_that(
    suspect: Suspect, database: Database, faults: Faults, job_kind: str, begins: str
) -> None:
    card = suspect.card()
    assert suspect.pay(card, "C-0").status == 200

    def counts() -> list[dict[str, Any]]:
        items = database.items(suspect.world.code)
        return [item for item in items if item["record_kind"]["S"] == "redemption_count"]

    def begin() -> None:
        suspect.world.set_state(suspect.guid, job_id="job_1", job_kind=job_kind)

    before = counts()
    assert [item["redemptions"]["N"] for item in before] == ["1"]
    if begins == "before":
        begin()
    else:
        faults.inject(then(begin), operation="transact_write_items")
    assert suspect.pay(card, "C-1").status == 200
    assert counts() == before


def test_a_count_ends_by_itself(suspect: Suspect, database: Database) -> None:
    assert suspect.pay(suspect.card(), "C-0").status == 200
    (count,) = [
        item
        for item in database.items(suspect.world.code)
        if item["record_kind"]["S"] == "redemption_count"
    ]
    assert int(count["ttl"]["N"]) == int((NOW + timedelta(days=2)).timestamp())


# ---------------------------------------------------------------- races


def test_two_assessments_of_one_order_at_once_make_one_hold(
    suspect: Suspect, faults: Faults
) -> None:
    under_review(suspect)
    first: list[Response] = []

    def ask_first() -> None:
        first.append(suspect.ask(order="SO-1"))

    faults.inject(then(ask_first), operation="transact_write_items")
    second = suspect.ask(order="SO-1")
    assert second.replayed
    assert second.data == first[0].data
    assert len(suspect.listed("hold")) == len(suspect.listed("fraud")) == 1


def test_two_assessments_with_other_inputs_share_the_hold_of_their_order(
    suspect: Suspect, faults: Faults
) -> None:
    under_review(suspect)
    faults.inject(
        then(lambda: suspect.assess(order="SO-1", amount=euro(1))),
        operation="transact_write_items",
    )
    suspect.assess(order="SO-1", amount=euro(2))
    assert len(suspect.listed("fraud")) == 2
    (hold,) = suspect.listed("hold")
    assert {made["hold_id"] for made in suspect.listed("fraud")} == {hold["hold_id"]}


def test_many_assessments_of_one_order_at_once_make_one_hold(suspect: Suspect) -> None:
    under_review(suspect)
    answers: list[Response] = []

    def ask(n: int) -> None:
        answers.append(suspect.ask(order="SO-1", amount=euro(1 + n % 2)))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} == {200}
    assert len(suspect.listed("hold")) == 1
    assert len(suspect.listed("fraud")) == 2


def test_a_flag_that_comes_in_between_counts(suspect: Suspect, faults: Faults) -> None:
    faults.inject(then(lambda: suspect.flag("block")), operation="transact_write_items")
    assert suspect.assess(order="SO-1")["decision"] == "deny"


def test_a_lost_answer_makes_no_second_hold(suspect: Suspect, faults: Faults) -> None:
    under_review(suspect)
    faults.inject(lost_answer(), operation="transact_write_items")
    made = suspect.assess(order="SO-1")
    assert [hold["hold_id"] for hold in suspect.listed("hold")] == [made["hold_id"]]


def test_an_assessment_takes_two_trips_and_so_does_its_repeat(
    suspect: Suspect, meter: Meter
) -> None:
    under_review(suspect)
    assert suspect.ask("warm.up").status == 200
    for more in ({}, {}, {"amount": euro(1)}):
        with meter.measuring() as costs:
            suspect.ask(order="SO-1", **more)
        assert costs[0].trips == 2


# ---------------------------------------------------------------- merged customers


def test_assessments_and_holds_of_a_merged_customer_are_the_survivors(world: World) -> None:
    gone, here = Suspect.of(club(world), points=100), Suspect.of(world)
    under_review(gone)
    assert gone.redeem("R-1").status == 200
    made = gone.assess(order="SO-1")
    here.now = gone.now = NOW + timedelta(minutes=1)
    merge(world, gone, here)
    mine = {**made, "customer_guid": here.guid}
    assert here.listed("fraud") == gone.listed("fraud") == [mine]
    assert [hold["customer_guid"] for hold in here.listed("hold")] == [here.guid]
    again = here.ask(order="SO-1")
    assert again.replayed, "the question and its inputs are the same"
    assert again.data["assessment"] == mine
    through_gone = gone.ask(order="SO-2")
    assert through_gone.data["redirected_from"] == gone.guid
    other = through_gone.data["assessment"]
    assert other["customer_guid"] == here.guid
    assert (other["inputs"]["redemptions_24h"], other["inputs"]["pending_elsewhere"]) == (1, 1)
    assert other["decision"] == "deny"
    approved = gone.resolve(made["hold_id"])
    assert approved.data["hold"]["customer_guid"] == here.guid
    assert here.ask(order="SO-1", amount=euro(5)).data["assessment"] == mine


def test_an_assessment_that_a_merge_overtakes_is_of_the_survivor(
    world: World, faults: Faults
) -> None:
    gone, here = Suspect.of(world), under_review(Suspect.of(world))
    faults.inject(then(lambda: merge(world, gone, here)), operation="transact_write_items")
    made = gone.assess(order="SO-1")
    assert (made["customer_guid"], made["decision"]) == (here.guid, "review")


def test_a_merge_that_comes_between_is_seen_by_an_assessment_of_the_survivor(
    world: World, faults: Faults
) -> None:
    gone, here = Suspect.of(world), Suspect.of(world)
    gone.flag("abuse", "critical")
    faults.inject(then(lambda: merge(world, gone, here)), operation="transact_write_items")
    assert here.assess(order="SO-1")["decision"] == "deny"


def test_trust_counts_after_a_merge_only_if_both_had_it(world: World) -> None:
    one, two, three = (Suspect.of(world) for _ in range(3))
    for trusted in (one, two):
        trusted.flag("trusted")
    under_review(three)
    merge(world, one, two)
    assert two.assess(order="A")["decision"] == "allow"
    merge(world, two, three)
    assert three.assess(order="A", amount=euro(1))["decision"] == "review"
    assert [flag["status"] for flag in three.listed("flag")] == ["open"] * 3
    three.flag("trusted")
    assert three.assess(order="B")["decision"] == "allow", "the survivor is trusted anew"


def test_a_pure_reader_of_one_customer_cannot_see_another(world: World) -> None:
    one, two = under_review(Suspect.of(world)), Suspect.of(world)
    made = one.assess(order="SO-1")
    assert two.listed("hold") == two.listed("fraud") == []
    assert two.resolve(made["hold_id"]).status == 404
    assert replace(two, guid=one.guid).listed("hold") != []

"""Holds: how they are resolved, how they expire, and who comes first where two resolve one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared import auth
from shared.fields import instant_shown
from shared.settings import OrgSettings
from tests.builders import WHY, World
from tests.conftest import Database
from tests.faults import Faults, lost_answer, then
from tests.lambdas.customer.desk import EXPIRED, NOW, REDEEM, Suspect, club, under_review
from tests.meter import Meter

Published = Callable[[str], list[dict[str, Any]]]
RESOLUTIONS = ["approved", "rejected", "cancelled"]


@pytest.fixture
def suspect(world: World) -> Suspect:
    return under_review(Suspect.of(club(world), points=1_000))


def test_a_pending_hold_lasts_to_its_last_millisecond(suspect: Suspect) -> None:
    hold_id = suspect.assess(order="SO-1")["hold_id"]
    before, after = suspect.at(EXPIRED - timedelta(milliseconds=1)), suspect.at(EXPIRED)
    assert before.hold(hold_id)["status"] == "pending"
    assert after.hold(hold_id)["status"] == "expired"
    assert [h["hold_id"] for h in before.listed("hold", status="pending")] == [hold_id]
    assert [h["hold_id"] for h in after.listed("hold", status="expired")] == [hold_id]
    assert before.listed("hold", status="expired") == after.listed("hold", status="pending") == []


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_a_resolution_is_kept_with_who_and_why(suspect: Suspect, resolution: str) -> None:
    hold_id = suspect.assess(order="SO-1")["hold_id"]
    before = suspect.hold(hold_id)
    suspect.now += timedelta(hours=1)
    why = {"reason": "Asked by phone", "source_refs": [{"kind": "call", "id": "7"}]}
    answer = suspect.resolve(hold_id, resolution, note="Sounded right", **why)
    actor = answer.body["stats"]["actor"]
    assert answer.data == {
        "customer_guid": suspect.guid,
        "hold": {
            **before,
            "status": resolution,
            "resolution": resolution,
            "resolved_by": actor,
            "resolved_at": instant_shown(suspect.now),
            "note": "Sounded right",
            "revision": 2,
            "updated_at": instant_shown(suspect.now),
            **why,
        },
    }
    assert suspect.hold(hold_id) == answer.data["hold"]
    assert suspect.listed("hold", status=resolution) == [answer.data["hold"]]


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_the_same_again_is_a_replay_and_another_hears_the_first(
    suspect: Suspect, published: Published, resolution: str
) -> None:
    hold_id = suspect.assess(order="SO-1")["hold_id"]
    first = suspect.resolve(hold_id, resolution)
    events = published(suspect.world.code)
    later = suspect.at(EXPIRED + timedelta(days=100))
    for more in ({}, {"expected_revision": 1}, {"note": "again"}, {"idempotency_key": "k"}):
        again = later.resolve(hold_id, resolution, **more)
        assert again.replayed
        assert (again.data, again.body["revision"]) == (first.data, 2)
    for other in set(RESOLUTIONS) - {resolution}:
        refused = later.resolve(hold_id, other)
        assert (refused.status, refused.tag) == (409, "invalid-state")
        assert refused.detail == {
            "state": resolution,
            "allowed": [],
            "resolution": resolution,
            "resolved_by": first.data["hold"]["resolved_by"],
            "resolved_at": instant_shown(NOW),
        }
    assert published(suspect.world.code) == events


def test_an_unknown_resolution_is_400_and_no_default(suspect: Suspect) -> None:
    hold_id = suspect.assess(order="SO-1")["hold_id"]
    for wrong in ("approve", "APPROVED", "expired", "pending", "", None, True):
        answer = suspect.call("/customer/hold/resolve", hold_id=hold_id, resolution=wrong)
        assert (answer.status, answer.fields) == (400, ["resolution"])
    missing = suspect.call("/customer/hold/resolve", hold_id=hold_id)
    assert (missing.status, missing.fields) == (400, ["resolution"])
    assert suspect.hold(hold_id)["status"] == "pending"


def test_a_revision_is_checked_where_it_is_sent(suspect: Suspect) -> None:
    hold_id = suspect.assess(order="SO-1")["hold_id"]
    before = suspect.hold(hold_id)
    stale = suspect.resolve(hold_id, expected_revision=2)
    assert (stale.tag, stale.detail) == ("conflict", {"current_revision": 1})
    assert (stale.body["data"]["hold"], stale.body["revision"]) == (before, 1)
    assert suspect.resolve(hold_id, expected_revision=1).status == 200
    assert suspect.resolve(hold_id, "rejected", expected_revision=1).tag == "conflict"


def test_an_expired_hold_may_be_approved_and_nothing_else(suspect: Suspect) -> None:
    hold_id = suspect.assess(order="SO-1")["hold_id"]
    late = suspect.at(EXPIRED + timedelta(days=9))
    for resolution in ("rejected", "cancelled"):
        refused = late.resolve(hold_id, resolution)
        assert (refused.status, refused.tag) == (409, "invalid-state")
        assert refused.detail == {"state": "expired", "allowed": ["approved"]}
    assert late.redeem("SO-1").detail == {"reason": "hold-expired"}
    assert late.resolve(hold_id).data["hold"]["status"] == "approved"
    assert late.redeem("SO-1").status == 200


def test_an_unknown_hold_is_404(suspect: Suspect) -> None:
    hold_id = suspect.assess(order="SO-1")["hold_id"]
    other = Suspect.of(suspect.world)
    assert other.resolve(hold_id).status == 404
    assert suspect.resolve("hold_unknown").status == 404


def test_the_event_of_a_resolution_says_what_was_decided(
    suspect: Suspect, published: Published
) -> None:
    hold_id = suspect.assess(order="SO-1")["hold_id"]
    late = suspect.at(EXPIRED)
    assert late.resolve(hold_id, note="Elm Street").status == 200
    event = published(suspect.world.code)[-1]
    assert (event["action"], event["aggregate_id"]) == ("customer-hold-resolved", hold_id)
    assert event["aggregate_revision"] == 2
    data = event["data"]
    assert (data["previous_status"], data["status"]) == ("expired", "approved")
    assert (data["resolution"], data["order_ref"]) == ("approved", "SO-1")
    assert "Elm Street" not in str(event)


def test_holds_are_listed_newest_first_by_action_and_status(suspect: Suspect) -> None:
    ids = []
    for n, action in enumerate(["a", "b", "A.x", "c", "d"]):
        suspect.now = NOW + timedelta(minutes=n)
        ids.append(suspect.assess(action)["hold_id"])
    assert [hold["hold_id"] for hold in suspect.listed("hold", limit=2)] == ids[::-1]
    assert [h["hold_id"] for h in suspect.listed("hold", action_type="a.X")] == [ids[2]]
    assert suspect.resolve(ids[1], "cancelled").status == 200
    pending = suspect.listed("hold", status="pending", limit=1)
    assert [h["hold_id"] for h in pending] == [ids[n] for n in (4, 3, 2, 0)]


def test_lists_take_one_trip_and_a_resolution_takes_two(suspect: Suspect, meter: Meter) -> None:
    hold_id = suspect.assess(order="SO-1")["hold_id"]
    other = suspect.assess("another.action", order="SO-1")["hold_id"]
    for what in ("flag", "fraud", "hold"):
        with meter.measuring() as costs:
            suspect.call(f"/customer/{what}/list")
        assert costs[0].trips == 1
    for one, resolution in ((hold_id, "approved"), (other, "cancelled")):
        with meter.measuring() as costs:
            assert suspect.resolve(one, resolution).status == 200
        assert costs[0].trips == 2


# ---------------------------------------------------------------- races


@pytest.mark.parametrize("first", RESOLUTIONS)
@pytest.mark.parametrize("second", RESOLUTIONS)
def test_of_two_resolutions_at_once_one_wins_and_the_other_hears_it(
    suspect: Suspect, faults: Faults, first: str, second: str
) -> None:
    hold_id = suspect.assess(order="SO-1")["hold_id"]
    faults.inject(then(lambda: suspect.resolve(hold_id, first)), operation="transact_write_items")
    answer = suspect.resolve(hold_id, second)
    assert suspect.hold(hold_id)["status"] == first
    if first == second:
        assert answer.replayed
    else:
        assert (answer.tag, answer.detail["resolution"]) == ("invalid-state", first)
    redeemed = suspect.redeem("SO-1")
    expected = {"approved": None, "cancelled": None, "rejected": "invalid-state"}
    assert redeemed.tag_or_none() == expected[first]


def test_a_lost_answer_of_a_resolution_is_no_conflict(suspect: Suspect, faults: Faults) -> None:
    hold_id = suspect.assess(order="SO-1")["hold_id"]
    faults.inject(lost_answer(), operation="transact_write_items")
    assert suspect.resolve(hold_id, "rejected").data["hold"]["revision"] == 2


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_an_assessment_that_races_a_resolution_knows_how_it_ended(
    suspect: Suspect, faults: Faults, resolution: str
) -> None:
    made = suspect.assess(order="SO-1")
    resolve = then(lambda: suspect.resolve(made["hold_id"], resolution))
    faults.inject(resolve, operation="transact_write_items")
    again = suspect.assess(order="SO-1", channel_code="web")
    holds = suspect.listed("hold")
    if resolution == "approved":
        assert again == made
        assert len(holds) == 1
    else:
        assert again["hold_id"] != made["hold_id"]
        assert sorted(hold["status"] for hold in holds) == sorted([resolution, "pending"])


def test_a_denial_of_the_order_that_a_cancellation_races_stays(
    suspect: Suspect, faults: Faults
) -> None:
    hold_id = suspect.assess(order="SO-1")["hold_id"]

    def deny() -> None:
        flag = suspect.flag("block")
        assert suspect.assess(order="SO-1")["decision"] == "deny"
        assert suspect.change(flag, status="resolved").status == 200

    faults.inject(then(deny), operation="transact_write_items")
    assert suspect.resolve(hold_id, "cancelled").status == 200
    assert suspect.redeem("SO-1").detail == {"reason": "denied"}


def test_a_resolution_is_refused_under_erasure_and_leaves_the_hold(
    suspect: Suspect, database: Database
) -> None:
    hold_id = suspect.assess(order="SO-1")["hold_id"]
    suspect.world.set_state(suspect.guid, status="anonymized")
    before = database.items(suspect.world.code)
    assert suspect.resolve(hold_id).detail["state"] == "anonymized"
    assert database.items(suspect.world.code) == before
    assert suspect.hold(hold_id)["status"] == "pending"


# ---------------------------------------------------------------- the org's setting


def test_where_the_org_says_release_an_expired_hold_blocks_nothing(world: World) -> None:
    suspect = under_review(Suspect.of(club(world), points=1_000))
    world.set_org("verified", OrgSettings(hold_expiry="release"))
    auth.forget()
    for order in ("SO-1", None):
        assert suspect.assess(order=order)["decision"] in ("review", "deny")
    suspect.assess("loyalty.adjust")
    assert suspect.redeem("SO-2").tag in ("hold-pending", "invalid-state")
    assert suspect.adjust().tag == "hold-pending"
    late = suspect.at(EXPIRED)
    assert late.adjust().status == 200
    hold_id = next(h["hold_id"] for h in late.listed("hold") if h["action_type"] == REDEEM)
    assert late.hold(hold_id)["status"] == "expired"


def test_what_an_expired_hold_means_is_settled_when_it_is_made(world: World) -> None:
    suspect = under_review(Suspect.of(club(world), points=1_000))
    suspect.assess(order="SO-1")
    world.set_org("verified", OrgSettings(hold_expiry="release"))
    auth.forget()
    late = suspect.at(EXPIRED)
    assert late.redeem("SO-1").detail == {"reason": "hold-expired"}
    assert late.redeem("SO-2").status == 200
    assert late.listed("hold")[0]["on_expiry"] == "reject"


def test_only_who_may_resolve_resolves(suspect: Suspect) -> None:
    hold_id = suspect.assess(order="SO-1")["hold_id"]
    body = {"customer_guid": suspect.guid, "hold_id": hold_id, "resolution": "approved", **WHY}
    till = suspect.world.person("crm_edit", "loyalty_admin")
    assert till("/customer/hold/resolve", body, now=NOW).status == 403
    assert suspect.world.person("crm_manage")("/customer/hold/resolve", body, now=NOW).status == 200

"""Gift cards through the real door: issue, get, redeem, reverse, the status, holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambdas.giftcard.models.records import GiftCardLinkRecord
from shared import auth
from shared.keys import of_org
from shared.records import Get
from shared.table import Table
from tests.builders import WHY, World, euro
from tests.faults import Faults, then
from tests.lambdas.giftcard.tills import Card, card, issue

PARTNER = "PARTNER-CODE-0042"
LATER = (auth.now() + timedelta(days=6 * 366)).strftime("%Y-%m-%dT%H:%M:%SZ")


def customer(world: World) -> str:
    return str(world.customer(first_name="Ada")["customer_guid"])


# ---------------------------------------------------------------- issue


def test_a_new_card_has_a_code_to_show_and_an_id_that_is_none(world: World) -> None:
    answer = issue(world, 5_000, memo="Happy birthday")
    shown = answer.data["stored_value"]
    code = shown["card_code"]
    assert [len(group) for group in code.split("-")] == [4, 4, 4, 4, 1]
    assert shown["card_last4"] == code.replace("-", "")[-4:]
    assert shown["balance"] == shown["issued_amount"] == euro(5_000)
    assert (shown["status"], shown["memo"], shown["revision"]) == ("active", "Happy birthday", 1)
    assert Card(world, code.lower().replace("-", " ").replace("0", "o")).shown["balance"]
    assert issue(world).data["stored_value"]["card_code"] != code


def test_a_key_shows_the_same_code_again(world: World) -> None:
    first, again = (issue(world, idempotency_key="k") for _ in range(2))
    assert (first.replayed, again.replayed) == (False, True)
    assert again.data == first.data
    imported = [issue(world, card_code=PARTNER, idempotency_key="i") for _ in range(2)]
    assert imported[1].replayed
    assert imported[0].data == imported[1].data
    assert imported[0].data["stored_value"]["card_code"] == "PART-NERC-ODE0-042"


def test_an_imported_code_is_a_replay_where_all_is_alike(world: World) -> None:
    guid, other = customer(world), customer(world)
    body = {"card_code": PARTNER, "customer_guid": guid, "expires_at": LATER}
    first = issue(world, 900, **body)
    Card(world, PARTNER).redeem("SO-1", 400)
    again = issue(world, 900, **{**body, "card_code": "partner code 0o42"})
    assert again.replayed
    assert {**again.data["stored_value"], "card_code": 0} == {
        **first.data["stored_value"],
        "card_code": 0,
    }
    for change in (
        {"customer_guid": other},
        {"amount": euro(901)},
        {"expires_at": LATER[:-1] + "+01:00"},
    ):
        refused = issue(world, 900, **{**body, **change})
        assert (refused.status, refused.tag, refused.fields) == (
            409,
            "already-exists",
            ["card_code"],
        )
    world.set_state(guid, status="merged", merged_into=other)
    assert issue(world, 900, **{**body, "customer_guid": other}).replayed


@pytest.mark.parametrize(
    "fault",
    [
        {"card_code": "TOO-SHORT-1"},
        {"card_code": "A" * 33},
        {"card_code": "GIFT_CARD_0000042"},
        {"card_code": "7K3M-9QWX-2VBN-4RTZ-H"},
        {"amount": euro(0)},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": (auth.now() + timedelta(days=365)).isoformat(timespec="seconds")},
    ],
)
def test_what_cannot_be_issued_is_400(world: World, fault: dict[str, Any]) -> None:
    refused = issue(world, **fault)
    assert (refused.status, refused.tag) == (400, "invalid-input")
    assert refused.fields[0].split(".")[0] in fault


def test_a_promotional_card_may_expire_soon_and_then_is_of_no_use(world: World) -> None:
    ends = auth.now() + timedelta(days=30)
    mine = card(world, promotional=True, expires_at=ends.isoformat(timespec="seconds"))
    assert mine.redeem("SO-1", 100).status == 200
    past = ends + timedelta(seconds=1)
    assert mine.get(now=past).data["stored_value"]["status"] == "expired"
    body = {"card_code": mine.code, "order_ref": "SO-2", "amount": euro(1), **WHY}
    refused = world.owner("/giftcard/redeem", body, now=past)
    assert (refused.tag, refused.detail["state"]) == ("invalid-state", "expired")
    again = world.owner("/giftcard/redeem", {**body, "order_ref": "SO-1", "amount": euro(100)})
    assert again.replayed
    back = {"card_code": mine.code, "order_ref": "SO-1", "idempotency_key": "r", **WHY}
    given_back = world.owner("/giftcard/reverse", back, now=past).data["stored_value"]
    assert (given_back["status"], given_back["balance"]) == ("expired", euro(5_000))


def test_the_customer_of_a_card_must_be_there_and_is_followed(world: World) -> None:
    refused = issue(world, customer_guid="nobody")
    assert (refused.status, refused.tag) == (404, "not-found")
    merged, survivor = customer(world), customer(world)
    before = card(world, customer_guid=merged)
    world.set_state(merged, status="merged", merged_into=survivor)
    after = card(world, customer_guid=merged)
    assert after.shown["customer_guid"] == before.shown["customer_guid"] == survivor
    head, _ = after.ledger()
    link = of_org(world.code).customer_link(survivor, "CARD", head.card_id)
    assert Table().load([Get(link, GiftCardLinkRecord)]).get(Get(link, GiftCardLinkRecord))
    world.set_state(survivor, job_id="job_1", job_kind="delete")
    assert issue(world, customer_guid=survivor).tag == "busy"


# ---------------------------------------------------------------- redeem


def test_an_order_is_taken_once_and_answered_alike_ever_after(world: World) -> None:
    mine = card(world, 1_000)
    first = mine.redeem("SO-1", 600)
    assert first.data["transaction"]["applied"] == euro(600)
    assert first.data["transaction"]["balance_after"] == euro(400)
    mine.redeem("SO-2", 400)
    mine.reverse("SO-2", "r1", 100)
    mine.set_status("blocked", 4)
    again = mine.redeem("SO-1", 600)
    assert again.replayed
    assert again.data == first.data
    assert again.body["revision"] == first.body["revision"] == 2
    other = mine.redeem("SO-1", 601)
    assert (other.tag, other.fields) == ("already-exists", ["order_ref"])
    mine.ledger()


@pytest.mark.parametrize("given_back", [None, 1, 5_000])
def test_an_order_that_was_reversed_is_not_redeemed_again(
    world: World, given_back: int | None
) -> None:
    mine = card(world, 5_000)
    first = mine.redeem("SO-9", 5_000, idempotency_key="till-1")
    other = mine.reverse("SO-9", "refund", given_back)
    assert (first.status, other.status) == (200, 200)
    balance = mine.shown["balance"]
    for amount, key in ((5_000, {}), (5_000, {"idempotency_key": "till-2"}), (4_999, {}), (1, {})):
        refused = mine.redeem("SO-9", amount, **key)
        assert (refused.status, refused.tag) == (409, "invalid-state")
        assert refused.detail == {"reversed": euro(given_back or 5_000)}
    assert mine.shown["balance"] == balance
    # The key of the first call is alive: whoever lost the answer hears it.
    again = mine.redeem("SO-9", 5_000, idempotency_key="till-1")
    assert (again.replayed, again.data) == (True, first.data)
    assert mine.redeem("SO-10", 1).status == 200
    mine.ledger()


def test_a_reversal_between_the_reads_and_the_write_of_a_repeat_is_heard(
    world: World, faults: Faults
) -> None:
    mine = card(world, 5_000)
    stale = then(lambda: (mine.redeem("SO-9", 500), mine.reverse("SO-9", "refund", 500)))
    faults.inject(stale, operation="transact_write_items")
    refused = mine.redeem("SO-9", 500)
    assert (refused.tag, refused.detail) == ("invalid-state", {"reversed": euro(500)})
    assert mine.ledger()[0].balance.amount == 5_000


def test_a_card_gives_no_more_than_it_has(world: World) -> None:
    mine = card(world, 1_000)
    refused = mine.redeem("SO-1", 1_001)
    assert (refused.tag, refused.detail) == ("insufficient-balance", {"available": euro(1_000)})
    part = mine.redeem("SO-1", 1_001, allow_partial=True).data
    assert part["transaction"]["requested"] == euro(1_001)
    assert part["transaction"]["applied"] == euro(1_000)
    assert part["stored_value"]["status"] == "depleted"
    empty = mine.redeem("SO-2", 1, allow_partial=True)
    assert (empty.tag, empty.detail) == ("insufficient-balance", {"available": euro(0)})
    mine.ledger()


def test_refusals_come_in_their_order(world: World) -> None:
    guid = customer(world)
    mine = card(world, 1_000, customer_guid=guid)
    assert mine.redeem("SO-0", 100).status == 200
    until = datetime(2100, 1, 1, tzinfo=UTC)
    blocked = {"giftcard.redeem": until}
    world.set_state(guid, blocked=blocked, blocked_by={"giftcard.redeem": "hold_7"})
    mine.set_status("blocked", 2)
    dollars = {"amount": {"currency": "USD", "amount": 9_999}}
    assert Card(world, "nothing").redeem("SO-1", 1).status == 404
    assert mine.redeem("SO-0", 100).replayed
    assert mine.redeem("SO-1", 1, **dollars).tag == "invalid-state"
    mine.set_status("active", 3)
    assert mine.redeem("SO-1", 1, **dollars).tag == "currency-mismatch"
    for amount in (9_999, 1):
        held = mine.redeem("SO-1", amount)
        assert (held.status, held.tag, held.detail) == (409, "hold-pending", {"hold_id": "hold_7"})
    world.set_state(guid, blocked=blocked, blocked_by={"giftcard.redeem": "flag"})
    flagged = mine.redeem("SO-1", 1)
    assert (flagged.tag, flagged.detail) == ("invalid-state", {"reason": "flag"})
    world.set_state(guid, blocked={}, blocked_by={})
    assert mine.redeem("SO-1", 9_999).tag == "insufficient-balance"
    assert mine.redeem("SO-1", 900).status == 200
    mine.ledger()


def test_a_hold_on_the_survivor_blocks_the_cards_of_who_was_merged(world: World) -> None:
    merged, survivor = customer(world), customer(world)
    mine = card(world, customer_guid=merged)
    world.set_state(merged, status="merged", merged_into=survivor)
    hold = {"blocked": {"giftcard.redeem": datetime(2100, 1, 1, tzinfo=UTC)}}
    world.set_state(survivor, **hold, blocked_by={"giftcard.redeem": "hold_7"})
    assert mine.redeem("SO-1", 1).tag == "hold-pending"
    assert mine.redeem("SO-1", 9_999).tag == "hold-pending"
    world.set_state(survivor, blocked={}, blocked_by={})
    assert mine.redeem("SO-1", 1).data["stored_value"]["customer_guid"] == survivor


def test_an_order_that_was_refused_its_customer_takes_nothing_off_the_card(
    world: World, faults: Faults
) -> None:
    merged, survivor = customer(world), customer(world)
    mine, other = card(world, 1_000, customer_guid=merged), card(world, customer_guid=survivor)
    assert mine.redeem("SO-0", 1).status == 200
    for order in ("SO-0", "SO-1"):
        world.refuse_order(merged, "giftcard.redeem", order)
    assert mine.redeem("SO-0", 1).replayed
    for amount in (1, 9_999):
        refused = mine.redeem("SO-1", amount)
        assert (refused.status, refused.tag) == (409, "invalid-state")
        assert refused.detail == {"reason": "rejected"}
    assert mine.redeem("SO-2", 1).status == 200
    reject = then(lambda: world.refuse_order(merged, "giftcard.redeem", "SO-3"))
    faults.inject(reject, operation="transact_write_items")
    assert mine.redeem("SO-3", 1).detail == {"reason": "rejected"}
    # Who was merged into another takes their refusals along, to the other's cards too.
    world.set_state(merged, status="merged", merged_into=survivor)
    world.set_state(survivor, absorbed=(merged,))
    for bearer in (mine, other):
        for amount in (1, 9_999):
            assert bearer.redeem("SO-1", amount).detail == {"reason": "rejected"}
    assert other.redeem("SO-4", 1).status == 200
    head, _ = mine.ledger()
    assert head.balance.amount == 998


def test_a_card_outlives_its_customer(world: World) -> None:
    guid = customer(world)
    mine = card(world, customer_guid=guid)
    world.set_state(guid, status="anonymized")
    assert mine.redeem("SO-1", 1).status == 200
    world.set_state(guid, status="active", job_id="job_1", job_kind="delete")
    assert mine.redeem("SO-2", 1).status == 200


def test_a_revision_that_is_named_must_be_right(world: World) -> None:
    mine = card(world)
    stale = mine.redeem("SO-1", 1, expected_revision=7)
    assert (stale.tag, stale.detail) == ("conflict", {"current_revision": 1})
    assert "card_code" not in stale.body["data"]["stored_value"]
    assert mine.redeem("SO-1", 1, expected_revision=1).status == 200
    assert mine.redeem("SO-1", 1, expected_revision=1).replayed
    assert mine.reverse("SO-1", "r", expected_revision=1).tag == "conflict"


# ---------------------------------------------------------------- reverse and status


def test_what_an_order_took_comes_back_in_parts_and_no_more(world: World) -> None:
    mine = card(world, 1_000)
    mine.redeem("SO-1", 600)
    mine.redeem("SO-2", 400)
    bare = {"card_code": mine.code, "order_ref": "SO-1", **WHY}
    keyless = world.owner("/giftcard/reverse", bare)
    assert (keyless.status, keyless.fields) == (400, ["idempotency_key"])
    assert mine.reverse("SO-9", "r0").status == 404
    too_much = mine.reverse("SO-1", "r0", 601)
    assert (too_much.tag, too_much.detail) == ("invalid-state", {"available": euro(600)})
    first = mine.reverse("SO-1", "r1", 200)
    assert first.data["transaction"]["balance_after"] == euro(200)
    assert mine.reverse("SO-1", "r1", 200).data == first.data
    assert mine.reverse("SO-1", "r2").data["transaction"]["applied"] == euro(400)
    spent = mine.reverse("SO-1", "r3")
    assert (spent.tag, spent.detail) == ("invalid-state", {"available": euro(0)})
    dollars = mine.reverse("SO-2", "r4", amount={"currency": "USD", "amount": 1})
    assert dollars.tag == "currency-mismatch"
    head, moves = mine.ledger()
    assert (head.balance.amount, len(moves)) == (600, 5)


def test_a_deactivated_card_is_at_its_end(world: World) -> None:
    mine = card(world)
    mine.redeem("SO-1", 100)
    assert mine.set_status("blocked", 2).data["stored_value"]["status"] == "blocked"
    assert mine.set_status("blocked", 3).body["revision"] == 3
    assert mine.set_status("deactivated", 3).status == 200
    refused = mine.set_status("active", 4)
    assert (refused.tag, refused.detail) == (
        "invalid-state",
        {"state": "deactivated", "allowed": []},
    )
    assert mine.redeem("SO-2", 1).detail["state"] == "deactivated"


@pytest.mark.parametrize("status", ["blocked", "deactivated"])
def test_a_refund_has_somewhere_to_go_whatever_the_status_of_the_card(
    world: World, status: str
) -> None:
    mine = card(world, 1_000)
    mine.redeem("SO-1", 1_000)
    mine.set_status(status, 2)
    for n, balance in enumerate((400, 1_000), start=1):
        given_back = mine.reverse("SO-1", f"r{n}", 400 if n == 1 else None).data
        assert given_back["transaction"]["balance_after"] == euro(balance)
        assert given_back["stored_value"]["status"] == status
    assert mine.redeem("SO-2", 1).detail["state"] == status
    head, _ = mine.ledger()
    assert (head.status, head.balance.amount) == (status, 1_000)

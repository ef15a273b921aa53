"""Loyalty as a till sees it: the worked examples, refusals in their order, replays, quotes."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.clients import table_administration
from shared.keys import of_org
from shared.settings import settings
from tests.builders import WHY, World, euro
from tests.lambdas.loyalty.tills import Member, on, policy


def test_refunds_in_any_split_take_back_exactly_what_was_earned(world: World) -> None:
    policy(world, earn_policy={"points_per_unit": 3, "unit_minor": 200})
    member = Member.of(world)
    assert member.earn("SO-1", 1_001).data["transaction"]["points"] == 15
    taken = [
        member.call("reverse", order_ref="SO-1", amount=euro(cents)).data["transaction"]["points"]
        for cents in (333, 333, 335)
    ]
    assert taken == [-5, -5, -5]
    over = member.call("reverse", order_ref="SO-1", points=1)
    assert (over.tag, over.detail) == ("invalid-state", {"reversible": 0})
    assert member.balance()["lifetime_earned"] == 0
    member.agrees()


@pytest.mark.parametrize("restored_on", [on(3, 20), on(4, 5)])
def test_points_go_back_to_the_lots_they_came_from(world: World, restored_on: Any) -> None:
    policy(world, now=on(1))
    member = Member.of(world, on(1))
    for points, expires in ((100, on(3, 31)), (60, on(6, 30)), (40, None)):
        more = {} if expires is None else {"expires_at": expires.isoformat()}
        assert member.adjust(points, **more).status == 200
    member.now = on(3, 10)
    spent = member.redeem("SO-1", 130).data["transaction"]
    assert [a["points"] for a in spent["allocations"]] == [-100, -30]
    member.now = restored_on
    back = member.call("restore", order_ref="SO-1", points=50).data["transaction"]
    assert [a["points"] for a in back["allocations"]] == [30, 20]
    member.now = max(restored_on, on(4, 1))
    assert member.balance()["available_points"] == 100
    member.agrees()


def test_debt_is_repaid_and_lots_are_made_whole_again(world: World) -> None:
    policy(world)
    member = Member.of(world)
    member.earn("A", 100)
    member.redeem("R", 80)
    assert member.call("reverse", order_ref="A").data["balance"]["debt_points"] == 80
    after = member.earn("B", 50).data["balance"]
    assert (after["debt_points"], after["available_points"]) == (30, 0)
    assert member.redeem("S", 1).detail == {"available": 0}
    back = member.call("restore", order_ref="R").data["balance"]
    assert (back["debt_points"], back["available_points"]) == (0, 50)
    member.agrees()


def test_an_order_earns_once_in_its_org_for_ever(world: World) -> None:
    policy(world)
    member, other = Member.of(world), Member.of(world)
    first = member.earn("SO-1", 500)
    member.redeem("SO-9", 10)
    again = member.earn("SO-1", 500)
    assert again.replayed
    assert again.data == first.data
    for refused in (member.earn("SO-1", 501), other.earn("SO-1", 500)):
        assert (refused.status, refused.tag) == (409, "already-exists")
        assert member.guid not in str(refused.body["error"])
    spent = member.redeem("SO-9", 10)
    assert spent.replayed
    assert member.redeem("SO-9", 11).tag == "already-exists"
    # Another customer may redeem for the same order.
    other.earn("SO-2", 50)
    assert other.redeem("SO-9", 10).status == 200


def test_redeem_refuses_in_the_order_of_the_page(world: World) -> None:
    member = Member.of(world)
    assert Member(world, "cust_nobody").redeem("SO", 5).status == 404
    no_policy = member.redeem("SO", 5)
    assert (no_policy.status, no_policy.tag) == (409, "invalid-state")
    rules = {"mode": "per_point", "min_points": 10, "step": 5, "max_percent_of_order": 50}
    policy(world, redeem_policy=rules)
    member.earn("A", 30)
    few = member.redeem("SO", 7)
    assert (few.status, sorted(few.fields)) == (400, ["order_amount"] + ["redeem_points"] * 2)
    assert member.redeem("SO", 40, order_amount=euro(1_000)).detail == {"available": 30}
    much = member.redeem("SO", 30, order_amount=euro(50))
    assert (much.status, much.fields) == (400, ["redeem_points"])
    spent = member.redeem("SO", 25, order_amount=euro(1_000)).data["transaction"]
    assert spent["value"] == euro(25)
    assert member.redeem("S2", 5, expected_revision=77).tag == "conflict"


def test_an_earn_grants_what_its_quote_said_or_says_a_new_one(world: World) -> None:
    policy(world, now=on(1), earn_policy={"points_per_unit": 2, "pending_days": 10})
    member = Member.of(world, on(1))
    sale = {"amount": euro(1_234), "lines": [{"sku": "A", "amount": euro(1_000)}]}
    preview = member.call("preview", **sale)
    quote = preview.data["quote"]
    assert (quote["points"], preview.data["balance_after"]["pending_points"]) == (20, 20)
    granted = member.call("earn", order_ref="1", quote_hash=quote["quote_hash"], **sale)
    assert granted.data["transaction"]["points"] == 20
    assert granted.data["balance"]["pending_points"] == 20
    current = {"expected_revision": 1, "policy": {
        "currency": "EUR",
        "earn_policy": {"points_per_unit": 3},
        "redeem_policy": {"mode": "per_point"},
    }}  # fmt: skip
    assert world.owner("/loyalty/policy/set", {**current, **WHY}, now=on(2)).status == 200
    member.now = on(2)
    stale = member.call("earn", order_ref="2", quote_hash=quote["quote_hash"], **sale)
    assert stale.tag == "quote-stale"
    fresh = stale.detail["quote"]["quote_hash"]
    assert member.call("earn", order_ref="2", quote_hash=fresh, **sale).status == 200
    assert member.balance()["available_points"] == 50


def test_policies_are_versions_that_never_change(world: World) -> None:
    first = policy(world, now=on(1), policy_version="one")
    assert first.body["revision"] == 1
    assert policy(world, now=on(1), policy_version="one").replayed
    other = policy(world, now=on(1), policy_version="ONE", currency="USD")
    assert (other.status, other.tag) == (409, "already-exists")
    assert policy(world, now=on(2)).status == 428
    assert policy(world, now=on(2), effective_from="2026-01-01T00:00:00Z").status == 400

    def following(**parts: Any) -> Any:
        made = {
            "currency": "EUR",
            "earn_policy": {"points_per_unit": 1},
            "redeem_policy": {"mode": "per_point"},
            **parts,
        }
        return world.owner(
            "/loyalty/policy/set", {"policy": made, "expected_revision": 1, **WHY}, now=on(2)
        )

    assert following(effective_from="2026-01-01T00:00:00Z").fields == ["policy.effective_from"]
    assert following(effective_from="2026-06-01T00:00:00Z").body["revision"] == 2

    def in_force(month: int, **more: Any) -> str:
        body = {"as_of": on(month, 2).isoformat(), **more}
        answer = world.owner("/loyalty/policy/get", body, now=on(2))
        return str(answer.data["policy"]["policy_version"])

    assert in_force(3) == "one"
    assert in_force(7) != "one"
    before = world.owner("/loyalty/policy/get", {"as_of": "2025-01-01T00:00:00Z"}, now=on(2))
    assert before.status == 404
    assert in_force(3, channel_code="web_shop") == "one"


def test_expired_points_do_not_count_whether_or_not_expire_has_run(world: World) -> None:
    policy(world, now=on(1), expiry_policy={"mode": "month_end", "months": 1})
    member = Member.of(world, on(1, 15))
    member.earn("A", 100)
    assert member.balance()["expiring"] == [{"expires_at": "2026-03-01T00:00:00Z", "points": 100}]
    member.now = on(3)
    assert member.balance()["available_points"] == 0
    assert member.redeem("R", 1).tag == "insufficient-points"
    dry = member.call("expire", as_of=on(4).isoformat(), dry_run=True)
    assert (dry.data["expired_points"], dry.data["dry_run"]) == (100, True)
    assert member.call("expire", as_of=on(4).isoformat()).fields == ["as_of"]
    ran = member.call("expire").data
    assert (ran["expired_points"], ran["more"]) == (100, False)
    assert member.call("expire").data["expired_points"] == 0
    assert member.ledger()[-1]["effective_at"] == "2026-03-01T00:00:00Z"
    assert member.balance(as_of=on(2).isoformat())["available_points"] == 100
    member.agrees()


def test_recalculate_explains_and_repairs_what_is_stored(world: World) -> None:
    policy(world)
    member = Member.of(world)
    member.earn("A", 100)
    pk, sk = of_org(world.code).loyalty_balance(member.guid)
    table_administration().update_item(
        TableName=settings().table_name,
        Key={"pk": {"S": pk}, "sk": {"S": sk}},
        UpdateExpression="SET lifetime_earned = :wrong",
        ExpressionAttributeValues={":wrong": {"N": "7"}},
    )
    found = member.call("recalculate").data
    assert (found["equal"], found["applied"]) == (False, False)
    assert [(d["field"], d["stored"], d["derived"]) for d in found["differences"]] == [
        ("lifetime_earned", 7, 100)
    ]
    assert member.call("recalculate", apply=True).data["applied"]
    assert member.agrees()["balance"]["lifetime_earned"] == 100
    assert [entry["kind"] for entry in member.ledger()] == ["earn", "recalculate"]

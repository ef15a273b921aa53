"""What tills send: wrong, twice, too much, or about another order; and what they hear."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lambdas.loyalty import storage
from shared import auth
from shared.codec import Item
from shared.fields import LARGEST_INTEGER
from shared.keys import of_org
from shared.table import Table
from tests.builders import WHY, World, euro, store
from tests.conftest import Database
from tests.lambdas.loyalty.tills import Member, on, policy
from tests.meter import item_size

DOLLAR = {"currency": "USD", "amount": 1}
FUTURE = "2999-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("what", "body", "fields"),
    [
        ("adjust", {"points_delta": 0, "expires_at": "soon"}, ["points_delta", "expires_at"]),
        ("adjust", {"points_delta": -1, "expires_at": FUTURE}, ["expires_at"]),
        ("adjust", {"points_delta": 1, "reason": 5, "source_refs": []}, ["reason", "source_refs"]),
        ("reverse", {"order_ref": "o", "amount": euro(1), "points": 1}, ["points"]),
        (
            "earn",
            {
                "order_ref": "o",
                "amount": euro(1),
                "occurred_at": FUTURE,
                "lines": [{"amount": DOLLAR}, {"amount": DOLLAR}],
                "dry_run": True,
            },
            [
                *("lines.0.amount.currency", "lines.1.amount.currency", "lines", "occurred_at"),
                "dry_run",
            ],
        ),
    ],
)
def test_every_fault_is_named_at_once_where_it_is(
    world: World, what: str, body: dict[str, Any], fields: list[str]
) -> None:
    answer = Member(world, "cust_nobody").call(what, **body)
    assert (answer.status, sorted(answer.fields)) == (400, sorted(fields))
    assert all(fault["message"][:2] in ("mu", "is") for fault in answer.body["error"]["minor"])


def test_all_that_is_wrong_with_a_policy_is_told_before_its_revision(world: World) -> None:
    policy(world)
    dollars = {"points": 1, "money": {"currency": "USD", "amount": 1}}
    wrong = {
        "expiry_policy": {"mode": "month_end", "days": 3},
        "restore_policy": {"expired": "grace"},
        "redeem_policy": {
            **{"mode": "per_point", "min_points": 9, "max_points": 0, "point_value": dollars}
        },
        "nonsense": 1,
    }
    body = {"policy": {"currency": "EUR", "earn_policy": {"points_per_unit": 1}, **wrong}}
    answer = world.owner("/loyalty/policy/set", body)
    assert answer.status == 400
    assert set(answer.fields) == {
        *("reason", "source_refs", "policy.nonsense"),
        *("policy.expiry_policy.days", "policy.expiry_policy.months"),
        *("policy.restore_policy.grace_days", "policy.redeem_policy.max_points"),
        "policy.redeem_policy.point_value.money.currency",
    }


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("earn_policy", "unit_minor", 0),
        ("earn_policy", "pending_days", -1),
        ("earn_policy", "pending_days", 36_501),
        ("earn_policy", "points_per_unit", "-1"),
        ("redeem_policy", "max_percent_of_order", 101),
        ("redeem_policy", "max_percent_of_order", 0),
        ("redeem_policy", "step", 0),
        ("expiry_policy", "days", 0),
        ("expiry_policy", "days", 36_501),
        ("expiry_policy", "months", 1_201),
        ("restore_policy", "grace_days", 0),
    ],
)
def test_a_number_of_a_policy_lies_within_its_bounds(
    world: World, part: str, field: str, value: Any
) -> None:
    right = {
        "earn_policy": {"points_per_unit": 1},
        "redeem_policy": {"mode": "per_point"},
        "expiry_policy": {"mode": "month_end" if field == "months" else "days"},
        "restore_policy": {"expired": "grace"},
    }
    answer = policy(world, **{part: {**right[part], field: value}})
    assert (answer.status, answer.fields) == (400, [f"policy.{part}.{field}"])


def test_an_order_is_undone_by_its_own_transaction_and_no_other(world: World) -> None:
    policy(world)
    member = Member.of(world)
    earned = member.earn("A", 100).data["transaction"]["loyalty_txn_id"]
    spent = member.redeem("A", 40).data["transaction"]["loyalty_txn_id"]
    member.earn("B", 10)
    both = member.call("reverse", loyalty_txn_id=earned, order_ref="B")
    assert (both.status, both.fields) == (400, ["order_ref"])
    unknown = "ltx_" + "0" * 26 + earned[30:]
    for what, other in (("reverse", spent), ("restore", earned), ("reverse", unknown)):
        by_source = {"source_refs": [{"kind": "loyalty_txn", "id": other}]}
        assert member.call(what, loyalty_txn_id=other).status == 404
        assert member.call(what, **by_source).status == 404
    right = {"source_refs": [{"kind": "ticket", "id": "T"}, {"kind": "loyalty_txn", "id": spent}]}
    assert member.call("restore", **right).data["transaction"]["points"] == 40
    assert member.call("reverse", loyalty_txn_id=earned, order_ref="A").status == 200
    member.agrees()


def test_of_nothing_left_nothing_is_reversed(world: World) -> None:
    policy(world, earn_policy={"points_per_unit": 1, "min_amount_minor": 100})
    member = Member.of(world)
    member.earn("A", 500)
    assert member.call("reverse", order_ref="A", points=5).status == 200
    again = member.call("reverse", order_ref="A")
    assert (again.tag, again.detail) == ("invalid-state", {"reversible": 0})
    # An order that earned nothing goes back as a whole all the same, once.
    assert member.earn("B", 99).data["transaction"]["points"] == 0
    assert member.call("reverse", order_ref="B").data["transaction"]["points"] == 0
    assert member.call("reverse", order_ref="B").tag == "invalid-state"


def test_a_key_knows_a_request_with_its_defaults_said_or_left_out(world: World) -> None:
    member = Member.of(world)
    first = member.adjust(7, idempotency_key="k")
    assert member.adjust(7, idempotency_key="k", allow_debt=False).data == first.data
    assert member.adjust(7, idempotency_key="k", allow_debt=True).tag == "idempotency-key-reused"


def test_nobody_is_told_a_number_that_json_cannot_hold(world: World) -> None:
    worth = {"points": 1, "money": {"currency": "EUR", "amount": 1_000_000}}
    policy(world, redeem_policy={"mode": "per_point", "point_value": worth})
    member = Member.of(world)
    assert member.adjust(LARGEST_INTEGER).status == 200
    assert member.adjust(1).fields == ["points_delta"]
    assert member.redeem("R", LARGEST_INTEGER).fields == ["redeem_points"]
    assert member.redeem("R", 1_000).status == 200
    assert member.adjust(1_000).status == 200
    assert member.call("restore", order_ref="R", points=1_000).fields == ["points"]
    assert member.call("restore", order_ref="R").fields == ["order_ref"], "nothing else was sent"
    debtor = Member.of(world)
    assert debtor.adjust(-LARGEST_INTEGER, allow_debt=True).status == 200
    assert debtor.adjust(-1, allow_debt=True).fields == ["points_delta"]
    rate = {"points_per_unit": "1234567890.5"}
    assert policy(world, earn_policy=rate).fields == ["policy.earn_policy.points_per_unit"]


# ---------------------------------------------------------------- policies


def test_versions_are_counted_and_named_however_many_there_are(world: World) -> None:
    for taken in ("v2", "V3", "v4"):
        assert policy(world, policy_version=taken, channel_code=f"c{taken.lower()}").status == 200
    wrong = policy(world, policy_version="first")
    assert wrong.body["revision"] == 1
    set_ = {"redeem_policy": {"mode": "per_point"}, "earn_policy": {"points_per_unit": 2}}

    def following(revision: int, **more: Any) -> Any:
        body = {"policy": {"currency": "EUR", **set_, **more}, "expected_revision": revision}
        return world.owner("/loyalty/policy/set", {**body, **WHY})

    names = [
        following(n).data["policy"]["policy_version"] for n in (1, 2, 3)
    ]  # four versions there were
    assert names == ["v5", "v6", "v7"]
    assert policy(world, policy_version="v8", channel_code="another").status == 200
    assert following(4).data["policy"]["policy_version"] == "v9"
    for revision in (4, 99):
        stale = following(revision)
        assert (stale.tag, stale.detail) == ("conflict", {"current_revision": 5})
        assert stale.body["revision"] == stale.body["data"]["policy"]["revision"] == 5


def test_however_many_names_are_taken_the_next_is_free_after_a_few_trips(
    world: World, meter: Any
) -> None:
    keys = of_org(world.code)
    assert policy(world, policy_version="first").status == 200
    place = storage.policy_named(keys, "first")
    chosen = Table().load([place]).require(place)
    for number in range(2, 302):
        named = replace(chosen, policy_version=f"v{number}")
        store(Item(keys.loyalty_policy_named(f"v{number}"), named))
    with meter.measuring() as costs:
        made = policy(world, channel_code="web_shop")
    assert made.data["policy"]["policy_version"] == "v302"
    assert costs[0].trips <= 8


def test_the_number_before_the_first_version_is_none(world: World) -> None:
    body = {
        "policy": {"earn_policy": {"points_per_unit": 1}, "redeem_policy": {"mode": "per_point"}},
        **WHY,
    }
    early = world.owner("/loyalty/policy/set", {**body, "expected_revision": 7})
    assert (early.tag, early.detail) == ("conflict", {"current_revision": 0})
    assert world.owner("/loyalty/policy/set", {**body, "expected_revision": 0}).status == 200


def test_the_conflict_shows_the_version_that_was_set_last(world: World) -> None:
    policy(world, now=on(1), effective_from=on(6).isoformat(), policy_version="summer")
    parts = {"earn_policy": {"points_per_unit": 1}, "redeem_policy": {"mode": "per_point"}}
    body = {
        "policy": {**parts, "effective_from": on(3).isoformat(), "policy_version": "spring"},
        **WHY,
    }
    assert world.owner("/loyalty/policy/set", {**body, "expected_revision": 1}, now=on(1)).data
    body["policy"] = {**body["policy"], "policy_version": "other"}
    stale = world.owner("/loyalty/policy/set", {**body, "expected_revision": 1}, now=on(1))
    assert stale.body["revision"] == stale.body["data"]["policy"]["revision"] == 2
    assert stale.body["data"]["policy"]["policy_version"] == "spring"


def test_a_preview_of_nobody_is_404_whatever_else_is_wrong(world: World) -> None:
    nobody = Member(world, "cust_nobody")
    assert nobody.call("preview", amount=euro(1)).status == 404
    policy(world)
    assert nobody.call("preview", amount=DOLLAR).status == 404
    assert Member.of(world).call("preview", amount=DOLLAR).tag == "currency-mismatch"


# ---------------------------------------------------------------- very many lots


def test_dates_of_expiry_are_all_there_or_not_told(world: World) -> None:
    policy(world)
    member = Member.of(world)
    days = [(auth.now() + timedelta(days=30 + n)).isoformat() for n in range(11)]
    answers = [member.adjust(10, expires_at=days[n % 11]).data for n in range(340)]
    told = member.balance()["expiring"]
    assert [found["points"] for found in told] == [310] * 10 + [300]
    for number, answer in enumerate(answers, 1):
        found = answer["balance"].get("expiring")
        assert found is None or sum(x["points"] for x in found) == 10 * number
    assert "expiring" in answers[63]["balance"]
    assert "expiring" not in answers[-1]["balance"]
    assert "expiring" not in member.earn("E", 10).data["balance"]


@pytest.mark.soak
def test_a_redemption_from_a_thousand_lots_is_kept_in_items_of_their_size(
    world: World, database: Database
) -> None:
    from tests.lambdas.loyalty.test_long_ledgers import give_history, regular

    policy(world, now=on(1))
    member = regular(world)
    give_history(member, database.client, 0, 1_000)
    member.now = on(2)
    why = {
        "reason": "é" * 500,
        "source_refs": [{"kind": "k" * 64, "id": f"{n:0128}"} for n in range(20)],
        "idempotency_key": "k",
    }
    first = member.redeem("R", 3_000, **why)
    assert len(first.data["transaction"]["allocations"]) == 1_000
    assert member.redeem("R", 3_000, **why).data == first.data
    assert member.redeem("R", 3_000, **WHY).data == first.data
    back = member.call("restore", order_ref="R", **why)
    assert len(back.data["transaction"]["allocations"]) == 1_000
    assert member.call("restore", order_ref="R", **why).data == back.data
    assert max(item_size(item) for item in database.items(world.code)) <= 64 * 1024
    member.agrees()

"""Loyalty as a till sees it: the worked examples, refusals in their order, replays, quotes."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from shared import clients
from shared.keys import of_org
from shared.settings import settings
from tests.builders import WHY, World, euro
from tests.faults import Crash, Faults, conflict, crash, lost_answer, throttled
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


def test_a_block_on_the_customer_is_checked_in_the_same_write(world: World, faults: Faults) -> None:
    policy(world)
    member = Member.of(world)
    member.earn("A", 100)
    pk, sk = of_org(world.code).customer_state(member.guid)

    def block(cause: str) -> None:
        clients.dynamodb().update_item(
            TableName=settings().table_name,
            Key={"pk": {"S": pk}, "sk": {"S": sk}},
            UpdateExpression="SET blocked = :b, blocked_by = :c, #r = #r + :one",
            ExpressionAttributeNames={"#r": "revision"},
            ExpressionAttributeValues={
                ":b": {"M": {"loyalty.redeem": {"S": "9999-12-31T00:00:00.000Z"}}},
                ":c": {"M": {"loyalty.redeem": {"S": cause}}},
                ":one": {"N": "1"},
            },
        )

    from tests.faults import then

    faults.inject(then(lambda: block("hold_1")), operation="transact_write_items")
    raced = member.redeem("SO", 10)
    assert (raced.tag, raced.detail) == ("hold-pending", {"hold_id": "hold_1"})
    block("block")
    assert member.redeem("SO", 10).detail == {"reason": "block"}
    assert member.balance()["available_points"] == 100


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
    assert policy(world, now=on(2), effective_from="2026-01-01T00:00:00Z").status == 428

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


@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("what", ["earn", "redeem", "reverse", "restore"])
@pytest.mark.parametrize(
    "fault",
    [crash(before=True), crash(before=False), lost_answer(), throttled(), conflict()],
    ids=["crash-before", "crash-after", "lost", "throttled", "conflict"],
)
def test_a_fault_at_any_call_then_a_retry_is_the_fault_free_result(
    world: World, faults: Faults, what: str, fault: Any, at: int
) -> None:
    policy(world)
    member = Member.of(world)
    member.earn("A", 100)
    member.redeem("R", 60)
    calls = {
        "earn": lambda: member.earn("B", 50),
        "redeem": lambda: member.redeem("S", 30),
        "reverse": lambda: member.call("reverse", order_ref="A", points=30, idempotency_key="k"),
        "restore": lambda: member.call("restore", order_ref="R", points=30, idempotency_key="k"),
    }
    wanted = {"earn": 90, "redeem": 10, "reverse": 10, "restore": 70}
    faults.inject(fault, at=at)
    with contextlib.suppress(Crash):
        calls[what]()
    assert faults.pending == 0
    answer = calls[what]()
    assert answer.status == 200, answer.body
    assert answer.data["balance"]["available_points"] == wanted[what]
    assert member.balance()["available_points"] == wanted[what]
    assert len(member.ledger()) == 3
    member.agrees()


class LosingAnswers:
    """Every fourth transaction's answer never arrives."""

    def __init__(self, client: Any) -> None:
        self._client, self._count = client, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **arguments: Any) -> Any:
        self._count += 1
        lost = self._count % 4 == 0
        answer = self._client.transact_write_items(**arguments)
        if lost:
            raise ReadTimeoutError(endpoint_url="engine")
        return answer


def test_thirty_two_clients_on_one_balance_lose_and_double_nothing(world: World) -> None:
    policy(world)
    member = Member.of(world)
    member.earn("start", 300)
    real = clients.dynamodb()
    clients.use(dynamodb=LosingAnswers(real))

    def visit(n: int) -> int:
        # A quarter of the visits repeat another's.
        order = n if n % 4 else max(0, n - 1)
        while True:
            answer = member.redeem(f"R{order}", 10) if order % 2 else member.earn(f"E{order}", 5)
            if answer.tag_or_none() not in ("busy", "unavailable"):
                return order if answer.status == 200 else -1

    try:
        with ThreadPoolExecutor(32) as pool:
            done = [order for order in pool.map(visit, range(64)) if order >= 0]
    finally:
        clients.use(dynamodb=real)
    orders = set(done)
    wanted = 300 + sum(-10 if order % 2 else 5 for order in orders)
    assert member.balance()["available_points"] == wanted >= 0
    entries = member.ledger()
    assert [entry["sequence"] for entry in entries] == list(range(1, len(entries) + 1))
    named = {f"R{o}" if o % 2 else f"E{o}" for o in orders} | {"start"}
    assert {entry["order_ref"] for entry in entries} == named
    assert len(entries) == len(named)
    member.agrees()


def test_a_thousand_open_lots_are_still_two_trips(world: World, meter: Any) -> None:
    policy(world)
    member = Member.of(world)
    real = clients.dynamodb()
    clients.use(dynamodb=real.client)
    for n in range(300):
        expires = {"expires_at": on(1 + n % 12, 1 + n % 28).replace(year=2099).isoformat()}
        assert member.adjust(2, **(expires if n % 3 else {})).status == 200
    clients.use(dynamodb=real)
    with meter.measuring() as costs:
        assert member.redeem("R", 100).status == 200
        assert member.earn("E", 10).status == 200
    assert costs[0].trips == 4
    assert member.balance()["available_points"] == 510
    assert member.agrees()["entries_read"] == 302


def test_recalculate_explains_and_repairs_what_is_stored(world: World) -> None:
    policy(world)
    member = Member.of(world)
    member.earn("A", 100)
    pk, sk = of_org(world.code).loyalty_balance(member.guid)
    clients.dynamodb().update_item(
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

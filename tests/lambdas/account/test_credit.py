"""Credit: consumption and release, their replays, refusals and faults."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.builders import WHY, Response, World, euro
from tests.faults import Crash, Faults, conflict, crash, lost_answer, throttled, unprocessed


def consume(world: World, guid: str, amount: int, order: str, revision: int) -> Response:
    body = {"account_guid": guid, "amount": euro(amount), "order_ref": order}
    return world.owner("/account/credit/consume", {**body, "expected_revision": revision})


def release(world: World, guid: str, order: str | None, **more: Any) -> Response:
    body = {"account_guid": guid, **({"order_ref": order} if order else {}), **more}
    return world.owner("/account/credit/release", body)


def test_the_same_order_is_a_replay_and_another_amount_is_not(world: World) -> None:
    guid = world.account()["account_guid"]
    first = consume(world, guid, 300, "SO-1", 1)
    assert first.data["credit"] == {
        "order_ref": "SO-1",
        "requested": euro(300),
        "applied": euro(300),
        "floored": False,
    }
    consume(world, guid, 100, "SO-2", 2)
    again = consume(world, guid, 300, "SO-1", 1)
    assert again.replayed
    assert again.data == first.data
    other = consume(world, guid, 301, "SO-1", 3)
    assert (other.status, other.tag, other.fields) == (409, "already-exists", ["order_ref"])


def test_credit_of_an_order_comes_back_in_its_own_currency_or_not_at_all(world: World) -> None:
    guid = world.account(limit=1_000)["account_guid"]
    assert consume(world, guid, 300, "X1", 1).status == 200
    assert release(world, guid, None, amount=euro(300), idempotency_key="k").status == 200
    dollars = {"currency": "USD", "amount": 1_000}
    changed = {"account_guid": guid, "expected_revision": 3, "account": {"credit_limit": dollars}}
    assert world.owner("/account/update", {**changed, **WHY}).status == 200
    spent = {"account_guid": guid, "order_ref": "X2", "amount": {**dollars, "amount": 500}}
    used = world.owner("/account/credit/consume", {**spent, "expected_revision": 4})
    assert used.data["account"]["credit_used"] == {"currency": "USD", "amount": 500}
    back = release(world, guid, "X1").data
    assert (back["credit"]["applied"], back["credit"]["floored"]) == (euro(0), True)
    assert back["account"]["credit_used"] == {"currency": "USD", "amount": 500}
    assert release(world, guid, "X1", amount=dollars).tag == "currency-mismatch"


def test_a_release_that_gave_nothing_back_gives_nothing_back_again(world: World) -> None:
    guid = world.account(limit=1_000)["account_guid"]
    assert consume(world, guid, 400, "O2", 1).status == 200
    assert release(world, guid, None, amount=euro(400), idempotency_key="k").status == 200
    nothing = release(world, guid, "O2")
    assert nothing.data["credit"]["applied"] == euro(0)
    assert consume(world, guid, 400, "O9", 3).status == 200
    again = release(world, guid, "O2")
    assert again.replayed
    assert again.data == nothing.data
    account = world.owner("/account/get", {"account_guid": guid}).data["account"]
    assert account["credit_used"] == euro(400)


def test_a_key_stands_for_one_order_however_it_is_named(world: World) -> None:
    guid = world.account(limit=1_000)["account_guid"]

    def by_source(order: str) -> Response:
        refs = [{"kind": "ticket", "id": "T"}, {"kind": "order", "id": order}]
        body = {"account_guid": guid, "amount": euro(10), "expected_revision": 1}
        more = {"source_refs": refs, "idempotency_key": "k"}
        return world.owner("/account/credit/consume", {**body, **more})

    assert by_source("S1").status == 200
    assert by_source("S1").replayed
    assert by_source("S2").tag == "idempotency-key-reused"


def test_refusals_come_in_the_order_of_the_page(world: World) -> None:
    account = world.account(limit=100)
    guid = account["account_guid"]
    dollars = {"account_guid": guid, "amount": {"currency": "USD", "amount": 500}}
    assert consume(world, "acct_none", 1, "1", 9).tag == "not-found"
    assert consume(world, guid, 500, "1", 9).tag == "conflict"
    wrong = {**dollars, "order_ref": "1", "expected_revision": 1}
    assert world.owner("/account/credit/consume", wrong).tag == "currency-mismatch"
    beyond = consume(world, guid, 500, "1", 1)
    assert (beyond.tag, beyond.detail) == ("credit-limit-exceeded", {"available": euro(100)})
    assert consume(world, guid, 60, "1", 1).status == 200
    hold = {"account_guid": guid, "expected_revision": 2, "account": {"credit_hold": True}, **WHY}
    assert world.owner("/account/update", hold).status == 200
    assert consume(world, guid, 500, "2", 9).tag == "credit-hold"
    assert consume(world, guid, 60, "1", 9).replayed
    assert release(world, guid, "1").status == 200


def test_an_order_must_be_named_or_be_a_source(world: World) -> None:
    guid = world.account()["account_guid"]
    body = {"account_guid": guid, "amount": euro(5), "expected_revision": 1}
    assert world.owner("/account/credit/consume", body).fields == ["order_ref"]
    sources = [{"kind": "ticket", "id": "T"}, {"kind": "order", "id": "SO-9"}]
    answer = world.owner("/account/credit/consume", {**body, "source_refs": sources})
    assert answer.data["credit"]["order_ref"] == "SO-9"


def test_credit_given_back_is_not_taken_again_for_the_same_order(world: World) -> None:
    guid = world.account()["account_guid"]
    consume(world, guid, 300, "SO-1", 1)
    release(world, guid, "SO-1", amount=euro(100))
    again = consume(world, guid, 300, "SO-1", 3)
    assert (again.tag, again.detail) == ("invalid-state", {"released": euro(100)})


def test_a_release_never_gives_back_more_than_was_taken(world: World) -> None:
    guid = world.account()["account_guid"]
    consume(world, guid, 300, "SO-1", 1)
    part = release(world, guid, "SO-1", amount=euro(100))
    assert release(world, guid, "SO-1", amount=euro(100)).replayed
    assert part.data["account"]["credit_used"] == euro(200)
    by_key = release(world, guid, "SO-1", amount=euro(100), idempotency_key="second")
    assert by_key.data["account"]["credit_used"] == euro(100)
    over = release(world, guid, "SO-1", amount=euro(999))
    assert over.data["credit"] == {
        "order_ref": "SO-1",
        "requested": euro(999),
        "applied": euro(100),
        "floored": True,
    }
    assert over.data["account"]["credit_used"] == euro(0)
    assert release(world, guid, "SO-none").status == 404


def test_a_release_without_an_order_needs_a_key_and_floors_at_nothing(world: World) -> None:
    guid = world.account()["account_guid"]
    consume(world, guid, 300, "SO-1", 1)
    assert release(world, guid, None, amount=euro(10)).fields == ["idempotency_key"]
    assert release(world, guid, None).fields == ["amount", "idempotency_key"]
    answer = release(world, guid, None, amount=euro(500), idempotency_key="k")
    assert (answer.data["credit"]["applied"], answer.data["credit"]["floored"]) == (euro(300), True)
    assert release(world, guid, None, amount=euro(500), idempotency_key="k").replayed
    rest = release(world, guid, "SO-1")
    assert rest.data["account"]["credit_used"] == euro(0)


@pytest.mark.parametrize(
    "fault",
    [crash(before=True), crash(before=False), lost_answer(), conflict(), throttled()],
    ids=["crash-before", "crash-after", "lost", "conflict", "throttled"],
)
@pytest.mark.parametrize("at", [1, 2])
def test_a_fault_at_any_call_then_a_retry_is_the_fault_free_result(
    world: World, faults: Faults, fault: Any, at: int
) -> None:
    guid = world.account()["account_guid"]
    consume(world, guid, 100, "warm", 1)
    faults.clear()
    faults.inject(fault, at=at)
    try:
        first = consume(world, guid, 300, "SO-1", 2)
    except Crash:
        first = None
    assert faults.pending == 0
    assert first is None or first.status == 200, first.body
    second = consume(world, guid, 300, "SO-1", 2)
    assert second.status == 200
    assert second.data["account"]["credit_used"] == euro(400)
    assert second.body["revision"] == 3
    faults.inject(fault, at=at)
    with contextlib.suppress(Crash):
        release(world, guid, "SO-1")
    assert release(world, guid, "SO-1").data["account"]["credit_used"] == euro(100)


def test_a_database_that_stays_away_is_a_503_and_a_batch_in_parts_is_none(
    world: World, faults: Faults
) -> None:
    guid = world.account()["account_guid"]
    faults.inject(throttled(), times=10_000)
    answer = world.owner("/account/get", {"account_guid": guid})
    assert (answer.status, answer.tag) == (503, "unavailable")
    assert answer.body["error"]["retryable"] is True
    assert int(answer.headers["Retry-After"]) > 0
    faults.clear()
    faults.inject(unprocessed(), operation="batch_get_item")
    assert consume(world, guid, 300, "SO-1", 1).status == 200


def test_a_revoked_session_moves_no_money_even_while_it_is_believed(world: World) -> None:
    guid = world.account()["account_guid"]
    assert world.owner("/account/get", {"account_guid": guid}).status == 200
    world.session(world.owner.secret, f"u{world.owner.secret}", revoked=True)
    assert consume(world, guid, 300, "SO-1", 1).status == 401


class CreditHistory(RuleBasedStateMachine):
    """Random histories against the page's own invariant, kept by a dozen lines."""

    world: World

    @initialize()
    def begin(self) -> None:
        self.guid = self.world.account(limit=1000)["account_guid"]
        self.orders: dict[str, list[int]] = {}
        self.revision = 1
        self.sent = 0

    @property
    def used(self) -> int:
        return sum(taken - back for taken, back in self.orders.values())

    @rule(order=st.sampled_from("abcd"), amount=st.integers(1, 600))
    def take(self, order: str, amount: int) -> None:
        answer = consume(self.world, self.guid, amount, order, self.revision)
        if order in self.orders:
            taken, back = self.orders[order]
            wanted = 409 if back or amount != taken else 200
            assert answer.status == wanted
        elif self.used + amount > 1000:
            assert answer.tag == "credit-limit-exceeded"
        else:
            assert answer.status == 200
            self.orders[order] = [amount, 0]
            self.revision += 1

    @rule(order=st.sampled_from("abcd"), amount=st.integers(1, 600))
    def give_back(self, order: str, amount: int) -> None:
        self.sent += 1
        # A key is bound for its org and route, and every example is another account.
        key = f"{self.guid}-{self.sent}"
        answer = release(self.world, self.guid, order, amount=euro(amount), idempotency_key=key)
        if order not in self.orders:
            assert answer.status == 404
            return
        taken, back = self.orders[order]
        applied = min(amount, taken - back)
        assert answer.data["credit"]["applied"] == euro(applied)
        self.orders[order][1] += applied
        self.revision += 1 if applied else 0

    @invariant()
    def holds(self) -> None:
        account = self.world.owner("/account/get", {"account_guid": self.guid}).data["account"]
        assert account["credit_used"] == euro(self.used)
        assert account["credit_available"] == euro(1000 - self.used)
        assert account["revision"] == self.revision


def test_random_histories_keep_the_invariant(world: World) -> None:
    class History(CreditHistory):
        pass

    History.world = world
    case = History.TestCase
    case.settings = hypothesis_settings(
        max_examples=15, stateful_step_count=12, suppress_health_check=list(HealthCheck)
    )
    case("runTest").runTest()
    assert world.owner("/account/list", {}).data["accounts"]

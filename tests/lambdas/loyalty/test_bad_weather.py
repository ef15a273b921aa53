"""Points where calls go wrong and clients race: nothing lost, nothing doubled, never below none."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared import clients
from tests.builders import Response, World, euro
from tests.faults import GONE_WRONG, Crash, Faults, LosingAnswers, crash, unreachable
from tests.lambdas.loyalty.tills import Member, policy

MOVES: dict[str, Callable[[Member, str], Response]] = {
    "earn": lambda member, n: member.earn(f"{n}-B", 50, channel_code="web_shop"),
    "redeem": lambda member, n: member.redeem(f"{n}-S", 30),
    "reverse": lambda member, n: member.call(
        "reverse", order_ref=f"{n}-A", points=30, idempotency_key=n
    ),
    "restore": lambda member, n: member.call(
        "restore", order_ref=f"{n}-R", points=30, idempotency_key=n
    ),
    "adjust": lambda member, n: member.adjust(-10, idempotency_key=n),
}


def prepared(world: World, n: str) -> Member:
    member = Member.of(world)
    assert member.earn(f"{n}-A", 100).status == 200
    assert member.redeem(f"{n}-R", 60).status == 200
    return member


def book(member: Member) -> Any:
    """The ledger and the balance without what differs from member to member."""
    moves = [
        (e["kind"], e["points"], e["balance_after"], [a["points"] for a in e["allocations"]])
        for e in member.ledger()
    ]
    return moves, {k: v for k, v in member.balance().items() if k != "as_of"}


@pytest.mark.parametrize("what", MOVES)
@pytest.mark.parametrize("wrong", GONE_WRONG)
def test_a_fault_at_any_call_then_a_retry_is_the_fault_free_result(
    world: World,
    faults: Faults,
    published: Callable[[str], list[dict[str, Any]]],
    what: str,
    wrong: str,
) -> None:
    policy(world)
    control = prepared(world, "control")
    faults.clear()
    assert MOVES[what](control, "control").status == 200
    calls = faults.count()
    assert faults.calls[-1].operation == "transact_write_items"
    members = {}
    for at in range(1, calls + 1):
        member = members[at] = prepared(world, f"n{at}")
        faults.clear()
        faults.inject(GONE_WRONG[wrong](), at=at)
        with contextlib.suppress(Crash):
            assert MOVES[what](member, f"n{at}").status == 200
        assert faults.pending == 0, "the fault has met its call"
        again = MOVES[what](member, f"n{at}")
        happened = "crash" not in wrong or (wrong == "crash after" and at == calls)
        assert again.replayed == happened
        assert book(member) == book(control)
        member.agrees()
    told = Counter(event["aggregate_id"] for event in published(world.code))
    assert {told[member.guid] for member in members.values()} == {told[control.guid]}


@pytest.mark.parametrize("what", ["earn", "redeem"])
def test_an_order_sent_again_under_another_key_is_the_same_order(
    world: World, faults: Faults, what: str
) -> None:
    policy(world)
    member = prepared(world, "m")
    faults.inject(crash(before=False), operation="transact_write_items")
    with pytest.raises(Crash):
        MOVES[what](member, "m")
    more = {"idempotency_key": "another"}
    if what == "earn":
        again = member.earn("m-B", 50, channel_code="web_shop", **more)
    else:
        again = member.redeem("m-S", 30, **more)
    assert again.replayed
    assert len(member.ledger()) == 3
    member.agrees()


def test_while_the_table_is_away_nothing_happens_and_the_answer_says_so(
    world: World, faults: Faults
) -> None:
    policy(world)
    member = prepared(world, "m")
    faults.inject(unreachable(), operation="transact_write_items", times=100)
    refused = member.redeem("m-S", 30)
    assert (refused.status, refused.tag) == (503, "unavailable")
    assert refused.body["error"]["retryable"]
    assert "Retry-After" in refused.headers
    faults.clear()
    assert not member.redeem("m-S", 30).replayed
    member.agrees()


# ---------------------------------------------------------------- thirty-two at once

CLIENTS, VISITS = 32, 4
NOT_YET = ("busy", "unavailable")


@dataclass
class Client:
    """One client of the balance: it asks until it has an answer, and keeps what it was told."""

    member: Member
    number: int
    told: dict[str, int] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    undoable: list[tuple[str, str]] = field(default_factory=list)

    def visit(self) -> None:
        chance = random.Random(self.number)
        for visit in range(VISITS):
            order = f"SO-{self.number}-{visit}"
            what = chance.choice(["earn", "redeem", "redeem", "adjust", "undo"])
            if what == "undo" and self.undoable:
                undo, done = self.undoable.pop()
                self.ask(undo, order_ref=done, points=3, idempotency_key=order)
            elif what == "redeem":
                if self.ask("redeem", order_ref=order, redeem_points=40):
                    self.undoable.append(("restore", order))
            elif what == "adjust":
                self.ask("adjust", points_delta=chance.choice([7, -9]), idempotency_key=order)
            else:
                self.ask("earn", order_ref=order, amount=euro(11))
                self.undoable.append(("reverse", order))

    def ask(self, what: str, **body: Any) -> bool:
        """Every fourth is sent once more, in the same words, and must hear the same."""
        answer = self.answered(what, body)
        if answer.status != 200:
            assert answer.tag == "insufficient-points", answer.body
            self.refused[what] += 1
            return False
        moved = answer.data["transaction"]
        self.told[moved["loyalty_txn_id"]] = moved["points"]
        if (self.number + len(self.told)) % 4 == 0:
            again = self.answered(what, body)
            assert again.replayed
            assert again.data == answer.data
        return True

    def answered(self, what: str, body: dict[str, Any]) -> Response:
        while True:
            answer = self.member.call(what, **body)
            if answer.tag_or_none() not in NOT_YET:
                return answer


def test_thirty_two_clients_on_one_balance_lose_and_double_nothing(world: World) -> None:
    policy(world)
    member = Member.of(world)
    member.earn("start", 600)
    tills = [Client(member, number) for number in range(CLIENTS)]
    real = clients.dynamodb()
    clients.use(dynamodb=LosingAnswers(real))
    try:
        with ThreadPoolExecutor(CLIENTS) as pool:
            for done in [pool.submit(till.visit) for till in tills]:
                done.result()
    finally:
        clients.use(dynamodb=real)
    entries = member.ledger()
    told = {txn: points for till in tills for txn, points in till.told.items()}
    assert {e["loyalty_txn_id"]: e["points"] for e in entries[1:]} == told
    assert [e["sequence"] for e in entries] == list(range(1, len(entries) + 1))
    assert [e["previous_hash"] for e in entries[1:]] == [e["hash"] for e in entries[:-1]]
    assert all(e["balance_after"]["available_points"] >= 0 for e in entries)
    balance = member.balance()
    assert balance["available_points"] - balance["debt_points"] == 600 + sum(told.values())
    assert sum((till.refused for till in tills), Counter())["redeem"] > 0, "the points ran out"
    member.agrees()

"""Random histories of one card against a model in a few lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.builders import World, euro
from tests.lambdas.giftcard.tills import card


@dataclass
class Order:
    """What an order took of the card: its amount, what was applied, what came back of that."""

    amount: int
    applied: int
    back: int = 0


ORDERS, AMOUNTS = st.sampled_from(["A", "B", "C"]), st.sampled_from([1, 200, 499, 1_000])
WHICH = st.integers(0, 99)


class History(RuleBasedStateMachine):
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.card = card(self.world, 1_000)
        self.status, self.revision, self.keys = "active", 1, 0
        self.balance = 1_000
        self.orders: dict[str, Order] = {}
        self.heard: list[tuple[str, int, dict[str, Any], dict[str, Any]]] = []

    def key(self) -> str:
        self.keys += 1
        return f"{self.card.card_id}{self.keys}"

    @rule(order=ORDERS, amount=AMOUNTS, partial=st.booleans(), keyed=st.booleans())
    def redeem(self, order: str, amount: int, partial: bool, keyed: bool) -> None:
        more: dict[str, Any] = {"allow_partial": partial}
        more |= {"idempotency_key": self.key()} if keyed else {}
        answer = self.card.redeem(order, amount, **more)
        if keyed and answer.status == 200:
            self.heard.append((order, amount, more, answer.data))
        before = self.orders.get(order)
        if before is not None and before.back > 0:
            # Value comes once: neither a replay nor another redemption.
            assert (answer.status, answer.tag) == (409, "invalid-state")
            assert answer.detail == {"reversed": euro(before.back)}
        elif before is not None:
            same = before.amount == amount
            assert (answer.replayed, answer.status) == (same, 200 if same else 409)
            assert same or answer.tag == "already-exists"
        elif self.status != "active":
            assert answer.tag == "invalid-state"
        elif self.balance < (1 if partial else amount):
            assert answer.tag == "insufficient-balance"
        else:
            applied = min(amount, self.balance)
            assert answer.data["transaction"]["applied"]["amount"] == applied
            self.orders[order] = Order(amount, applied)
            self.balance -= applied
            self.revision += 1

    @precondition(lambda self: self.orders)
    @rule(which=WHICH, keyed=st.booleans())
    def redeem_the_same_again(self, which: int, keyed: bool) -> None:
        order = list(self.orders)[which % len(self.orders)]
        self.redeem(order, self.orders[order].amount, partial=False, keyed=keyed)

    @precondition(lambda self: self.heard)
    @rule(which=WHICH)
    def ask_again_under_the_same_key(self, which: int) -> None:
        order, amount, more, data = self.heard[which % len(self.heard)]
        again = self.card.redeem(order, amount, **more)
        assert (again.replayed, again.data) == (True, data)

    @precondition(lambda self: self.orders)
    @rule(which=WHICH, amount=st.none() | AMOUNTS)
    def reverse(self, which: int, amount: int | None) -> None:
        order, key = list(self.orders)[which % len(self.orders)], self.key()
        taken = self.orders[order]
        left = taken.applied - taken.back
        back = left if amount is None else amount
        answer = self.card.reverse(order, key, amount)
        if left == 0 or back > left:
            assert (answer.tag, answer.detail) == ("invalid-state", {"available": euro(left)})
        else:
            # Whatever the status of the card.
            assert answer.data["stored_value"]["status"] == self.status
            assert self.card.reverse(order, key, amount).data == answer.data
            taken.back += back
            self.balance += back
            self.revision += 1

    @rule(status=st.sampled_from(["active", "blocked"]))
    def set_status(self, status: str) -> None:
        answer: Any = self.card.set_status(status, self.revision)
        assert answer.status == 200
        self.revision += status != self.status
        self.status = status

    @invariant()
    def adds_up(self) -> None:
        head, _ = self.card.ledger()
        assert (head.balance.amount, head.revision) == (self.balance, self.revision)


def test_every_history_of_a_card_adds_up(world: World) -> None:
    class OfThisOrg(History):
        pass

    OfThisOrg.world = world
    chosen = hypothesis_settings(
        max_examples=25, stateful_step_count=15, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(OfThisOrg, settings=chosen)

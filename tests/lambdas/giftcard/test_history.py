"""Random histories of one card against a model in a few lines."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.builders import World
from tests.lambdas.giftcard.tills import card

ORDERS, AMOUNTS = st.sampled_from(["A", "B", "C", "D"]), st.sampled_from([1, 200, 499, 1_000])


class History(RuleBasedStateMachine):
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.card = card(self.world, 1_000)
        self.status, self.revision, self.keys = "active", 1, 0
        self.balance = 1_000
        self.orders: dict[str, list[int]] = {}

    @rule(order=ORDERS, amount=AMOUNTS, partial=st.booleans())
    def redeem(self, order: str, amount: int, partial: bool) -> None:
        answer = self.card.redeem(order, amount, allow_partial=partial)
        if order in self.orders:
            same = self.orders[order][0] == amount
            assert (answer.replayed, answer.status) == (same, 200 if same else 409)
        elif self.status != "active":
            assert answer.tag == "invalid-state"
        elif self.balance < (1 if partial else amount):
            assert answer.tag == "insufficient-balance"
        else:
            applied = min(amount, self.balance)
            assert answer.data["transaction"]["applied"]["amount"] == applied
            self.orders[order] = [amount, applied]
            self.balance -= applied
            self.revision += 1

    @rule(order=ORDERS, amount=st.none() | AMOUNTS)
    def reverse(self, order: str, amount: int | None) -> None:
        self.keys += 1
        key = f"{self.card.card_id}{self.keys}"
        answer = self.card.reverse(order, key, amount)
        rest = self.orders[order][1] if order in self.orders else 0
        back = rest if amount is None else amount
        if order not in self.orders:
            # An order that the card never saw is nobody's guess of a code.
            assert answer.status == 404
        elif self.status != "active" or rest == 0 or back > rest:
            assert answer.tag == "invalid-state"
        else:
            assert answer.status == 200
            assert self.card.reverse(order, key, amount).data == answer.data
            self.orders[order][1] -= back
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

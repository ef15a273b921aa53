"""Tills of a day that pay with a few gift cards, and give back to them.

Any till may give back for any till's order. Each keeps its own books; at the end those books
together must be the movements in the table, and each card's balance the sum of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from lambdas.giftcard.models.records import GiftCardActivityRecord
from shared.codec import shown_value
from tests.builders import Response, World, euro
from tests.lambdas.giftcard.tills import Card, card
from tests.soak.weather import CLIENTS, PatientTill, bad_day

pytestmark = pytest.mark.soak

CARDS, ISSUED = 6, 10_000
"""So little on each that a day meets empty cards, and parts of what was asked for."""


@dataclass(frozen=True)
class Order:
    """An order that any till may give back for."""

    card: Card
    ref: str
    amount: int


class CardTill(PatientTill):
    """A till that knows the cards' codes, and the latest orders of all tills."""

    def __init__(self, cards: list[Card], orders: list[Order], number: int) -> None:
        super().__init__(number)
        self.cards, self.orders = cards, orders
        self.told: list[tuple[Card, str, dict[str, Any]]] = []
        self.refusals: Counter[str] = Counter()
        self.returned: list[Order] = []
        self.parts = self.second_payments = 0

    def move(self) -> None:
        if self.returned and self.chance.random() < 0.1:
            self.pay_for_a_returned_order()
        elif self.orders and self.chance.random() < 0.45:
            self.give_back()
        else:
            self.pay()

    def pay(self) -> None:
        """By the order alone, or under a key as well."""
        amount, partial = self.chance.randint(1, 1_200), self.chance.random() < 0.4
        order = Order(self.chance.choice(self.cards), self.named("SO"), amount)
        more: dict[str, Any] = {"allow_partial": True} if partial else {}
        keyed = self.chance.random() < 0.3
        if keyed:
            more["idempotency_key"] = self.named("pay")
        # Without a key it is no repeat any more once another till gave back for the order.
        answer = self.answered(
            lambda: order.card.redeem(order.ref, amount, **more), repeatable=keyed
        )
        if answer.status != 200:
            self.refuse(answer, "insufficient-balance", 1 if partial else amount)
            return
        applied = self.enter(order, "redeem", answer)
        assert applied == amount or (partial and 0 < applied < amount)
        self.parts += applied < amount
        self.orders.append(order)

    def give_back(self) -> None:
        """A part of it, or all that is left of it."""
        order, key = self.chance.choice(self.orders[-150:]), self.named("back")
        amount = self.chance.randint(1, 600) if self.chance.random() < 0.7 else None
        answer = self.answered(lambda: order.card.reverse(order.ref, key, amount))
        if answer.status != 200:
            self.refuse(answer, "invalid-state", amount or 1)
            return
        applied = self.enter(order, "reverse", answer)
        assert applied == amount or (amount is None and applied > 0)
        self.returned.append(order)

    def pay_for_a_returned_order(self) -> None:
        """Value comes once: the same words are no replay after a reversal, but refused."""
        order = self.chance.choice(self.returned)
        answer = self.answered(lambda: order.card.redeem(order.ref, order.amount))
        assert (answer.status, answer.tag) == (409, "invalid-state"), answer.body
        assert 0 < answer.detail["reversed"]["amount"] <= order.amount
        self.second_payments += 1

    def enter(self, order: Order, kind: str, answer: Response) -> int:
        """Into the books; how much was moved."""
        moved, value = answer.data["transaction"], answer.data["stored_value"]
        assert moved["balance_after"] == value["balance"]
        assert 0 <= value["balance"]["amount"] <= ISSUED
        self.told.append((order.card, kind, moved))
        return int(moved["applied"]["amount"])

    def refuse(self, answer: Response, tag: str, asked: int) -> None:
        assert (answer.status, answer.tag) == (409, tag), answer.body
        assert 0 <= answer.detail["available"]["amount"] < asked
        self.refusals[tag] += 1


def test_a_day_of_gift_cards_in_bad_weather_leaves_the_books_in_order(world: World) -> None:
    # Some of them are a customer's: a redemption then depends on the customer's holds as well.
    owner = {"customer_guid": world.customer(first_name="Ada")["customer_guid"]}
    cards = [card(world, ISSUED, **(owner if number % 2 else {})) for number in range(CARDS)]
    orders: list[Order] = []
    tills = [CardTill(cards, orders, number) for number in range(CLIENTS)]
    bad_day(tills)
    for mine in cards:
        _adds_up(mine, tills)
    assert sum(till.parts for till in tills) > 0
    assert sum(till.second_payments for till in tills) > 0
    refusals = sum((till.refusals for till in tills), Counter[str]())
    assert set(refusals) == {"insufficient-balance", "invalid-state"}


def _adds_up(mine: Card, tills: list[CardTill]) -> None:
    """Acknowledged exactly where it is in the table; each movement begins with the balance that the
    one before it left."""
    head, moves = mine.ledger()
    moves.sort(key=lambda move: move.card_revision)
    issue, *rest = moves
    assert (issue.kind, issue.change, issue.order_ref) == ("issue", ISSUED, None)
    told = [(kind, moved) for till in tills for at, kind, moved in till.told if at == mine]
    assert len({moved["activity_id"] for _, moved in told}) == len(told) == len(rest)
    stored = {move.activity_id: (move.kind, _shown(move)) for move in rest}
    assert {moved["activity_id"]: (kind, moved) for kind, moved in told} == stored
    assert [move.card_revision for move in moves] == list(range(1, len(moves) + 1))
    assert head.revision == len(moves)
    balance = 0
    for move in moves:
        balance += move.change
        assert move.balance_after.amount == balance >= 0
    assert head.balance.amount == balance
    assert mine.shown["balance"] == euro(balance)
    _orders_add_up(rest)


def _shown(move: GiftCardActivityRecord) -> dict[str, Any]:
    return {
        "activity_id": move.activity_id,
        "order_ref": move.order_ref,
        "requested": shown_value(move.requested),
        "applied": euro(abs(move.change)),
        "balance_after": shown_value(move.balance_after),
        "at": shown_value(move.created_at),
    }


def _orders_add_up(moves: list[GiftCardActivityRecord]) -> None:
    """Each order took once, and no more came back than it took."""
    taken = {move.order_ref: move for move in moves if move.kind == "redeem"}
    assert len(taken) == sum(move.kind == "redeem" for move in moves)
    back: Counter[str | None] = Counter()
    for move in moves:
        if move.kind == "reverse":
            back[move.order_ref] += move.change
            assert back[move.order_ref] <= -taken[move.order_ref].change
    assert {ref: move.reversed for ref, move in taken.items()} == {ref: back[ref] for ref in taken}

"""Tills of a day that move the credit of a few accounts, and many random histories of one account.

Each till keeps its own books; at the end the orders in the table must be those books, and each
account what its orders add up to.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from lambdas.account.models.records import CreditOrderRecord
from shared.codec import decode
from tests.builders import Response, World, euro
from tests.conftest import Database
from tests.lambdas.account.test_credit import CreditHistory
from tests.soak.weather import CLIENTS, NOT_YET, SECONDS, PatientTill, bad_day

pytestmark = pytest.mark.soak

ACCOUNTS, LIMIT = 8, 20_000


@dataclass
class Order:
    """What a till was told of its order: taken, given back, and how to ask again."""

    account: str
    ref: str
    taken: int
    back: int = 0
    closed: bool = False


class CreditTill(PatientTill):
    """A till whose orders are its own: it knows to the cent what it must hear of each."""

    ASKS_AGAIN = (*NOT_YET, "conflict")

    def __init__(self, world: World, accounts: list[str], number: int) -> None:
        super().__init__(number)
        self.world, self.accounts = world, accounts
        self.revisions = dict.fromkeys(accounts, 1)
        self.orders: list[Order] = []
        self.refused: list[str] = []
        self.moves: Counter[str] = Counter()

    def move(self) -> None:
        open_orders = [order for order in self.orders if not order.closed]
        if open_orders and (len(open_orders) > 6 or self.chance.random() < 0.45):
            self.give_back(self.chance.choice(open_orders))
        else:
            self.take()

    def take(self) -> None:
        account, ref = self.chance.choice(self.accounts), self.named("SO")
        amount = self.chance.randint(1, 900)
        body = {"account_guid": account, "amount": euro(amount), "order_ref": ref}

        def ask() -> Response:
            revision = self.revisions[account]
            answer = self.world.owner(
                "/account/credit/consume", {**body, "expected_revision": revision}
            )
            self.revisions[account] = answer.body.get("revision", revision)
            return answer

        # Once any of it was given back, the order may not be consumed for again.
        answer = self.answered(ask, repeatable=False)
        if answer.status != 200:
            assert answer.tag == "credit-limit-exceeded", answer.body
            self.refused.append(ref)
            return
        assert answer.data["credit"]["applied"] == euro(amount)
        self.orders.append(Order(account, ref, amount))
        self.moves[account] += 1

    def give_back(self, order: Order) -> None:
        """A part of it under a key, or all that is left without one."""
        body: dict[str, Any] = {"account_guid": order.account, "order_ref": order.ref}
        left, asked = order.taken - order.back, order.taken - order.back
        if self.chance.random() < 0.6:
            asked = self.chance.randint(1, order.taken)
            body |= {"amount": euro(asked), "idempotency_key": self.named("release")}
        answer = self.answered(lambda: self.world.owner("/account/credit/release", body))
        applied = min(asked, left)
        assert answer.data["credit"]["applied"] == euro(applied)
        order.back += applied
        order.closed = order.back == order.taken
        self.moves[order.account] += 1


def test_a_day_of_tills_in_bad_weather_leaves_the_books_in_order(
    world: World, database: Database
) -> None:
    accounts = [world.account(limit=LIMIT)["account_guid"] for _ in range(ACCOUNTS)]
    tills = [CreditTill(world, accounts, number) for number in range(CLIENTS)]
    bad_day(tills)
    _same_books(tills, _orders_in(database, world.code))
    for guid in accounts:
        _adds_up(world, guid, tills)


def _orders_in(database: Database, org: str) -> dict[str, CreditOrderRecord]:
    items = database.items(org)
    records = [
        decode(CreditOrderRecord, item)
        for item in items
        if item["record_kind"]["S"] == CreditOrderRecord.KIND
    ]
    found = {record.order_ref: record for record in records}
    assert len(found) == len(records)
    return found


def _same_books(tills: list[CreditTill], stored: dict[str, CreditOrderRecord]) -> None:
    """Acknowledged exactly where it is in the ledger, with the same amounts."""
    books = {o.ref: (o.taken, o.back) for till in tills for o in till.orders}
    assert books == {ref: (o.consumed.amount, o.released) for ref, o in stored.items()}
    assert not {ref for till in tills for ref in till.refused} & set(stored)


def _adds_up(world: World, guid: str, tills: list[CreditTill]) -> None:
    account = world.owner("/account/get", {"account_guid": guid}).data["account"]
    orders = [o for till in tills for o in till.orders if o.account == guid]
    used = sum(order.taken - order.back for order in orders)
    assert 0 <= used <= LIMIT
    assert account["credit_used"] == euro(used)
    assert account["credit_available"] == euro(LIMIT - used)
    assert account["revision"] == 1 + sum(till.moves[guid] for till in tills)


def test_many_random_histories_keep_the_invariant(world: World) -> None:
    class History(CreditHistory):
        pass

    History.world = world
    case = History.TestCase
    case.settings = hypothesis_settings(
        max_examples=max(1, int(SECONDS * 2)),
        stateful_step_count=40,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    case("runTest").runTest()

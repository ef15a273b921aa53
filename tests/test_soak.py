"""Long programmes, run by ``make soak`` alone: the tills of a day, and many random histories.

Thirty-two clients move the credit of a few accounts for ``SOAK_SECONDS`` while answers are lost and
calls are refused. Each client keeps its own books; at the end the orders in the table must be those
books, and each account what its orders add up to.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from infra.local.settings import child_environment
from lambdas.account.models import CreditOrderRecord
from shared import clients
from shared.items import decode
from tests.builders import Response, World, euro
from tests.conftest import Database
from tests.faults import (
    Fault,
    conflict,
    lost_answer,
    throttled,
    transaction_throttled,
    unreachable,
)
from tests.lambdas.account.test_credit import CreditHistory

pytestmark = pytest.mark.soak

CLIENTS, ACCOUNTS, LIMIT = 32, 8, 20_000
SECONDS = float(child_environment({}).get("SOAK_SECONDS") or 120)
NOT_YET = ("busy", "unavailable", "conflict")


class Weather:
    """A client on a bad day: a quarter of the transactions' answers are lost, and of all calls
    some are refused, cancelled or never arrive."""

    READS: tuple[tuple[float, Fault], ...] = ((0.03, throttled()), (0.02, unreachable()))
    WRITES: tuple[tuple[float, Fault], ...] = (
        (0.25, lost_answer()),
        (0.05, conflict()),
        (0.03, throttled()),
        (0.02, transaction_throttled()),
        (0.02, unreachable()),
    )

    def __init__(self, client: Any, seed: int) -> None:
        self._client = client
        self._chance, self._lock = random.Random(seed), threading.Lock()
        self.met: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if name not in self._client.meta.method_to_api_mapping:
            return real

        def call(**arguments: Any) -> Any:
            fault = self._drawn(self.WRITES if name == "transact_write_items" else self.READS)
            if fault is None:
                return real(**arguments)
            return fault(self._client, name, arguments, lambda: real(**arguments))

        return call

    def _drawn(self, faults: tuple[tuple[float, Fault], ...]) -> Fault | None:
        with self._lock:
            left = self._chance.random()
            for share, fault in faults:
                left -= share
                if left < 0:
                    self.met[fault.__qualname__.partition(".")[0]] += 1
                    return fault
        return None


@dataclass
class Order:
    """What a client was told of its order: taken, given back, and how to ask again."""

    account: str
    ref: str
    taken: int
    back: int = 0
    closed: bool = False


@dataclass
class Till:
    """One client. Whatever goes wrong, it asks again, in the same words, until it has an answer."""

    world: World
    accounts: list[str]
    number: int
    orders: list[Order] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    moves: Counter[str] = field(default_factory=Counter)
    retried: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.number)
        self.revisions = dict.fromkeys(self.accounts, 1)
        self.sent = 0

    def work(self, until: float) -> None:
        while time.monotonic() < until:
            open_orders = [order for order in self.orders if not order.closed]
            if open_orders and (len(open_orders) > 6 or self.chance.random() < 0.45):
                self.give_back(self.chance.choice(open_orders))
            else:
                self.take()

    def take(self) -> None:
        self.sent += 1
        account, ref = self.chance.choice(self.accounts), f"SO-{self.number}-{self.sent}"
        amount = self.chance.randint(1, 900)
        body = {"account_guid": account, "amount": euro(amount), "order_ref": ref}
        answer = self.answered("/account/credit/consume", body, account)
        if answer.status != 200:
            assert answer.tag == "credit-limit-exceeded", answer.body
            self.refused.append(ref)
            return
        assert answer.data["credit"]["applied"] == euro(amount)
        self.orders.append(Order(account, ref, amount))
        self.moves[account] += 1

    def give_back(self, order: Order) -> None:
        """A part of it under a key, or all that is left without one."""
        self.sent += 1
        body: dict[str, Any] = {"account_guid": order.account, "order_ref": order.ref}
        left, asked = order.taken - order.back, order.taken - order.back
        if self.chance.random() < 0.6:
            asked = self.chance.randint(1, order.taken)
            key = f"{order.ref}-{self.sent}"
            body |= {"amount": euro(asked), "idempotency_key": key}
        answer = self.answered("/account/credit/release", body, None)
        applied = min(asked, left)
        assert answer.status == 200, answer.body
        assert answer.data["credit"]["applied"] == euro(applied)
        order.back += applied
        order.closed = order.back == order.taken
        self.moves[order.account] += 1 if applied else 0

    def answered(self, path: str, body: dict[str, Any], account: str | None) -> Response:
        """The first answer that settles it; a quarter of the settled calls are sent once more and
        must hear the same."""
        first = self._settled(path, body, account)
        if first.status == 200 and self.chance.random() < 0.25:
            again = self._settled(path, body, account)
            assert again.data == first.data
            assert again.replayed or again.data["credit"]["applied"] == euro(0)
        return first

    def _settled(self, path: str, body: dict[str, Any], account: str | None) -> Response:
        while True:
            more = {} if account is None else {"expected_revision": self.revisions[account]}
            answer = self.world.owner(path, {**body, **more})
            if account is not None and "revision" in answer.body:
                self.revisions[account] = answer.body["revision"]
            if answer.status == 200 or answer.tag not in NOT_YET:
                return answer
            self.retried += 1
            if answer.tag != "conflict":
                time.sleep(self.chance.uniform(0, 0.1))


def test_a_day_of_tills_in_bad_weather_leaves_the_books_in_order(
    world: World, database: Database
) -> None:
    accounts = [world.account(limit=LIMIT)["account_guid"] for _ in range(ACCOUNTS)]
    tills = [Till(world, accounts, number) for number in range(CLIENTS)]
    real = clients.dynamodb()
    weather = Weather(real, seed=1)
    clients.use(dynamodb=weather)
    try:
        until = time.monotonic() + SECONDS
        with ThreadPoolExecutor(CLIENTS) as pool:
            for done in [pool.submit(till.work, until) for till in tills]:
                done.result()
    finally:
        clients.use(dynamodb=real)
    _same_books(tills, _orders_in(database, world.code))
    for guid in accounts:
        _adds_up(world, guid, tills)
    assert set(weather.met) == {
        "lost_answer", "conflict", "throttled", "transaction_throttled", "unreachable",
    }  # fmt: skip
    assert all(till.orders for till in tills)


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


def _same_books(tills: list[Till], stored: dict[str, CreditOrderRecord]) -> None:
    """Acknowledged exactly where it is in the ledger, with the same amounts."""
    books = {o.ref: (o.taken, o.back) for till in tills for o in till.orders}
    assert books == {ref: (o.consumed.amount, o.released) for ref, o in stored.items()}
    assert not {ref for till in tills for ref in till.refused} & set(stored)


def _adds_up(world: World, guid: str, tills: list[Till]) -> None:
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

"""Many clients at once on one balance, one card, one account: through the real doors, on an engine
that is atomic under threads. Nobody should hear ``busy``; what it costs is told."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from infra.local import clients as local_clients
from infra.local import settings as local
from infra.local.engine import Engine, create_table
from shared import clients
from tests.builders import WHY, Response, World, euro

CLIENTS = (2, 4, 8, 16, 32)
COLUMNS = ["one record, many clients", "answers/s", "busy", "tries an answer", "p95 ms"]

Move = Callable[[int], Response]


@dataclass(slots=True)
class Counting:
    """The real client, with its transactions counted."""

    client: Any
    transactions: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def transact_write_items(self, **arguments: Any) -> Any:
        self.transactions += 1
        return self.client.transact_write_items(**arguments)


def lines(*, seconds: float) -> list[list[str]]:
    """A line for each record and number of clients, each measured for so many seconds."""
    engine = Engine.start()
    local.apply({"AWS_ENDPOINT_URL_DYNAMODB": engine.endpoint})
    try:
        create_table(local_clients.table_administration(), "crm-bench")
        counting = Counting(clients.dynamodb())
        clients.use(dynamodb=counting)
        return [
            _measured(f"{name}, {many}", move, many, seconds, counting)
            for name, made in (("balance", _balance), ("card", _card), ("account", _account))
            for many in CLIENTS
            for move in [made()]
        ]
    finally:
        clients.use(dynamodb=None)
        engine.stop()


def _measured(name: str, move: Move, many: int, seconds: float, counting: Counting) -> list[str]:
    numbers, lock = itertools.count(), threading.Lock()
    took, busy = list[float](), list[bool]()
    ends = time.monotonic() + seconds
    counting.transactions = 0

    def client(_: int) -> None:
        while time.monotonic() < ends:
            with lock:
                number = next(numbers)
            began = time.monotonic()
            answer = move(number)
            took.append(time.monotonic() - began)
            busy.append(answer.status != 200)
            assert answer.status == 200 or answer.tag == "busy", answer.body

    with ThreadPoolExecutor(many) as pool:
        list(pool.map(client, range(many)))
    answers = len(took)
    took.sort()
    return [
        name,
        f"{answers / seconds:.0f}",
        f"{100 * sum(busy) / answers:.1f} %",
        f"{counting.transactions / answers:.2f}",
        f"{took[int(0.95 * answers)] * 1000:.0f}",
    ]


def _balance() -> Move:
    world = World()
    policy = {
        "currency": "EUR",
        "earn_policy": {"points_per_unit": 1},
        "redeem_policy": {"mode": "per_point"},
    }
    assert world.owner("/loyalty/policy/set", {"policy": policy, **WHY}).status == 200
    guid = world.customer()["customer_guid"]
    gift = {"customer_guid": guid, "points_delta": 1_000_000, **WHY}
    assert world.owner("/loyalty/adjust", gift).status == 200
    body = {"customer_guid": guid, "redeem_points": 1, **WHY}
    return lambda n: world.owner("/loyalty/redeem", {**body, "order_ref": f"SO-{n}"})


def _card() -> Move:
    world = World()
    issued = world.owner("/giftcard/issue", {"amount": euro(1_000_000), **WHY})
    code = issued.data["stored_value"]["card_code"]
    body = {"card_code": code, "amount": euro(1), **WHY}
    return lambda n: world.owner("/giftcard/redeem", {**body, "order_ref": f"SO-{n}"})


def _account() -> Move:
    world = World()
    guid = world.account(limit=1_000_000)["account_guid"]
    used = {"account_guid": guid, "amount": euro(1_000_000), "order_ref": "SO", **WHY}
    taken = world.owner("/account/credit/consume", {**used, "expected_revision": 1})
    assert taken.status == 200
    body = {"account_guid": guid, "amount": euro(1)}
    return lambda n: world.owner("/account/credit/release", {**body, "idempotency_key": f"k{n}"})

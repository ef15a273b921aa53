"""Many occurrences that are due at one midnight: how many a second the announcer tells, and with
how many calls. On the engine, and with the latency of a real table added to each call."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.local import clients as local_clients
from infra.local import settings as local
from infra.local.engine import Engine, create_table
from lambdas.jobs.announcer import Announcer
from lambdas.subscription import storage
from lambdas.subscription.models.records import Anchor, SubscriptionRecord
from shared import clients
from shared.customer_state import CustomerStateRecord, state_item
from shared.keys import CUSTOMER_PREFIX, of_org, subscription_of
from tests.bench.budget import READ, TRANSACTION
from tests.builders import World, store

COLUMNS = ["occurrences due at once", "told", "s", "a second", "calls each"]
MIDNIGHT = datetime(2026, 3, 5, tzinfo=UTC)
ORGS = 4


@dataclass(slots=True)
class Distant:
    """The real client, with its calls counted, and as far away as a real table where ``distant``:
    each call takes the median of the assumed latency longer."""

    client: Any
    distant: bool
    calls: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.client, name)
        if not callable(real):
            return real

        def call(**arguments: Any) -> Any:
            with self._lock:
                self.calls[name] += 1
            if self.distant:
                trip = TRANSACTION if name == "transact_write_items" else READ
                time.sleep(trip.p50_ms / 1000)
            return real(**arguments)

        return call


def lines(*, many: int) -> list[list[str]]:
    """A line for each way to reach the table."""
    engine = Engine.start()
    local.apply({"AWS_ENDPOINT_URL_DYNAMODB": engine.endpoint})
    try:
        create_table(local_clients.table_administration(), "crm-bench")
        return [
            measured("on the engine", many, distant=False),
            measured("at the distance of a table", many, distant=True),
        ]
    finally:
        clients.use(dynamodb=None)
        engine.stop()


def measured(name: str, many: int, *, distant: bool) -> list[str]:
    """The time and the calls of one run over so many subscriptions, each due once."""
    worlds = [World() for _ in range(ORGS)]
    for number in range(many):
        _subscribe(worlds[number % ORGS].code, f"{number:026d}")
    real = clients.dynamodb()
    counted = Distant(real, distant)
    clients.use(dynamodb=counted)
    announcer, began = Announcer(MIDNIGHT), time.monotonic()
    try:
        announcer.work(began + 600)
    finally:
        clients.use(dynamodb=real)
    took = time.monotonic() - began
    assert (announcer.written, announcer.failed) == (many, 0), "each was due once"
    rate, calls = many / took, counted.calls.total() / many
    return [name, str(many), f"{took:.1f}", f"{rate:.0f}", f"{calls:.2f}"]


def _subscribe(org: str, made_id: str) -> None:
    """A customer with a daily subscription that is due for the first time."""
    guid, keys, before = (
        f"{CUSTOMER_PREFIX}{made_id}",
        of_org(org),
        datetime(2026, 3, 4, tzinfo=UTC),
    )
    store(
        state_item(
            keys,
            CustomerStateRecord(
                customer_guid=guid, status="active", active_on=before.date(), created_at=before
            ),
        )
    )
    local = MIDNIGHT.replace(tzinfo=None).isoformat()
    record = SubscriptionRecord(
        subscription_id=subscription_of(guid, made_id),
        customer_guid=guid,
        plan_id="P-1",
        frequency="daily",
        status="active",
        start_date=local,
        timezone="UTC",
        anchor=Anchor(local, 0),
        next_number=0,
        created_at=before,
        updated_at=before,
    )
    store(storage.subscription_item(keys, record))

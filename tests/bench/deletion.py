"""The deletion of a large customer: how long it takes, how many calls, and how many units."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from infra.local import clients as local_clients
from infra.local import settings as local
from infra.local.engine import Engine, create_table
from infra.local.schedule import run_jobs
from infra.local.signing import FileKey
from lambdas.privacy.models.records import ExportRecord
from shared import clients
from shared.codec import Item
from shared.keys import of_org
from tests.builders import WHY, World, store
from tests.meter import Meter

COLUMNS = ["deletion of a customer", "records", "s", "calls", "read units", "write units"]
SIZES = (100, 1_000, 3_000)


def lines() -> list[list[str]]:
    """A line for each size: the call, then the sweeper until the job has ended."""
    engine = Engine.start()
    local.apply({"AWS_ENDPOINT_URL_DYNAMODB": engine.endpoint})
    try:
        create_table(local_clients.table_administration(), "crm-bench")
        clients.use(kms=FileKey())
        return [_measured(size) for size in SIZES]
    finally:
        clients.use(dynamodb=None, kms=None)
        engine.stop()


def _measured(size: int) -> list[str]:
    """The time of one deletion, and the costs of another: counting them takes time."""
    world, guid = _customer(size)
    began = time.monotonic()
    in_the_call = _deleted(world, guid, size)
    took = time.monotonic() - began
    world, guid = _customer(size)
    real = clients.dynamodb()
    meter = Meter(real)
    clients.use(dynamodb=meter)
    with meter.measuring() as costs:
        _deleted(world, guid, size)
    clients.use(dynamodb=real)
    return [
        "in the call" if in_the_call else "the call, then the sweeper",
        str(size),
        f"{took:.2f}",
        str(costs[0].calls),
        f"{costs[0].read_units:.0f}",
        f"{costs[0].write_units:.0f}",
    ]


def _customer(size: int) -> tuple[World, str]:
    """Makes a customer with so many records."""
    world = World()
    guid = str(world.customer(first_name="Ada", email="ada@example.com")["customer_guid"])
    keys = of_org(world.code)
    for number in range(size - 1):
        record = ExportRecord(
            export_id=f"exp_{number:05d}",
            customer_guid=guid,
            actor="user_guid:U1",
            reason="for the bench",
            exported_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        store(Item(keys.export(guid, record.export_id), record))
    return world, guid


def _deleted(world: World, guid: str, size: int) -> bool:
    """Deletes the customer. Returns whether the call itself did it all."""
    body = {"customer_guid": guid, **WHY}
    first = answer = world.owner("/customer/delete", body)
    while "job" in answer.data:
        run_jobs()
        answer = world.owner("/customer/delete", body)
    assert answer.data["items_deleted"] == size
    return first is answer

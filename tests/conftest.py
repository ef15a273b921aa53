"""The engine of a test session, and a fresh org for each test.

Each worker has one engine: a database that is atomic under threads, as a child process on a free
loopback port. It is started when the first test asks for it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings

from infra.local import settings as local
from infra.local.bus import BusRecorder
from infra.local.engine import Engine, create_table
from infra.local.stream import StreamReader
from tests.builders import World
from tests.faults import Faults
from tests.meter import Meter

hypothesis_settings.register_profile("suite", deadline=None, derandomize=True, print_blob=True)
hypothesis_settings.load_profile("suite")

# Before anything of the service is imported into a client: an address where nobody listens.
local.apply(local.deployment(root_secret=secrets.token_hex(32)) | {"LOG_LEVEL": "CRITICAL"})


class Database:
    """The running engine, and the ways to look at what lies in the table."""

    def __init__(self, engine: Engine) -> None:
        from infra.local import clients as local_clients

        self.engine = engine
        self.client = local_clients.table_administration()
        self.stream_arn = create_table(self.client, local.TABLE)

    def items(self, org: str) -> list[dict[str, Any]]:
        """Every item of an org."""
        found: list[dict[str, Any]] = []
        start: dict[str, Any] = {}
        while True:
            answer = self.client.scan(TableName=local.TABLE, **start)
            found += [i for i in answer["Items"] if i["pk"]["S"].startswith(f"O#{org}#")]
            if "LastEvaluatedKey" not in answer:
                return found
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    engine = Engine.start()
    local.apply(
        {
            "AWS_ENDPOINT_URL_DYNAMODB": engine.endpoint,
            "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": engine.endpoint,
        }
    )
    try:
        yield Database(engine)
    finally:
        engine.stop()


@pytest.fixture
def world(database: Database) -> World:
    """A verified org of its own."""
    assert database.engine.is_running
    return World()


@pytest.fixture
def other_world(database: Database) -> World:
    assert database.engine.is_running
    return World()


@pytest.fixture
def faults(database: Database) -> Iterator[Faults]:
    """The client that goes wrong on request."""
    from shared import clients

    assert database.engine.is_running
    real = clients.dynamodb()
    made = Faults(real)
    clients.use(dynamodb=made)
    yield made
    clients.use(dynamodb=real)


@pytest.fixture
def meter(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Meter]:
    """The client that keeps the bill."""
    from shared import clients, table

    assert database.engine.is_running
    real = clients.dynamodb()
    made = Meter(real)
    pool = table.pool()
    monkeypatch.setattr(table, "pool", lambda: made.watch(pool))
    clients.use(dynamodb=made)
    yield made
    clients.use(dynamodb=real)


@pytest.fixture
def published(database: Database) -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """``published(org)``: the events of the org since the test began, by the real publisher."""
    from infra.local import clients as local_clients
    from lambdas.events.handler import lambda_handler
    from shared import clients

    bus = BusRecorder()
    clients.use(events=bus)
    reader = StreamReader(
        local_clients.streams(), database.stream_arn, "events", lambda_handler, "LATEST"
    )

    def events(org: str) -> list[dict[str, Any]]:
        reader.drain()
        assert not reader.given_up
        details = [event["detail"] for event in bus.after(0)["events"]]
        return [detail for detail in details if detail["orgcode"] == org]

    yield events
    clients.use(events=None)


@pytest.fixture
def search_kept(database: Database) -> Callable[[], None]:
    """``search_kept()`` brings the search entries up to date, by the real keeper."""
    from infra.local import clients as local_clients
    from lambdas.search.handler import lambda_handler

    reader = StreamReader(
        local_clients.streams(), database.stream_arn, "search", lambda_handler, "LATEST"
    )

    def keep() -> None:
        reader.drain()
        assert not reader.given_up

    return keep

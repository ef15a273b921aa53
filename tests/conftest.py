"""The engine of a test session, and a new org for each test.

Each worker has one engine, a child process on a free loopback port. It starts when the first test
needs it. The engine is atomic under threads.
"""

from __future__ import annotations

import gc
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from moto import mock_aws

from infra.local import settings as local
from infra.local.bus import BusRecorder
from infra.local.engine import Engine, create_table
from infra.local.signing import FileKey
from infra.local.stream import StreamReader
from shared import clients
from shared.settings import settings
from tests import engines
from tests.aws import BUS, Aws
from tests.builders import World
from tests.engines import InProcess
from tests.faults import Faults
from tests.meter import Meter

hypothesis_settings.register_profile("suite", deadline=None, derandomize=True, print_blob=True)
hypothesis_settings.load_profile("suite")

# Collecting the tests makes a million objects that stay. Looking through them again and again for
# garbage took a tenth of the whole time.
gc.disable()

KEY = FileKey()
"""The key that signs receipts in the tests."""

# Before a client is made: without the engine every call goes to a port where nothing listens.
local.apply(local.deployment(root_secret=secrets.token_hex(32)) | {"LOG_LEVEL": "CRITICAL"})
clients.use(kms=KEY)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(10_000)
    gc.enable()


class Database:
    """The running engine, and access to the items of its table."""

    def __init__(self, engine: Engine | InProcess) -> None:
        from infra.local import clients as local_clients

        self.engine = engine
        self.client = local_clients.table_administration()
        self.stream_arn = create_table(self.client, local.TABLE, stream=engines.has("stream"))

    def empty(self) -> None:
        """Makes the table anew. The caller's identity is forgotten with it."""
        from shared import auth

        self.client.delete_table(TableName=local.TABLE)
        self.stream_arn = create_table(self.client, local.TABLE, stream=engines.has("stream"))
        if isinstance(self.engine, InProcess):
            self.engine.forget()
        auth.forget()

    def items(self, org: str) -> list[dict[str, Any]]:
        """Returns every item of an org."""
        found: list[dict[str, Any]] = []
        start: dict[str, Any] = {}
        while True:
            answer = self.client.scan(TableName=local.TABLE, **start)
            found += [i for i in answer["Items"] if i["pk"]["S"].startswith(f"O#{org}#")]
            if "LastEvaluatedKey" not in answer:
                return found
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


@pytest.fixture(scope="session")
def session_database() -> Iterator[Database]:
    with engines.started() as engine:
        yield Database(engine)


@pytest.fixture(scope="module")
def database(session_database: Database) -> Iterator[Database]:
    """The running engine. Each module begins with an empty table, because ``items`` reads all of
    it, and some modules leave tens of thousands of items."""
    yield session_database
    session_database.empty()


@pytest.fixture
def emptied(database: Database) -> None:
    """An empty table at the start of a test. ``items`` reads the whole table, so a module whose
    tests look at it often uses this fixture for each of them."""
    database.empty()


@pytest.fixture
def ready(database: Database) -> Database:
    """A table for the orgs of a test. It is an empty one on moto, which copies all of it at each
    transaction: with the orgs of hundreds of tests that takes minutes and all memory."""
    if isinstance(database.engine, InProcess):
        database.empty()
    return database


@pytest.fixture
def world(ready: Database) -> World:
    """A new verified org."""
    assert ready.engine.is_running
    return World()


@pytest.fixture
def other_world(ready: Database) -> World:
    assert ready.engine.is_running
    return World()


@pytest.fixture
def faults(database: Database) -> Iterator[Faults]:
    """The client that injects faults."""

    assert database.engine.is_running
    real = clients.dynamodb()
    made = Faults(real)
    clients.use(dynamodb=made)
    yield made
    clients.use(dynamodb=real)


@pytest.fixture
def meter(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Meter]:
    """The client that counts costs."""
    from shared import table

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
    """``published(org)`` returns the events of the org since the test began, from the real
    publisher."""
    engines.require("stream")
    from infra.local import clients as local_clients
    from lambdas.events.handler import lambda_handler

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
    """``search_kept()`` brings the search entries up to date, with the real consumer."""
    engines.require("stream")
    from infra.local import clients as local_clients
    from lambdas.search.handler import lambda_handler

    reader = StreamReader(
        local_clients.streams(), database.stream_arn, "search", lambda_handler, "LATEST"
    )

    def keep() -> None:
        reader.drain()
        assert not reader.given_up

    return keep


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """A deployment's bus, queue and bucket in moto, with the settings that the deployed code has on
    AWS."""
    # A client without an address of its own calls AWS, and moto answers in its place.
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        made = Aws()
        monkeypatch.setenv("CRM_EVENT_BUS", BUS)
        monkeypatch.setenv("CRM_RETRY_QUEUE_URL", made.refused_url)
        monkeypatch.setenv("CRM_BUILD_ID", "TUESDAY-1")
        settings.cache_clear()
        clients.use(events=made.bus, sqs=made.queues)
        yield made
    clients.use(events=None, sqs=None)
    monkeypatch.undo()
    settings.cache_clear()

"""What the table does when the service, or the way to it, has a bad day; with both clients."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared import clients
from shared import table as table_module
from shared.aws_client import ServiceError, Unanswered
from shared.clients import SdkClient
from shared.codec import Item
from shared.errors import Unavailable
from shared.identity import OrgRecord
from shared.keys import of_org
from shared.records import Get
from shared.table import Table
from shared.writes import Put
from tests.shared.moody_server import Mood, Server, answers, breaks_off, hangs_up

FOUND = {"Responses": {}, "UnprocessedKeys": {}}
LAST = answers(FOUND, connection="close")
"""An answer after which no connection is kept: on one that was, our client itself asks again."""
ORG = of_org("ACME").org_record()
CANCELLED = {
    "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
    "CancellationReasons": [{"Code": "TransactionConflict"}],
}


def resets(connection: socket.socket, _: bytes) -> bool:
    """Breaks the connection without a word."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def refuses(code: str, status: int = 400) -> Mood:
    return answers({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"}, status)


PASSING: dict[str, Mood] = {
    "throttled": refuses("ThrottlingException"),
    "more than was provisioned": refuses("ProvisionedThroughputExceededException"),
    "broken inside": refuses("InternalServerError", 500),
    "closed before the answer": hangs_up,
    "reset before the answer": resets,
}
DAMAGED: dict[str, Mood] = {
    "cut": breaks_off,
    "no JSON": answers(raw=b'{"Responses": '),
    "another checksum": answers(FOUND, **{"x-amz-crc32": "7"}),
    "nonsense": lambda connection, _: bool(connection.send(b"\x15\x03\r\n\r\n")) and False,
    "a page before the service": answers(status=502, raw=b"<html>"),
}
"""For the SDK the first three are results, most of them empty, and the others nobody retries."""
LASTING = {
    "an expired token": "ExpiredTokenException",
    "a skewed clock": "InvalidSignatureException",
    "a token of somebody else": "UnrecognizedClientException",
    "no right": "AccessDeniedException",
    "nonsense": "ValidationException",
}
Serve = Callable[..., Server]


@pytest.fixture(params=["own", "sdk"])
def serve(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts a server of these moods, with one of the clients in the table's place."""
    yield from _serving(request.param == "own", monkeypatch)


@pytest.fixture
def serve_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """The same with our own client, for what it does in another way."""
    yield from _serving(True, monkeypatch)


def _serving(own: bool, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    servers: list[Server] = []

    def start(*moods: Mood) -> Server:
        servers.append(Server(*moods))
        url = f"http://127.0.0.1:{servers[-1].port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        made = clients._own("dynamodb") if own else SdkClient(clients._sdk("dynamodb"))
        clients.use(dynamodb=made)
        return servers[-1]

    yield start
    # The next test makes its client anew, by its own environment.
    clients.use(dynamodb=None)
    for server in servers:
        server.stop()


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that the table would have made."""
    made: list[float] = []
    monkeypatch.setattr(table_module, "pause", made.append)
    return made


def load() -> None:
    Table().load([Get(ORG, OrgRecord)])


def bodies(server: Server) -> list[bytes]:
    return [request.partition(b"\r\n\r\n")[2] for request in server.requests]


def test_the_table_asks_again_when_it_may_help(serve: Serve, pauses: list[float]) -> None:
    # In one test, because it takes the SDK longer to make a client than to make all these calls.
    server = serve(*(mood for wrong in PASSING.values() for mood in (wrong, LAST)), hangs_up)
    for number, wrong in enumerate(PASSING, start=1):
        load()
        assert (len(pauses), len(server.requests)) == (number, 2 * number), wrong
        first, second = bodies(server)[-2:]
        assert first == second


def test_the_table_does_not_believe_a_damaged_answer(serve_own: Serve, pauses: list[float]) -> None:
    server = serve_own(*(mood for wrong in DAMAGED.values() for mood in (wrong, LAST)), hangs_up)
    for number, wrong in enumerate(DAMAGED, start=1):
        load()
        assert (len(pauses), len(server.requests)) == (number, 2 * number), wrong


def test_what_no_repetition_mends_is_asked_once(serve: Serve, pauses: list[float]) -> None:
    server = serve(*(refuses(code) for code in LASTING.values()), hangs_up)
    for number, code in enumerate(LASTING.values(), start=1):
        with pytest.raises(ServiceError) as found:
            load()
        assert found.value.response["Error"]["Code"] == code
        assert (len(pauses), len(server.requests)) == (0, number)


def test_a_table_that_stays_away_is_unavailable(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(hangs_up)
    monkeypatch.setattr(table_module, "RETRY_S", 0)
    with pytest.raises(Unavailable):
        load()
    assert len(server.requests) == 1


def test_after_a_conflict_the_same_transaction_is_sent(serve: Serve, pauses: list[float]) -> None:
    server = serve(answers(CANCELLED, 400), answers({}))
    org = Item(ORG, OrgRecord(orgcode="ACME", org_guid="org_1", status="verified"))
    assert Table().transact([Put(org)], "change", 0) is None
    first, second = bodies(server)
    assert first == second
    assert json.loads(first)["ClientRequestToken"] == "change-0"
    assert len(pauses) == 1


# ------------------------------------------------------------------- the kept connection

CALLS: dict[str, dict[str, Any]] = {
    "query": {"TableName": "crm"},
    "batch_get_item": {"RequestItems": {}},
    "batch_write_item": {"RequestItems": {}},
    "update_item": {"TableName": "crm", "Key": {}},
    "transact_write_items": {"TransactItems": []},
}


@pytest.mark.parametrize("wrong", [hangs_up, resets])
@pytest.mark.parametrize("method", CALLS)
def test_on_a_connection_that_was_no_longer_kept_a_call_is_sent_once_more(
    serve_own: Serve, wrong: Mood, method: str
) -> None:
    server = serve_own(answers({}), wrong, answers({"Count": 7}))
    client = clients.dynamodb()
    client.query(TableName="crm")
    assert getattr(client, method)(**CALLS[method])["Count"] == 7
    assert (len(server.requests), server.connections) == (3, 2)
    # The token too is the same, so the service knows a transaction again.
    assert server.requests[1] == server.requests[2]


@pytest.mark.parametrize(
    "moods",
    [
        pytest.param((hangs_up,), id="a new connection"),
        pytest.param((answers({}), hangs_up, hangs_up), id="the second one is new, too"),
        pytest.param((answers({}), breaks_off), id="the answer had begun"),
    ],
)
def test_no_call_is_sent_again_without_need(serve_own: Serve, moods: tuple[Mood, ...]) -> None:
    server = serve_own(*moods, answers({}))
    client = clients.dynamodb()
    if len(moods) > 1:
        client.query(TableName="crm")
    with pytest.raises(Unanswered):
        client.query(TableName="crm")
    assert len(server.requests) == len(moods)


def test_a_client_that_is_closed_says_farewell_on_every_connection(serve_own: Serve) -> None:
    farewells: list[bytes] = []
    both = threading.Barrier(2, timeout=10)

    def waits(connection: socket.socket, request: bytes) -> bool:
        both.wait()
        answers({})(connection, request)
        farewells.append(connection.recv(65536))
        return False

    server = serve_own(waits)
    client: Any = clients.dynamodb()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: client.query(TableName="crm"), range(2)))
    assert (server.connections, farewells) == (2, [])
    client.close()
    while len(farewells) < 2:
        pass
    assert farewells == [b"", b""]


def test_the_time_of_a_call_is_over_once_for_all(serve_own: Serve) -> None:
    server = serve_own(answers({}), lambda connection, _: bool(connection.recv(65536)))
    client: Any = clients.dynamodb()
    client.query(TableName="crm")
    client.call_s = 0.2
    with pytest.raises(Unanswered, match="time"):
        client.query(TableName="crm")
    # It was not sent again: the time is up, and the server may still be at work on it.
    assert (len(server.requests), server.connections) == (2, 1)

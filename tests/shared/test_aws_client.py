"""Our own client of AWS against the SDK, which is right by definition, and against a server that
answers whatever a bad day can bring."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import Credentials as SdkCredentials
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from shared.aws_client import Client, Endpoint, ServiceError, Unanswered
from shared.aws_signature import Credentials, Signer
from tests.shared.moody_server import (
    Mood,
    Server,
    answers,
    breaks_off,
    chunked,
    falls_asleep,
    hangs_up,
)

NOW = datetime(2026, 11, 26, 9, 30, 5, tzinfo=UTC)
KEYS = Credentials("AKIDEXAMPLE", "secret/key+with=signs", None)
REGION = "eu-central-1"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
WORD = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789/+=-", min_size=1, max_size=40)

# ---------------------------------------------------------------- the signature


@given(
    secret=WORD,
    token=st.none() | WORD,
    host=st.sampled_from(["dynamodb.eu-central-1.amazonaws.com", "127.0.0.1:8765"]),
    content=st.dictionaries(TEXT, TEXT, max_size=4),
    moment=st.integers(1_600_000_000, 2_200_000_000).map(lambda s: datetime.fromtimestamp(s, UTC)),
)
def test_the_signature_is_that_of_the_sdk(
    secret: str, token: str | None, host: str, content: dict[str, str], moment: datetime
) -> None:
    body = json.dumps(content, ensure_ascii=False).encode()
    signer = Signer("dynamodb", REGION, host)
    target, kind = "DynamoDB_20120810.Query", "application/x-amz-json-1.0"
    ours = signer.headers(Credentials("AKID", secret, token), target, kind, body, moment)
    given_headers = {"X-Amz-Target": target, "Content-Type": kind, "host": host}
    request = AWSRequest("POST", f"https://{host}/", headers=given_headers, data=body)
    # What ``add_auth`` does, at the time in question.
    auth = SigV4Auth(SdkCredentials("AKID", secret, token), "dynamodb", REGION)
    request.context["timestamp"] = f"{moment:%Y%m%dT%H%M%SZ}"
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    if token is not None:
        request.headers["X-Amz-Security-Token"] = token
    signature = auth.signature(
        auth.string_to_sign(request, auth.canonical_request(request)), request
    )
    assert ours["authorization"].rpartition("Signature=")[2] == signature
    names = ours["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert names == sorted(names)
    assert set(names) == ours.keys() - {"authorization"}


def test_the_key_of_a_day_is_that_of_the_day_and_the_secret() -> None:
    signer = Signer("dynamodb", REGION, "host")
    said = set()
    for secret in ("one", "two", "one"):
        for day in (26, 27, 26):
            headers = signer.headers(
                Credentials("AKID", secret), "t", "c", b"", NOW.replace(day=day)
            )
            said.add((secret, day, headers["authorization"]))
    assert len(said) == 4


def test_a_secret_is_in_no_text_of_the_credentials() -> None:
    text = repr(Credentials("AKID", "secret", "token"))
    assert "secret" not in text.replace("secret_key", "")
    assert "'token'" not in text


# ---------------------------------------------------------------- calls


@pytest.fixture
def server() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(*moods: Mood) -> Server:
        made.append(Server(*moods))
        return made[-1]

    yield start
    for one in made:
        one.stop()


def client(port: int, **more: Any) -> Client:
    return Client(
        service="dynamodb",
        region=REGION,
        endpoint=Endpoint("127.0.0.1", port, secure=False),
        credentials=lambda _: KEYS,
        connect_s=0.3,
        call_s=0.3,
        **more,
    )


def sdk(port: int) -> BaseClient:
    return botocore.session.get_session().create_client(
        "dynamodb",
        region_name=REGION,
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="AKID",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=0.3, read_timeout=0.3),
    )


def test_a_connection_is_kept_and_one_that_was_closed_is_replaced(
    server: Callable[..., Server],
) -> None:
    there = server(answers(), answers(), hangs_up, answers())
    calling = client(there.port)
    for _ in range(3):
        assert calling.query(TableName="t") == {"Items": []}
    assert (len(there.requests), there.connections) == (4, 2)
    assert there.requests[2] == there.requests[3]


def test_each_thread_has_a_connection_of_its_own(server: Callable[..., Server]) -> None:
    there = server(answers())
    calling = client(there.port)
    together = threading.Barrier(4)

    def call() -> None:
        calling.query(TableName="t")
        # A thread that has ended leaves its connection to the next one of its number.
        together.wait()

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert there.connections == 4


def test_a_new_connection_that_is_closed_at_once_is_no_answer(
    server: Callable[..., Server],
) -> None:
    there = server(hangs_up)
    with pytest.raises(Unanswered):
        client(there.port).query(TableName="t")
    assert len(there.requests) == 1


@pytest.mark.parametrize(
    "mood",
    [
        breaks_off,
        falls_asleep,
        answers(raw=b"not json"),
        answers(raw=b"[]"),
        answers(raw=b'{"Items": []}', **{"x-amz-crc32": "1"}),
        answers(status=500, raw=b"<html>"),
        answers(status=503, raw=b"{}"),
        answers(raw=b"{}", **{"content-encoding": "gzip"}),
    ],
    ids=["cut", "slow", "no json", "no object", "checksum", "500", "503", "no gzip"],
)
def test_a_damaged_answer_is_none_and_ends_the_connection(
    server: Callable[..., Server], mood: Mood
) -> None:
    there = server(mood, answers())
    calling = client(there.port)
    with pytest.raises(Unanswered):
        calling.query(TableName="t")
    assert len(there.requests) == 1
    assert calling.query(TableName="t") == {"Items": []}


def test_the_secret_is_asked_for_again(server: Callable[..., Server]) -> None:
    there = server(hangs_up, answers(status=500, raw=b""), answers({"SecretString": "s"}))
    asked = replace(client(there.port), service="secretsmanager")
    assert asked.get_secret_value(SecretId="arn") == {"SecretString": "s"}
    gone = server(hangs_up)
    with pytest.raises(Unanswered):
        client(gone.port).get_secret_value(SecretId="arn")
    assert len(gone.requests) == 3


def test_nobody_there_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unanswered):
        client(port).query(TableName="t")


@pytest.mark.parametrize(
    "mood",
    [
        chunked,
        answers(raw=gzip.compress(b'{"Items": []}'), **{"content-encoding": "gzip"}),
        answers(raw=b'{"Items": []}', **{"x-amz-crc32": ""}),
        answers(raw=b'{"Items": []}', connection="close"),
    ],
    ids=["chunked", "gzip", "no checksum", "closing"],
)
def test_other_forms_of_an_answer_are_read(server: Callable[..., Server], mood: Mood) -> None:
    there = server(mood)
    calling = client(there.port)
    for _ in range(2):
        assert calling.query(TableName="t") == {"Items": []}


REFUSALS = [
    (400, {"__type": "com.amazonaws.dynamodb.v20120810#ValidationException", "message": "no"}),
    (400, {"__type": "com.amazon.coral.service#ThrottlingException", "message": "slow down"}),
    (
        400,
        {"__type": "x#ConditionalCheckFailedException", "message": "c", "Item": {"a": {"S": ""}}},
    ),
    (500, {"__type": "x#InternalServerError", "message": "oh"}),
    (503, {"__type": "x#ServiceUnavailable", "Message": "later"}),
    (400, {"__type": "com.amazon.coral.service#ExpiredTokenException", "message": "old"}),
    (
        400,
        {
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": "cancelled",
            "CancellationReasons": [
                {"Code": "None"},
                {"Code": "ConditionalCheckFailed", "Message": "m", "Item": {"pk": {"S": "x"}}},
            ],
        },
    ),
]


@pytest.mark.parametrize(("status", "content"), REFUSALS)
def test_a_refusal_is_told_as_the_sdk_tells_it(
    server: Callable[..., Server], status: int, content: dict[str, Any]
) -> None:
    there = server(answers(content, status))
    with pytest.raises(ServiceError) as ours:
        client(there.port).transact_write_items(TransactItems=[])
    with pytest.raises(ClientError) as theirs:
        sdk(there.port).transact_write_items(  # type: ignore[attr-defined]
            TransactItems=[{"Delete": {"TableName": "t", "Key": {"pk": {"S": "x"}}}}]
        )
    assert ours.value.response["Error"] == theirs.value.response["Error"]
    for name in ("CancellationReasons",):
        assert ours.value.response.get(name) == theirs.value.response.get(name)


VALUES = st.recursive(
    st.builds(lambda text: {"S": text}, TEXT)
    | st.builds(lambda number: {"N": str(number)}, st.integers())
    | st.booleans().map(lambda value: {"BOOL": value})
    | st.just({"NULL": True}),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda found: {"L": found})
        | st.dictionaries(TEXT, inner, max_size=3).map(lambda found: {"M": found})
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def mirror() -> Iterator[tuple[Server, list[Any]]]:
    """A server that answers every request with the one item of the list."""
    holds: list[Any] = [{}]

    def mood(connection: socket.socket, request: bytes) -> bool:
        return answers({"Items": holds, "Count": 1})(connection, request)

    there = Server(mood)
    yield there, holds
    there.stop()


@pytest.fixture(scope="module")
def both(mirror: tuple[Server, list[Any]]) -> tuple[Client, Any]:
    return client(mirror[0].port), sdk(mirror[0].port)


@given(item=st.dictionaries(TEXT.filter(bool), VALUES, max_size=4))
def test_any_item_is_sent_and_read_as_the_sdk_does(
    mirror: tuple[Server, list[Any]], both: tuple[Client, Any], item: dict[str, Any]
) -> None:
    there, holds = mirror
    holds[:] = [item]
    asked = {"TableName": "table", "ExpressionAttributeValues": item, "Limit": 3}
    ours, theirs = (one.query(**asked) for one in both)
    theirs.pop("ResponseMetadata")
    assert ours == theirs
    sent, told = (request.partition(b"\r\n\r\n")[2] for request in there.requests[-2:])
    assert json.loads(sent) == json.loads(told)


def test_the_address_is_what_the_environment_says() -> None:
    usual = Endpoint.of("dynamodb", REGION, {})
    assert (usual.host, usual.port, usual.secure) == (
        "dynamodb.eu-central-1.amazonaws.com", 443, True,
    )  # fmt: skip
    assert usual.host_header == usual.host
    here = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}
    assert Endpoint.of("secretsmanager", REGION, here) == Endpoint("127.0.0.1", 4566, secure=False)
    more = {**here, "AWS_ENDPOINT_URL_DYNAMODB": "http://localhost:1/"}
    assert Endpoint.of("dynamodb", REGION, more).host_header == "localhost:1"
    with pytest.raises(ValueError, match="no path"):
        Endpoint.of("dynamodb", REGION, {"AWS_ENDPOINT_URL": "http://localhost:1/path"})

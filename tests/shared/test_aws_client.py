"""Our own client of AWS against a server that answers whatever a bad day can bring. In
``test_aws_oracle`` it says and hears what the SDK does."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.aws_client import Client, Endpoint, Unanswered
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

# ---------------------------------------------------------------- the signature


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

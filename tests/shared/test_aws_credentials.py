"""Where the credentials of our own client come from."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shared import aws_credentials, clients
from shared.aws_client import Client
from shared.aws_credentials import NoCredentials
from shared.aws_signature import Credentials
from shared.clients import SdkClient

NOW = datetime(2026, 11, 26, tzinfo=UTC)
KEYS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}


class Container(ThreadingHTTPServer):
    """The address at which a container tells its credentials, to whoever has its token."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told = 0
        self.life = timedelta(hours=1)

    @property
    def env(self) -> dict[str, str]:
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self.server_port}/it?a=b",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "open sesame",
        }


class _Handler(BaseHTTPRequestHandler):
    server: Container

    def do_GET(self) -> None:
        self.server.told += 1
        right = self.headers["Authorization"] == "open sesame" and self.path == "/it?a=b"
        said = {
            "AccessKeyId": f"AKID{self.server.told}",
            "SecretAccessKey": "secret",
            "Token": "token",
            "Expiration": (NOW + self.server.life).isoformat().replace("+00:00", "Z"),
        }
        body = json.dumps(said).encode()
        self.send_response(200 if right else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def container() -> Iterator[Container]:
    made = Container()
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def test_the_environment_s_own_come_first(container: Container) -> None:
    source = aws_credentials.source({**KEYS, **container.env, "AWS_SESSION_TOKEN": "token"})
    assert source is not None
    assert source(NOW) == Credentials("AKID", "secret", "token")
    assert container.told == 0


def test_a_container_is_asked_once_and_again_before_they_expire(container: Container) -> None:
    source = aws_credentials.source(container.env)
    assert source is not None
    assert source(NOW) == Credentials("AKID1", "secret", "token")
    assert source(NOW + timedelta(minutes=54)).access_key == "AKID1"
    container.life = timedelta(hours=2)
    assert source(NOW + timedelta(minutes=56)).access_key == "AKID2"
    assert source(NOW + timedelta(minutes=90)).access_key == "AKID2"


def test_many_threads_ask_a_container_once(container: Container) -> None:
    source = aws_credentials.source(container.env)
    assert source is not None
    threads = [threading.Thread(target=source, args=(NOW,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert container.told == 1


def test_the_token_may_be_in_a_file(container: Container, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("open sesame\n")
    env = {**container.env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(file)}
    env["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "another"
    source = aws_credentials.source(env)
    assert source is not None
    assert source(NOW).access_key == "AKID1"


def test_a_container_that_refuses_or_is_not_there_gives_none(container: Container) -> None:
    source = aws_credentials.source({**container.env, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "x"})
    assert source is not None
    with pytest.raises(NoCredentials, match="403"):
        source(NOW)
    nowhere = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/"}
    source = aws_credentials.source(nowhere)
    assert source is not None
    with pytest.raises(NoCredentials):
        source(NOW)


@pytest.mark.parametrize("env", [{}, {**KEYS, "AWS_PROFILE": "me"}, {"AWS_ACCESS_KEY_ID": "x"}])
def test_what_only_the_sdk_knows_is_left_to_it(env: dict[str, str]) -> None:
    assert aws_credentials.source(env) is None


@pytest.mark.parametrize(
    ("env", "kind"),
    [
        ({**KEYS, "AWS_REGION": "eu-central-1"}, Client),
        ({**KEYS, "AWS_DEFAULT_REGION": "us-east-1"}, Client),
        ({**KEYS, "AWS_REGION": "cn-north-1"}, SdkClient),
        ({"AWS_REGION": "eu-central-1"}, SdkClient),
    ],
)
def test_our_own_client_serves_where_it_knows_enough(
    env: dict[str, str], kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "environment", lambda: env)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert isinstance(clients._make("dynamodb"), kind)
    assert isinstance(clients._make("secretsmanager"), kind)

"""Where the credentials of our own client come from."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import botocore.session
import pytest
from botocore.credentials import ContainerProvider
from botocore.utils import ContainerMetadataFetcher

from infra.local import settings as local
from shared import aws_credentials, clients
from shared.aws_client import Client, Endpoint
from shared.aws_credentials import NoCredentials
from shared.aws_signature import Credentials
from shared.clients import SdkClient
from shared.settings import settings

NOW = datetime(2026, 11, 26, tzinfo=UTC)
KEYS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}


class Container(ThreadingHTTPServer):
    """The address at which a container tells its credentials, to whoever has its token."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told, self.is_well = 0, True
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
        self.send_response(403 if not right else 200 if self.server.is_well else 500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def container() -> Iterator[Container]:
    made = Container()
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
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


def test_valid_ones_are_used_while_the_container_does_not_answer(container: Container) -> None:
    source = aws_credentials.source(container.env)
    assert source is not None
    source(NOW)
    container.is_well = False
    late = NOW + timedelta(minutes=56)
    assert [source(late).access_key for _ in range(3)] == ["AKID1"] * 3
    # It was asked once for the three, and is asked again some seconds later.
    assert container.told == 2
    assert source(late + timedelta(seconds=6)).access_key == "AKID1"
    assert container.told == 3
    with pytest.raises(NoCredentials, match="500"):
        source(NOW + timedelta(minutes=61))
    container.is_well, container.life = True, timedelta(hours=2)
    assert source(NOW + timedelta(minutes=61)).access_key == "AKID5"


def test_ones_that_have_expired_are_none(container: Container) -> None:
    source = aws_credentials.source(container.env)
    assert source is not None
    container.life = -timedelta(seconds=1)
    with pytest.raises(NoCredentials, match="expired"):
        source(NOW)


def test_a_restored_process_finds_what_its_environment_says_now(container: Container) -> None:
    env = {**container.env, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "of the snapshot"}
    source = aws_credentials.source(env)
    assert source is not None
    env |= container.env
    assert source(NOW).access_key == "AKID1"


def test_they_are_those_that_the_sdk_finds(container: Container) -> None:
    container.life = timedelta(days=365 * 50)  # the SDK has no other clock than the machine's
    ours = aws_credentials.source(container.env)
    theirs = ContainerProvider(environ=container.env).load()
    assert ours is not None
    assert replace(ours(NOW), access_key="") == Credentials("", theirs.secret_key, theirs.token)
    assert (theirs.access_key, ours(NOW).access_key) == ("AKID1", "AKID2")


@pytest.mark.parametrize(
    ("address", "is_asked"),
    [
        ("http://127.0.0.1:9001/credentials", True),
        ("http://[::1]/credentials", True),
        ("http://169.254.170.23/v1/credentials", True),
        ("https://example.com/credentials", True),
        ("http://example.com/credentials", False),
        ("http://169.254.170.2.example.com/", False),
        ("http://10.0.0.1/", False),
        ("/credentials", False),
    ],
)
def test_a_token_is_shown_only_where_the_sdk_would_show_it(address: str, is_asked: bool) -> None:
    env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": address, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "x"}
    assert (aws_credentials.source(env) is not None) is is_asked
    fetcher = ContainerMetadataFetcher(session=object())
    if is_asked:
        fetcher._validate_allowed_url(address)
    else:
        with pytest.raises(ValueError, match="Unsupported host"):
            fetcher._validate_allowed_url(address)


def test_a_token_that_would_add_a_header_is_not_sent(container: Container) -> None:
    token = "open sesame\r\nx-more: 1"
    source = aws_credentials.source({**container.env, "AWS_CONTAINER_AUTHORIZATION_TOKEN": token})
    assert source is not None
    with pytest.raises(NoCredentials):
        source(NOW)
    assert container.told == 0


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
        ({**KEYS, "AWS_REGION": "eu-central-1", "https_proxy": "http://here"}, SdkClient),
        ({**KEYS, "AWS_REGION": "eu-central-1", "AWS_USE_FIPS_ENDPOINT": "true"}, SdkClient),
    ],
)
def test_our_own_client_serves_where_it_knows_enough(
    env: dict[str, str], kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "environment", lambda: env)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    # The suite may run with the SDK's client alone.
    here = replace(settings(), sdk_only=False)
    monkeypatch.setattr(clients, "settings", lambda: here)
    assert isinstance(clients._make("dynamodb"), kind)
    assert isinstance(clients._make("secretsmanager"), kind)


def test_in_every_region_our_address_is_that_of_the_sdk_or_none() -> None:
    session = botocore.session.get_session()
    resolver = session._get_internal_component("endpoint_resolver")
    known = dict.fromkeys(["dynamodb", "secretsmanager"], 0)
    for partition in session.get_available_partitions():
        for service in known:
            for region in session.get_available_regions(service, partition):
                if not re.fullmatch(clients._USUAL_REGION, region):
                    assert partition != "aws", region
                    continue
                found = Endpoint.of(service, region, {})
                assert found.host == resolver.construct_endpoint(service, region)["hostname"]
                known[service] += 1
    assert min(known.values()) > 20


def test_the_administration_of_a_deployment_is_left_to_the_sdk() -> None:
    assert local.deployed("table", "arn", None)["CRM_CLIENT"] == "sdk"

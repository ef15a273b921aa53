"""The clients of AWS, made at first use. No other deployed module imports the SDK's core.

The table and the secret have a client of our own (``shared.aws_client``); the SDK makes the others,
and these too where its knowledge is needed. A process has one client per service; threads share it
safely. Tests and the local server replace a client with ``use``: by a wrapper around the real one
that injects faults, or by a recorder of events. The SDK's own settings (such as
``AWS_ENDPOINT_URL``) say where a client sends its calls, so nothing here knows of a local engine.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any, Protocol, cast

from shared import aws_credentials
from shared.aws_client import Client, Endpoint, ServiceError, Unanswered
from shared.settings import environment, settings

_OWN = frozenset({"dynamodb", "secretsmanager"})
"""The services for which there is a client of our own."""
_FOR_THE_SDK = (
    "AWS_ACCOUNT_ID_ENDPOINT_MODE",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "https_proxy",
    "http_proxy",
)
"""Variables that change where a call goes, in ways that only the SDK knows."""
_USUAL_REGION = r"(us|eu|ap|sa|ca|me|af|il|mx)-(east|west|north|south|central|[a-z]+)-\d"
"""Regions whose addresses end in ``amazonaws.com``. Of others the SDK knows the address."""

_lock = threading.Lock()
_clients: dict[str, Any] = {}

# The table is in the same region: a connection that takes longer will not come.
_CONNECT_S = 0.3


class TableClient(Protocol):
    """The operations of the table, with the arguments and answers of the SDK. They raise
    ``ServiceError`` and ``Unanswered``."""

    def batch_get_item(self, **arguments: Any) -> dict[str, Any]: ...
    def query(self, **arguments: Any) -> dict[str, Any]: ...
    def transact_write_items(self, **arguments: Any) -> dict[str, Any]: ...
    def batch_write_item(self, **arguments: Any) -> dict[str, Any]: ...
    def update_item(self, **arguments: Any) -> dict[str, Any]: ...


def dynamodb() -> TableClient:
    """Returns the table's client. It does not retry: only ``shared.table`` does."""
    return cast("TableClient", _client("dynamodb"))


def events() -> Any:
    """Returns the event bus's client."""
    return _client("events")


def queues() -> Any:
    """Returns the client of the publisher's own queue."""
    return _client("sqs")


def secrets() -> Any:
    """Returns the client of the secret store, which a process calls once."""
    return _client("secretsmanager")


def keys() -> Any:
    """Returns the client of the key service, which signs receipts."""
    return _client("kms")


def files() -> Any:
    """Returns the client of the object store, which keeps the log of erasures."""
    return _client("s3")


def prepare() -> None:
    """Makes the table's client, and reads the certificates of its connections. Opens none."""
    client = _client("dynamodb")
    if isinstance(client, Client):
        client.prepare()


def use(**replacements: Any) -> None:
    """Replaces the clients of these services. ``None`` makes the real one again at its next use."""
    with _lock:
        for name, client in replacements.items():
            if client is None:
                _clients.pop(name, None)
            else:
                _clients[name] = client


def _client(name: str) -> Any:
    client = _clients.get(name)
    if client is None:
        with _lock:
            # Another thread may have made it while this one waited for the lock.
            client = _clients.get(name)
            if client is None:
                client = _clients[name] = _make(name)
    return client


@dataclass(frozen=True, slots=True)
class SdkClient:
    """The SDK's client in the form of our own: its errors are ours."""

    client: Any

    def __getattr__(self, operation: str) -> Any:
        call = getattr(self.client, operation)

        def called(**arguments: Any) -> dict[str, Any]:
            from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

            try:
                answer: dict[str, Any] = call(**arguments)
            except ClientError as error:
                raise ServiceError(dict(error.response)) from None
            except (HTTPClientError, ConnectionError) as error:
                raise Unanswered(type(error).__name__) from None
            return answer

        return called


def _make(name: str) -> Any:
    own = _own(name) if name in _OWN and not settings().sdk_only else None
    if own is not None:
        return own
    made = _sdk(name)
    return SdkClient(made) if name in _OWN else made


def _own(name: str) -> Client | None:
    """Returns our own client, or None where it does not know the credentials or the way."""
    env = environment()
    if any(env.get(variable) for variable in _FOR_THE_SDK):
        return None
    credentials = aws_credentials.source(env)
    region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or ""
    if credentials is None or not re.fullmatch(_USUAL_REGION, region):
        return None
    return Client(
        service=name,
        region=region,
        endpoint=Endpoint.of(name, region, env),
        authorities=env.get("AWS_CA_BUNDLE"),
        credentials=credentials,
        connect_s=_CONNECT_S,
        call_s=settings().read_timeout_s,
    )


def _sdk(name: str) -> Any:
    import botocore.session
    from botocore.config import Config

    return botocore.session.get_session().create_client(
        name,
        config=Config(
            connect_timeout=_CONNECT_S,
            read_timeout=settings().read_timeout_s,
            # ``shared.table`` retries by itself, within one retry budget. Two layers that retry
            # would multiply their attempts. For the other services the SDK retries.
            retries={"mode": "standard", "total_max_attempts": 1 if name == "dynamodb" else 3},
            tcp_keepalive=True,
            max_pool_connections=64,
        ),
    )

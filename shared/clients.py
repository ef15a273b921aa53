"""The AWS clients, made at first use. No other deployed module imports the SDK's core.

A process has one client per service; threads share it safely. Tests and the local server replace a
client with ``use``: by a wrapper around the real one that injects faults, or by a recorder of
events. The SDK's own settings (such as ``AWS_ENDPOINT_URL``) say where a client sends its calls, so
nothing here knows of a local engine.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

from shared.settings import settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_lock = threading.Lock()
_clients: dict[str, Any] = {}

# The table is in the same region: a connection that takes longer will not come.
_CONNECT_S = 0.3


def dynamodb() -> DynamoDBClient:
    """Returns the table's client. It does not retry: only ``shared.table`` does."""
    return cast("DynamoDBClient", _client("dynamodb"))


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


def _make(name: str) -> Any:
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

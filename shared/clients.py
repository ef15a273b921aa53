"""The AWS clients, made at first use: the only importer of boto3's core.

Each process keeps one client of a kind; they are safe to share between threads. Tests and the
local server put their own in place with ``use``: an exact wrapper around the real one that injects
what no engine does, or a recorder of what the bus received. Where a client sends its calls is the
SDK's own setting (``AWS_ENDPOINT_URL`` and its kin), so nothing here knows of a local engine.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

from shared.settings import settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_lock = threading.Lock()
_clients: dict[str, Any] = {}

_CONNECT_S = 0.3


def dynamodb() -> DynamoDBClient:
    """The table's client. It makes each call once: ``shared.table`` alone tries again."""
    return cast("DynamoDBClient", _client("dynamodb"))


def events() -> Any:
    """The event bus's client."""
    return _client("events")


def queues() -> Any:
    """The client of the publisher's own queue."""
    return _client("sqs")


def secrets() -> Any:
    """The client of the secret store, called once per process."""
    return _client("secretsmanager")


def use(**replacements: Any) -> None:
    """Put these in place of the real clients, by service name; ``None`` takes one back out."""
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
            # ``shared.table`` tries again by itself, within one time; for the others the SDK does.
            retries={"mode": "standard", "total_max_attempts": 1 if name == "dynamodb" else 3},
            tcp_keepalive=True,
            max_pool_connections=64,
        ),
    )

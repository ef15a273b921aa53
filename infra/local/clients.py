"""Clients for the local programs only. The SDK's core is imported in ``clients`` modules alone."""

from __future__ import annotations

from functools import cache
from typing import Any

from shared.settings import environment


def streams() -> Any:
    """Returns a client of the table's stream. On AWS, Lambda itself reads the stream."""
    return _make("dynamodbstreams")


def table_administration() -> Any:
    """Returns a client that knows every operation and has a long timeout: it creates the table,
    scans it, and writes single items."""
    return _make("dynamodb")


def stacks() -> Any:
    """Returns a client of the deployed stacks. Their outputs name what a deployment has."""
    return _new("cloudformation")


def functions() -> Any:
    """Returns a client of the deployed functions."""
    return _new("lambda")


def objects() -> Any:
    """Returns a client of the buckets."""
    return _new("s3")


def queues() -> Any:
    """Returns a client of the queues, with a timeout that lets it wait for messages."""
    return _new("sqs")


def _make(name: str) -> Any:
    # One for each engine: a process may start several, one after the other.
    return _made(name, environment().get("AWS_ENDPOINT_URL_DYNAMODB"))


@cache
def _made(name: str, endpoint: str | None) -> Any:
    return _new(name, endpoint)


def _new(name: str, endpoint: str | None = None) -> Any:
    import botocore.session
    from botocore.config import Config

    return botocore.session.get_session().create_client(
        name,
        config=Config(
            connect_timeout=1,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 3},
            max_pool_connections=16,
        ),
        endpoint_url=endpoint,
    )

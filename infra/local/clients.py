"""Clients for the local programs only. The SDK's core is imported in ``clients`` modules alone."""

from __future__ import annotations

from typing import Any


def streams() -> Any:
    """Returns a client of the table's stream. On AWS, Lambda itself reads the stream."""
    return _make("dynamodbstreams")


def table_administration() -> Any:
    """Returns a client with a long timeout, to create the table and to scan it."""
    return _make("dynamodb")


def stacks() -> Any:
    """Returns a client of the deployed stacks. Their outputs name what a deployment has."""
    return _make("cloudformation")


def functions() -> Any:
    """Returns a client of the deployed functions."""
    return _make("lambda")


def objects() -> Any:
    """Returns a client of the buckets."""
    return _make("s3")


def queues() -> Any:
    """Returns a client of the queues, with a timeout that lets it wait for messages."""
    return _make("sqs")


def _make(name: str) -> Any:
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
    )

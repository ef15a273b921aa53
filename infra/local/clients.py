"""Clients that only the local programs need; boto is imported in ``clients`` modules alone."""

from __future__ import annotations

from typing import Any


def streams() -> Any:
    """The reader of the table's stream; AWS reads it for a deployed function, nobody does here."""
    return _make("dynamodbstreams")


def table_administration() -> Any:
    """A client with patience, to make the table and to look through all of it."""
    return _make("dynamodb")


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

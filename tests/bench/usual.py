"""The usual stack as a function that starts: Powertools' resolver with validation, boto3's resource
and the request models, and of our code nothing else.

The event brings the routes (``named``), so that the rows with all that they refer to are not
imported. ``family`` builds the validators when they are first used, as ours does; ``whole`` builds
them at the start, pydantic's own default.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pydantic import BaseModel, ConfigDict

TABLE = "crm-local"


@dataclass(frozen=True, slots=True)
class Row:
    """A route, as far as the peer has it."""

    method: str
    path: str
    request: type[BaseModel] | None


class EveryCall(BaseModel):
    """The fields that every route takes."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    session_guid: str | None = None
    api_key: str | None = None
    orgcode: str | None = None
    cccode: str | None = None
    request_context: dict[str, str] | None = None
    idempotency_key: str | None = None
    expected_revision: int | None = None
    reason: str | None = None
    reason_code: str | None = None
    source_refs: list[dict[str, str]] = []
    dry_run: bool = False


def named(rows: Iterable[Any]) -> list[list[str]]:
    """Returns the rows as an event can bring them: method, path, module and name of the model."""
    return [
        [r.method, r.path, *([r.request.__module__, r.request.__name__] if r.request else [])]
        for r in rows
    ]


def family(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers the first request of a new process, with the rows of a family."""
    return _answer(event, context, eager=False)


def whole(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The same with every row of the API, and pydantic's own default."""
    return _answer(event, context, eager=True)


def shown(item: dict[str, Any]) -> dict[str, Any]:
    """Returns an account of boto3's resource as an answer can have it."""
    hidden = ("pk", "sk", "v", "ancestors")
    return {name: _plain(value) for name, value in item.items() if name not in hidden}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | bool) else int(value)


def _answer(event: dict[str, Any], context: Any, *, eager: bool) -> dict[str, Any]:
    import boto3

    from tests.bench import peer

    rows = [
        Row(method, path, getattr(import_module(model[0]), model[1]) if model else None)
        for method, path, *model in event.pop("rows")
    ]
    reading = _reading(boto3.resource("dynamodb"), event.pop("keys"))
    answer = peer.handler(rows, answering=reading, every_call=EveryCall, eager=eager)
    return answer(event, context)


def _reading(database: Any, keys: list[dict[str, str]]) -> Any:
    """``/account/get`` in two trips: who calls (the key beside the org), then the account."""
    *callers, account = keys

    def answer(_: Row, __: Any) -> dict[str, Any]:
        known = database.batch_get_item(
            RequestItems={TABLE: {"Keys": callers, "ConsistentRead": True}}
        )
        if len(known["Responses"][TABLE]) != len(callers):
            raise LookupError("the caller is unknown")
        item = database.Table(TABLE).get_item(Key=account, ConsistentRead=True)["Item"]
        return {
            "success": True,
            "data": {"account": shown(item)},
            "revision": int(item["revision"]),
        }

    return answer

"""Whole handlers, against the whole of the usual stack: the calls to the database on both sides.

The usual stack is Powertools' resolver with validation, boto3's resource, and for a creation
Powertools' idempotency, which makes three calls: it notes the key, the account is written, it keeps
the answer. Ours is one transaction of all three. Every call is made and signed, and its answer is
read; the answers lie ready (``tape``), so nothing of a database is in the times. The peer does not
ask who calls, and knows no revisions, events or units.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, TextIO

from lambdas.account.handler import door
from shared import clients
from shared.api import Crosscutting
from shared.keys import ALL_OF_KIND, VIEW
from shared.routes import Route
from shared.settings import settings
from tests.bench import peer
from tests.bench.canned import CannedTable, Context, account, account_wire, canned_database
from tests.bench.listing import entries
from tests.bench.measure import Figure, cpu_in_turns
from tests.bench.tape import Recorder, Tape, on_tape
from tests.bench.usual import shown
from tests.bench.wire import PAGE, asked, believed_for_long, events

TARGETS = {"get": 6.0, "list of 256": 2.0, "create": 3.5}
"""How many times less processor time than the usual stack."""
_PEERS_CALLS = {"get": 1, "list of 256": 1, "create": 3}
_KEY = "order-4711"


def figures(*, calls: int, turns: int) -> list[Figure]:
    """A read by id, a page, and a creation with an idempotency key."""
    table = CannedTable(listed=entries(PAGE + 1))
    found = []
    with canned_database(table) as sink, believed_for_long():
        for name, request in events().items():
            request = _with_key(request) if name == "create" else request
            ours, usual = _ours(table, request), _usual(name, table, sink)
            theirs = partial(_answered, usual, request)
            many = max(1, calls // 20) if "list" in name else calls
            took = cpu_in_turns(ours, theirs, calls=many, turns=turns)
            found.append(Figure(f"whole {name}", *took, TARGETS[name], at_least=True))
    return found


def _with_key(request: dict[str, Any]) -> dict[str, Any]:
    return {**request, "headers": {**request["headers"], "idempotency-key": _KEY}}


def _ours(table: CannedTable, request: dict[str, Any]) -> Callable[[], None]:
    asked(table, request)  # the first time the caller is looked up, too
    recorder = Recorder(table)
    asked(recorder, request)
    if len(recorder.heard) != 1:
        raise AssertionError(f"{len(recorder.heard)} calls instead of one")
    client = on_tape(Tape.of(recorder.heard))
    clients.use(dynamodb=client)
    return partial(asked, client, request)


def _answered(usual: peer.Handler, request: dict[str, Any]) -> None:
    answer = usual(request, _CONTEXT)
    if answer["statusCode"] != 200 or "Northwind" not in answer["body"]:
        raise AssertionError(answer["body"])


_CONTEXT: Any = Context()


def _usual(name: str, table: CannedTable, sink: TextIO) -> peer.Handler:
    """Returns the peer's handler, with the answers that its database gives to this request."""
    import boto3

    answers: dict[str, list[dict[str, Any]]] = {
        "get": [{"Item": account_wire(account())}],
        "list of 256": [table.query()],
        "create": [{}] * _PEERS_CALLS["create"],
    }
    database = boto3.resource("dynamodb")
    tape = Tape.of(answers[name])
    database.meta.client.meta.events.register("before-send", tape.before_send)
    stored = database.Table(settings().table_name)
    answering = {"get": _get, "list of 256": _list, "create": _create}[name]
    usual = peer.handler(
        door.routes, every_call=Crosscutting, stream=sink, answering=partial(answering, stored)
    )
    return _idempotent(usual, database.meta.client) if name == "create" else usual


def _idempotent(usual: peer.Handler, client: Any) -> peer.Handler:
    from aws_lambda_powertools.utilities.idempotency import (
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
        idempotent,
    )

    kept = DynamoDBPersistenceLayer(table_name="idempotency", boto3_client=client)
    config = IdempotencyConfig(event_key_jmespath='headers."idempotency-key"')
    made: peer.Handler = idempotent(usual, persistence_store=kept, config=config)
    return made


def _get(stored: Any, row: Route, body: Any) -> dict[str, Any]:
    key = {"pk": "O#BENCH", "sk": body.account_guid}
    item = stored.get_item(Key=key, ConsistentRead=True)["Item"]
    return _success(row, {"account": shown(item)}, int(item["revision"]))


def _list(stored: Any, row: Route, body: Any) -> dict[str, Any]:
    from boto3.dynamodb.conditions import Key

    found = stored.query(
        IndexName="list",
        KeyConditionExpression=Key(ALL_OF_KIND.partition).eq("O#BENCH"),
        Limit=body.limit + 1,
        ScanIndexForward=False,
    )["Items"]
    accounts = [json.loads(item[VIEW]) for item in found[: body.limit]]
    return _success(row, {"accounts": accounts, "has_more": len(found) > body.limit}, None)


def _create(stored: Any, row: Route, body: Any) -> dict[str, Any]:
    from boto3.dynamodb.conditions import Attr

    from shared import auth
    from shared.api import new_id

    now = auth.now()
    made = {
        **body.account.model_dump(mode="json", exclude_none=True, exclude_unset=True),
        "account_guid": f"acct_{new_id(now)}",
        "status": "active",
        "created_at": now.isoformat(),
        "updated_at": now.isoformat(),
        "revision": 1,
    }
    stored.put_item(
        Item={"pk": "O#BENCH", "sk": made["account_guid"], **made},
        ConditionExpression=Attr("pk").not_exists(),
    )
    return _success(row, {"account": made}, 1)


def _success(row: Route, data: dict[str, Any], revision: int | None) -> dict[str, Any]:
    stats = {"call": row.call, "service": "crm", "request_id": "bench-request"}
    return {"success": True, "data": data, "revision": revision, "stats": stats}

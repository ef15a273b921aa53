"""The read that the usual stack's first request makes, with boto3's resource."""

from __future__ import annotations

from typing import Any

from shared.keys import credential, of_org
from shared.routes import Route
from tests.bench.peer import Answering


def rows(*, whole: bool) -> list[Route]:
    """The routes of the whole API, or of the accounts alone."""
    if not whole:
        from lambdas.account.handler import ROUTES

        return list(ROUTES)
    from lambdas.families import FAMILIES

    return [row for family in FAMILIES.values() for row in family]


def reading(database: Any, table: str) -> Answering:
    """``/account/get`` in two trips: who calls (the key beside the org), then the account."""

    def answer(_: Route, body: Any) -> dict[str, Any]:
        org = "BENCH"
        places = [credential("bench-key"), of_org(org).org_record()]
        keys = [{"pk": pk, "sk": sk} for pk, sk in places]
        known = database.batch_get_item(
            RequestItems={table: {"Keys": keys, "ConsistentRead": True}}
        )
        if len(known["Responses"][table]) != 2:
            raise LookupError("the caller is unknown")
        pk, sk = of_org(org).account(body.account_guid)
        item = database.Table(table).get_item(Key={"pk": pk, "sk": sk}, ConsistentRead=True)["Item"]
        return {
            "success": True,
            "data": {"account": shown(item)},
            "revision": int(item["revision"]),
        }

    return answer


def shown(item: dict[str, Any]) -> dict[str, Any]:
    """Returns an account as the usual stack shows it."""
    hidden = ("pk", "sk", "v", "ancestors")
    return {k: _plain(v) for k, v in item.items() if k not in hidden}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | bool) else int(value)

"""Erases our own copies of a customer whom the CRM has deleted, once for each event.

The bus delivers an event at least once, and a replay of its archive delivers it again a year
later. So each event leaves a mark with its id, written in the same transaction as the effect: a
repeat finds the mark and does nothing. Without the mark this consumer would count a customer twice.
"""

from __future__ import annotations

import json
import logging
import os
import time
from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger()

MARK_DAYS = 400
"""Longer than the bus keeps its archive: until then an event may come again."""
DELETES = 98
"""A transaction takes a hundred actions. Two of them are the mark and the count."""


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handles messages of the queue. Returns those that failed: the queue delivers them again, and
    lays them aside after five times."""
    del context
    failed = []
    for message in event["Records"]:
        try:
            erase(json.loads(message["body"])["detail"])
        except (BotoCoreError, ClientError) as error:
            # The id is enough to find the event. Its text is nobody's business in a log.
            log.warning("message %s failed: %s", message["messageId"], type(error).__name__)
            failed.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failed}


def erase(event: dict[str, Any]) -> bool:
    """Erases the copies of the customer and of everyone merged into it. Returns whether this event
    was a new one."""
    data = event["data"]
    guids = [data["customer_guid"], *data["merged_customer_guids"]]
    erasures = [{"Delete": {"TableName": _table(), "Key": _key("copy", guid)}} for guid in guids]
    # To delete twice changes nothing, so what does not fit beside the mark goes before it.
    while len(erasures) > DELETES:
        _dynamodb().transact_write_items(TransactItems=erasures[:DELETES])
        erasures = erasures[DELETES:]
    try:
        _dynamodb().transact_write_items(
            TransactItems=[_mark(event["event_id"]), _one_more_customer(), *erasures]
        )
    except ClientError as refused:
        if _is_marked(refused):
            return False
        raise
    return True


def _mark(event_id: str) -> dict[str, Any]:
    expires = int(time.time()) + MARK_DAYS * 24 * 3600
    return {
        "Put": {
            "TableName": _table(),
            "Item": {**_key("event", event_id), "expires_at": {"N": str(expires)}},
            "ConditionExpression": "attribute_not_exists(id)",
        }
    }


def _one_more_customer() -> dict[str, Any]:
    return {
        "Update": {
            "TableName": _table(),
            "Key": _key("count", "customers-erased"),
            "UpdateExpression": "ADD customers :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }


def _is_marked(refused: ClientError) -> bool:
    """Returns whether it was the mark that refused: the first action of the transaction."""
    reasons: Any = refused.response.get("CancellationReasons", [{}])
    return bool(reasons[0].get("Code") == "ConditionalCheckFailed")


def _key(kind: str, name: str) -> dict[str, Any]:
    return {"id": {"S": f"{kind}#{name}"}}


def _table() -> str:
    return os.environ["TABLE"]


@cache
def _dynamodb() -> Any:
    return botocore.session.get_session().create_client("dynamodb")

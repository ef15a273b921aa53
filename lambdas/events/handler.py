"""The publisher: reads the table's stream, puts each change's events on the bus.

At least once, in order per record. What fails is reported back, so that the stream repeats it from
there; an entry that the bus itself refuses goes to the publisher's own queue, so that one bad entry
does not stop the others behind it.
"""

from __future__ import annotations

from typing import Any

from lambdas.events.publishing import entry, events_of
from shared import clients, log
from shared.codec import dumps
from shared.settings import settings

BATCH = 10
_PASSING = frozenset({"ThrottlingException", "InternalFailure", "InternalException"})


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A batch of stream records in; the first that must be repeated out, with all after it."""
    del context
    pending: list[tuple[str, dict[str, Any]]] = []
    for record in event["Records"]:
        sequence = record["dynamodb"]["SequenceNumber"]
        pending += [(sequence, entry(made)) for made in events_of(record)]
    for start in range(0, len(pending), BATCH):
        batch = pending[start : start + BATCH]
        failed = _put(batch)
        if failed is not None:
            return {"batchItemFailures": [{"itemIdentifier": failed}]}
    return {"batchItemFailures": []}


def _put(batch: list[tuple[str, dict[str, Any]]]) -> str | None:
    """Puts the entries; answers the sequence number of the first to be repeated, if any is."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = clients.events().put_events(Entries=[entry for _, entry in batch])
    except (BotoCoreError, ClientError) as error:
        log.failed(error, call="PutEvents")
        return batch[0][0]
    if not answer["FailedEntryCount"]:
        return None
    for (sequence, refused), result in zip(batch, answer["Entries"], strict=True):
        code = result.get("ErrorCode")
        if code in _PASSING:
            return sequence
        if code is not None:
            # The bus will never take it: kept for a person, out of the way of what follows.
            clients.queues().send_message(
                QueueUrl=settings().retry_queue_url, MessageBody=dumps({"code": code, **refused})
            )
            log.count("event_refused_by_bus", refused["DetailType"])
    return None

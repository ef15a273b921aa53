"""The publisher: it reads the table's stream, and puts the events of each change on the bus.

It publishes at least once, and in order per record. It reports the first failure, so that the
stream repeats the batch from there. An entry that the bus will never accept goes to the publisher's
own queue, so that one bad entry does not hold up the others.
"""

from __future__ import annotations

from typing import Any

from lambdas.events.publishing import entry, events_of
from shared import clients, log
from shared.codec import dumps
from shared.settings import settings

BATCH = 10
"""The most entries that one ``PutEvents`` accepts."""
# With these codes the same entry may be accepted later.
_TRANSIENT = frozenset({"ThrottlingException", "InternalFailure", "InternalException"})


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Publishes a batch of stream records. Returns the first record that failed: the stream repeats
    it and all records after it."""
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
    """Puts the entries. Returns the sequence number of the first that must be repeated, or None."""
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
        if code in _TRANSIENT:
            return sequence
        if code is not None:
            # The bus will never accept it. A person has to look at it.
            clients.queues().send_message(
                QueueUrl=settings().retry_queue_url, MessageBody=dumps({"code": code, **refused})
            )
            log.count("event_refused_by_bus", refused["DetailType"])
    return None

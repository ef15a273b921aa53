"""The re-drive: what the readers of the stream gave up, and what the bus refused, is tried again.

Two places hold such work. The failure bucket has whole stream records, in the form in which Lambda
stores a failed batch. The publisher's queue has single events. Each piece is handled by the code of
the reader that failed, and is removed only afterwards. So a run may end anywhere: what it has not
removed is still there, and the next run goes on with it. What was published just before such an end
is published once more. Its event id is the same, so consumers drop the repeat.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any

from lambdas.events.handler import lambda_handler as publish
from lambdas.events.publishing import events_of
from lambdas.search.handler import lambda_handler as index
from shared import clients

Record = dict[str, Any]
Line = dict[str, Any]
"""What a run tells about one piece. It has ids, actions and counts, and nothing of the records."""

HANDLERS: Mapping[str, Callable[[Record, Any], Record]] = {"events": publish, "search": index}
"""The readers of the stream, by the last part of their function's name."""

_PREFIX = "aws/lambda/"
"""Where Lambda stores failed batches. Nothing else in the bucket is touched."""
_AT_ONCE = 10
_HIDDEN_S = 120
"""How long a message is hidden from other runs. After a crash it shows itself again by then."""


@dataclass(frozen=True, slots=True)
class Places:
    """The failure bucket and the publisher's queue of a deployment, with the clients for them."""

    objects: Any
    bucket: str
    queues: Any
    queue_url: str


@dataclass(slots=True)
class Redrive:
    """One run. ``lines`` does the work; ``done`` and ``kept`` count what became of it. ``wait_s``:
    how long the queue may look for messages. To wait asks each of its servers: without it, an
    empty answer does not mean that there are none."""

    places: Places
    dry_run: bool = False
    wait_s: int = 1
    done: int = 0
    kept: int = 0
    _hidden: dict[str, str] = field(default_factory=dict, repr=False)

    def lines(self) -> Iterator[Line]:
        """Handles everything that is there, and yields a line for each piece when it is done with.
        The bucket comes first: an event in it that the bus refuses goes to the queue."""
        yield {"found": self.found()}
        for key in self._keys():
            line = self._object(key)
            if line is not None:
                yield self._counted({"object": key, **line})
        yield from map(self._counted, self._messages())
        self._show_again()

    def found(self) -> dict[str, int]:
        """Returns how much is there. ``hidden``: messages that another run has just received, or
        one that ended before it could give them back. They show themselves within two minutes."""
        visible, hidden = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
        counts = self.places.queues.get_queue_attributes(
            QueueUrl=self.places.queue_url, AttributeNames=[visible, hidden]
        )["Attributes"]
        return {
            "objects": sum(1 for _ in self._keys()),
            "messages": int(counts[visible]),
            "hidden": int(counts[hidden]),
        }

    def _counted(self, line: Line) -> Line:
        self.done += line["state"] == "redriven"
        self.kept += line["state"] == "kept"
        return line

    # ------------------------------------------------------------------------------ the bucket

    def _keys(self) -> Iterator[str]:
        """Yields the names of the objects. A name ends with the shard and the time, so that the
        records of one shard come in their order."""
        more: dict[str, str] = {}
        while True:
            page = self.places.objects.list_objects_v2(
                Bucket=self.places.bucket, Prefix=_PREFIX, **more
            )
            yield from (each["Key"] for each in page.get("Contents", ()))
            if not page["IsTruncated"]:
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _object(self, key: str) -> Line | None:
        """Handles one failed batch. Returns None where another run has removed it meanwhile."""
        place = {"Bucket": self.places.bucket, "Key": key}
        try:
            body = self.places.objects.get_object(**place)["Body"].read()
        except self.places.objects.exceptions.NoSuchKey:
            return None
        try:
            reader, records = _failed_batch(body)
            facts = {"reader": reader, "records": len(records), "events": _actions(records)}
            handle = HANDLERS[reader]
        except (ValueError, LookupError, TypeError) as unknown:
            why = f"no failed batch of a reader ({type(unknown).__name__})"
            return {"state": "kept", "why": why}
        if self.dry_run:
            return {**facts, "state": "found"}
        if (why := _failure(handle, records)) is not None:
            return {**facts, "state": "kept", "why": why}
        self.places.objects.delete_object(**place)
        return {**facts, "state": "redriven"}

    # ------------------------------------------------------------------------------ the queue

    def _messages(self) -> Iterator[Line]:
        """Handles each message once. Those that are kept stay hidden until the run ends, so that
        it sees an end."""
        while True:
            received = self.places.queues.receive_message(
                QueueUrl=self.places.queue_url,
                MaxNumberOfMessages=_AT_ONCE,
                VisibilityTimeout=_HIDDEN_S,
                WaitTimeSeconds=self.wait_s,
            ).get("Messages", [])
            fresh = [each for each in received if each["MessageId"] not in self._hidden]
            self._hidden |= {each["MessageId"]: each["ReceiptHandle"] for each in received}
            if not fresh:
                return
            yield from map(self._message, fresh)

    def _message(self, message: Record) -> Line:
        try:
            entry = json.loads(message["Body"])
            code = entry.pop("code")
            line = {
                "message": message["MessageId"],
                "event_id": json.loads(entry["Detail"])["event_id"],
                "action": entry["DetailType"],
                "refused_as": code,
            }
        except (ValueError, LookupError, TypeError) as unknown:
            why = f"no refused event ({type(unknown).__name__})"
            return {"message": message["MessageId"], "state": "kept", "why": why}
        if self.dry_run:
            return {**line, "state": "found"}
        (answer,) = clients.events().put_events(Entries=[entry])["Entries"]
        if "ErrorCode" in answer:
            return {**line, "state": "kept", "why": answer["ErrorCode"]}
        self.places.queues.delete_message(
            QueueUrl=self.places.queue_url, ReceiptHandle=message["ReceiptHandle"]
        )
        del self._hidden[message["MessageId"]]
        return {**line, "state": "redriven"}

    def _show_again(self) -> None:
        """Gives back the messages that are kept."""
        for handle in self._hidden.values():
            self.places.queues.change_message_visibility(
                QueueUrl=self.places.queue_url, ReceiptHandle=handle, VisibilityTimeout=0
            )


def _failed_batch(body: bytes) -> tuple[str, list[Record]]:
    """Returns the reader that failed, and the stream records. Only in a bucket has Lambda's record
    of a failure the whole event, as text."""
    failure = json.loads(body)
    # arn:aws:lambda:<region>:<account>:function:<name>[:<version>]
    name = failure["requestContext"]["functionArn"].split(":")[6]
    payload = failure["payload"]
    event = json.loads(payload) if isinstance(payload, str) else payload
    return name.rpartition("-")[2], list(event["Records"])


def _actions(records: list[Record]) -> dict[str, int]:
    """Returns how many events of each action the records carry."""
    return dict(Counter(event["action"] for each in records for event in events_of(each)))


def _failure(handle: Callable[[Record, Any], Record], records: list[Record]) -> str | None:
    """Handles the records as the stream would. Returns why they failed again, or None."""
    try:
        # The reader's own log goes to stderr: stdout has the lines of the run.
        with redirect_stdout(sys.stderr):
            answer = handle({"Records": records}, None)
    except Exception as failure:
        # Whatever made the reader fail for six hours may do so here. It must not stop the others.
        # The text of the exception may be personal, so only its type and place are told.
        place = traceback.extract_tb(failure.__traceback__)[-1]
        return f"{type(failure).__name__} in {place.name}, line {place.lineno}"
    failed = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
    return f"failed again at {failed[0]}" if failed else None

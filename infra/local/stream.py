"""The table's stream on one machine. It is read in order, and passed to the real consumers.

Each consumer has its own reader, as a deployed function has its own mapping, so a slow one does not
hold up the other. After a failure the reader repeats the batch from the first failed record on.
After a limited number of attempts it gives up that record and goes on with the next, as the
deployed mapping does with its failure destination.
"""

from __future__ import annotations

import base64
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.local.gateway import LambdaContext

PAGE = 100
ATTEMPTS = 6
_FIRST_PAUSE_S = 0.05
_IDLE_S = 0.5

Handler = Callable[[dict[str, Any], Any], Any]


@dataclass
class StreamReader:
    """The position of one consumer in the stream. ``start``: ``TRIM_HORIZON`` for all stored
    records, ``LATEST`` for those from now on. Threads must not share it."""

    client: Any
    stream_arn: str
    name: str
    handler: Handler
    start: str = "TRIM_HORIZON"
    given_up: list[str] = field(default_factory=list)
    _iterator: str | None = field(default=None, repr=False)
    _shard: str | None = None
    _last_sequence: str | None = None
    _last_created: datetime | None = None

    def __post_init__(self) -> None:
        self._iterator = self._open()

    def step(self) -> bool:
        """Reads and delivers one page. Returns whether it was the last page at that time."""
        try:
            page = self.client.get_records(ShardIterator=self._iterator, Limit=PAGE)
        except self.client.exceptions.ExpiredIteratorException:
            self._iterator = self._open()
            return False
        records = page["Records"]
        if records:
            self._deliver(records)
            self._last_sequence = records[-1]["dynamodb"]["SequenceNumber"]
        self._iterator = page.get("NextShardIterator") or self._open_next_shard()
        return not records

    def drain(self) -> None:
        """Delivers all records that the stream has at the time of the call."""
        called_at = datetime.now(UTC)
        while not self.step_reaches(called_at):
            continue

    def step_reaches(self, moment: datetime) -> bool:
        """Makes one step. Returns whether all records up to that moment were delivered. Under
        steady writes there is no last page, so a record after that moment is enough as well."""
        if self.step():
            return True
        return self._last_created is not None and self._last_created > moment

    def _deliver(self, records: list[dict[str, Any]]) -> None:
        self._last_created = records[-1]["dynamodb"].get("ApproximateCreationDateTime")
        left, attempt = [self._lambda_record(r) for r in records], 0
        while left:
            failed = self._failed(left)
            if failed is None:
                return
            attempt = attempt + 1 if failed == 0 else 1
            left = left[failed:]
            if attempt >= ATTEMPTS:
                self._give_up(left.pop(0))
                attempt = 0
            else:
                time.sleep(_FIRST_PAUSE_S * 2**attempt)

    def _failed(self, records: list[dict[str, Any]]) -> int | None:
        """Returns the index of the first record that the consumer did not handle, or None. If it
        raises, the whole batch has failed, as for a deployed mapping."""
        context = LambdaContext(f"crm-local-{self.name}", records[0]["eventID"])
        try:
            answer = self.handler({"Records": records}, context) or {}
        except Exception as failure:
            sys.stderr.write(f"{self.name}: {type(failure).__name__}: {failure}\n")
            return 0
        failed = {f["itemIdentifier"] for f in answer.get("batchItemFailures", ())}
        numbers = [r["dynamodb"]["SequenceNumber"] for r in records]
        return next((i for i, number in enumerate(numbers) if number in failed), None)

    def _give_up(self, record: dict[str, Any]) -> None:
        number = record["dynamodb"]["SequenceNumber"]
        self.given_up.append(number)
        sys.stderr.write(f"{self.name}: gave up on stream record {number}\n")

    def _lambda_record(self, record: dict[str, Any]) -> dict[str, Any]:
        """Returns a record as a function gets it: times in seconds, binary values in base 64."""
        created = record["dynamodb"].get("ApproximateCreationDateTime")
        change = {k: _wire(v) for k, v in record["dynamodb"].items()}
        if created is not None:
            change["ApproximateCreationDateTime"] = int(created.timestamp())
        return {**record, "dynamodb": change, "eventSourceARN": self.stream_arn}

    def _open(self) -> str:
        shard = self._shard or self._shards()[0]
        self._shard = shard
        place: dict[str, str] = {"ShardIteratorType": self.start}
        if self._last_sequence is not None:
            place = {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "SequenceNumber": self._last_sequence,
            }
        found: str = self.client.get_shard_iterator(
            StreamArn=self.stream_arn, ShardId=shard, **place
        )["ShardIterator"]
        return found

    def _open_next_shard(self) -> str:
        """Opens the shard after a closed one."""
        shards = self._shards()
        after = shards.index(self._shard) + 1 if self._shard in shards else 0
        if after < len(shards):
            self._shard, self._last_sequence, self.start = shards[after], None, "TRIM_HORIZON"
        return self._open()

    def _shards(self) -> list[str]:
        description = self.client.describe_stream(StreamArn=self.stream_arn)["StreamDescription"]
        return [shard["ShardId"] for shard in description["Shards"]]


class StreamPump:
    """Runs the readers in the background. ``settle`` waits for the end of the stream."""

    def __init__(self, readers: list[StreamReader]) -> None:
        self._workers = [_Worker(reader) for reader in readers]

    def start(self) -> None:
        for worker in self._workers:
            worker.start()

    def nudge(self) -> None:
        """Makes the readers read at once, because something was written."""
        for worker in self._workers:
            worker.wake.set()

    def settle(self, timeout_s: float = 60.0) -> bool:
        """Waits until each consumer has handled all records that the stream has now. Returns
        whether they did so in time."""
        deadline = time.monotonic() + timeout_s
        asked = [worker.ask() for worker in self._workers]
        return all(done.wait(max(0.0, deadline - time.monotonic())) for done in asked)

    def stop(self) -> None:
        for worker in self._workers:
            worker.stopping = True
            worker.wake.set()
        for worker in self._workers:
            worker.join()


class _Worker(threading.Thread):
    """The thread of one reader. ``ask`` returns an event. It is set when all records that the
    stream had at the time of the call are handled."""

    def __init__(self, reader: StreamReader) -> None:
        super().__init__(name=f"stream-{reader.name}", daemon=True)
        self.reader = reader
        self.wake = threading.Event()
        self.stopping = False
        self._asked: list[threading.Event] = []
        self._lock = threading.Lock()

    def ask(self) -> threading.Event:
        done = threading.Event()
        with self._lock:
            self._asked.append(done)
        self.wake.set()
        return done

    def run(self) -> None:
        while not self.stopping:
            self.wake.clear()
            with self._lock:
                asked, self._asked = self._asked, []
            moment = datetime.now(UTC)
            while not self.stopping and not self.reader.step_reaches(moment):
                continue
            for done in asked:
                done.set()
            self.wake.wait(_IDLE_S)


def _wire(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {k: _wire(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_wire(v) for v in value]
    return value

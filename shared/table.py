"""The one table: strongly consistent batch reads, and transactions.

This module knows DynamoDB. It knows nothing of HTTP or of a family. It is also the only place that
retries: the SDK's own retries are off, because two layers would multiply their attempts and waits.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, TypeVar

from shared import clients
from shared.aws_client import ServiceError, Unanswered
from shared.codec import CHANGE, Wire, key_of
from shared.errors import Busy, Unavailable
from shared.keys import PARTITION, SORT, Key
from shared.records import Query, Read, Records
from shared.settings import settings
from shared.writes import Condition, CurrentItem, Write, action

ACTIONS = 100
BATCH = 100
WRITTEN_AT_ONCE = 25
"""DynamoDB's own limits: actions of a transaction, keys of a batch read, and of a batch write."""
RETRY_S = 1.5
"""The retry budget of one request, counted from its first failure. A till is waiting, and a table
that has not answered by then will not answer soon."""
FIRST_PAUSE_S, LONGEST_PAUSE_S, SHORTEST_PAUSE_S = 0.05, 0.4, 0.004
"""Upper bounds of a pause: of the first one, of all, and of the last one after a conflict."""
_CHANCE = random.SystemRandom()
"""Without a state of its own: processes that start from one snapshot must not pause alike."""
_TRANSIENT = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "ThrottlingException",
        "ThrottlingError",
        "RequestLimitExceeded",
        "InternalServerError",
        "ServiceUnavailable",
        "TransactionInProgressException",
        "TransactionConflictException",
    }
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Failed:
    """A cancelled transaction: each write whose condition failed, with the current item."""

    writes: tuple[tuple[Write, CurrentItem], ...]


@dataclass(slots=True)
class RetryBudget:
    """The time that one request may spend on retries of every kind: after throttles, lost answers
    and conflicts, and for decisions that are made again because another write came first."""

    attempts: int = 0
    _ends: float | None = None

    def may_retry_after_pause(self, *, conflict: bool = False) -> bool:
        """Pauses, and returns True; returns False at once where the time is up. The pause is random
        (full jitter), so that requests that have collided do not collide again. ``conflict``: the
        table works, and another write came first."""
        now = time.monotonic()
        if self._ends is None:
            self._ends = now + RETRY_S
        left = self._ends - now
        if left <= 0:
            return False
        attempts = self.attempts
        longest = after_conflict(attempts, left) if conflict else after_failure(attempts)
        pause(_CHANCE.uniform(0, min(left, longest)))
        self.attempts += 1
        return True


def after_failure(attempts: int) -> float:
    """Returns the upper bound of a request's next pause, in seconds, where the table did not
    answer. It grows with the attempts: a table in trouble needs rest."""
    # The exponents end where the longest pause is reached, long before a float overflows.
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempts, 8))


def after_conflict(attempts: int, left: float) -> float:
    """Returns the upper bound of a request's next pause, in seconds, after so many attempts and
    with ``left`` seconds to go, where another write came first.

    At first it grows with the attempts: many conflicts mean many clients. Then it shrinks with the
    time that is left: a request that has waited long asks more often than one that has just come,
    and so gets its answer before its time is up. ``make bench`` shows what this is worth."""
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 4.0 ** min(attempts, 8))
    return max(SHORTEST_PAUSE_S, longest * (left / RETRY_S) ** 3)


def pause(seconds: float) -> None:
    """Sleeps. Nothing else here does, so that tests can count the pauses."""
    time.sleep(seconds)


@cache
def pool() -> ThreadPoolExecutor:
    """Returns the threads for calls that are made at the same time."""
    return ThreadPoolExecutor(max_workers=32, thread_name_prefix="table")


def _code(error: ServiceError) -> str:
    return str(error.response["Error"]["Code"])


def together(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Makes independent calls at the same time (one trip), and returns their answers in order.

    A call that no thread has started yet is made in this thread. So no thread waits for a free
    thread, and a call may itself use ``together`` without a deadlock.
    """
    if not calls:
        return []
    begun = [(call, pool().submit(call)) for call in calls[1:]]
    try:
        answers = [calls[0]()]
        for call, future in begun:
            answers.append(call() if future.cancel() else future.result())
    finally:
        # Where one failed, the calls that have not started are not needed.
        for _, future in begun:
            future.cancel()
    return answers


@dataclass(slots=True)
class Table:
    """The table as one request uses it. It adds up the capacity units that the database reports."""

    read_units: float = 0.0
    write_units: float = 0.0
    retry_budget: RetryBudget = field(default_factory=RetryBudget)

    def load(self, reads: Iterable[Read]) -> Records:
        """Makes all the reads in one strongly consistent trip, and returns the records."""
        queries: dict[Query[Any], list[Wire]] = {}
        items: dict[Key, Wire | None] = {}
        for read in reads:
            if isinstance(read, Query):
                queries[read] = []
            else:
                items[read.key] = None
        calls: list[Callable[[], None]] = [partial(self._query, q, queries[q]) for q in queries]
        if items:
            calls.append(lambda: items.update(self._batch(list(items))))
        together(calls)
        return Records(items, queries)

    def _batch(self, keys: list[Key]) -> dict[Key, Wire]:
        chunks = [keys[start : start + BATCH] for start in range(0, len(keys), BATCH)]
        found: dict[Key, Wire] = {}
        for part in together([partial(self._chunk, chunk) for chunk in chunks]):
            found.update(part)
        return found

    def _chunk(self, keys: list[Key]) -> dict[Key, Wire]:
        name = settings().table_name
        found: dict[Key, Wire] = {}
        left = [{PARTITION: {"S": pk}, SORT: {"S": sk}} for pk, sk in keys]
        while True:
            answer = self.ask(
                "batch_get_item", RequestItems={name: {"Keys": left, "ConsistentRead": True}}
            )
            for wire in answer["Responses"].get(name, []):
                found[key_of(wire)] = wire
            left = answer.get("UnprocessedKeys", {}).get(name, {}).get("Keys", [])
            if not left:
                return found
            if not self.retry_budget.may_retry_after_pause():
                raise Unavailable()

    def _query(self, query: Query[Any], found: list[Wire]) -> None:
        """Appends the items of the query to ``found``."""
        arguments: dict[str, Any] = {
            "TableName": settings().table_name,
            "KeyConditionExpression": "#p = :p AND #s BETWEEN :low AND :high",
            "ExpressionAttributeNames": {"#p": PARTITION, "#s": SORT},
            "ExpressionAttributeValues": {
                ":p": {"S": query.partition},
                ":low": {"S": query.low},
                ":high": {"S": query.high},
            },
            "ScanIndexForward": not query.newest_first,
            "ConsistentRead": True,
        }
        arguments |= {} if query.limit is None else {"Limit": query.limit}
        while True:
            answer = self.ask("query", **arguments)
            found += answer["Items"]
            arguments["ExclusiveStartKey"] = answer.get("LastEvaluatedKey")
            if query.limit is not None or arguments["ExclusiveStartKey"] is None:
                return

    # ---------------------------------------------------------------- writing

    def transact(self, writes: Sequence[Write], change_id: str, attempt: int) -> Failed | None:
        """Makes all of the writes or none. Returns None where they were made. ``change_id`` names
        the logical write, and ``attempt`` the decision. Both identify a repeat, so a lost answer
        leads neither to a second effect nor to an error."""
        if len(writes) > ACTIONS:
            raise ValueError(f"a transaction holds at most {ACTIONS} actions, not {len(writes)}")
        actions = [action(write, settings().table_name, change_id) for write in writes]
        while True:
            try:
                self.ask(
                    "transact_write_items",
                    TransactItems=actions,
                    ClientRequestToken=f"{change_id}-{attempt}",
                )
            except ServiceError as error:
                if _code(error) != "TransactionCanceledException":
                    raise
                reasons = error.response["CancellationReasons"]
                failed = _failures(writes, reasons, change_id)
                if failed is not None:
                    return failed if failed.writes else None
                # Another transaction is writing one of the items, or a partition is throttled.
                conflict = any(reason.get("Code") == "TransactionConflict" for reason in reasons)
                if not self.retry_budget.may_retry_after_pause(conflict=conflict):
                    raise Busy() from None
            else:
                return None

    def write_batch(self, puts: Sequence[Wire], deletes: Sequence[Key]) -> None:
        """Writes and deletes items without conditions, in any order: for changes that may be made
        twice. The batches are written at the same time."""
        requests: list[dict[str, Any]] = [{"PutRequest": {"Item": wire}} for wire in puts]
        for pk, sk in deletes:
            requests.append({"DeleteRequest": {"Key": {PARTITION: {"S": pk}, SORT: {"S": sk}}}})
        starts = range(0, len(requests), WRITTEN_AT_ONCE)
        together([partial(self._written, requests[s : s + WRITTEN_AT_ONCE]) for s in starts])

    def _written(self, requests: list[dict[str, Any]]) -> None:
        name = settings().table_name
        while requests:
            answer = self.ask("batch_write_item", RequestItems={name: requests})
            requests = answer.get("UnprocessedItems", {}).get(name, [])
            if requests and not self.retry_budget.may_retry_after_pause():
                raise Unavailable()

    def touch(self, key: Key, attribute: str, value: Wire, condition: Condition) -> None:
        """Sets one attribute of one record. Does nothing where the condition does not hold."""
        try:
            self.ask(
                "update_item",
                TableName=settings().table_name,
                Key={PARTITION: {"S": key[0]}, SORT: {"S": key[1]}},
                UpdateExpression="SET #a = :a",
                ConditionExpression=condition.expression,
                ExpressionAttributeNames={"#a": attribute, **condition.names},
                ExpressionAttributeValues={":a": value, **condition.values},
            )
        except ServiceError as error:
            if _code(error) != "ConditionalCheckFailedException":
                raise

    def ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Makes one call, and returns the answer. Retries it with the same arguments (and so the
        same token) while the database does not answer or is throttled."""
        call = getattr(clients.dynamodb(), operation)
        while True:
            try:
                answer: dict[str, Any] = call(ReturnConsumedCapacity="TOTAL", **arguments)
            except Unanswered:
                pass
            except ServiceError as error:
                if _code(error) not in _TRANSIENT:
                    raise
            else:
                self._count(operation, answer)
                return answer
            if not self.retry_budget.may_retry_after_pause():
                raise Unavailable()

    def _count(self, operation: str, answer: dict[str, Any]) -> None:
        consumed = answer.get("ConsumedCapacity") or []
        total = sum(
            c["CapacityUnits"] for c in (consumed if isinstance(consumed, list) else [consumed])
        )
        if operation in ("transact_write_items", "update_item", "batch_write_item"):
            self.write_units += total
        else:
            self.read_units += total


def _failures(
    writes: Sequence[Write], reasons: Sequence[Mapping[str, Any]], change_id: str
) -> Failed | None:
    """Returns the failed writes of a cancelled transaction, or None where no condition failed and
    the same transaction can be retried. ``Failed`` without writes means that an earlier attempt of
    this change has succeeded."""
    failed = []
    for write, reason in zip(writes, reasons, strict=True):
        code = reason.get("Code")
        if code == "ConditionalCheckFailed":
            wire = reason.get("Item") or None
            # The current item was written by this change: its answer was lost.
            if wire is not None and wire.get(CHANGE, {}).get("S") == change_id:
                return Failed(())
            failed.append((write, CurrentItem(wire)))
        elif code not in (None, "None", "TransactionConflict", *_TRANSIENT):
            # Malformed or too large: a defect, which no retry mends.
            raise ValueError(f"the database does not accept a write: {code}")
    return Failed(tuple(failed)) if failed else None

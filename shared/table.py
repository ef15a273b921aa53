"""The one table: strong batch reads, and one visible transaction.

Knows DynamoDB and nothing of HTTP or of any family. It is also the one place that tries again: the
SDK is told not to, because two layers that retry multiply their attempts and their waits.
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
from shared.codec import CHANGE, Wire, key_of
from shared.errors import Busy, Unavailable
from shared.keys import PARTITION, SORT, Key
from shared.records import Query, Read, Records
from shared.settings import settings
from shared.writes import Condition, CurrentItem, Write, action

ACTIONS = 100
BATCH = 100
RETRY_S = 1.5
"""How long one request goes on trying, counted from its first failure. A till waits for us, and the
gateway gives up after 29 s; a table that has not answered by then will not answer soon."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.005, 0.1
_NOT_NOW = frozenset(
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
    """A transaction that did not happen: each write whose condition failed, with what is there."""

    writes: tuple[tuple[Write, CurrentItem], ...]


@dataclass(slots=True)
class Patience:
    """The time that one request may spend on trying again, whatever for: throttles, lost answers,
    conflicts, and decisions that another write overtook."""

    attempts: int = 0
    _ends: float | None = None

    def wait(self) -> bool:
        """Waits a little, or returns False because the time is up. Full jitter: the more often a
        request has collided, the wider its next attempt is spread."""
        now = time.monotonic()
        if self._ends is None:
            self._ends = now + RETRY_S
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**self.attempts)
        self.attempts += 1
        if now >= self._ends:
            return False
        pause(random.uniform(0, min(longest, self._ends - now)))
        return True


def pause(seconds: float) -> None:
    """The one place that sleeps; tests count the pauses here."""
    time.sleep(seconds)


@cache
def pool() -> ThreadPoolExecutor:
    """The threads of calls that are made at the same time."""
    return ThreadPoolExecutor(max_workers=32, thread_name_prefix="table")


def _code(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def together(calls: Sequence[Callable[[], T]]) -> list[T]:
    """The answers of independent calls, made at the same time: one trip. A call that no thread has
    begun yet is made here, so nobody waits for a thread that waits for another: calls may make
    calls together, however many requests do so at once."""
    if not calls:
        return []
    begun = [(call, pool().submit(call)) for call in calls[1:]]
    try:
        answers = [calls[0]()]
        for call, future in begun:
            answers.append(call() if future.cancel() else future.result())
    finally:
        # Where one failed, nobody waits for the others.
        for _, future in begun:
            future.cancel()
    return answers


@dataclass(slots=True)
class Table:
    """The table as one request uses it. It sums the capacity that the database reports."""

    read_units: float = 0.0
    write_units: float = 0.0
    patience: Patience = field(default_factory=Patience)

    def load(self, reads: Iterable[Read]) -> Records:
        """Returns everything asked for, strongly consistent, in one trip."""
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
            if not self.patience.wait():
                raise Unavailable()

    def _query(self, wanted: Query[Any], found: list[Wire]) -> None:
        """Fills ``found``."""
        asked: dict[str, Any] = {
            "TableName": settings().table_name,
            "KeyConditionExpression": "#p = :p AND #s BETWEEN :low AND :high",
            "ExpressionAttributeNames": {"#p": PARTITION, "#s": SORT},
            "ExpressionAttributeValues": {
                ":p": {"S": wanted.partition},
                ":low": {"S": wanted.low},
                ":high": {"S": wanted.high},
            },
            "ScanIndexForward": not wanted.newest_first,
            "ConsistentRead": True,
        }
        asked |= {} if wanted.limit is None else {"Limit": wanted.limit}
        while True:
            answer = self.ask("query", **asked)
            found += answer["Items"]
            asked["ExclusiveStartKey"] = answer.get("LastEvaluatedKey")
            if wanted.limit is not None or asked["ExclusiveStartKey"] is None:
                return

    # ---------------------------------------------------------------- writing

    def transact(self, writes: Sequence[Write], change_id: str, attempt: int) -> Failed | None:
        """Makes all of the writes or none; returns None when they are made. ``change_id`` names the
        logical write and ``attempt`` the decision: repeats are recognised, so a lost answer leads
        neither to a second effect nor to a refusal."""
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
            except Exception as error:
                if _code(error) != "TransactionCanceledException":
                    raise
                failed = _failures(writes, error.response, change_id)  # type: ignore[attr-defined]
                if failed is not None:
                    return failed if failed.writes else None
                # Another transaction holds one of the items, or a partition is hot.
                if not self.patience.wait():
                    raise Busy() from None
            else:
                return None

    def touch(self, key: Key, attribute: str, value: Wire, condition: Condition) -> bool:
        """Sets one attribute of one record while the condition holds; returns whether it did."""
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
        except Exception as error:
            if _code(error) != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Makes one call, again under the same token while the database cannot answer."""
        from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

        call = getattr(clients.dynamodb(), operation)
        while True:
            try:
                answer: dict[str, Any] = call(ReturnConsumedCapacity="TOTAL", **arguments)
            except (HTTPClientError, ConnectionError):
                pass
            except ClientError as error:
                if _code(error) not in _NOT_NOW:
                    raise
            else:
                self._count(operation, answer)
                return answer
            if not self.patience.wait():
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
    writes: Sequence[Write], response: Mapping[str, Any], change_id: str
) -> Failed | None:
    """Returns what a cancelled transaction says, or None where nothing is settled and the same may
    be tried again. A failure without writes means: an earlier try of this change has happened."""
    failed = []
    for write, reason in zip(writes, response["CancellationReasons"], strict=True):
        code = reason.get("Code")
        if code == "ConditionalCheckFailed":
            wire = reason.get("Item") or None
            if wire is not None and wire.get(CHANGE, {}).get("S") == change_id:
                return Failed(())
            failed.append((write, CurrentItem(wire)))
        elif code not in (None, "None", "TransactionConflict", *_NOT_NOW):
            raise ValueError(f"the table refused a write of its own making: {code}")
    return Failed(tuple(failed)) if failed else None

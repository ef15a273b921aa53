"""The one table: strong batch reads, filled pages over indexes, and one visible transaction.

Knows DynamoDB and nothing of HTTP or of any family.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Generic, TypeVar

from shared import clients
from shared.codec import CHANGE, R, Wire, decode, key_of
from shared.errors import Busy, Unavailable
from shared.keys import PARTITION, SORT, Key
from shared.settings import settings
from shared.writes import Condition, CurrentItem, Write, action

ATTEMPTS = 6
ACTIONS = 100
BATCH = 100
ROUNDS = 10
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
class Get(Generic[R]):
    """One record to load, by its key."""

    key: Key
    of: type[R]


@dataclass(frozen=True, slots=True)
class Query(Generic[R]):
    """Records of one partition to load, in sort order from ``low`` to ``high`` (or, newest
    first, back): at most ``limit`` (one internal page), or (None) every one, page after page."""

    partition: str
    low: str
    high: str
    of: type[R]
    limit: int | None = 100
    newest_first: bool = False


class Records:
    """What one load brought: by the very wants that asked for it."""

    def __init__(
        self, items: dict[Key, Wire], ranges: dict[Any, list[Wire]], asked: Iterable[Any] = ()
    ) -> None:
        self._items = items
        self._ranges = ranges
        self._asked = set(asked)
        self._learned: set[Key] = set()

    def has(self, want: Get[Any] | Query[Any]) -> bool:
        """Whether it is known what is there, be it a record or nothing."""
        return want in self._asked or (isinstance(want, Get) and want.key in self._learned)

    def get(self, want: Get[R]) -> R | None:
        """The record, or None where nothing is."""
        wire = self._items.get(want.key)
        return None if wire is None else decode(want.of, wire)

    def wire(self, want: Get[Any]) -> Wire | None:
        """The item itself, for whoever works on records of any kind."""
        return self._items.get(want.key)

    def all(self, wanted: Query[R]) -> list[R]:
        return [decode(wanted.of, wire) for wire in self._ranges[wanted]]

    def learn(self, key: Key, fresh: CurrentItem) -> None:
        """Take over what a failed condition brought."""
        self._learned.add(key)
        if fresh.wire is None:
            self._items.pop(key, None)
        else:
            self._items[key] = fresh.wire
        for wanted, wires in self._ranges.items():
            if wanted.partition == key[0] and wanted.low <= key[1] <= wanted.high:
                kept = [w for w in wires if key_of(w) != key]
                kept += [fresh.wire] if fresh.wire is not None else []
                wires[:] = sorted(
                    kept, key=lambda w: str(w[SORT]["S"]), reverse=wanted.newest_first
                )

    def add(self, other: Records) -> None:
        """Take over what a further load brought."""
        self._asked |= other._asked
        self._items.update(other._items)
        self._ranges.update(other._ranges)


@dataclass(frozen=True, slots=True)
class Failed:
    """A transaction that did not happen: each write whose condition failed, with what is there."""

    writes: tuple[tuple[Write, CurrentItem], ...]


@cache
def pool() -> ThreadPoolExecutor:
    """The threads of calls that are made at the same time."""
    return ThreadPoolExecutor(max_workers=32, thread_name_prefix="table")


def pause(attempt: int) -> None:
    """Full jitter: the more have collided, the wider they spread."""
    time.sleep(random.uniform(0, min(0.4, 0.01 * 2**attempt)))


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
    """The table as one request uses it; it sums the capacity that the database reports."""

    read_units: float = 0.0
    write_units: float = 0.0

    def load(self, wants: Iterable[Get[Any] | Query[Any]]) -> Records:
        """Everything asked for, strongly consistent, in one trip."""
        items: dict[Key, Wire] = {}
        ranges: dict[Any, list[Wire]] = {}
        calls: list[Callable[[], None]] = []
        keys: dict[Key, None] = {}
        asked = list(wants)
        for want in asked:
            if isinstance(want, Query):
                calls.append(lambda w=want: ranges.__setitem__(w, self._range(w)))  # type: ignore[misc]
            else:
                keys[want.key] = None
        if keys:
            calls.append(lambda: items.update(self._batch(list(keys))))
        if calls:
            together(calls)
        return Records(items, ranges, asked)

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
        for attempt in range(ATTEMPTS):
            answer = self.ask(
                "batch_get_item", RequestItems={name: {"Keys": left, "ConsistentRead": True}}
            )
            for wire in answer["Responses"].get(name, []):
                found[key_of(wire)] = wire
            left = answer.get("UnprocessedKeys", {}).get(name, {}).get("Keys", [])
            if not left:
                return found
            pause(attempt)
        raise Unavailable()

    def _range(self, wanted: Query[Any]) -> list[Wire]:
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
        found: list[Wire] = []
        while True:
            answer = self.ask("query", **asked)
            found += answer["Items"]
            asked["ExclusiveStartKey"] = answer.get("LastEvaluatedKey")
            if wanted.limit is not None or asked["ExclusiveStartKey"] is None:
                return found

    # ---------------------------------------------------------------- writing

    def transact(self, writes: Sequence[Write], change_id: str, attempt: int) -> Failed | None:
        """Make all of the writes or none. None: it is done. ``change_id`` names the logical write:
        its repeats are recognised, so a lost answer is neither a second effect nor a refusal."""
        if len(writes) > ACTIONS:
            raise ValueError(f"a transaction holds at most {ACTIONS} actions, not {len(writes)}")
        actions = [action(write, settings().table_name, change_id) for write in writes]
        for again in range(ATTEMPTS):
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
                pause(again + 1)
                continue
            return None
        raise Busy()

    def touch(self, key: Key, attribute: str, value: Wire, condition: Condition) -> bool:
        """Set one attribute of one record while the condition holds; whether it did."""
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
        """One call, repeated under the same token while the database cannot answer."""
        from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

        call = getattr(clients.dynamodb(), operation)
        for attempt in range(3):
            try:
                answer: dict[str, Any] = call(ReturnConsumedCapacity="TOTAL", **arguments)
            except (HTTPClientError, ConnectionError):
                pause(attempt)
                continue
            except ClientError as error:
                if _code(error) not in _NOT_NOW:
                    raise
                pause(attempt)
                continue
            self._count(operation, answer)
            return answer
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
    """What a cancelled transaction says. None: nothing is settled, the same may be tried again.
    A failure without writes: an earlier try of this very change has happened already."""
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

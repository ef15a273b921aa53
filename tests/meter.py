"""The exact costs of a request: database calls, sequential trips and capacity units.

``Meter(client)`` replaces the client, and measures the calls that it passes on. It computes the
units from the sizes of the items, by the published rules for on-demand tables, because no local
engine reports them correctly:

- Reads count in steps of 4 KiB: each item of a batch alone, the items of a query together.
  Eventually consistent reads count half.
- Writes count in steps of 1 KiB of the larger of the old and the new item. Writes and condition
  checks in a transaction count double.
- Every index entry that is added, changed or removed counts as a write.

The meter reads items before and after a call through the real client. These reads do not count.

Trips are counted by dependencies, not by the clock. Each thread has its own counter. A task in the
pool starts with the counter of the thread that submits it. A thread that takes its result goes on
with the larger of the two counters. So the number does not depend on the load of the machine.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from shared.keys import INDEXES, PARTITION, SORT, VIEW, Index
from tests.faults import OPERATIONS

READ_STEP, WRITE_STEP = 4096, 1024
Item = Mapping[str, Any]


@dataclass(frozen=True)
class Cost:
    """The costs of some work. ``trips`` is the length of the longest chain of calls in which each
    call waited for the one before."""

    calls: int
    trips: int
    read_units: Decimal
    write_units: Decimal
    operations: tuple[str, ...]


@dataclass
class _Span:
    operation: str
    read_units: Decimal = Decimal(0)
    write_units: Decimal = Decimal(0)


@dataclass
class Meter:
    """A DynamoDB client that counts costs."""

    client: Any
    _trips: threading.local = field(default_factory=threading.local)
    _spans: list[_Span] = field(default_factory=list)
    _measuring: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def measuring(self) -> Iterator[list[Cost]]:
        """Use as ``with meter.measuring() as costs: …``. Afterwards ``costs[0]`` has the costs."""
        with self._lock:
            first = len(self._spans)
            self._measuring += 1
        begun, costs = self.trips, list[Cost]()
        try:
            yield costs
        finally:
            with self._lock:
                self._measuring -= 1
        with self._lock:
            costs.append(_total(self._spans[first:], self.trips - begun))

    @property
    def trips(self) -> int:
        """The number of calls that this thread has waited for, one after the other."""
        return getattr(self._trips, "made", 0)

    @trips.setter
    def trips(self, made: int) -> None:
        self._trips.made = made

    def watch(self, pool: Executor) -> WatchedPool:
        """Returns the pool with counters for its tasks."""
        return WatchedPool(self, pool)

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.client, name)
        if name not in OPERATIONS:
            return real

        def call(**arguments: Any) -> Any:
            if not self._measuring:
                # The reads around each call are most of the time of a test.
                return real(**arguments)
            before = self._written(name, arguments)
            span = _Span(name)
            with self._lock:
                self._spans.append(span)
            self.trips += 1
            answer = None
            try:
                answer = real(**arguments)
                return answer
            finally:
                span.write_units = self._write_units(name, before, self._written(name, arguments))
                if answer is not None:
                    span.read_units = self._read_units(name, arguments, answer)

        return call

    # writes ------------------------------------------------------------------------------------

    def _written(self, name: str, arguments: dict[str, Any]) -> list[Item]:
        """Returns the current items that a write is about, in the order of its actions. An item
        that does not exist is empty."""
        return self._look_at_all(list(_targets(name, arguments)))

    def _look_at_all(self, targets: list[tuple[str, Item]]) -> list[Item]:
        """Returns the current items in the order of their places, at most a hundred of them."""
        if not targets:
            return []
        asked: dict[str, Any] = {}
        for table, key in targets:
            asked.setdefault(table, {"Keys": [], "ConsistentRead": True})["Keys"].append(key)
        found = self.client.batch_get_item(RequestItems=asked)
        assert not found.get("UnprocessedKeys"), "the meter saw a part of the items"
        items = {
            (table, *_place_of(item)): item
            for table, there in found["Responses"].items()
            for item in there
        }
        return [items.get((table, *_place_of(key)), {}) for table, key in targets]

    def _write_units(self, name: str, before: list[Item], after: list[Item]) -> Decimal:
        factor = 2 if name == "transact_write_items" else 1
        units = 0
        for old, new in zip(before, after, strict=True):
            units += factor * _steps(max(item_size(old), item_size(new)), WRITE_STEP)
            units += sum(_index_units(index, old, new) for index in INDEXES)
        return Decimal(units)

    # reads -------------------------------------------------------------------------------------

    def _read_units(self, name: str, arguments: dict[str, Any], answer: Any) -> Decimal:
        if name == "batch_get_item":
            return sum(self._batch_units(arguments, answer), Decimal(0))
        if name == "query":
            sizes = [item_size(item) for item in self._evaluated(arguments, answer)]
            return _read(sum(sizes), arguments.get("ConsistentRead", False))
        return Decimal(0)

    def _batch_units(self, arguments: dict[str, Any], answer: Any) -> Iterator[Decimal]:
        for table, request in arguments["RequestItems"].items():
            unread = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
            read = [(table, key) for key in request["Keys"] if key not in unread]
            for item in self._look_at_all(read):
                yield _read(item_size(item), request.get("ConsistentRead", False))

    def _evaluated(self, arguments: dict[str, Any], answer: Any) -> list[Item]:
        """Returns the whole items that a query read. Those that a filter left out cost too."""
        items: list[Item] = answer["Items"]
        if "FilterExpression" not in arguments and "ProjectionExpression" not in arguments:
            return items
        again = {
            key: value
            for key, value in arguments.items()
            if key not in ("FilterExpression", "ProjectionExpression", "Select")
        }
        again["Limit"] = max(1, answer["ScannedCount"])
        _keep_used(again, "ExpressionAttributeNames")
        _keep_used(again, "ExpressionAttributeValues")
        whole: list[Item] = self.client.query(**again)["Items"]
        return whole[: answer["ScannedCount"]]


@dataclass(frozen=True)
class WatchedPool:
    """An executor that passes the counter of trips to its tasks and back."""

    meter: Meter
    pool: Executor

    def submit(self, work: Callable[[], Any]) -> WatchedResult:
        handed_over = self.meter.trips

        def counted() -> tuple[Any, int]:
            self.meter.trips = handed_over
            return work(), self.meter.trips

        return WatchedResult(self.meter, self.pool.submit(counted))


@dataclass(frozen=True)
class WatchedResult:
    meter: Meter
    future: Future[tuple[Any, int]]

    def cancel(self) -> bool:
        """Returns False: the costs are those of an idle machine, where every task gets a thread."""
        return False

    def result(self) -> Any:
        value, trips = self.future.result()
        self.meter.trips = max(self.meter.trips, trips)
        return value


def item_size(item: Item) -> int:
    """Returns the billed size of an item in bytes: names and values; 0 for an empty item."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return _number_size(content)
    if kind == "B":
        return len(content)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "M":
        return 3 + sum(1 + len(k.encode()) + _value_size(v) for k, v in content.items())
    if kind == "L":
        return 3 + sum(1 + _value_size(v) for v in content)
    single = kind[0]
    return sum(_value_size({single: element}) for element in content)


def _number_size(text: str) -> int:
    """Returns one byte per two significant digits, plus one, plus one for a negative sign."""
    digits = Decimal(text).normalize().as_tuple()
    significant = "".join(map(str, digits.digits)).strip("0") or "0"
    return -(-len(significant) // 2) + 1 + digits.sign


def _index_units(index: Index, old: Item, new: Item) -> int:
    """Returns the units of one index. A changed key costs a removal and an insertion. An unchanged
    entry costs nothing."""
    was, will_be = _entry(index, old), _entry(index, new)
    if was == will_be:
        return 0
    if was and will_be and _place(index, was) == _place(index, will_be):
        return _steps(max(item_size(was), item_size(will_be)), WRITE_STEP)
    return sum(_steps(item_size(entry), WRITE_STEP) for entry in (was, will_be) if entry)


def _entry(index: Index, item: Item) -> Item:
    if index.partition not in item or index.sort not in item:
        return {}
    kept = {PARTITION, SORT, index.partition, index.sort, VIEW}
    return {name: value for name, value in item.items() if name in kept}


def _place(index: Index, entry: Item) -> tuple[Any, Any]:
    return entry[index.partition], entry[index.sort]


def _steps(size: int, step: int) -> int:
    return max(1, -(-size // step))


def _read(size: int, consistent: bool) -> Decimal:
    return Decimal(_steps(size, READ_STEP)) / (1 if consistent else 2)


def _targets(name: str, arguments: dict[str, Any]) -> Iterator[tuple[str, Item]]:
    if name == "transact_write_items":
        for action in arguments["TransactItems"]:
            ((kind, write),) = action.items()
            yield write["TableName"], _key(write["Item"] if kind == "Put" else write["Key"])
    elif name == "batch_write_item":
        for table, requests in arguments["RequestItems"].items():
            for request in requests:
                ((kind, write),) = request.items()
                yield table, _key(write["Item"] if kind == "PutRequest" else write["Key"])
    elif name == "update_item":
        yield arguments["TableName"], _key(arguments["Key"])


def _key(item: Item) -> Item:
    return {PARTITION: item[PARTITION], SORT: item[SORT]}


def _place_of(item: Item) -> tuple[str, str]:
    return item[PARTITION]["S"], item[SORT]["S"]


def _keep_used(arguments: dict[str, Any], what: str) -> None:
    """Removes unused names or values, because the database refuses them."""
    used = set(re.findall(r"[#:]\w+", arguments.get("KeyConditionExpression", "")))
    kept = {k: v for k, v in arguments.pop(what, {}).items() if k in used}
    if kept:
        arguments[what] = kept


def _total(spans: Iterable[_Span], trips: int) -> Cost:
    made = list(spans)
    return Cost(
        calls=len(made),
        trips=trips,
        read_units=sum((span.read_units for span in made), Decimal(0)),
        write_units=sum((span.write_units for span in made), Decimal(0)),
        operations=tuple(span.operation for span in made),
    )

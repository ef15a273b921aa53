"""The records that were read for a decision, by their keys.

"Not read" and "does not exist" are different. A decision asks for records with ``get``, ``require``
and ``all``. For a record that was not read these raise ``Unread``. The loop that runs the decision
then reads it and runs the decision again. So a forgotten read costs a trip, and never leads to a
wrong answer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic

from shared.codec import KIND, R, Wire, decode, key_of
from shared.errors import NotFound
from shared.keys import Key
from shared.writes import CurrentItem


@dataclass(frozen=True, slots=True)
class Get(Generic[R]):
    """One record to read, by its key."""

    key: Key
    of: type[R]


@dataclass(frozen=True, slots=True)
class Query(Generic[R]):
    """Records of one partition to read, in sort order from ``low`` to ``high`` (or, newest first,
    back). At most ``limit`` of them (one internal page), or every one, page after page (None)."""

    partition: str
    low: str
    high: str
    of: type[R]
    limit: int | None = 100
    newest_first: bool = False

    def covers(self, key: Key) -> bool:
        return self.partition == key[0] and self.low <= key[1] <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyRecord:
    """A record of any class, for code that uses only its item."""

    KIND: ClassVar[str] = "raw"


Read = Get[Any] | Query[Any]


class Unread(Exception):
    """A decision needs these reads. They are made even if they were made before: a decision may ask
    again for a record that it found to be out of date."""

    def __init__(self, *reads: Read) -> None:
        self.reads = reads
        super().__init__(f"{len(reads)} reads are missing")


class Records:
    """The records that were read so far. More are added by further reads, and by the items that a
    failed condition returns."""

    def __init__(
        self,
        items: Mapping[Key, Wire | None] | None = None,
        queries: Mapping[Query[Any], Iterable[Wire]] | None = None,
    ) -> None:
        # None means: read, and there is no item.
        self._items: dict[Key, Wire | None] = dict(items or {})
        self._queries: dict[Query[Any], list[Key]] = {}
        for query, wires in (queries or {}).items():
            found = {key_of(wire): wire for wire in wires}
            self._items.update(found)
            self._queries[query] = list(found)
        self._trips = 0
        self._trip_of: dict[Key | Query[Any], int] = dict.fromkeys(
            (*self._items, *self._queries), 0
        )

    # ---------------------------------------------------------------- asking

    def get(self, get: Get[R]) -> R | None:
        """Returns the record, or None where there is none. Raises ``Unread`` if it was not read."""
        if get.key not in self._items:
            raise Unread(get)
        return self.if_read(get)

    def require(self, get: Get[R]) -> R:
        """Returns the record. Raises 404 where there is none."""
        record = self.get(get)
        if record is None:
            raise NotFound()
        return record

    def all(self, query: Query[R]) -> list[R]:
        """Returns the records of a query, in its order. Raises ``Unread`` if it was not made."""
        if query not in self._queries:
            raise Unread(query)
        return [
            decode(query.of, wire) for key in self._queries[query] if (wire := self._items[key])
        ]

    def ensure(self, *reads: Read) -> None:
        """Raises ``Unread`` with all of these reads that were not made. A decision calls it before
        it asks for several records, so that they are read in one trip."""
        missing = [read for read in reads if not self.was_made(read)]
        if missing:
            raise Unread(*missing)

    def if_read(self, get: Get[R]) -> R | None:
        """Returns the record if it was read, else None. Only for a decision whose transaction
        checks the record: where the guess is wrong the transaction fails, and returns the item."""
        wire = self._items.get(get.key)
        return None if wire is None else decode(get.of, wire)

    def all_if_read(self, query: Query[R]) -> list[R]:
        """Returns the records of a query if it was made, else an empty list."""
        return self.all(query) if query in self._queries else []

    def is_absent(self, get: Get[Any]) -> bool:
        """Returns whether the record was read and does not exist."""
        return get.key in self._items and self._items[get.key] is None

    def every(self, of: type[R]) -> Iterator[R]:
        """Yields every record of a kind that was read, by whichever read."""
        for wire in self._items.values():
            if wire is not None and wire[KIND]["S"] == of.KIND:
                yield decode(of, wire)

    def wire(self, get: Get[Any]) -> Wire | None:
        """Returns the item itself, for code that handles records of any kind."""
        if get.key not in self._items:
            raise Unread(get)
        return self._items[get.key]

    def wires(self, queries: Iterable[Query[Any]]) -> list[list[Wire]]:
        """Returns the items of each query, for code that handles records of any kind."""
        found = []
        for query in queries:
            if query not in self._queries:
                raise Unread(query)
            items = (self._items[key] for key in self._queries[query])
            found.append([wire for wire in items if wire is not None])
        return found

    def trip_of(self, read: Read) -> int:
        """Returns the number of the trip that made a read, or learned the record. Reads of one trip
        need not be of one moment: only what a later trip brings is certainly later."""
        self.ensure(read)
        return self._trip_of[read.key if isinstance(read, Get) else read]

    def was_read_since(self, read: Read) -> bool:
        """Returns whether a later trip than that of this read has brought anything."""
        return self.trip_of(read) < self._trips

    def was_made(self, read: Read) -> bool:
        """Returns whether a read was made, or its record learned."""
        return read.key in self._items if isinstance(read, Get) else read in self._queries

    # ---------------------------------------------------------------- learning

    def add(self, other: Records) -> None:
        """Adds the records of a further read."""
        self._trips += 1
        self._items.update(other._items)
        self._queries.update(other._queries)
        self._trip_of |= dict.fromkeys((*other._items, *other._queries), self._trips)

    def learn(self, key: Key, current: CurrentItem) -> None:
        """Adds the item that a failed condition returned, also to every query that covers it."""
        self._trips += 1
        self._trip_of[key] = self._trips
        self._items[key] = current.wire
        for query, keys in self._queries.items():
            if not query.covers(key):
                continue
            if key in keys:
                keys.remove(key)
            if current.wire is not None:
                ordered = sorted(keys)
                ordered.insert(bisect_left(ordered, key), key)
                keys[:] = reversed(ordered) if query.newest_first else ordered

"""Paging: full pages and signed tokens. A walk through a list loses nothing and repeats nothing.

A list reads one or more partitions of an index (or of the table) as one sorted sequence. Its cursor
is a sort value, which ends with the record's id. Records may be inserted, changed or deleted during
a walk: a record that exists all the time is returned exactly once.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, TypeVar

from shared.codec import Wire, dumps, with_views
from shared.errors import InvalidNextToken
from shared.hashes import is_token_signature, token_signature
from shared.keys import LAST, PARTITION, SORT, Index
from shared.settings import settings
from shared.table import Table, together

ROUNDS, WIDER = 10, 256
"""Internal pages per request, and the size of those after the first. Both bound what a filter that
drops nearly everything may cost."""
TOKEN_HOURS = 24
_SORT_VALUE = itemgetter(0)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: one or more partitions of an index (or of the table), read as one sorted sequence.
    ``prefix``: what its sort values begin with. ``first`` and ``last``: the part of them to read,
    both included, by what follows the prefix; empty: from the beginning, to the end."""

    partitions: tuple[str, ...]
    index: Index | None = None
    prefix: str = ""
    first: str = ""
    last: str = ""
    newest_first: bool = True


def page(
    table: Table,
    listing: Listing,
    limit: int,
    cursor: str | None,
    keep: Callable[[Wire], T | None],
    *,
    beside: Callable[[], None] | None = None,
    complete: Callable[[list[T]], list[T | None]] | None = None,
) -> tuple[list[T], str | None]:
    """Returns up to ``limit`` items, and the cursor of the next page (None: nothing is left).

    ``keep`` turns an entry after ``cursor`` into an item, or drops it (None). ``beside`` runs in
    the trip of the first internal page. ``complete`` then completes or drops the items of an
    internal page. After ten internal pages a page may be short and still have a cursor.
    """
    streams = [_Stream(table, listing, p, limit, cursor) for p in listing.partitions]
    kept: list[tuple[str, T]] = []
    passed = cursor
    for number in range(ROUNDS):
        jobs = [s.fill for s in streams if not s.buffer and not s.done]
        if number == 0 and beside is not None:
            jobs.append(beside)
        if jobs:
            together(jobs)
        made = []
        for passed, wire in _take_certain(streams, listing):
            found = keep(wire)
            if found is not None:
                made.append((passed, found))
        if complete is not None and made:
            whole = complete([found for _, found in made])
            pairs = zip(made, whole, strict=True)
            made = [(sort, found) for (sort, _), found in pairs if found is not None]
        kept += made
        if len(kept) > limit:
            return [found for _, found in kept[:limit]], kept[limit - 1][0]
        if all(s.done and not s.buffer for s in streams):
            return [found for _, found in kept], None
        # A query stopped at 1 MB: the entries are large, so the page ends here.
        if kept and any(s.cut for s in streams):
            break
    return [found for _, found in kept], passed


def _take_certain(streams: list[_Stream], listing: Listing) -> list[tuple[str, Wire]]:
    """Removes the entries that are certainly next, and returns them in order. An entry is certain
    as long as no stream that has more to read could bring one before it."""
    reading = [s for s in streams if not s.done]
    if not all(s.buffer for s in reading):
        return []
    newest = listing.newest_first
    taken = sorted((entry for s in streams for entry in s.buffer), key=_SORT_VALUE, reverse=newest)
    if reading:
        ends = [s.buffer[-1][0] for s in reading]
        bound = max(ends) if newest else min(ends)
        taken = [e for e in taken if (e[0] >= bound if newest else e[0] <= bound)]
        for s in streams:
            s.buffer = [e for e in s.buffer if (e[0] < bound if newest else e[0] > bound)]
    else:
        for s in streams:
            s.buffer = []
    return taken


def sign(scope: str, cursor: str, now: datetime) -> str:
    """Returns an opaque token for the next page. It is valid for 24 h, and only for the same scope:
    org, route and filters."""
    payload = dumps([int(now.timestamp()) + TOKEN_HOURS * 3600, cursor]).encode()
    signature = token_signature(scope + payload.decode())
    return _encoded(signature + payload)


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def cursor_of(token: str, scope: str, now: datetime) -> str:
    """Returns the cursor of a token. Raises ``InvalidNextToken`` where the token is malformed, too
    old, or of another scope."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        payload = raw[16:].decode()
    except (binascii.Error, ValueError):
        raise InvalidNextToken() from None
    if _encoded(raw) != token:
        # The last character has unused bits, so several texts decode alike. Only one is accepted.
        raise InvalidNextToken()
    if not is_token_signature(raw[:16], scope + payload):
        raise InvalidNextToken()
    expires, cursor = json.loads(payload)
    if expires < now.timestamp():
        raise InvalidNextToken()
    return str(cursor)


class _Stream:
    """One partition of a listing, read page by page from the cursor on. ``cut``: the last page
    ended before its limit although there is more."""

    def __init__(
        self, table: Table, listing: Listing, partition: str, limit: int, cursor: str | None
    ) -> None:
        self._table, self._listing, self._partition = table, listing, partition
        self._limit, self._cursor = limit + 1, cursor
        self._sort = listing.index.sort if listing.index else SORT
        self.buffer: list[tuple[str, Wire]] = []
        self.done = self.cut = False

    def fill(self) -> None:
        listing, index = self._listing, self._listing.index
        low, high = listing.prefix + listing.first or " ", listing.prefix + (listing.last or LAST)
        if self._cursor is not None:
            low, high = (low, self._cursor) if listing.newest_first else (self._cursor, high)
        arguments: dict[str, Any] = {"IndexName": index.name} if index else {"ConsistentRead": True}
        answer = self._table.ask(
            "query",
            TableName=settings().table_name,
            KeyConditionExpression="#p = :p AND #s BETWEEN :low AND :high",
            ExpressionAttributeNames={
                "#p": index.partition if index else PARTITION,
                "#s": self._sort,
            },
            ExpressionAttributeValues={
                ":p": {"S": self._partition},
                ":low": {"S": low},
                ":high": {"S": high},
            },
            # ``_limit`` is one more than the page, to see whether there is a next page. One more
            # is for the cursor's own entry, which BETWEEN includes.
            Limit=self._limit + 1,
            ScanIndexForward=not listing.newest_first,
            **arguments,
        )
        wires = answer["Items"] if index is None else with_views(answer["Items"])
        self.done = "LastEvaluatedKey" not in answer
        # DynamoDB ends a query at 1 MB, even below its limit.
        self.cut = not self.done and len(wires) <= self._limit
        found = [(str(wire[self._sort]["S"]), wire) for wire in wires]
        self.buffer = [entry for entry in found if entry[0] != self._cursor]
        if found:
            self._cursor = found[-1][0]
        # A second internal page is read where a filter has dropped most of the first: read more.
        self._limit = max(self._limit, WIDER)

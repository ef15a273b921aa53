"""Reading search entries: the records that may match every term, newest first, page by page.

A search takes at most three trips, whatever it asks for. The first reads the newest entries of the
longest words. Each entry's signature says whether the record may have the other words, so the word
whose entries lead furthest back decides, and the others need not be read as far. Where that is not
enough for a page, a second trip reads on in this word's entries alone. The last one looks at the
records themselves. A page that is not full by then has a cursor, and the next one goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, TypeVar

from shared.keys import LAST, PARTITION, SORT, Keys
from shared.marks import Id
from shared.search.query import Query
from shared.search.signatures import ATTRIBUTE, Filter, signature_filter
from shared.search.tokens import narrowed
from shared.settings import settings
from shared.table import Table, together

NEWEST, FURTHER, WORDS_READ = 100, 1_500, 3
"""Entries read of a token in the first trip, beyond a page; at most in the second; and how many
words are read. They bound what a search may cost."""
SPARE = 32
"""How many more records than a page has are looked at in the last trip. Some no longer match, or
have another status than was asked for."""
_ENOUGH = 1.5
"""How many more entries than seem needed are read in the second trip."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEntryRecord:
    """A record has a token. ``version`` is the version of the rules for tokens that made it.
    ``signature`` tells the record's other tokens."""

    KIND: ClassVar[str] = "search_entry"
    owner: Id
    version: int = 1
    signature: Id | None = None


@dataclass(slots=True)
class _Entries:
    """The entries of a token whose signatures pass, read from the newest on. Ids from ``end`` up
    were read, and it is empty where all were. ``read`` counts those that did not pass, too."""

    partition: str
    end: str
    ids: set[str] = field(default_factory=set)
    read: int = 0

    def read_on(self, table: Table, passing: Filter | None, limit: int) -> None:
        names = {"#p": PARTITION, "#s": SORT}
        values: dict[str, Any] = {":p": {"S": self.partition}, ":s": {"S": self.end}}
        filtered: dict[str, Any] = {}
        if passing is not None:
            names |= {"#w": ATTRIBUTE}
            values |= passing.values
            filtered = {"FilterExpression": passing.expression}
        answer = table.ask(
            "query",
            TableName=settings().table_name,
            KeyConditionExpression="#p = :p AND #s < :s",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            ProjectionExpression="#s",
            ScanIndexForward=False,
            Limit=limit,
            **filtered,
        )
        self.ids |= {item[SORT]["S"] for item in answer["Items"]}
        self.read += answer["ScannedCount"]
        last = answer.get("LastEvaluatedKey")
        self.end = "" if last is None else last[SORT]["S"]


@dataclass(frozen=True, slots=True)
class _Word:
    """The tokens of which a matching record has at least one."""

    tokens: tuple[_Entries, ...]

    @property
    def floor(self) -> str:
        """The id down to which its records are known. It is empty where all are."""
        return max(entries.end for entries in self.tokens)

    def may_have(self, one: str) -> bool:
        return one < self.floor or any(one in entries.ids for entries in self.tokens)


@dataclass(slots=True)
class _Words:
    """The words of a query that are read."""

    table: Table
    passing: Filter | None
    words: list[_Word]

    def read(self, limit: int) -> list[Callable[[], Any]]:
        """Returns the calls that read the newest entries of every word."""
        tokens = {entries.partition: entries for word in self.words for entries in word.tokens}
        return [partial(e.read_on, self.table, self.passing, limit) for e in tokens.values()]

    def read_further(self, wanted: int) -> None:
        """Reads on in the entries of one word, until so many more candidates are to be expected."""
        found, word = len(self.candidates()), self._decisive
        read = sum(entries.read for entries in word.tokens)
        limit = round(_ENOUGH * wanted * read / found) if found else FURTHER
        bounded = max(NEWEST, min(limit, FURTHER))
        unread = [entries for entries in word.tokens if entries.end]
        together([partial(e.read_on, self.table, self.passing, bounded) for e in unread])

    def candidates(self) -> set[str]:
        """Returns the ids from ``floor`` up of the records that may have every word."""
        floor = self.floor
        ids = {i for e in self._decisive.tokens for i in e.ids} if self.words else set()
        return {i for i in ids if i >= floor and all(word.may_have(i) for word in self.words)}

    @property
    def floor(self) -> str:
        return self._decisive.floor if self.words else ""

    @property
    def _decisive(self) -> _Word:
        """The word that is known furthest back."""
        return min(self.words, key=lambda word: word.floor)


def _words(table: Table, keys: Keys, kind: str, query: Query, below: str) -> _Words:
    found: dict[str, _Entries] = {}
    words = []
    for tokens in narrowed(query)[:WORDS_READ]:
        partitions = [keys.search_entry(f"{kind} {token}")[0] for token in tokens]
        words.append(_Word(tuple(found.setdefault(p, _Entries(p, below)) for p in partitions)))
    return _Words(table, signature_filter(keys, kind, query), words)


def find(
    table: Table,
    keys: Keys,
    kind: str,
    query: Query,
    *,
    limit: int,
    cursor: str | None,
    certain: Callable[[], list[str]],
    live: Callable[[list[str]], list[tuple[str, T]]],
) -> tuple[list[T], str | None]:
    """Returns a page of hits, newest first, and the cursor of the next page. Where there are many
    candidates that do not match, the page may be short, or even empty, and still have a cursor.

    ``certain`` returns the ids that an exact value (an e-mail, say) finds; the entries may not have
    them yet. ``live`` reads the records of candidates, and returns those that match as (id, hit),
    in the same order.
    """
    below = LAST if cursor is None else cursor
    words = _words(table, keys, kind, query, below)
    *_, exact = together([*words.read(limit + NEWEST), certain])
    found = _candidates(words, exact, below)
    looks = [limit + 1, limit + 1 + SPARE]
    if words.floor and len(found) <= limit:
        words.read_further(limit + 1 - len(found))
        found, looks = _candidates(words, exact, below), looks[1:]
    hits: list[tuple[str, T]] = []
    end = words.floor
    for many in looks:
        if not found or len(hits) > limit:
            break
        looked_at, found = found[:many], found[many:]
        end = looked_at[-1] if found else words.floor
        hits += live(looked_at)
    if len(hits) > limit:
        return [hit for _, hit in hits[:limit]], hits[limit - 1][0]
    return [hit for _, hit in hits], end or None


def _candidates(words: _Words, exact: list[str], below: str) -> list[str]:
    """Returns the ids of the records to look at, the newest first."""
    named = {i for i in exact if words.floor <= i < below}
    return sorted(words.candidates() | named, reverse=True)

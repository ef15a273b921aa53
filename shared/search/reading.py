"""Reading the entries: the records that may have every word, newest first, page by page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeVar

from shared.keys import PARTITION, SORT, Keys
from shared.marks import Id
from shared.search.query import Query
from shared.search.tokens import narrowed
from shared.settings import settings
from shared.table import Table, together

PAGE, ROUNDS = 300, 10
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEntryRecord:
    """That a record has a token, and by which version of the tokens (1 where none is stored)."""

    KIND: ClassVar[str] = "search_entry"
    owner: Id
    version: int = 1


@dataclass(slots=True)
class _Pool:
    """The ids that may have a word: those of its tokens, newest first."""

    ids: set[str]
    complete_above: str

    def may_hold(self, one: str) -> bool:
        return one in self.ids or one < self.complete_above


def _candidates(pools: list[_Pool]) -> tuple[set[str], str]:
    """(the ids that may have every word, and how far down they are all of them). A word whose ids
    were all read settles that by itself, however many records have the others."""
    whole = [pool for pool in pools if not pool.complete_above]
    floor = "" if whole else max((pool.complete_above for pool in pools), default="")
    few = min(whole or pools, key=lambda pool: len(pool.ids), default=_Pool(set(), ""))
    return {i for i in few.ids if i >= floor and all(p.may_hold(i) for p in pools)}, floor


def _entries(table: Table, keys: Keys, kind: str, token: str, below: str) -> tuple[list[str], bool]:
    answer = table.ask(
        "query",
        TableName=settings().table_name,
        KeyConditionExpression="#p = :p AND #s < :s",
        ExpressionAttributeNames={"#p": PARTITION, "#s": SORT},
        ExpressionAttributeValues={
            ":p": {"S": keys.search_entry(f"{kind} {token}")[0]},
            ":s": {"S": below},
        },
        ProjectionExpression="#s",
        ScanIndexForward=False,
        Limit=PAGE,
    )
    return [item[SORT]["S"] for item in answer["Items"]], "LastEvaluatedKey" not in answer


def _pools(table: Table, keys: Keys, kind: str, sets: list[list[str]], below: str) -> list[_Pool]:
    """A pool for each set of tokens, all read at once. Below ``complete_above`` a pool may hold
    more than was read."""
    flat = list(dict.fromkeys(token for tokens in sets for token in tokens))
    answers = together([partial(_entries, table, keys, kind, token, below) for token in flat])
    read = dict(zip(flat, answers, strict=True))
    pools = []
    for tokens in sets:
        ids = {i for token in tokens for i in read[token][0]}
        ends = [read[token][0][-1] for token in tokens if not read[token][1]]
        pools.append(_Pool(ids, max(ends, default="")))
    return pools


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
    """A page of hits, newest first, and the cursor of the next. ``certain`` reads ids that an exact
    value names, whatever the entries say; ``live`` reads candidates and answers those that do
    match, by id, in the same order."""
    hits: list[tuple[str, T]] = []
    sets = narrowed(query)
    below = cursor if cursor is not None else "\U0010ffff"
    exact: set[str] = set()
    for round_number in range(ROUNDS):
        jobs: list[Callable[[], Any]] = [partial(_pools, table, keys, kind, sets, below)]
        if round_number == 0:
            jobs.append(certain)
        answers = together(jobs)
        if round_number == 0:
            exact = set(answers[1])
        common, floor = _candidates(answers[0])
        named = {i for i in exact if floor <= i < below}
        candidates = sorted(common | named, reverse=True)
        while candidates:
            chunk, candidates = candidates[:100], candidates[100:]
            hits += live(chunk)
            if len(hits) > limit:
                return [hit for _, hit in hits[:limit]], hits[limit - 1][0]
        if not floor:
            return [hit for _, hit in hits], None
        below = floor
    return [hit for _, hit in hits], below

"""Reading search entries: the records that may match every term, newest first, page by page."""

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
"""Entries read per token and round, and rounds per request. Both bound what a search may cost."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEntryRecord:
    """A record has a token. ``version`` is the version of the rules for tokens that made it."""

    KIND: ClassVar[str] = "search_entry"
    owner: Id
    version: int = 1


@dataclass(slots=True)
class _Candidates:
    """The ids of the records that have one of a set of tokens. Ids from ``complete_above`` up were
    all read (it is empty where every id was read); below it there may be more."""

    ids: set[str]
    complete_above: str

    def may_contain(self, one: str) -> bool:
        return one in self.ids or one < self.complete_above


def _common(pools: list[_Candidates]) -> tuple[set[str], str]:
    """Returns the ids that may have a token of every set, and the id down to which they are
    complete. One set whose ids were all read makes them complete, whatever the others are."""
    whole = [pool for pool in pools if not pool.complete_above]
    floor = "" if whole else max((pool.complete_above for pool in pools), default="")
    few = min(whole or pools, key=lambda pool: len(pool.ids), default=_Candidates(set(), ""))
    return {i for i in few.ids if i >= floor and all(p.may_contain(i) for p in pools)}, floor


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


def _read_candidates(
    table: Table, keys: Keys, kind: str, sets: list[list[str]], below: str
) -> list[_Candidates]:
    """Returns the candidates of each set of tokens. All tokens are read at the same time."""
    flat = list(dict.fromkeys(token for tokens in sets for token in tokens))
    answers = together([partial(_entries, table, keys, kind, token, below) for token in flat])
    read = dict(zip(flat, answers, strict=True))
    pools = []
    for tokens in sets:
        ids = {i for token in tokens for i in read[token][0]}
        ends = [read[token][0][-1] for token in tokens if not read[token][1]]
        pools.append(_Candidates(ids, max(ends, default="")))
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
    """Returns a page of hits, newest first, and the cursor of the next page.

    ``certain`` returns the ids that an exact value (an e-mail, say) finds; the entries may not have
    them yet. ``live`` reads the records of candidates, and returns those that match as (id, hit),
    in the same order.
    """
    hits: list[tuple[str, T]] = []
    sets = narrowed(query)
    below = cursor if cursor is not None else "\U0010ffff"
    exact: set[str] = set()
    for round_number in range(ROUNDS):
        jobs: list[Callable[[], Any]] = [partial(_read_candidates, table, keys, kind, sets, below)]
        if round_number == 0:
            jobs.append(certain)
        answers = together(jobs)
        if round_number == 0:
            exact = set(answers[1])
        common, floor = _common(answers[0])
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

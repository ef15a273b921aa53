"""Search without a search service: keyed hashes of word beginnings, name trigrams and phone ends.

An entry says "this record has this token" and nothing else; tokens are hashed per org, so the
entries hold no word of anybody's name. They are kept by a consumer of the table's stream, so they
lag; every hit is therefore checked against the live record before it is shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeVar

from shared.keys import PARTITION, SORT, Keys
from shared.settings import settings
from shared.table import Table, together

PREFIXES, GRAM, MOST = (2, 3, 5, 8), 3, 128
PHONE_STARTS, PHONE_ENDS = (4, 6, 8, 10), (4, 5, 6, 7)
PAGE, ROUNDS = 300, 10
WORDS_LOOKED_UP = 8
PHONE_DIGITS = 7
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fields:
    """Which attributes of a kind are searched, and how: ``names`` also by their inner parts."""

    names: tuple[str, ...]
    codes: tuple[str, ...]
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    domains: bool


SEARCHED = {
    "account": Fields(("company_name", "legal_name"), ("account_code",), ("email",), (), False),
    "customer_profile": Fields(
        ("first_name", "last_name", "display_name", "company_name"),
        ("customer_code",),
        ("email", "alternate_emails"),
        ("phone", "alternate_phones"),
        True,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEntryRecord:
    KIND: ClassVar[str] = "search_entry"
    owner: str


def fold(text: str) -> str:
    """Without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def words(text: str) -> list[str]:
    """The folded words of a text, in order, each once."""
    return list(dict.fromkeys(re.findall(r"\w+", fold(text))))


def asked(q: str) -> list[str]:
    """The words that a query asks for; what looks like a phone number is one word of digits. A few
    digits with a dash among them look like a code."""
    digits = re.sub(r"[\s()./+-]", "", q)
    if digits.isdigit() and len(digits) >= (4 if digits == q.strip() else PHONE_DIGITS):
        return [digits]
    return words(q)


def _values(record: Mapping[str, Any], names: Iterable[str]) -> list[tuple[str, str]]:
    found = []
    for name in names:
        value = record.get(name)
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, str) and one:
                found.append((name, one))
    return found


def _parts(kind: str, record: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(field, way, word) of everything searched in a record; way: name, word or phone."""
    fields, found = SEARCHED[kind], []
    for name, value in _values(record, fields.names):
        found += [(name, "name", word) for word in words(value)]
    for name, value in _values(record, fields.codes):
        found += [(name, "word", word) for word in [fold(value), *words(value)]]
    for name, value in _values(record, fields.emails):
        local, _, domain = value.partition("@")
        found += [(name, "word", word) for word in [fold(local), *words(local)]]
        if fields.domains:
            found += [(name, "word", word) for word in [fold(domain), *words(domain)]]
    for name, value in _values(record, fields.phones):
        found.append((name, "phone", re.sub(r"\D", "", value)))
    return found


def tokens(kind: str, record: Mapping[str, Any]) -> list[str]:
    """What a record is found by: at most 128. All tokens of a word stand together, because a query
    asks for the longest; first the record's own, then inner parts of names, then alternates."""
    own, inner, alternate = list[str](), list[str](), list[str]()
    for field, way, word in _parts(kind, record):
        made = alternate if field.startswith("alternate") else own
        if way == "phone":
            made += [f"s:{word[:n]}" for n in PHONE_STARTS if len(word) >= n]
            made += [f"e:{word[-n:]}" for n in PHONE_ENDS if len(word) >= n]
        else:
            made += [f"p:{word[:n]}" for n in PREFIXES if len(word) >= n]
        if way == "name":
            inner += [f"g:{word[i : i + GRAM]}" for i in range(1, len(word) - GRAM + 1)]
    return list(dict.fromkeys([*own, *inner, *alternate]))[:MOST]


def _ways(kind: str, word: str) -> list[str]:
    """The tokens of which a record that has the word must have at least one."""
    longest = max((n for n in PREFIXES if n <= len(word)), default=0)
    found = [f"p:{word[:longest]}"] if longest else []
    if len(word) >= GRAM:
        found.append(f"g:{word[-GRAM:]}")
    if word.isdigit() and SEARCHED[kind].phones:
        starts = max((n for n in PHONE_STARTS if n <= len(word)), default=0)
        found += [f"s:{word[:starts]}"] if starts else []
        found += [f"e:{word}"] if len(word) in PHONE_ENDS else []
    return found


def matching(kind: str, record: Mapping[str, Any], query: list[str]) -> list[str]:
    """The fields in which a live record has the words; none where one of the words is missing."""
    fields: dict[str, None] = {}
    parts = _parts(kind, record)
    for word in query:
        hits = [name for name, way, part in parts if _has(way, part, word)]
        if not hits:
            return []
        fields.update(dict.fromkeys(hits))
    return list(fields)


def _has(way: str, part: str, word: str) -> bool:
    if way == "phone":
        ends = part.endswith(word) and len(word) in PHONE_ENDS
        return word.isdigit() and (ends or (part.startswith(word) and len(word) >= PHONE_STARTS[0]))
    if part.startswith(word):
        return True
    return way == "name" and len(word) >= GRAM and word in part


# ---------------------------------------------------------------- reading the entries


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


def _pools(table: Table, keys: Keys, kind: str, query: list[str], below: str) -> list[_Pool]:
    """A pool for each word that tokens can find, all read at once: of the longest words, which are
    the rarest; a live record has to have all of them anyway. Below ``complete_above`` a pool may
    hold more than was read."""
    longest = sorted(query, key=len, reverse=True)[:WORDS_LOOKED_UP]
    ways = [_ways(kind, word) for word in longest]
    flat = [token for found in ways for token in found]
    read = (
        dict(
            zip(
                flat,
                together([partial(_entries, table, keys, kind, token, below) for token in flat]),
                strict=True,
            )
        )
        if flat
        else {}
    )
    pools = []
    for found in ways:
        if found:
            ids = {i for token in found for i in read[token][0]}
            ends = [read[token][0][-1] for token in found if not read[token][1]]
            pools.append(_Pool(ids, max(ends, default="")))
    return pools


def find(
    table: Table,
    keys: Keys,
    kind: str,
    query: list[str],
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
    below = cursor if cursor is not None else "\U0010ffff"
    exact: set[str] = set()
    for round_number in range(ROUNDS):
        jobs: list[Callable[[], Any]] = [partial(_pools, table, keys, kind, query, below)]
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

"""Rewrites the search entries of an organisation after a change of the rules for tokens.

First every account and every customer gets the entries of the current version, one page of records
at a time, in the order of their ids. Then the entries of older versions are removed. Each step is
safe to repeat, and safe while the service runs. The output has counts and ids, no personal data.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from infra.local.identities import Refused, org_of
from lambdas.search.entries import Searched, keep
from shared.keys import (
    ACCOUNT_PREFIX,
    ALL_OF_KIND,
    CUSTOMER_PREFIX,
    PARTITION,
    SORT,
    Key,
    Keys,
    of_org,
)
from shared.search import VERSION
from shared.settings import settings
from shared.table import ACTIONS, Table, together
from shared.writes import Condition, Delete, Write

PAGE, AT_ONCE, SCANNED = 100, 8, 5_000
"""Per step: records listed, records rewritten at the same time, items scanned."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """A searched kind: the name of its list, the prefix of its ids, and the key of its records."""

    kind: str
    name: str
    prefix: str
    key: Callable[[Keys, str], Key]


_LISTS = (
    _Listed("account", "account", ACCOUNT_PREFIX, Keys.account),
    _Listed("customer_profile", "customer", CUSTOMER_PREFIX, Keys.customer_profile),
)


@dataclass(frozen=True, slots=True)
class Progress:
    """What was done, and how many so far. ``last`` is the record after which a run can continue."""

    done: str
    count: int
    last: str | None = None


def rebuild(orgcode: str, *, after: str | None = None) -> Iterator[Progress]:
    """Rewrites the entries page by page, and yields the progress. ``after``: skip the records up to
    this one."""
    org_of(orgcode)
    keys = of_org(orgcode)
    for listed in _to_do(after):
        start = after if after is not None and after.startswith(listed.prefix) else " "
        yield from _made(keys, listed, start)
    yield from _outdated_removed(keys)


def _to_do(after: str | None) -> tuple[_Listed, ...]:
    if after is None:
        return _LISTS
    for number, listed in enumerate(_LISTS):
        if after.startswith(listed.prefix):
            return _LISTS[number:]
    raise Refused(f"{after} is not the id of an account or a customer")


def _made(keys: Keys, listed: _Listed, start: str) -> Iterator[Progress]:
    """Rewrites the entries of every record of the kind after ``start``, and yields the progress."""
    done = 0
    while ids := _ids(keys, listed, start):
        for first in range(0, len(ids), AT_ONCE):
            together([partial(_keep, keys, listed, one) for one in ids[first : first + AT_ONCE]])
        done, start = done + len(ids), ids[-1]
        yield Progress(f"{listed.name} entries made", done, start)


def _keep(keys: Keys, listed: _Listed, owner: str) -> None:
    keep(Searched(listed.kind, keys.org, listed.key(keys, owner), owner), set())


def _ids(keys: Keys, listed: _Listed, start: str) -> list[str]:
    answer = Table().ask(
        "query",
        TableName=settings().table_name,
        IndexName=ALL_OF_KIND.name,
        KeyConditionExpression="#p = :p AND #s > :s",
        ProjectionExpression="#s",
        ExpressionAttributeNames={"#p": ALL_OF_KIND.partition, "#s": ALL_OF_KIND.sort},
        ExpressionAttributeValues={
            ":p": {"S": keys.list_of(listed.name)},
            ":s": {"S": start},
        },
        Limit=PAGE,
    )
    return [item[ALL_OF_KIND.sort]["S"] for item in answer["Items"]]


_OLDER = Condition(
    "attribute_not_exists(#v) OR #v < :v",
    names={"#v": "version"},
    values={":v": {"N": str(VERSION)}},
)


def _outdated_removed(keys: Keys) -> Iterator[Progress]:
    """Removes entries of older versions, and yields the progress. The key of an entry has its token
    in front, so only a scan of the table finds all entries."""
    removed, start = 0, dict[str, Any]()
    while True:
        answer = Table().ask(
            "scan",
            TableName=settings().table_name,
            FilterExpression=(
                f"(begins_with(#p, :p) OR begins_with(#p, :d)) AND ({_OLDER.expression})"
            ),
            ProjectionExpression="#p, #s",
            ExpressionAttributeNames={"#p": PARTITION, "#s": SORT, **_OLDER.names},
            ExpressionAttributeValues={
                ":p": {"S": keys.search_entries()},
                ":d": {"S": keys.dedupe_entries()},
                **_OLDER.values,
            },
            Limit=SCANNED,
            **start,
        )
        found = [(item[PARTITION]["S"], item[SORT]["S"]) for item in answer["Items"]]
        for first in range(0, len(found), ACTIONS):
            removed += _remove(found[first : first + ACTIONS])
        yield Progress("entries of older versions removed", removed)
        if "LastEvaluatedKey" not in answer:
            return
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _remove(entries: list[Key]) -> int:
    """Removes those that are still of an older version. Returns how many."""
    left: list[Write] = [Delete(key, _OLDER) for key in entries]
    while left:
        failed = Table().transact(left, f"admin-{secrets.token_hex(12)}", 0)
        if failed is None:
            break
        # The service has rewritten some of them meanwhile. Those stay.
        renewed = [write for write, _ in failed.writes]
        left = [write for write in left if write not in renewed]
    return len(left)

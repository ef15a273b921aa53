"""Searches among people whose names repeat: what each costs, and how much of a page it fills."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from lambdas.customer import storage
from lambdas.customer.models.records import CustomerProfileRecord
from shared import clients, table
from shared.keys import of_org
from shared.search import asked, matched_fields, narrowed
from tests.bench.canned import ORG, Context, event
from tests.bench.people import people
from tests.bench.people_table import PeopleTable
from tests.bench.wire import believed_for_long
from tests.meter import Cost, Meter

COLUMNS = ["search", "customers", "found", "of", "calls", "trips", "read units"]
SIZES = (1_000, 10_000)
LIMIT = 8
KIND = "customer_profile"
QUERIES = (
    "james smith",
    "mary johnson",
    "jose smith",
    "jo sm",
    "ma jo",
    "james",
    "mary",
    "smith",
    "mar",
    "james smith gmail",
    "jo sm 212",
    "smith 0000",
    "james smithson",
    "gmail",
    "james.smith1",
    "0123",
    "(212)",
)
"""Common names alone and together, as they are typed, and what people have in common besides."""


def lines(sizes: tuple[int, ...] = SIZES) -> list[list[str]]:
    """A line for each query and number of customers."""
    found = []
    for size in sizes:
        stored = PeopleTable(people(size))
        with in_place(stored) as meter:
            search(meter, "nobody")
            found += [_line(stored, meter, q, LIMIT) for q in QUERIES]
            found.append(_line(stored, meter, "james smith", 256))
        per_customer = f"{stored.entries / size:.1f} a customer"
        found.append(["entries", str(size), per_customer, *["-"] * (len(COLUMNS) - 3)])
    return found


def _line(stored: PeopleTable, meter: Meter, q: str, limit: int) -> list[str]:
    data, cost = search(meter, q, limit=limit)
    hits, name = len(data["customers"]), q if limit == LIMIT else f"{q}, {limit}"
    costs = [str(cost.calls), str(cost.trips), f"{cost.read_units:.1f}"]
    return [name, str(len(stored.people)), str(hits), str(min(limit, matches(stored, q))), *costs]


def matches(stored: PeopleTable, q: str) -> int:
    """Returns how many customers the query really matches, by looking at each who may match."""
    query, keys = asked(q, "US"), of_org(ORG)
    numbers = set(range(len(stored.people)))
    for tokens in narrowed(query):
        places = [keys.search_entry(f"{KIND} {token}")[0] for token in tokens]
        numbers &= {number for place in places for number in stored.entries_at(place)}
    return sum(matching(stored.people[number], q) for number in numbers)


def matching(profile: CustomerProfileRecord, q: str) -> bool:
    """Whether the query matches a customer, by the customer alone."""
    return bool(matched_fields(KIND, storage.profile_shown(profile), asked(q, "US")))


def search(meter: Meter, q: str, **more: Any) -> tuple[dict[str, Any], Cost]:
    """Returns the answer of a whole request, and its costs."""
    from lambdas.customer.handler import door

    context: Any = Context()
    with meter.measuring() as costs:
        answer = door(event("/customer/search", {"q": q, **more}), context)
    body = json.loads(answer["body"])
    if answer["statusCode"] != 200:
        raise AssertionError(body)
    # Of calls that are made at once, either may come first.
    return body["data"], replace(costs[0], operations=tuple(sorted(costs[0].operations)))


@contextmanager
def in_place(client: Any) -> Iterator[Meter]:
    """Puts a meter over the client in its place."""
    meter, pool = Meter(client), table.pool
    clients.use(dynamodb=meter)
    table.pool = lambda: meter.watch(pool())
    try:
        with believed_for_long():
            yield meter
    finally:
        table.pool = pool
        clients.use(dynamodb=None)

"""A customer with a thousand open lots and ten thousand entries costs what any other does."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import count
from typing import Any

import pytest

from infra.local.clients import table_administration
from lambdas.loyalty import storage
from lambdas.loyalty.rules import adjusting
from lambdas.loyalty.rules.decision import Stamp
from shared import auth
from shared.codec import Item, item_wire
from shared.keys import of_org
from shared.ledger import Allocation, Holdings, LedgerEntry
from shared.records import Query
from shared.settings import settings
from shared.table import Table
from tests.builders import World, euro
from tests.conftest import Database
from tests.lambdas.loyalty.tills import Member, on, policy

NOWHERE, GUID = "NOWHERE", "cust_01KA0000000000000000000000"


def regular(world: World) -> Member:
    """A member with the same guid in every org, copied from another. An entry's hash covers the
    guid, so a history can be made once and given to each."""
    other = Member.of(world, on(1))
    table, client = settings().table_name, table_administration()
    found = client.query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": of_org(world.code).customer_state(other.guid)[0]}},
    )
    for item in json.loads(json.dumps(found["Items"]).replace(other.guid, GUID)):
        client.put_item(TableName=table, Item=item)
    return Member(world, GUID, other.now)


History = tuple[str, tuple[LedgerEntry, ...]]
"""The items of a history in an org that is not, as JSON, and its entries."""
SIZES = {0: (300, 1_000, 1_100), 1_000: (1_000,), 2_990: (10,), 9_000: (1_000,)}
"""How many lots are wanted after so many entries that come to nothing."""


@cache
def long_histories(empty: int) -> dict[int, History]:
    """So many entries that come to nothing, then lots, by the rules themselves: the history at each
    size that is wanted. They are made in one go, because each lot takes milliseconds."""
    ids, entries, made = count(), list[LedgerEntry](), dict[int, History]()
    holdings = Holdings.empty(GUID, on(1))
    for n in range(empty + max(SIZES[empty])):
        stamp = Stamp(now=on(1) + timedelta(seconds=n), new_id=lambda: f"{next(ids):026d}")
        points = 3 if n >= empty else (1 if n % 2 == 0 else -1)
        ends = on(2).replace(year=2090) + timedelta(hours=n) if n >= empty and n % 3 else None
        asked = adjusting.Adjustment(points_delta=points, expires_at=ends)
        decision = adjusting.adjust(holdings, asked, stamp)
        holdings = decision.holdings
        entries += decision.entries
        if n + 1 - empty in SIZES[empty]:
            whole = replace(decision, entries=tuple(entries), change=holdings.commit())
            writes = storage.decision_writes(of_org(NOWHERE), whole, "", [])
            items = json.dumps([item_wire(write.item, "history", []) for write in writes])
            made[n + 1 - empty] = items, whole.entries
    return made


def give_history(member: Member, client: Any, empty: int, lots: int) -> tuple[LedgerEntry, ...]:
    """Puts such a history in place as the member's, 25 items a call; returns its entries."""
    items, entries = long_histories(empty)[lots]
    own = items.replace(NOWHERE, member.world.code)
    puts = [{"PutRequest": {"Item": item}} for item in json.loads(own)]
    for start in range(0, len(puts), 25):
        client.batch_write_item(RequestItems={settings().table_name: puts[start : start + 25]})
    return entries


@pytest.mark.parametrize("empty", [1_000, pytest.param(9_000, marks=pytest.mark.soak)])
def test_a_long_ledger_is_two_trips_and_exact(world: World, meter: Any, empty: int) -> None:
    policy(world, now=on(1))
    member = regular(world)
    entries = give_history(member, meter.client, empty, 1_000)
    member.now = on(2)
    assert member.balance()["available_points"] == 3_000
    for move in (lambda: member.redeem("R", 100), lambda: member.earn("E", 10)):
        # Who calls is known from here on, for half a minute, however slow the machine is.
        auth.forget()
        member.balance()
        with meter.measuring() as costs:
            assert move().status == 200
        assert costs[0].trips == 2
    assert member.balance()["available_points"] == 2_910
    found = member.agrees()
    assert found["entries_read"] == len(entries) + 2 == empty + 1_002
    assert member.call("recalculate", apply=True).data["entries_read"] == empty + 1_002
    assert member.earn("E2", 10).status == 200
    with meter.measuring() as costs:
        assert member.agrees()["entries_read"] == 1
    assert costs[0].trips == 2


def test_what_is_paid_grows_with_the_pages_touched_and_hardly_with_the_lots(
    world: World, other_world: World, meter: Any
) -> None:
    read, written = {}, {}
    for lots, org in ((300, world), (1_000, other_world)):
        policy(org, now=on(1))
        member = regular(org)
        give_history(member, meter.client, 0, lots)
        member.now = on(2)
        # Points of a part of a page, then of all of it and three more.
        for pages, points in ((1, 3), (4, 3 * 220)):
            member.balance()
            with meter.measuring() as costs:
                assert member.redeem(f"R{lots}{pages}", points).status == 200
            assert costs[0].trips == 2
            read[lots, pages], written[lots, pages] = costs[0].read_units, costs[0].write_units
    # All that grows with the lots is the directory: a line of some hundred bytes for each page.
    for paid in (read, written):
        assert 0 <= paid[1_000, 1] - paid[300, 1] <= 6
    assert written[1_000, 4] < 5 * written[1_000, 1]


@pytest.mark.soak
def test_a_past_balance_reads_about_as_many_entries_as_there_were_then(
    world: World, meter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy(world, now=on(1))
    member = regular(world)
    entries = give_history(member, meter.client, 2_990, 10)
    member.now = on(2)
    read: list[int] = []
    query = Table._query

    def counted(table: Table, wanted: Query[Any], found: list[Any]) -> None:
        query(table, wanted, found)
        if wanted.of is LedgerEntry:
            read.append(len(found))

    monkeypatch.setattr(Table, "_query", counted)
    for checkpoint in (False, True):
        if checkpoint:
            assert member.call("recalculate", apply=True).data["entries_read"] == 3_000
        for number, stretches in (
            (0, [500]),
            (100, [500]),
            (1_498, [500, 1_000]),
            (1_500, [500, 1_000, 1_500]),
        ):
            read.clear()
            then = entries[number]
            balance = member.balance(as_of=then.recorded_at.isoformat())
            assert balance["available_points"] == then.balance_after.available_points
            assert read == stretches
        read.clear()
        assert member.balance(as_of=on(1, 20).isoformat())["available_points"] == 30
        assert sum(read) == (0 if checkpoint else 3_000)


def test_what_expires_later_than_a_hundred_dates_is_one_sum(world: World, meter: Any) -> None:
    policy(world, now=on(1))
    member = regular(world)
    give_history(member, meter.client, 0, 1_000)
    ends = 3 * sum(1 for n in range(1_000) if n % 3)
    for moment, more in ((on(2), {}), (on(2), {"as_of": on(1, 20).isoformat()})):
        member.now = moment
        expiring = member.balance(**more)["expiring"]
        *dates, later = expiring
        assert [set(found) for found in dates] == [{"expires_at", "points"}] * 100
        assert [found["expires_at"] for found in dates] == sorted(f["expires_at"] for f in dates)
        assert later == {"later": True, "points": ends - 300}
        assert sum(found["points"] for found in expiring) == ends


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "order_ref"),
        pytest.param({"amount": euro(3_300)}, "amount", marks=pytest.mark.soak),
        pytest.param({"points": 3_200}, "points", marks=pytest.mark.soak),
    ],
)
def test_more_lots_than_a_movement_can_touch_are_refused_with_what_can(
    world: World, meter: Any, said: dict[str, Any], field: str
) -> None:
    policy(world, now=on(1), expiry_policy={"mode": "days", "days": 60})
    member = regular(world)
    give_history(member, meter.client, 0, 1_100)
    member.now = on(1, 2)
    assert member.earn("BIG", 3_300).status == 200
    # The order's own lot ends first, so it is spent first.
    assert member.redeem("R", 3_300).status == 200
    moves = {
        "redeem_points": lambda: member.redeem("S", 3_300),
        "points_delta": lambda: member.adjust(-3_300),
        field: lambda: member.call("reverse", order_ref="BIG", **said),
    }
    for name, move in moves.items():
        refused = move()
        (fault,) = refused.body["error"]["minor"]
        assert (refused.status, fault["tag"], fault["field"]) == (400, "too-many-lots", name)
        assert refused.detail == {"points": 3_000}
    taken = member.call("reverse", order_ref="BIG", points=3_000).data["transaction"]
    assert len(taken["allocations"]) == 1_000
    assert member.call("reverse", order_ref="BIG").data["transaction"]["points"] == -300
    member.agrees()


def test_a_page_of_the_ledger_ends_at_a_megabyte_with_a_token(
    world: World, database: Database
) -> None:
    policy(world, now=on(1))
    member, keys = Member.of(world, on(1)), of_org(world.code)
    assert member.adjust(5).status == 200
    first_at = storage.entry_at(keys, member.guid, 1)
    first = Table().load([first_at]).get(first_at)
    assert first is not None
    wide = tuple(Allocation(f"lot_{n:026d}", 1) for n in range(1_000))
    for number in range(2, 41):
        entry = replace(first, sequence=number, allocations=wide, loyalty_txn_id=f"ltx_{number}")
        item = Item(keys.ledger_entry(member.guid, number), entry)
        database.client.put_item(
            TableName=settings().table_name, Item=item_wire(item, "history", [])
        )
    found, pages, token = list[int](), 0, dict[str, str]()
    while True:
        answer = member.call("ledger/list", limit=256, **token)
        found += [entry["sequence"] for entry in answer.data["transactions"]]
        pages += 1
        assert len(json.dumps(answer.body)) < 2 * 2**20
        if "next_token" not in answer.data:
            break
        token = {"next_token": answer.data["next_token"]}
    assert (found, pages) == (list(range(40, 0, -1)), 2)

"""Checkpoints: a replay that begins after one ends where one from the first entry does, and one
that was changed is not believed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from infra.local.clients import table_administration
from lambdas.loyalty import storage
from lambdas.loyalty.rules import recalculation
from shared.codec import Item, item_wire
from shared.keys import Keys, of_org
from shared.ledger import (
    OPEN,
    Checkpoint,
    CheckpointRecord,
    Lot,
    LotTerms,
    Repayment,
    Replay,
    asks_for_archive,
    intact,
    resumable,
    stored_checkpoint,
)
from shared.ledger.checkpoints import PART_BYTES
from shared.settings import settings
from shared.table import Table
from tests.builders import World
from tests.faults import Faults, then
from tests.lambdas.loyalty.tills import Member, on, policy
from tests.meter import item_size


@pytest.fixture(autouse=True)
def _early(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint is worth its price after four entries."""
    monkeypatch.setattr(recalculation, "CHECKPOINT_AFTER", 4)


def heads(keys: Keys, guid: str) -> list[CheckpointRecord]:
    wanted = storage.checkpoints(keys, guid)
    return Table().load([wanted]).all(wanted)


def from_the_start(keys: Keys, guid: str) -> Replay:
    wanted = storage.entries_between(keys, guid, 0)
    return Replay(guid).run(Table().load([wanted]).all(wanted))


def trade(member: Member, start: int) -> None:
    """Four entries: a lot that is spent whole, one that is spent in part."""
    for n in (start, start + 1):
        assert member.earn(f"E{n}", 100 + n).status == 200
    assert member.redeem(f"R{start}", 150).status == 200
    assert member.call("restore", order_ref=f"R{start}", points=5).status == 200


def change(pk: str, sk: str, field: str, value: dict[str, Any]) -> None:
    table_administration().update_item(
        TableName=settings().table_name,
        Key={"pk": {"S": pk}, "sk": {"S": sk}},
        UpdateExpression="SET #f = :v",
        ExpressionAttributeNames={"#f": field},
        ExpressionAttributeValues={":v": value},
    )


def applied(member: Member) -> dict[str, Any]:
    found: dict[str, Any] = member.call("recalculate", apply=True).data
    return found


def test_recalculate_reads_only_what_came_after_the_last_checkpoint(
    world: World, published: Any
) -> None:
    policy(world)
    member, keys = Member.of(world), of_org(world.code)
    trade(member, 0)
    before = member.balance()
    assert member.agrees()["entries_read"] == 4
    assert heads(keys, member.guid) == []
    first = applied(member)
    assert (first["equal"], first["applied"], first["entries_read"]) == (True, False, 4)
    assert member.balance()["revision"] == before["revision"]
    assert [head.sequence for head in heads(keys, member.guid)] == [4]
    assert member.agrees()["entries_read"] == 0
    assert member.earn("E9", 7).status == 200
    assert member.agrees()["entries_read"] == 1
    # Too little has happened since for another.
    assert applied(member)["entries_read"] == 1
    assert len(heads(keys, member.guid)) == 1
    for start in (10, 20, 30):
        trade(member, start)
        assert applied(member)["equal"]
        assert member.agrees()["entries_read"] == 0
    assert [head.sequence for head in heads(keys, member.guid)] == [17, 13, 9, 4]
    assert len(member.ledger()) == 17
    assert "loyalty-recalculated" not in {event["action"] for event in published(world.code)}


def test_a_restore_to_a_lot_from_before_two_checkpoints_reads_the_archive(world: World) -> None:
    policy(world)
    member, keys = Member.of(world), of_org(world.code)
    assert member.earn("OLD", 40).status == 200
    assert member.redeem("SPENT", 40).status == 200
    for start in (0, 10):
        trade(member, start)
        assert applied(member)["equal"]
    assert len(heads(keys, member.guid)) == 2
    held = {lot.lot_id for lot in from_the_start(keys, member.guid).open_lots.values()}
    back = member.call("restore", order_ref="SPENT", points=30).data["transaction"]
    assert back["allocations"][0]["lot_id"] not in held
    assert member.agrees()["entries_read"] == 1
    # The next checkpoint holds the lot again, and those after it, spent once more.
    trade(member, 20)
    assert applied(member)["equal"]
    assert member.redeem("AGAIN", 10).status == 200
    assert member.agrees()["entries_read"] == 1
    assert (
        from_the_start(keys, member.guid).totals.available_points
        == (member.balance()["available_points"])
    )


def test_a_past_balance_begins_at_the_last_checkpoint_before_it(world: World, meter: Any) -> None:
    policy(world, now=on(1), expiry_policy={"mode": "days", "days": 40})
    member = Member.of(world, on(1))
    for month in (1, 2, 3):
        member.now = on(month, 2)
        trade(member, month * 10)
        assert applied(member)["equal"]
    member.now = on(5)
    keys = of_org(world.code)
    assert [head.sequence for head in heads(keys, member.guid)] == [12, 8, 4]
    entries = storage.entries_between(keys, member.guid, 0)
    every = Table().load([entries]).all(entries)
    for moment in (on(1), on(1, 3), on(2, 1), on(2, 20), on(3, 1), on(4, 1), on(4, 30)):
        shown = member.balance(as_of=moment.isoformat())
        totals = Replay(member.guid).run(every, until=moment).totals
        assert (shown["available_points"], shown["lifetime_earned"]) == (
            totals.available_points,
            totals.lifetime_earned,
        )
    with meter.measuring() as costs:
        member.balance(as_of=on(4, 1).isoformat())
    assert costs[0].trips == 2


@pytest.mark.parametrize("what", ["head", "lots", "archive"])
def test_a_checkpoint_that_was_changed_is_not_believed_and_is_replaced(
    world: World, what: str
) -> None:
    policy(world)
    member, keys = Member.of(world), of_org(world.code)
    trade(member, 0)
    assert applied(member)["equal"]
    # Back into the lot that holds something, and into the one that was spent.
    assert member.call("restore", order_ref="R0").status == 200
    if what == "head":
        change(*keys.ledger_checkpoint(member.guid, 1), "lifetime_earned", {"N": "9999"})
    else:
        part = keys.checkpoint_part(member.guid, 1, 1, spent=what == "archive")
        change(*part, "number", {"N": "7"}) if what == "archive" else change(
            *part, "lots", {"L": []}
        )
    found = member.call("recalculate").data
    assert (found["equal"], found["chain_ok"], found["entries_read"]) == (False, True, 5)
    assert [d["field"] for d in found["differences"]] == ["checkpoints.1.hash"]
    assert member.balance()["available_points"] == 201
    assert applied(member)["applied"]
    assert [head.sequence for head in heads(keys, member.guid)] == [6, 4]
    assert member.agrees()["entries_read"] == 0
    trade(member, 40)
    assert member.agrees()["entries_read"] == 4


def test_of_two_checkpoints_that_are_made_at_once_one_follows_the_other(
    world: World, faults: Faults
) -> None:
    policy(world)
    member, keys = Member.of(world), of_org(world.code)
    assert member.earn("OLD", 40).status == 200
    assert member.redeem("SPENT", 40).status == 200
    trade(member, 0)
    assert applied(member)["equal"]
    trade(member, 10)

    def another() -> None:
        trade(member, 20)
        assert applied(member)["equal"]

    faults.inject(then(another), operation="transact_write_items")
    assert applied(member)["equal"]
    assert faults.pending == 0
    assert [head.number for head in heads(keys, member.guid)] == [2, 1]
    # The entry names a lot that only the archive has.
    assert member.call("restore", order_ref="SPENT", points=30).status == 200
    member.agrees()


def half_expired(world: World) -> Member:
    """A customer in whose one page a lot has expired and another has not: the directory cannot tell
    how much of it is left."""
    policy(world, now=on(1))
    member = Member.of(world, on(1))
    assert member.adjust(5, expires_at=on(2).isoformat()).status == 200
    assert member.earn("A", 100).status == 200
    member.now = on(3)
    assert member.earn("B", 1).status == 200
    return member


@pytest.mark.parametrize("apply", [False, True])
def test_a_redemption_between_the_reads_is_no_difference(
    world: World, faults: Faults, apply: bool
) -> None:
    member = half_expired(world)
    faults.inject(then(lambda: member.redeem("R", 10)), operation="query")
    answer = member.call("recalculate", apply=apply)
    assert faults.pending == 0
    assert answer.data["equal"]


@pytest.mark.parametrize("apply", [False, True])
def test_a_page_that_the_directory_does_not_know_is_told_and_repaired(
    world: World, apply: bool
) -> None:
    member = half_expired(world)
    change(*of_org(world.code).lot_page(member.guid, OPEN, OPEN), "revision", {"N": "7"})
    assert member.redeem("R", 10).tag == "busy", "nobody can decide on what contradicts itself"
    answer = member.call("recalculate", apply=apply).data
    assert [d["field"] for d in answer["differences"]] == ["pages.open.revision"]
    assert (answer["stored"]["available_points"], answer["applied"]) == (101, apply)
    if apply:
        member.agrees()
        assert member.redeem("R", 10).status == 200


def test_a_checkpoint_that_cannot_be_written_anew_is_no_reason_to_repair(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy(world)
    member, keys = Member.of(world), of_org(world.code)
    trade(member, 0)
    assert applied(member)["equal"]
    change(*keys.ledger_checkpoint(member.guid, 1), "lifetime_earned", {"N": "9999"})
    monkeypatch.setattr(recalculation, "PARTS_AT_ONCE", 0)
    for _ in range(2):
        found = applied(member)
        assert (found["equal"], found["applied"]) == (False, False)
    assert "recalculate" not in [entry["kind"] for entry in member.ledger()]


def test_of_very_many_differences_a_hundred_are_told(world: World) -> None:
    policy(world)
    member = Member.of(world)
    for _ in range(120):
        member.adjust(1)
    keys = of_org(world.code)
    seen = Table().load([storage.all_pages(keys, member.guid)])
    for page in seen.all(storage.all_pages(keys, member.guid)):
        pk, sk = keys.lot_page(page.owner, page.bound, page.page_id)
        place = {"pk": {"S": pk}, "sk": {"S": sk}}
        table_administration().delete_item(TableName=settings().table_name, Key=place)
    found = member.call("recalculate", apply=True, idempotency_key="k").data
    assert (len(found["differences"]), found["applied"]) == (100, True)
    assert member.agrees()["balance"]["available_points"] == 120


def test_a_ledger_that_does_not_follow_from_itself_gets_no_checkpoint(world: World) -> None:
    policy(world)
    member, keys = Member.of(world), of_org(world.code)
    trade(member, 0)
    change(*keys.ledger_entry(member.guid, 2), "points", {"N": "5000"})
    assert not applied(member)["chain_ok"]
    assert heads(keys, member.guid) == []


def test_recalculate_finds_nothing_wrong_while_tills_write(world: World) -> None:
    policy(world)
    member = Member.of(world)

    def till(number: int) -> list[Any]:
        if number % 2:
            return [member.earn(f"{number}-{n}", 10).status for n in range(8)]
        wants = [member.call("recalculate", apply=bool(n % 2)) for n in range(8)]
        return [found.data["differences"] if found.status == 200 else found.tag for found in wants]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(till, range(8)))
    for number, answers in enumerate(found):
        allowed = ([], "busy") if number % 2 == 0 else (200, 409)
        assert all(answer in allowed for answer in answers), answers
    assert [] in [answer for answers in found[::2] for answer in answers]
    member.agrees()


# ---------------------------------------------------------------- the parts by themselves


def many_lots(held: int, spent: int) -> Checkpoint:
    def lot(n: int, remaining: int) -> Lot:
        start = on(1) + timedelta(seconds=n)
        return Lot(LotTerms(f"l{n:05d}", 5, start, None, "v1", n + 1), remaining)

    lots = [lot(n, 5 if n < held else 0) for n in range(held + spent)]
    return Checkpoint(
        customer_guid="c",
        sequence=held + spent,
        last_hash="f" * 64,
        settled_at=on(2),
        lifetime_earned=5,
        debt_points=0,
        lots=tuple(lots),
    )


def test_parts_are_bounded_and_make_the_checkpoint_again() -> None:
    whole = many_lots(700, 500)
    head, parts = stored_checkpoint(whole, None, ())
    assert [part.spent for part in parts] == [False, False, False, True, True]
    assert [part.number for part in parts] == [1, 2, 3, 1, 2]
    held, archive = parts[:3], parts[3:]
    assert [lot for part in held for lot in part.lots] == list(whole.lots[:700])
    assert intact(head, held, archive)
    assert resumable(head, held, archive) == whole
    assert not intact(head, parts[:2], archive)
    assert not intact(head, held, parts[4:])
    assert not intact(replace(head, debt_points=1), held)
    lots = parts[0].lots
    grown = replace(parts[0], lots=(replace(lots[0], remaining=6), *lots[1:]))
    assert not intact(head, [grown, *parts[1:3]])
    archived = {lot.lot_id for part in archive for lot in part.lots}
    later, new = stored_checkpoint(replace(whole, sequence=1_900), head, archived)
    assert [part.spent for part in new] == [False] * 3
    assert (later.number, later.archive_from, later.archive_hash) == (2, 1, head.archive_hash)


@pytest.mark.parametrize("repayments", [0, 8])
def test_no_part_grows_beyond_what_it_may_hold(repayments: int) -> None:
    repaid = tuple(Repayment(on(1), "c" * 64, 10**12, 10**12) for _ in range(repayments))
    terms = [
        LotTerms("x" * 64, 10**15, on(1), on(2) + timedelta(days=n), "v" * 64, 10**12)
        for n in range(500)
    ]
    lots = tuple(Lot(t, 10**15, repaid) for t in terms)
    _, parts = stored_checkpoint(replace(many_lots(0, 0), lots=lots), None, ())
    sizes = [item_size(item_wire(Item(("pk", "sk"), part), "c", [])) for part in parts]
    assert max(sizes) <= PART_BYTES
    assert max(sizes) > PART_BYTES / 2, "and not many small ones either"


def test_a_ledger_of_too_many_lots_for_one_transaction_gets_no_checkpoint() -> None:
    replay = Replay.resumed(many_lots(0, 0))
    replay.entries_read = 10_000
    decision = recalculation.Decision(holdings=recalculation.Holdings.empty("c", on(2)))
    assert recalculation.checkpointed(decision, replay, None, (), None).checkpoint is not None
    for lot in many_lots(30_000, 0).lots:
        replay.lots[lot.lot_id] = lot
    assert recalculation.checkpointed(decision, replay, None, (), None).checkpoint is None


def test_only_lots_that_neither_side_knows_ask_for_the_archive(world: World) -> None:
    policy(world)
    member, keys = Member.of(world), of_org(world.code)
    trade(member, 0)
    wanted = storage.entries_between(keys, member.guid, 0)
    entries = Table().load([wanted]).all(wanted)
    assert not asks_for_archive([], entries)
    assert asks_for_archive([], entries[2:])

"""Tills of a day that give, take and give back the points of a few customers.

Any till may undo any till's order, so that they meet on the orders as well as on the balances. Each
keeps its own books of what it was told; at the end those books together must be the ledgers, entry
by entry, and each balance what a stranger's script makes of its entries.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from examples.rederive import derive
from lambdas.loyalty import storage
from lambdas.loyalty.models.records import EarnedOrderRecord, RedeemedOrderRecord
from lambdas.loyalty.rules import recalculation
from shared.codec import decode
from shared.keys import of_org
from shared.ledger import Replay
from shared.table import Table
from tests.builders import Response, World, euro
from tests.conftest import Database
from tests.lambdas.loyalty.tills import Member, policy
from tests.soak.weather import CLIENTS, SECONDS, PatientTill, bad_day

pytestmark = pytest.mark.soak

CUSTOMERS, SHIFT = 4, 60
"""So many customers at a time, for so many seconds: the stranger's script takes the square of a
ledger's length, so longer days have more ledgers and not longer ones."""
CENTS_A_POINT = 3
SUMS = ("available_points", "pending_points", "debt_points", "lifetime_earned")
DAY = timedelta(days=1)
SOON = 4.0
"""Within how many seconds points become available, or expire, while the tills are at work."""


@dataclass
class Books:
    """What one till was told: every transaction, and of each customer how many points expired and
    how often the balance changed."""

    told: list[dict[str, Any]] = field(default_factory=list)
    expired: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Order:
    """An order that any till may undo."""

    member: Member
    ref: str


@dataclass
class Counters:
    """What the tills share: the customers of each shift, and the latest orders."""

    shifts: list[list[Member]]
    earned: list[Order] = field(default_factory=list)
    redeemed: list[Order] = field(default_factory=list)
    opened: float = field(default_factory=time.monotonic)

    @property
    def members(self) -> list[Member]:
        shift = int((time.monotonic() - self.opened) / SHIFT)
        return self.shifts[min(shift, len(self.shifts) - 1)]


class PointsTill(PatientTill):
    """A till of the shop, and of the back office."""

    def __init__(self, shared: Counters, number: int) -> None:
        super().__init__(number)
        self.shared, self.books = shared, Books()

    def move(self) -> None:
        moves = {
            self.earn: 24, self.redeem: 20, self.give: 10, self.take: 10, self.expire: 5,
            self.reverse: 15, self.restore: 15, self.recalculate: 3,
        }  # fmt: skip
        self.chance.choices(list(moves), list(moves.values()))[0]()

    # ---------------------------------------------------------------- the shop

    def earn(self) -> None:
        """Some wait to become available, and some are about to expire: see the policies."""
        member, ref = self.chance.choice(self.shared.members), self.named("E")
        sale: dict[str, Any] = {"amount": self.chance.randint(0, 2_000)}
        if self.chance.random() < 0.5:
            sale["channel_code"] = "web_shop"
            ago = self.chance.choice([DAY, 2 * DAY])
            due = datetime.now(UTC) + timedelta(seconds=self.chance.uniform(0, SOON))
            sale["occurred_at"] = (due - ago).isoformat(timespec="milliseconds")
        answer = self.answered(lambda: member.earn(ref, **sale))
        self.enter(answer)
        self.shared.earned.append(Order(member, ref))

    def redeem(self) -> None:
        member, ref = self.chance.choice(self.shared.members), self.named("R")
        points = self.chance.randint(1, 1_500)
        more = {"channel_code": "web_shop"} if self.chance.random() < 0.5 else {}
        answer = self.answered(lambda: member.redeem(ref, points, **more))
        if answer.status == 200:
            self.enter(answer)
            self.shared.redeemed.append(Order(member, ref))
        else:
            self.too_much(answer, "insufficient-points", "available", points)

    # ---------------------------------------------------------------- the back office

    def give(self) -> None:
        points, more, ends = self.chance.randint(1, 300), {}, datetime.now(UTC)
        if self.chance.random() < 0.5:
            ends += timedelta(seconds=self.chance.uniform(0.1, SOON))
            more["expires_at"] = ends.isoformat(timespec="milliseconds")
        answer = self.keyed("adjust", self.member(), points_delta=points, **more)
        if answer.status == 200:
            self.enter(answer)
        else:
            # It came through only after the points would have expired.
            assert answer.fields == ["expires_at"], answer.body
            assert ends < datetime.now(UTC)

    def take(self) -> None:
        points, owe = self.chance.randint(1, 600), self.chance.random() < 0.3
        answer = self.keyed("adjust", self.member(), points_delta=-points, allow_debt=owe)
        if answer.status == 200:
            self.enter(answer)
        else:
            assert not owe
            self.too_much(answer, "insufficient-points", "available", points)

    def reverse(self) -> None:
        self.undo("reverse", self.shared.earned, "reversible")

    def restore(self) -> None:
        self.undo("restore", self.shared.redeemed, "restorable")

    def undo(self, what: str, orders: list[Order], rest: str) -> None:
        """By points, the whole rest, or what is to be reversed by money too."""
        if not orders:
            return
        order = self.chance.choice(orders[-60:])
        points, more = 0, {}
        by = self.chance.choice(["points", "points", "rest", *(["amount"] * (what == "reverse"))])
        if by == "points":
            points = more["points"] = self.chance.randint(1, 250)
        elif by == "amount":
            more["amount"] = euro(self.chance.randint(1, 900))
        answer = self.keyed(what, order.member, order_ref=order.ref, **more)
        if answer.status == 200:
            self.enter(answer)
        elif by == "points":
            self.too_much(answer, "invalid-state", rest, points)
        else:
            self.refuse(answer, "invalid-state")

    def expire(self) -> None:
        self.sweep(self.member())

    def sweep(self, member: Member) -> bool:
        """Whether there is more to expire."""
        data = self.keyed("expire", member).data
        never_negative(data["balance"])
        self.books.expired[member.guid] += data["expired_points"]
        self.books.changes[member.guid] += data["expired_points"] > 0
        return bool(data["more"])

    def recalculate(self) -> None:
        """In the middle of the day too; some of it leaves checkpoints."""
        applies = self.chance.random() < 0.5
        found = self.keyed("recalculate", self.member(), apply=applies).data
        assert found["equal"], found["differences"]
        assert found["chain_ok"]
        assert not found["applied"]

    # ---------------------------------------------------------------- how it does them

    def member(self) -> Member:
        return self.chance.choice(self.shared.members)

    def keyed(self, what: str, member: Member, **body: Any) -> Response:
        key = self.named(what)
        return self.answered(lambda: member.call(what, idempotency_key=key, **body))

    def enter(self, answer: Response) -> None:
        moved, balance = answer.data["transaction"], answer.data["balance"]
        never_negative(balance)
        assert moved["balance_after"] == {name: balance[name] for name in SUMS}
        self.books.told.append(moved)
        self.books.changes[moved["customer_guid"]] += 1

    def refuse(self, answer: Response, tag: str) -> None:
        assert (answer.status, answer.tag) == (409, tag), answer.body
        self.books.refusals[tag] += 1

    def too_much(self, answer: Response, tag: str, of: str, asked: int) -> None:
        self.refuse(answer, tag)
        assert 0 <= answer.detail[of] < asked


def never_negative(sums: dict[str, Any]) -> None:
    assert min(sums[name] for name in SUMS) >= 0, sums
    assert not (sums["debt_points"] and sums["available_points"]), sums


def test_a_day_of_points_in_bad_weather_leaves_the_books_in_order(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Early, so that there are several checkpoints in a ledger of a minute.
    monkeypatch.setattr(recalculation, "CHECKPOINT_AFTER", 50)
    _policies(world, datetime.now(UTC) - 10 * DAY)
    shifts = [
        [Member.of(world) for _ in range(CUSTOMERS)] for _ in range(math.ceil(SECONDS / SHIFT))
    ]
    shared = Counters(shifts)
    tills = [PointsTill(shared, number) for number in range(CLIENTS)]
    bad_day(tills)
    time.sleep(SOON)
    members = [member for shift in shifts for member in shift]
    entries = [entry for member in members for entry in _accounted_for(world, member, tills)]
    _orders_add_up(entries, _guards(database, world.code))
    kinds = Counter(entry["kind"] for entry in entries)
    assert set(kinds) == {"earn", "redeem", "adjust", "expire", "reverse", "restore"}, kinds
    assert _to(entries, "debt")
    assert _to(entries, "written_off")
    refusals = sum((till.books.refusals for till in tills), Counter[str]())
    assert {"insufficient-points", "invalid-state"} <= set(refusals)


def _policies(world: World, since: datetime) -> None:
    """At the till points last, and a reversal may leave debt. Those of the web shop are available a
    day after the sale, expire the day after, are written off, and come back anew."""
    earn = {"points_per_unit": 1, "unit_minor": CENTS_A_POINT}
    policy(world, now=since, earn_policy=earn)
    policy(
        world,
        now=since,
        channel_code="web_shop",
        earn_policy={**earn, "pending_days": 1},
        expiry_policy={"mode": "days", "days": 2},
        reversal_policy={"uncollected": "write_off"},
        restore_policy={"expired": "reissue"},
    )


# ---------------------------------------------------------------- the audit


def _accounted_for(world: World, member: Member, tills: list[PointsTill]) -> list[dict[str, Any]]:
    """The ledger of a customer, after it was found to be what the tills were told."""
    while tills[0].sweep(member):
        pass
    entries, books = member.ledger(), [till.books for till in tills]
    _chained(world, member, entries)
    told = [t for book in books for t in book.told if t["customer_guid"] == member.guid]
    assert len({t["loyalty_txn_id"] for t in told}) == len(told)
    expired = [entry for entry in entries if entry["kind"] == "expire"]
    assert sorted(told, key=_sequence) == [e for e in entries if e["kind"] != "expire"]
    assert sum(e["points"] for e in expired) == -sum(book.expired[member.guid] for book in books)
    balance = member.balance()
    assert balance["revision"] == sum(book.changes[member.guid] for book in books)
    derived = derive(entries, datetime.fromisoformat(balance["as_of"]))
    assert derived == {name: balance[name] for name in derived}
    written_off = sum(_to(entries, "written_off"))
    held = balance["available_points"] + balance["pending_points"] - balance["debt_points"]
    swept = sum(book.expired[member.guid] for book in books)
    assert sum(t["points"] for t in told) - swept == held + written_off
    return entries


def _to(entries: list[dict[str, Any]], account: str) -> list[int]:
    """What was moved to or from something that is no lot."""
    moves = [move for entry in entries for move in entry.get("allocations", ())]
    return [move["points"] for move in moves if move["lot_id"] == account]


def _sequence(entry: dict[str, Any]) -> int:
    return int(entry["sequence"])


def _chained(world: World, member: Member, entries: list[dict[str, Any]]) -> None:
    """No gap, no broken link, no sum below nothing: as listed, as replayed from the first entry,
    and as recalculate finds from the last checkpoint."""
    assert [_sequence(entry) for entry in entries] == list(range(1, len(entries) + 1))
    links = ["0" * 64, *(entry["hash"] for entry in entries)]
    assert [entry["previous_hash"] for entry in entries] == links[:-1]
    for entry in entries:
        never_negative(entry["balance_after"])
    keys = of_org(world.code)
    stored = storage.entries_between(keys, member.guid, 0)
    replay = Replay(member.guid).run(Table().load([stored]).all(stored))
    assert (replay.broken, replay.divergence, replay.sequence) == (None, None, len(entries))
    member.agrees()


def _guards(database: Database, org: str) -> dict[tuple[str, str], int]:
    """How much of each order was undone, as its guard in the table says."""
    items = [(item["record_kind"]["S"], item) for item in database.items(org)]
    earned = [
        decode(EarnedOrderRecord, item) for kind, item in items if kind == EarnedOrderRecord.KIND
    ]
    redeemed = [
        decode(RedeemedOrderRecord, item)
        for kind, item in items
        if kind == RedeemedOrderRecord.KIND
    ]
    found = {("earn", order.order_ref): order.reversed for order in earned}
    found |= {("redeem", order.order_ref): order.restored for order in redeemed}
    assert len(found) == len(earned) + len(redeemed)
    return found


def _orders_add_up(entries: list[dict[str, Any]], guards: dict[tuple[str, str], int]) -> None:
    """Each order moved points once, and no more came back than it had moved. A refund takes what
    the money that is not refunded would not have earned."""
    undone: Counter[tuple[str, str]] = Counter()
    refunded: Counter[str] = Counter()
    orders = {
        (entry["kind"], entry["order_ref"]): entry
        for entry in entries
        if entry["kind"] in ("earn", "redeem")
    }
    for entry in entries:
        ref = entry.get("order_ref")
        if entry["kind"] == "restore":
            undone["redeem", ref] += entry["points"]
            assert undone["redeem", ref] <= -orders["redeem", ref]["points"]
        elif entry["kind"] == "reverse":
            order = orders["earn", ref]
            if "amount" in entry:
                refunded[ref] += entry["amount"]["amount"]
                kept = (order["amount"]["amount"] - refunded[ref]) // CENTS_A_POINT
                due = order["points"] - kept - undone["earn", ref]
                assert -entry["points"] == max(0, due)
            undone["earn", ref] -= entry["points"]
            assert undone["earn", ref] <= order["points"]
    assert guards == {key: undone[key] for key in orders}

"""Merges where calls go wrong and others write at the same time: done once, whole, nothing lost."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.builders import WHY, Response, World, euro
from tests.conftest import Database
from tests.faults import GONE_WRONG, Crash, Faults, meanwhile
from tests.lambdas.loyalty.tills import Member, policy
from tests.lambdas.privacy.couples import get, merge, merged, merges, someone, stored

Published = Callable[[str], list[dict[str, Any]]]


@dataclass
class Couple:
    """A source, which has absorbed someone before, and a target; both have points."""

    first: Member
    source: Member
    target: Member

    @classmethod
    def of(cls, world: World, n: str) -> Couple:
        first, source, target = (
            Member(world, someone(world, email=f"{n}-{name}@example.com")) for name in "abc"
        )
        assert first.earn(f"{n}-a", 30).status == 200
        merged(world, first.guid, source.guid)
        assert source.earn(f"{n}-b", 100).status == 200
        assert source.redeem(f"{n}-c", 20).status == 200
        assert target.earn(f"{n}-d", 50).status == 200
        return cls(first, source, target)

    def merge(self, **more: Any) -> Response:
        return merge(self.target.world, self.source.guid, self.target.guid, **more)

    def book(self) -> Any:
        """Everything that a merge leaves, without what differs from couple to couple."""
        world, names = self.target.world, {m.guid: n for n, m in vars(self).items()}
        states = [world.state_of(member.guid) for member in vars(self).values()]
        profiles = [stored(world, member.guid) for member in vars(self).values()]
        ledger = self.target.ledger()
        return (
            [(s.status, names.get(s.merged_into or ""), len(s.absorbed)) for s in states],
            [
                (s.revision, p.revision, names.get(p.merged_into or ""))
                for s, p in zip(states, profiles, strict=True)
            ],
            # The two entries of a merge are of one moment, so either may come first.
            Counter(f"{e['kind']} {e['points']} {e['balance_after']}" for e in ledger),
            {k: v for k, v in self.target.balance().items() if k != "as_of"},
            [len(merges(world, member.guid)) for member in vars(self).values()],
        )


@pytest.mark.parametrize("keyed", [True, False], ids=["with a key", "without"])
@pytest.mark.parametrize("wrong", GONE_WRONG)
def test_a_fault_at_any_call_then_a_repeat_is_the_fault_free_result(
    world: World, faults: Faults, published: Published, wrong: str, keyed: bool
) -> None:
    policy(world)
    control = Couple.of(world, "control")
    faults.clear()
    assert control.merge().status == 200
    calls = faults.count()
    assert calls == 3
    couples = []
    for at in range(1, calls + 1):
        couple = Couple.of(world, f"n{at}")
        couples.append(couple)
        key = {"idempotency_key": f"k{at}"} if keyed else {}
        faults.clear()
        faults.inject(GONE_WRONG[wrong](), at=at)
        with contextlib.suppress(Crash):
            assert couple.merge(**key).status == 200
        assert faults.pending == 0, "the fault has met its call"
        again = couple.merge(**key)
        happened = "crash" not in wrong or (wrong == "crash after" and at == calls)
        if keyed:
            assert again.replayed == happened
        else:
            assert (again.tag_or_none() == "invalid-state") == happened
        assert couple.book() == control.book()
        couple.target.agrees()
    events = [event for event in published(world.code) if event["action"] == "customer-merged"]
    told = Counter(event["data"]["source_customer_guid"] for event in events)
    assert {told[couple.source.guid] for couple in [control, *couples]} == {1}


# ---------------------------------------------------------------- two actors


@dataclass
class Writer:
    """What another caller does to one of the two; and whether that is seen of the survivor."""

    act: Callable[[World, str], Response]
    points: int = 0
    shown: Callable[[World, str], bool] = lambda _, __: True


def _update(world: World, guid: str) -> Response:
    body = {"customer_guid": guid, "expected_revision": 1, "customer": {"last_name": "Byron"}}
    return world.owner("/customer/update", {**body, **WHY})


def _status(world: World, guid: str) -> Response:
    body = {"customer_guid": guid, "expected_revision": 1, "customer": {"status": "inactive"}}
    return world.owner("/customer/update", {**body, **WHY})


def _issue(world: World, guid: str) -> Response:
    return world.owner("/giftcard/issue", {"amount": euro(100), "customer_guid": guid, **WHY})


WRITERS: dict[str, Writer] = {
    "earn": Writer(lambda w, guid: Member(w, guid).earn("late", 7), 7),
    "redeem": Writer(lambda w, guid: Member(w, guid).redeem("late", 9), -9),
    "adjust": Writer(lambda w, guid: Member(w, guid).adjust(3), 3),
    "restore": Writer(lambda w, guid: Member(w, guid).call("restore", order_ref="spent"), 20),
    "update": Writer(
        _update,
        0,
        lambda w, guid: get(w, customer_guid=guid)["customer"].get("last_name") == "Byron",
    ),
    "issue": Writer(_issue),
}
HELD = 80 + 50


def two(world: World, *, restored: str) -> tuple[Member, Member]:
    """Two customers with points. ``restored`` has spent 20 on an order."""
    source, target = (Member(world, someone(world)) for _ in range(2))
    assert source.earn("s", 80 + 20 * (restored == "source")).status == 200
    assert target.earn("t", 50 + 20 * (restored == "target")).status == 200
    spender = source if restored == "source" else target
    assert spender.redeem("spent", 20).status == 200
    return source, target


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("at", [1, 2], ids=["before it reads", "before it writes"])
@pytest.mark.parametrize("inner", ["the writer", "the merge"])
def test_a_writer_and_a_merge_lose_nothing_of_each_other(
    world: World,
    database: Database,
    faults: Faults,
    name: str,
    side: str,
    at: int,
    inner: str,
) -> None:
    """Each of the two reads, then writes. One of them does both before a call of the other."""
    policy(world)
    source, target = two(world, restored=side)
    guid, writer = (source.guid if side == "source" else target.guid), WRITERS[name]
    heard: list[Response] = []

    def write() -> Response:
        return writer.act(world, guid)

    def join() -> Response:
        return merge(world, source.guid, target.guid)

    outer, within = (join, write) if inner == "the writer" else (write, join)
    faults.clear()
    if name == "issue" and inner == "the merge":
        # It may write only: then there is one call.
        at = 1
    faults.inject(meanwhile(lambda: heard.append(within())), at=at)
    heard.append(outer())
    assert faults.pending == 0
    written, joined = heard if inner == "the writer" else heard[::-1]
    assert joined.status == 200, joined.body
    assert written.status == 200 or (name, written.tag) == ("update", "conflict")
    done = written.status == 200
    assert target.balance()["available_points"] == HELD + (writer.points if done else 0)
    assert not done or writer.shown(world, guid)
    assert world.state_of(source.guid).merged_into == target.guid
    target.agrees()
    if name == "issue":
        links = [i for i in database.items(world.code) if i["sk"]["S"].startswith("Z#CARD#")]
        owner = links[0]["pk"]["S"].rpartition("#")[2]
        assert owner in (target.guid, *world.state_of(target.guid).absorbed)


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_customer_who_is_set_inactive_in_between_is_not_merged(
    world: World, faults: Faults, side: str
) -> None:
    source, target = someone(world), someone(world)
    chosen = source if side == "source" else target
    faults.inject(meanwhile(lambda: _status(world, chosen)), operation="transact_write_items")
    answer = merge(world, source, target)
    assert (answer.tag, answer.detail["state"]) == ("invalid-state", "inactive")
    assert world.state_of(target).absorbed == ()


@pytest.mark.parametrize("at", [1, 2])
def test_two_merges_at_once_end_as_one_after_the_other(
    world: World, faults: Faults, at: int
) -> None:
    """The second one is about the first one's source, target, or both the other way round."""
    policy(world)
    pairs: list[tuple[str, str, set[int]]] = [
        ("ab", "bc", {200}),
        ("ab", "cb", {200}),
        ("ab", "ca", {200}),
        ("ab", "ac", {200, 409}),
        ("ab", "ba", {200, 409}),
        ("ab", "ab", {200, 409}),
    ]
    for first, second, statuses in pairs:
        members = {name: Member(world, someone(world)) for name in "abc"}
        for member in members.values():
            assert member.adjust(10).status == 200
        heard: list[Response] = []

        def join(names: str, members: dict[str, Member] = members) -> Response:
            source, target = (members[name].guid for name in names)
            return merge(world, source, target)

        inner = meanwhile(lambda heard=heard, second=second: heard.append(join(second)))
        faults.clear()
        faults.inject(inner, at=at)
        heard.append(join(first))
        assert {answer.status for answer in heard} <= statuses, (first, second)
        assert heard[0].status == 200
        alive = [m for m in members.values() if world.state_of(m.guid).status == "active"]
        done = sum(answer.status == 200 for answer in heard)
        assert len(alive) == 3 - done
        assert sum(member.balance()["available_points"] for member in alive) == 30
        for member in members.values():
            final = world.state_of(member.guid).merged_into
            assert final is None or world.state_of(final).merged_into is None
        for member in alive:
            member.agrees()


def test_many_merges_and_earns_at_once_end_as_in_some_order(world: World) -> None:
    policy(world)
    target, sources = Member.of(world), [Member.of(world) for _ in range(4)]
    for source in sources:
        assert source.adjust(10).status == 200

    def join(source: Member) -> int:
        for _ in range(20):
            answer = merge(world, source.guid, target.guid)
            if answer.status == 200:
                return answer.status
            assert answer.tag == "busy"
        return 0

    def earn(number: int) -> int:
        member = [target, *sources][number % 5]
        for _ in range(20):
            answer = member.earn(f"order-{number}", 1)
            if answer.status == 200:
                return answer.status
            assert answer.tag == "busy"
        return 0

    with ThreadPoolExecutor(6) as pool:
        merging = [pool.submit(join, source) for source in sources]
        earning = [pool.submit(earn, number) for number in range(15)]
        assert {done.result() for done in [*merging, *earning]} == {200}
    assert target.balance()["available_points"] == 4 * 10 + 15
    assert len(world.state_of(target.guid).absorbed) == 4
    target.agrees()

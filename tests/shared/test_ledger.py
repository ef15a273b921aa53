"""Lots, pages and the chain by themselves: what the loyalty rules and the merge stand on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.codec import encode
from shared.ledger import (
    DEBT,
    LOTS_AT_ONCE,
    OTHERS,
    Absorbed,
    Allocation,
    Checkpoint,
    Holdings,
    LedgerEntry,
    Lot,
    LotPage,
    LotTerms,
    PagesMissing,
    Repayment,
    Replay,
    expiring,
    joined,
    left,
)
from shared.ledger.entries import content, digest, named
from shared.ledger.lots import REPAYMENTS_KEPT, maturing, moment_text, repay, spend_order
from shared.ledger.pages import ENTRIES, LOTS, PageEntry, described, folded, overflow
from tests.meter import item_size

START = datetime(2026, 1, 1, tzinfo=UTC)
KIB = 1024


def at(days: float) -> datetime:
    return START + timedelta(days=days)


def lot(
    name: str,
    points: int,
    *,
    opens: float = 0,
    ends: float | None = None,
    number: int = 1,
    repaid: tuple[Repayment, ...] = (),
) -> Lot:
    ends_at = None if ends is None else at(ends)
    return Lot(LotTerms(name, points, at(opens), ends_at, None, number), points, repaid)


def entry(kind: str, points: int, now: datetime, who: str = "one", **more: Any) -> LedgerEntry:
    return LedgerEntry(
        loyalty_txn_id=f"{who}-{kind}-{moment_text(now)}",
        customer_guid=who,
        kind=kind,
        points=points,
        effective_at=now,
        recorded_at=now,
        **more,
    )


def given(here: Holdings, name: str, points: int, **terms: Any) -> tuple[Holdings, LedgerEntry]:
    """The holdings with one more lot."""
    opened = lot(name, points, number=here.balance.sequence + 1, **terms).terms
    made = entry(
        "adjust",
        points,
        here.at,
        here.balance.customer_guid,
        allocations=(Allocation(name, points),),
        opens=opened,
    )
    return here.post(made)


# ---------------------------------------------------------------- lots


def test_a_lot_is_pending_then_usable_then_expired_each_from_its_instant_on() -> None:
    terms = lot("a", 5, opens=1, ends=2).terms
    moment = timedelta(milliseconds=1)
    conditions = [terms.condition(t) for t in (at(1) - moment, at(1), at(2) - moment, at(2))]
    assert conditions == ["pending", "usable", "usable", "expired"]


def test_spend_order_is_soonest_expiry_then_oldest_and_never_last() -> None:
    lots = [
        lot("never", 1, opens=-9),
        lot("late", 1, ends=9),
        lot("young", 1, opens=0, ends=5),
        lot("old", 1, opens=-1, ends=5),
        lot("twin", 1, opens=0, ends=5, number=2),
    ]
    assert [x.lot_id for x in sorted(lots, key=spend_order)] == [
        "old",
        "young",
        "twin",
        "late",
        "never",
    ]


def test_repaid_points_come_back_latest_first() -> None:
    paid = lot("a", 10).repaying(4, at(1), "one", 3).repaying(6, at(2), "one", 5)
    assert (paid.remaining, paid.repaid_points, paid.spent) == (0, 10, False)
    back = paid.made_whole(7)
    assert back.remaining == 7
    assert back.repaid == (Repayment(at(1), "one", 3, 3),)


def test_a_lot_remembers_only_so_many_repayments_and_loses_no_point() -> None:
    paid = lot("a", 30)
    for number in range(20):
        paid = paid.repaying(1, at(number), "one", number)
    assert len(paid.repaid) == REPAYMENTS_KEPT
    assert (paid.remaining, paid.repaid_points) == (10, 20)
    assert paid.repaid[0].sequence == 0


def test_lots_that_became_available_and_expired_unseen_still_repaid() -> None:
    lots = [
        lot("b", 5, opens=2, ends=3),
        lot("a", 5, opens=1, ends=2),
        lot("never available", 5, opens=2, ends=2),
        lot("later", 5, opens=9),
    ]
    ripe = maturing(lots, at(0), at(5))
    assert [(when, x.lot_id) for when, x in ripe] == [(at(1), "a"), (at(2), "b")]
    changed, debt = repay(ripe, 7, "one", 4)
    assert [(x.lot_id, x.remaining) for x in changed] == [("a", 0), ("b", 3)]
    assert debt == 0


# ---------------------------------------------------------------- pages


def page_entry(*lots: Lot, when: float = 0) -> PageEntry:
    return described("p1", 1, sorted(lots, key=spend_order), at(when))


def test_the_directory_tells_what_a_page_holds_until_time_divides_it() -> None:
    known = page_entry(lot("a", 3, ends=5), lot("b", 4, opens=2, ends=9), lot("c", 5, opens=3))
    moment = timedelta(milliseconds=1)
    assert known.split(at(0)) == (3, 9)
    assert known.split(at(2) - moment) == (3, 9)
    assert known.split(at(2)) is None
    assert known.split(at(3) - moment) is None
    assert known.split(at(3)) == (12, 0)
    assert known.split(at(5) - moment) == (12, 0)
    assert known.split(at(5)) is None


def test_a_page_that_has_expired_as_a_whole_counts_for_nothing() -> None:
    known = page_entry(lot("a", 3, ends=5), lot("b", 4, ends=6))
    assert known.split(at(6)) == (0, 0)
    assert known.may_be_due(at(5))
    assert not known.may_be_due(at(5) - timedelta(milliseconds=1))


def test_an_open_page_that_is_full_seals_what_belongs_together() -> None:
    lots = [lot(f"n{i}", 1, opens=i) for i in range(40)]
    lots += [lot(f"f{i}", 1, opens=-i, ends=50 + i) for i in range(25)]
    staying, (sealed,) = overflow(lots, at(45))
    assert {x.terms.expires_at for x in sealed} == {None}
    assert len(sealed) == 40
    assert len(staying) == 25


def test_pending_lots_stay_in_the_open_page() -> None:
    lots = [lot(f"p{i}", 1, opens=10 + i) for i in range(45)]
    lots += [lot(f"a{i}", 1, opens=-i) for i in range(20)]
    staying, (sealed,) = overflow(lots, at(0))
    assert {x.lot_id[0] for x in sealed} == {"a"}
    assert len(staying) == 45


def test_a_directory_that_is_too_long_folds_its_far_end() -> None:
    entries = [replace(page_entry(lot(f"x{i}", 1, ends=i + 1)), page_id=f"p{i}") for i in range(99)]
    directory, (segment,) = folded(entries, "one", 100)
    assert len(directory) <= ENTRIES
    assert directory[-1].segment
    assert directory[-1].remaining == len(segment.entries)
    assert {e.page_id for e in directory[:-1]} == {f"p{i}" for i in range(35)}
    assert segment.bound == directory[-1].bound


def test_what_is_not_known_is_asked_for_and_nothing_else() -> None:
    here = Holdings.empty("one", START)
    for number in range(LOTS + 1):
        here, _ = given(here, f"a{number:02d}", 2, ends=number + 10)
    change = here.commit()
    (sealed,) = (page for page in change.put if page.page_id != "open")
    bare = Holdings.of(change.balance)
    assert bare.totals() == here.totals()
    with pytest.raises(PagesMissing) as need:
        bare.take(4, "points")
    assert [(e.owner, e.page_id, e.bound) for e in need.value.pages] == [
        ("one", sealed.page_id, sealed.bound)
    ]
    stale = Holdings.of(change.balance, [replace(sealed, revision=9)])
    with pytest.raises(PagesMissing):
        stale.take(4, "points")
    taken, short = Holdings.of(change.balance, [sealed]).take(4, "points")
    assert [(x.lot_id, points) for x, points in taken] == [("a00", 2), ("a01", 2)]
    assert short == 0


def test_a_hundred_dates_of_expiry_are_told_and_the_rest_is_one_sum() -> None:
    here = Holdings.empty("one", START)
    for number in range(4 * LOTS):
        here, _ = given(here, f"a{number:03d}", 2, ends=number + 10)
        here, _ = given(here, f"n{number:03d}", 1)
    change = here.commit()
    ending = [p for p in change.put if p.page_id != "open" and p.bound != "never"]
    soonest = sorted(ending, key=lambda p: p.bound)
    *dates, later = expiring(Holdings.of(change.balance, change.put))
    assert [(found.points, found.later) for found in dates] == [(2, None)] * 100
    assert (later.points, later.expires_at, later.later) == (8 * LOTS - 200, None, True)
    # Two pages know a hundred dates and more, and the directory the sums of the others; what never
    # expires does not matter.
    read = [p for p in change.put if p.page_id == "open"] + soonest[:2]
    assert expiring(Holdings.of(change.balance, read)) == (*dates, later)
    for less in ([], read[:-1], read[:-2]):
        with pytest.raises(PagesMissing) as need:
            expiring(Holdings.of(change.balance, less))
        assert all(entry.bound != "never" for entry in need.value.pages)
    # With the clock: each date that has passed makes room for one that was in the sum.
    *dates, later = expiring(Holdings.of(change.balance, change.put).settled(at(30)))
    assert len(dates) == 100
    assert dates[0].expires_at == at(31)
    assert later.points == 2 * (4 * LOTS - 21 - 100)


# ---------------------------------------------------------------- sizes


def stored_size(record: Any) -> int:
    return item_size(encode(record))


def long_lot(number: int) -> Lot:
    name = f"lot_{number:026d}"
    terms = LotTerms(name, 10**6, at(0), at(number + 1), "v" * 64, 10**6)
    repaid = tuple(Repayment(at(1), "cust_" + "0" * 26, 10**6, 10**5) for _ in range(2))
    return Lot(terms, 10**6, repaid)


def test_no_item_comes_near_its_bound() -> None:
    lots = [long_lot(number) for number in range(LOTS)]
    page = LotPage(
        owner="cust_" + "0" * 26, page_id="p1", bound=moment_text(at(99)), revision=9, lots=(*lots,)
    )
    assert stored_size(page) < 64 * KIB
    known = replace(
        described("p100000", 10**6, lots, at(0)),
        owner="cust_" + "0" * 26,
        pending=10**9,
        matures_at=at(1),
        matured_at=at(2),
    )
    absorbed = tuple(Absorbed(f"cust_{n:026d}", f"cust_{n:026d}", 10**6) for n in range(25))
    balance = replace(
        Holdings.empty("cust_" + "0" * 26, START).balance,
        pages=(known,) * ENTRIES,
        absorbed=absorbed,
    )
    assert stored_size(balance) < 64 * KIB
    allocations = tuple(Allocation(f"lot_{n:026d}", -(10**6)) for n in range(LOTS_AT_ONCE))
    refs = tuple({"kind": "k" * 64, "id": "i" * 128} for _ in range(20))
    widest = entry("redeem", -1, START, allocations=allocations, reason="r" * 1000)
    assert stored_size(replace(widest, source_refs=refs)) < 64 * KIB


# ---------------------------------------------------------------- the chain


def test_the_hash_covers_what_settles_the_balance_and_not_what_people_wrote() -> None:
    here, made = given(Holdings.empty("one", START), "a", 5)
    assert made.hash == digest(made) == here.balance.last_hash
    erased = replace(made, reason=None, reason_code=None, source_refs=())
    assert digest(erased) == made.hash
    changed = {
        "points": 6,
        "allocations": (Allocation("b", 5),),
        "effective_at": at(1),
        "actor": "someone",
        "order_ref": "X",
        "opens": None,
        "previous_hash": "1" * 64,
    }
    for name, value in changed.items():
        assert digest(replace(made, **{name: value})) != made.hash, name
    assert content(made).startswith('{"actor":null,"allocations":[["a",5,false]]')


def test_allocations_beyond_what_an_entry_names_are_one_sum() -> None:
    many = [Allocation(f"l{n}", 2) for n in range(1500)]
    short = named(many)
    assert len(short) == 1024
    assert short[-1] == Allocation(OTHERS, 954)
    assert sum(a.points for a in short) == 3000


# ---------------------------------------------------------------- merge, forfeit, checkpoint


def two_sides() -> tuple[Holdings, Holdings, dict[str, list[LedgerEntry]]]:
    """A target in debt, and a source with lots in many pages."""
    entries: dict[str, list[LedgerEntry]] = {"one": [], "two": []}
    target, source = Holdings.empty("one", START), Holdings.empty("two", START)
    target, made = target.post(entry("adjust", -40, START, allocations=(Allocation(DEBT, -40),)))
    entries["one"].append(made)
    for number in range(200):
        source, made = given(source, f"s{number:03d}", 3, ends=number + 10)
        entries["two"].append(made)
    stored = source.commit()
    return target, Holdings.of(stored.balance, stored.put), entries


def test_a_merge_moves_lots_with_their_ids_and_pays_the_debts_of_either_side() -> None:
    target, source, entries = two_sides()
    now = at(1)
    target, source = target.settled(now), source.settled(now)
    gone, out = left(source, entry("merge_out", 0, now, "two", counterpart_guid="one"))
    here, into = joined(target, source, entry("merge_in", 0, now))
    assert (out.points, into.points) == (-600, 600)
    assert into.balanced
    assert out.balanced
    assert gone.totals().available_points == 0
    assert (here.totals().available_points, here.totals().debt_points) == (560, 0)
    change = here.commit()
    assert {e.owner for e in change.balance.pages} == {"two"}
    assert change.balance.absorbed == (Absorbed("two", "one", 2),)
    theirs = Replay("two").run([*entries["two"], out])
    replay = Replay("one", {"two": theirs}).run([*entries["one"], into])
    assert (replay.broken, replay.divergence) == (None, None)
    assert replay.open_lots == {x.lot_id: x for x in here.loaded()}
    assert theirs.totals.available_points == 0


def test_a_merge_reads_no_page_of_the_source_to_move_it() -> None:
    _, source, _ = two_sides()
    target = Holdings.empty("one", START)
    unread = Holdings.of(source.balance)
    here, into = joined(target, unread, entry("merge_in", 0, START))
    assert into.allocations == (Allocation(OTHERS, 600),)
    change = here.commit()
    assert (change.put, change.drop) == ((), ())
    with pytest.raises(PagesMissing) as need:
        Holdings.of(change.balance).take(9, "points")
    read = [source.stored[e.owner or "", e.page_id] for e in need.value.pages]
    taken, short = Holdings.of(change.balance, read).take(9, "points")
    assert [x.lot_id for x, _ in taken] == ["s000", "s001", "s002"]
    assert short == 0


def test_a_forfeit_leaves_nothing() -> None:
    _, source, entries = two_sides()
    gone, made = left(source, entry("forfeit", 0, START, "two"))
    assert made.points == -600
    replay = Replay("two").run([*entries["two"], made])
    assert replay.totals == gone.totals()
    assert replay.open_lots == {}


def test_a_replay_from_a_checkpoint_ends_where_one_from_the_start_does() -> None:
    _, _, entries = two_sides()
    whole = Replay("two").run(entries["two"])
    for cut in (1, 77, 199):
        early = Replay("two").run(entries["two"][:cut]).checkpoint()
        assert isinstance(early, Checkpoint)
        late = Replay.resumed(early).run(entries["two"][cut:])
        assert late.checkpoint() == whole.checkpoint()
        assert late.entries_read == 200 - cut
        assert late.broken is None


def test_a_replay_names_the_first_entry_that_does_not_follow() -> None:
    _, _, entries = two_sides()
    ledger = entries["two"]
    spoilt = [*ledger[:9], replace(ledger[9], points=99), *ledger[10:]]
    replay = Replay("two").run(spoilt)
    assert replay.divergence is not None
    assert replay.divergence.loyalty_txn_id == ledger[9].loyalty_txn_id
    assert replay.broken == "entry 10 is not what its hash was made of"
    swapped = [*ledger[:5], ledger[6], ledger[5], *ledger[7:]]
    assert "missing" in str(Replay("two").run(swapped).broken)
    forked = [*ledger[:5], replace(ledger[5], previous_hash="f" * 64)]
    assert "does not name" in str(Replay("two").run(forked).broken)

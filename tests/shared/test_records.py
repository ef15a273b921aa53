"""What a decision knows of the table: what was read, what was not, and in which trip."""

from __future__ import annotations

import pytest

from shared.codec import Item, item_wire
from shared.ledger import OPEN, LotPage
from shared.records import Get, Query, Records, Unread
from shared.writes import CurrentItem


def page(bound: str, revision: int = 1) -> LotPage:
    return LotPage(owner="c", page_id=bound, bound=bound, revision=revision)


def wire(found: LotPage) -> dict[str, object]:
    return item_wire(Item(("P", found.bound), found), "change", [])


ALL = Query("P", "a", "z", LotPage)


def at(bound: str) -> Get[LotPage]:
    return Get(("P", bound), LotPage)


def test_not_read_and_not_there_are_two_things() -> None:
    records = Records({("P", "a"): None})
    assert records.get(at("a")) is None
    assert records.is_absent(at("a"))
    for ask in (lambda: records.get(at("b")), lambda: records.all(ALL)):
        with pytest.raises(Unread):
            ask()
    with pytest.raises(Unread) as missing:
        records.ensure(at("a"), at("b"), ALL)
    assert missing.value.reads == (at("b"), ALL)


def test_a_trip_is_later_than_what_was_read_before_it_and_so_is_what_a_failed_write_brings() -> (
    None
):
    records = Records({("P", OPEN): wire(page(OPEN))}, {ALL: [wire(page("b"))]})
    assert records.trip_of(at(OPEN)) == records.trip_of(ALL)
    records.add(Records({}, {ALL: [wire(page("b")), wire(page("c"))]}))
    assert records.trip_of(at(OPEN)) < records.trip_of(ALL)
    records.learn(("P", OPEN), CurrentItem(wire(page(OPEN, 2))))
    assert records.trip_of(ALL) < records.trip_of(at(OPEN))
    assert [found.bound for found in records.all(ALL)] == ["b", "c", OPEN]
    with pytest.raises(Unread):
        records.trip_of(at("unread"))

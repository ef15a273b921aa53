"""The entries of one record: which there should be, which there may be, and the difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from shared.codec import KIND, Item, Wire, item_wire
from shared.errors import Unavailable
from shared.keys import PARTITION, SORT, Key, of_org
from shared.records import Get
from shared.search import SEARCHED, VERSION, SearchEntryRecord, tokens
from shared.settings import settings
from shared.table import Table

TRIES = 3
BATCH = 25
_HIDDEN = frozenset({"merged", "anonymized"})
"""Statuses under which a customer is found by nobody."""


@dataclass(frozen=True, slots=True)
class Searched:
    """A record that is searched: its kind, org and key, and the id that its entries point to."""

    kind: str
    orgcode: str
    key: Key
    owner: str


def searched(record: dict[str, Any]) -> tuple[Searched, set[str]] | None:
    """The record of a stream record, with every token that it has or had; None for other kinds."""
    images = record["dynamodb"]
    wires = [images[name] for name in ("NewImage", "OldImage") if images.get(name)]
    kind = wires[0].get(KIND, {}).get("S") if wires else None
    if kind not in SEARCHED:
        return None
    pk, sk = wires[0][PARTITION]["S"], wires[0][SORT]["S"]
    _, orgcode, _, owner = pk.split("#")
    found = {token for wire in wires for token in _tokens(str(kind), wire)}
    return Searched(str(kind), orgcode, (pk, sk), owner), found


def keep(place: Searched, known: set[str]) -> None:
    """Makes the entries those of the live record; what is known of it beside them goes. Safe to do
    again, and while others do it."""
    table = Table()
    for _ in range(TRIES):
        wanted = _live(table, place)
        _write(table, place, wanted, known - wanted)
        if _live(table, place) == wanted:
            return
        known |= wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raw:
    """Any record, as its wire: only the codec's names are needed, not its class."""

    KIND: ClassVar[str] = "raw"


def _live(table: Table, place: Searched) -> set[str]:
    want: Get[Any] = Get(place.key, _Raw)
    wire = table.load([want]).wire(want)
    return set() if wire is None else set(_tokens(place.kind, wire))


def _tokens(kind: str, wire: Wire) -> list[str]:
    if wire.get("status", {}).get("S") in _HIDDEN:
        return []
    record = {
        name: value["S"] if "S" in value else [v["S"] for v in value["L"] if "S" in v]
        for name, value in wire.items()
        if "S" in value or "L" in value
    }
    return tokens(kind, record)


def _write(table: Table, place: Searched, wanted: set[str], gone: set[str]) -> None:
    keys = of_org(place.orgcode)
    requests: list[dict[str, Any]] = []
    for token in sorted(wanted):
        key = keys.search_entry(f"{place.kind} {token}", place.owner)
        item = Item(key, SearchEntryRecord(owner=place.owner, version=VERSION))
        requests.append({"PutRequest": {"Item": item_wire(item, "search", [])}})
    for token in sorted(gone):
        pk, sk = keys.search_entry(f"{place.kind} {token}", place.owner)
        requests.append({"DeleteRequest": {"Key": {PARTITION: {"S": pk}, SORT: {"S": sk}}}})
    while requests:
        answer = table.ask(
            "batch_write_item", RequestItems={settings().table_name: requests[:BATCH]}
        )
        left = answer.get("UnprocessedItems", {}).get(settings().table_name, [])
        requests = left + requests[BATCH:]
        if left and not table.retry_budget.may_retry_after_pause():
            # The stream brings the record again.
            raise Unavailable()

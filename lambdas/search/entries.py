"""The entries of one record, by which searches and duplicates find it: those it should have, those
it may have, and the difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.codec import KIND, Item, Wire, item_wire
from shared.keys import PARTITION, SORT, Key, of_org
from shared.records import AnyRecord, Get
from shared.search import (
    DEDUPED,
    SEARCHED,
    VERSION,
    SearchEntryRecord,
    signature,
    signed_tokens,
    tokens,
    trait_tokens,
    traits,
)
from shared.table import Table

TRIES = 3
_HIDDEN = frozenset({"merged", "anonymized"})
"""A customer with one of these statuses cannot be found by a search."""


@dataclass(frozen=True, slots=True)
class Searched:
    """A searched record: its kind, org and key, and the id that its entries have."""

    kind: str
    orgcode: str
    key: Key
    owner: str


def searched(record: dict[str, Any]) -> tuple[Searched, set[Key]] | None:
    """Returns the searched record of a stream record, with the entries of its old and its new
    image. Returns None for a kind that is not searched."""
    images = record["dynamodb"]
    wires = [images[name] for name in ("NewImage", "OldImage") if images.get(name)]
    kind = wires[0].get(KIND, {}).get("S") if wires else None
    if kind not in SEARCHED:
        return None
    pk, sk = wires[0][PARTITION]["S"], wires[0][SORT]["S"]
    _, orgcode, _, owner = pk.split("#")
    place = Searched(str(kind), orgcode, (pk, sk), owner)
    return place, {key for wire in wires for key in entries_of(place, wire)}


def keep(place: Searched, known: set[Key]) -> None:
    """Writes the entries of the current record, and removes other ``known`` ones. It may run again,
    and at the same time as another call for the same record."""
    table = Table()
    for _ in range(TRIES):
        current = _current_entries(table, place)
        # Where the table does not take them, the stream brings the record again later.
        table.write_batch(
            [entry_item(place, key, signed) for key, signed in sorted(current.items())],
            sorted(known - current.keys()),
        )
        # The record may have changed meanwhile, and its own call may have written before this one.
        if _current_entries(table, place) == current:
            return
        known |= current.keys()


def _current_entries(table: Table, place: Searched) -> dict[Key, str]:
    get: Get[Any] = Get(place.key, AnyRecord)
    wire = table.load([get]).wire(get)
    return {} if wire is None else entries_of(place, wire)


def entries_of(place: Searched, wire: Wire) -> dict[Key, str]:
    """Returns the keys of the entries of an item, each with its signature: those of its words, and
    for a customer those of its traits, which need no signature."""
    if wire.get("status", {}).get("S") in _HIDDEN:
        return {}
    record = {name: _plain(value) for name, value in wire.items()}
    keys, kind, owner = of_org(place.orgcode), place.kind, place.owner
    signed = signature(keys, kind, signed_tokens(kind, record))
    words = [keys.search_entry(f"{kind} {token}", owner) for token in tokens(kind, record)]
    found = dict.fromkeys(words, signed)
    if kind == DEDUPED:
        there = trait_tokens(traits(record))
        found |= {keys.dedupe_entry(token, owner): "" for token in there}
    return found


def _plain(value: Wire) -> Any:
    """Returns the texts of an attribute: one, a list of them, or a map."""
    if "L" in value:
        return [_plain(element) for element in value["L"]]
    if "M" in value:
        return {name: _plain(inner) for name, inner in value["M"].items()}
    return value.get("S")


def entry_item(place: Searched, key: Key, signed: str) -> Wire:
    """Returns an entry as it is written, with the signature of its record."""
    record = SearchEntryRecord(owner=place.owner, version=VERSION, signature=signed or None)
    return item_wire(Item(key, record), "search", [])

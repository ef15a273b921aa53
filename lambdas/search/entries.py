"""The search entries of one record: those it should have, those it may have, and the difference."""

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
"""The most requests that one ``BatchWriteItem`` accepts."""
_HIDDEN = frozenset({"merged", "anonymized"})
"""A customer with one of these statuses cannot be found by a search."""


@dataclass(frozen=True, slots=True)
class Searched:
    """A searched record: its kind, org and key, and the id that its entries have."""

    kind: str
    orgcode: str
    key: Key
    owner: str


def searched(record: dict[str, Any]) -> tuple[Searched, set[str]] | None:
    """Returns the searched record of a stream record, with the tokens of its old and its new image.
    Returns None for a kind that is not searched."""
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
    """Writes the entries of the current record, and removes those of other ``known`` tokens. It may
    run again, and at the same time as another call for the same record."""
    table = Table()
    for _ in range(TRIES):
        current = _current_tokens(table, place)
        _write(table, place, current, known - current)
        # The record may have changed meanwhile, and its own call may have written before this one.
        if _current_tokens(table, place) == current:
            return
        known |= current


@dataclass(frozen=True, slots=True, kw_only=True)
class _AnyRecord:
    """A record of any class. Only its item is used, so the class is not needed."""

    KIND: ClassVar[str] = "raw"


def _current_tokens(table: Table, place: Searched) -> set[str]:
    get: Get[Any] = Get(place.key, _AnyRecord)
    wire = table.load([get]).wire(get)
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


def _write(table: Table, place: Searched, current: set[str], gone: set[str]) -> None:
    keys = of_org(place.orgcode)
    requests: list[dict[str, Any]] = []
    for token in sorted(current):
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
            # The stream repeats the record later.
            raise Unavailable()

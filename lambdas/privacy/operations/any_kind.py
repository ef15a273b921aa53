"""Records of any kind: what an item is, and how it is written back when it was redacted."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from lambdas.kinds import KINDS
from shared.codec import KIND, Item, Wire, decode, key_of, shown
from shared.keys import INDEXES, TTL, VIEW
from shared.kinds import Kind

KIND_OF: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}


def kind_of(wire: Wire) -> Kind:
    """Returns the kind of an item. A kind that is not registered is a defect."""
    return KIND_OF[wire[KIND]["S"]]


def record_of(wire: Wire) -> Any:
    return decode(kind_of(wire).record, wire)


def rewritten(wire: Wire, after: Any, cut: Collection[str] = ()) -> Item[Any]:
    """Returns the item of a record that was redacted. It keeps its key, its end of life and its
    index entries, but no entry under a customer of ``cut``. What lists show of it is made anew. The
    events that it carried are published, and do not stay: their reason is what people wrote."""
    indexes: dict[str, str] = {}
    for index in INDEXES:
        partition = wire.get(index.partition, {}).get("S")
        if partition is not None and not any(guid in partition for guid in cut):
            indexes |= {name: wire[name]["S"] for name in (index.partition, index.sort)}
    view = None
    if VIEW in wire and indexes:
        whole = shown(after)
        view = {name: whole[name] for name in _view(wire) if name in whole}
    expires = None
    if TTL in wire:
        expires = datetime.fromtimestamp(int(wire[TTL]["N"]), UTC)
    return Item(key_of(wire), after, indexes=indexes, view=view, expires=expires)


def _view(wire: Wire) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(wire[VIEW]["S"])
    return found

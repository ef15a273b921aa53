"""Records in other partitions that belong to a customer: contacts, gift cards. A link in the
customer's partition leads to each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.privacy.operations import any_kind
from shared.codec import Wire, key_of
from shared.keys import Key, Keys
from shared.kinds import Kind
from shared.records import AnyRecord, Get, Query
from shared.table import Table

OWNER = "customer_guid"
"""The field that names the customer of a linked record."""


@dataclass(frozen=True, slots=True)
class LinkedItem:
    """A linked record: its item, its kind and the record."""

    wire: Wire
    kind: Kind
    record: Any

    @property
    def key(self) -> Key:
        return key_of(self.wire)

    @property
    def record_id(self) -> str:
        assert self.kind.named_by is not None, "a link leads to a kind that is named"
        return str(getattr(self.record, self.kind.named_by))


def linked_items(
    keys: Keys, table: Table, wires: Sequence[Wire], owners: Sequence[str]
) -> list[LinkedItem]:
    """Returns the records that the links among these items lead to, as far as they still belong to
    one of the owners. They are read in one trip."""
    places = [
        kind.leads_to(keys, any_kind.record_of(wire))
        for wire in wires
        if (kind := any_kind.kind_of(wire)).leads_to is not None
    ]
    if not places:
        return []
    gets: list[Get[Any]] = [Get(place, AnyRecord) for place in dict.fromkeys(places)]
    records = table.load(gets)
    found = (wire for get in gets if (wire := records.wire(get)) is not None)
    return [
        LinkedItem(wire, any_kind.kind_of(wire), any_kind.record_of(wire))
        for wire in found
        if wire.get(OWNER, {}).get("S") in owners
    ]


def kept_answers(keys: Keys, table: Table, linked: Sequence[LinkedItem]) -> list[list[Wire]]:
    """Returns the answers about each linked record that are kept for replays, in one trip."""
    queries: list[Query[Any]] = [
        Query(*keys.kept_answers(item.key[0], item.record_id), AnyRecord, None) for item in linked
    ]
    return table.load(queries).wires(queries) if queries else []

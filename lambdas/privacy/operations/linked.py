"""Records in other partitions that belong to a customer, or are about a record of one: contacts,
cards, certificates, warranties, notifications. A link beside the customer's records, or beside what
is said about a record, leads to each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.privacy.operations import any_kind
from shared.codec import Wire, key_of
from shared.keys import Key, KeyRange, Keys
from shared.kinds import Kind
from shared.records import AnyRecord, Get, Query
from shared.table import Table

OWNERS = ("customer_guid", "customer_id")
"""The fields that may name the customer of a linked record."""


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

    def answers(self, keys: Keys) -> KeyRange:
        """Returns where the answers about the record lie that are kept for replays."""
        name, hashed = self.record_id, self.kind.named_in_keys
        return keys.kept_answers(self.key[0], name if hashed is None else hashed(keys, name))


def item_of(wire: Wire) -> LinkedItem:
    return LinkedItem(wire, any_kind.kind_of(wire), any_kind.record_of(wire))


def linked_items(
    keys: Keys, table: Table, wires: Sequence[Wire], owners: Sequence[str] | None
) -> list[LinkedItem]:
    """Returns the records that the links among these items lead to, as far as they still belong to
    one of the owners (None: to whomever). They are read in one trip."""
    places = [
        kind.leads_to(keys, any_kind.record_of(wire))
        for wire in wires
        if (kind := any_kind.kind_of(wire)).leads_to is not None
    ]
    return [item for item in items_at(table, places) if owners is None or _owner(item) in owners]


def items_at(table: Table, places: Sequence[Key]) -> list[LinkedItem]:
    """Returns the records of these keys that are there, in one trip."""
    if not places:
        return []
    gets: list[Get[Any]] = [Get(place, AnyRecord) for place in dict.fromkeys(places)]
    records = table.load(gets)
    return [item_of(wire) for get in gets if (wire := records.wire(get)) is not None]


def _owner(item: LinkedItem) -> str | None:
    named = (item.wire[name]["S"] for name in OWNERS if name in item.wire)
    return next(named, None)


def kept_answers(keys: Keys, table: Table, linked: Sequence[LinkedItem]) -> list[list[Wire]]:
    """Returns the answers about each linked record that are kept for replays, in one trip."""
    queries: list[Query[Any]] = [Query(*item.answers(keys), AnyRecord, None) for item in linked]
    return table.load(queries).wires(queries) if queries else []

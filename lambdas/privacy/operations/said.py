"""What is said about a record: the comments on it, the notifications about it, and what is said
about those in turn. It goes where the record goes.

Everything about one record lies in one partition, which its type and id name. A comment may have
comments itself, and so may a notification; most have none, so one trip asks for all of a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lambdas.privacy.operations.linked import LinkedItem, item_of, linked_items
from shared.codec import Wire
from shared.keys import LAST, Keys
from shared.paging import Listing, page
from shared.records import AnyRecord, Query
from shared.table import Table
from shared.targets import normal_id

PAGE = 100
"""How many records are read at once."""


@dataclass(frozen=True, slots=True)
class Target:
    """A record that something may be said about."""

    target_type: str
    target_id: str

    def partition(self, keys: Keys) -> str:
        return keys.target(self.target_type, self.target_id)


@dataclass(frozen=True, slots=True)
class Said:
    """A page of what is said about a record: the items themselves, and the notifications that the
    links among them lead to."""

    wires: Sequence[Wire]
    linked: Sequence[LinkedItem]

    @property
    def items(self) -> list[LinkedItem]:
        return [*(item_of(wire) for wire in self.wires), *self.linked]


def target_of(item: LinkedItem) -> Target | None:
    """Returns the target that an item is, or None."""
    if item.kind.target is None:
        return None
    return Target(item.kind.target, normal_id(item.kind.target, item.record_id))


def spoken_of(keys: Keys, table: Table, items: Iterable[LinkedItem]) -> list[Target]:
    """Returns the targets among these items about which something is said, in one trip."""
    found = [target for item in items if (target := target_of(item)) is not None]
    targets = list(dict.fromkeys(found))
    queries = [Query(one.partition(keys), " ", LAST, AnyRecord, 1) for one in targets]
    if not queries:
        return []
    there = table.load(queries).wires(queries)
    return [target for target, wires in zip(targets, there, strict=True) if wires]


def pages(keys: Keys, table: Table, target: Target) -> Iterator[Said]:
    """Yields what is said about a record, page by page."""
    after: str | None = None
    while True:
        wires, after = said_after(keys, table, target, after, PAGE)
        yield Said(wires, linked_items(keys, table, wires, None))
        if after is None:
            return


def said_after(
    keys: Keys, table: Table, target: Target, after: str | None, many: int
) -> tuple[list[Wire], str | None]:
    """Returns the next items of a target's partition, and the last sort key (None: no more)."""
    listing = Listing((target.partition(keys),), newest_first=False)
    return page(table, listing, many, after, lambda wire: wire)

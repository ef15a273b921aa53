"""The walk of an export: a customer's own records, each with the record that it leads to, and with
what is said about the two. A page may end anywhere in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lambdas.privacy.operations.linked import LinkedItem, item_of, kept_answers, linked_items
from lambdas.privacy.operations.said import Target, said_after, spoken_of, target_of
from lambdas.privacy.rules.redaction import scrubbed
from shared.codec import Wire, key_of, shown
from shared.keys import STATE, Keys
from shared.paging import Listing, page
from shared.records import AnyRecord, Get
from shared.table import Table


def exported(
    keys: Keys, table: Table, owners: Sequence[str], limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Returns a page of records as a person can read them, and the cursor of the next one: the
    number of the owner, the last sort key, and how far what is said about that record was shown.
    """
    walk = _Walk(keys, table, owners, limit)
    number, after, said = _place(cursor)
    if said is not None:
        left = walk.rest_of(owners[number], after, said)
        if left is not None:
            return walk.found, f"{number} {after}\n{left}"
    while number < len(owners):
        if walk.room <= 0:
            return walk.found, f"{number} {after}"
        reached, left = walk.own(owners[number], after)
        if left is not None:
            return walk.found, f"{number} {reached}\n{left}"
        number, after = (number + 1, STATE) if reached is None else (number, reached)
    return walk.found, None


def _place(cursor: str | None) -> tuple[int, str, str | None]:
    number, _, rest = (cursor or f"0 {STATE}").partition(" ")
    after, more, said = rest.partition("\n")
    return int(number), after, said if more else None


@dataclass(slots=True)
class _Walk:
    """A page in the making."""

    keys: Keys
    table: Table
    owners: Sequence[str]
    limit: int
    found: list[dict[str, Any]] = field(default_factory=list)

    @property
    def room(self) -> int:
        return self.limit - len(self.found)

    def own(self, owner: str, after: str) -> tuple[str | None, str | None]:
        """Shows an owner's records after a sort key. Returns the last sort key (None: no more), and
        how far what is said about that record was shown (None: to its end)."""
        partition = self.keys.customer_state(owner)[0]
        listing = Listing((partition,), newest_first=False)
        wires, reached = page(self.table, listing, self.room, after, lambda wire: wire)
        linked = self._linked(wires)
        spoken = spoken_of(self.keys, self.table, [*map(item_of, wires), *linked.values()])
        for wire in wires:
            target = self._shown(item_of(wire), linked)
            if target in spoken:
                left = self._said(target, None)
                if left is not None:
                    return key_of(wire)[1], left
        return reached, None

    def rest_of(self, owner: str, sort: str, said: str) -> str | None:
        """Shows the rest of what is said about one record. Returns how far it came (None: to the
        end)."""
        place = Get((self.keys.customer_state(owner)[0], sort), AnyRecord)
        wire = self.table.load([place]).wire(place)
        if wire is None:
            return None
        target = self._target(item_of(wire), self._linked([wire]))
        return None if target is None else self._said(target, said or None)

    def _linked(self, wires: Sequence[Wire]) -> dict[tuple[str, str], LinkedItem]:
        found = linked_items(self.keys, self.table, wires, self.owners)
        return {item.key: item for item in found}

    def _leads_to(
        self, item: LinkedItem, linked: dict[tuple[str, str], LinkedItem]
    ) -> LinkedItem | None:
        if item.kind.leads_to is None:
            return None
        return linked.get(item.kind.leads_to(self.keys, item.record))

    def _target(self, item: LinkedItem, linked: dict[tuple[str, str], LinkedItem]) -> Target | None:
        """Returns what something may be said about: the record, or that to which it leads."""
        other = self._leads_to(item, linked)
        return target_of(item if other is None else other)

    def _shown(self, item: LinkedItem, linked: dict[tuple[str, str], LinkedItem]) -> Target | None:
        """Shows a record, the one that it leads to and the kept answers about that. Returns the
        target that they are."""
        self.found.append(_readable(item))
        other = self._leads_to(item, linked)
        if other is not None:
            self.found.append(_readable(other))
            for wires in kept_answers(self.keys, self.table, [other]):
                self.found += [_readable(item_of(wire)) for wire in wires]
        return self._target(item, linked)

    def _said(self, target: Target, after: str | None) -> str | None:
        """Shows what is said about a record. Returns how far it came; None: to the end."""
        while self.room > 0:
            wires, reached = said_after(self.keys, self.table, target, after, self.room)
            items = [item_of(wire) for wire in wires]
            linked = {i.key: i for i in linked_items(self.keys, self.table, wires, None)}
            for item in items:
                self._shown(item, linked)
            # Few say something about a comment; what they say is shown with it.
            for inner in spoken_of(self.keys, self.table, [*items, *linked.values()]):
                self._all_said(inner)
            if reached is None:
                return None
            after = reached
        return after or ""

    def _all_said(self, target: Target) -> None:
        after: str | None = None
        while True:
            wires, after = said_after(self.keys, self.table, target, after, self.limit)
            self.found += [_readable(item_of(wire)) for wire in wires]
            if after is None:
                return


def _readable(item: LinkedItem) -> dict[str, Any]:
    return {"kind": item.kind.name, "record": scrubbed(shown(item.record), item.kind.hidden)}

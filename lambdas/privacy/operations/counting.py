"""The inventory of an erasure: how many records of each kind there are, and what becomes of them.

A deletion fences what it counts, so that the number cannot change before the records go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lambdas.privacy.operations import keeping
from lambdas.privacy.operations.linked import LinkedItem, item_of, linked_items
from lambdas.privacy.operations.removing import Removing
from lambdas.privacy.operations.said import Target, pages, spoken_of
from lambdas.privacy.rules.receipt import counted_as
from shared.codec import Wire
from shared.kinds import Erasure


@dataclass(frozen=True, slots=True)
class Counting:
    """Counts records. ``fenced_by``: the deletion that fences them; None for a dry run."""

    removing: Removing
    fenced_by: str | None

    def of_page(self, wires: Sequence[Wire]) -> Counter[str]:
        """Returns the counts of a page of a customer's records, with the linked ones and with what
        is said about all of them."""
        worker = self.removing.worker
        linked = linked_items(worker.keys, worker.table, wires, self.removing.owners)
        self._fence([item for item in linked if item.kind.erasure == "delete"])
        own = [item_of(wire) for wire in wires]
        found = self._counted([*own, *linked])
        for items, fate in ((own, None), *(([item], _fate_below(item)) for item in linked)):
            for target in spoken_of(worker.keys, worker.table, items):
                found += self._said(target, fate)
        return found

    def _said(self, target: Target, fate: Erasure | None) -> Counter[str]:
        worker, found = self.removing.worker, Counter[str]()
        for said in pages(worker.keys, worker.table, target):
            if fate is None:
                self._fence(said.items)
            found += self._counted(said.items, fate)
            # What was said before they were fenced counts too, so this is asked only now.
            for inner in spoken_of(worker.keys, worker.table, said.items):
                found += self._said(inner, fate)
        return found

    def _fence(self, items: Sequence[LinkedItem]) -> None:
        if self.fenced_by is not None:
            self.removing.fence(items, self.fenced_by)

    def _counted(self, items: Sequence[LinkedItem], fate: Erasure | None = None) -> Counter[str]:
        return Counter(self._counted_as(item, fate) for item in items)

    def _counted_as(self, item: LinkedItem, fate: Erasure | None) -> str:
        removing = self.removing
        is_removed = (fate or item.kind.erasure) == "delete"
        if is_removed and keeping.kept_until(
            item.kind, item.record, removing.minimum_days, removing.since
        ):
            fate = "keep"
        return counted_as(item.kind, fate)


def _fate_below(item: LinkedItem) -> Erasure | None:
    """Returns what becomes of what is said about a linked record; None: it goes with the record."""
    return None if item.kind.erasure == "delete" else "redact"

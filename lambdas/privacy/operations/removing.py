"""Records that are removed for good: with what is said about them, with their guards in other
partitions and the answers about them. What a law wants for a time is kept without the person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from lambdas.privacy import storage
from lambdas.privacy.operations import guards, keeping
from lambdas.privacy.operations.linked import LinkedItem, item_of, items_at, kept_answers
from lambdas.privacy.operations.said import Target, pages, spoken_of
from lambdas.privacy.operations.units import Unit, written
from lambdas.privacy.operations.worker import Worker
from shared.codec import Wire, key_of
from shared.errors import Busy
from shared.keys import Key
from shared.records import AnyRecord, Query
from shared.targets import NOT_FENCED
from shared.writes import Condition, Delete, Put, Touch, at_revision

THERE = Condition("attribute_exists(pk)")
"""Another worker on the job may have removed the record. Then it must not come back."""
FENCE = "fenced_by"


@dataclass(frozen=True, slots=True)
class Removing:
    """Removes records. ``owners``: the customers whom what is kept must not name. ``minimum_days``:
    the legal minimum by kind, as the policy had it at ``since``, when the removal began."""

    worker: Worker
    owners: Sequence[str]
    since: datetime
    minimum_days: Mapping[str, int] = field(default_factory=dict)

    def fence(self, items: Sequence[LinkedItem], by: str) -> None:
        """Fences the records among these that can be fenced, so that nothing more is written to
        them or said about them. Somebody may change one meanwhile: then it is read again."""
        left = [item for item in items if item.kind.target is not None]
        while left := [item for item in left if FENCE not in item.wire]:
            late = self._written([(fencing(item, by),) for item in left])
            if late and not self.worker.table.retry_budget.may_retry_after_pause(conflict=True):
                raise Busy()
            left = items_at(self.worker.table, list(late))

    def said(self, target: Target) -> None:
        """Removes everything that is said about a record."""
        for said in pages(self.worker.keys, self.worker.table, target):
            for inner in spoken_of(self.worker.keys, self.worker.table, said.items):
                self.said(inner)
            self.whole(said.linked)
            self.beside(said.items)
            self.gone(said.wires)

    def whole(self, items: Sequence[LinkedItem]) -> None:
        """Removes records that have a partition of their own, with all that belongs to them. Each
        one goes last of all: whoever goes on with the work finds the rest by it."""
        keys, table = self.worker.keys, self.worker.table
        for target in spoken_of(keys, table, items):
            self.said(target)
        self.beside(items)
        for answers in kept_answers(keys, table, items):
            self.gone(answers)
        self.gone([item.wire for item in items])

    def with_links(self, item: LinkedItem) -> None:
        """Removes a record, and the links that lead to it. They go first: who goes on with the work
        finds the record by its list."""
        keys = self.worker.keys
        links = [] if item.kind.links is None else item.kind.links(keys, item.record)
        self.worker.table.write_batch([], links)
        for places in () if item.kind.parts is None else item.kind.parts(keys, item.record):
            found = Query(*places, AnyRecord, None)
            self.gone(self.worker.table.load([found]).wires([found])[0])
        if item.kind.named_by is not None:
            self.whole([item])
        else:
            self.gone([item.wire])

    def beside(self, items: Sequence[LinkedItem]) -> None:
        """Removes the guards and look-ups of these records in other partitions."""
        guards.give_up(self.worker, items, lambda kind: kind.beside)

    def gone(self, wires: Sequence[Wire]) -> None:
        """Removes items, and keeps those without the person for which there is a legal minimum."""
        if not self.minimum_days:
            self.worker.table.write_batch([], [key_of(wire) for wire in wires])
            return
        units: list[Unit] = []
        free: list[Key] = []
        for wire in wires:
            item = item_of(wire)
            until = keeping.kept_until(item.kind, item.record, self.minimum_days, self.since)
            if until is None:
                free.append(key_of(wire))
                continue
            kept = keeping.without_person(item.kind, item.record, self.owners, until)
            place = storage.kept_item(self.worker.keys, kept, self.worker.new_id())
            units.append((Put(place), Delete(item.key, THERE)))
        self._written(units)
        self.worker.table.write_batch([], free)

    def _written(self, units: Sequence[Unit]) -> set[Key]:
        return written(self.worker.table, self.worker.new_id, units)


def fencing(item: LinkedItem, by: str) -> Touch:
    """Returns the write that fences a record, if nobody has changed or fenced it."""
    revision = item.record.revision
    values = {FENCE: {"S": by}, "revision": {"N": str(revision + 1)}}
    same = at_revision(revision)
    both = Condition(f"{same.expression} AND {NOT_FENCED.expression}", same.names, same.values)
    return Touch(item.key, values, both)

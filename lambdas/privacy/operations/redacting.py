"""Records that stay without what is personal: a customer's own, those elsewhere, and what is said
about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.kinds import KINDS
from lambdas.privacy.operations import any_kind, guards
from lambdas.privacy.operations.linked import LinkedItem, item_of, items_at, kept_answers
from lambdas.privacy.operations.removing import THERE
from lambdas.privacy.operations.said import Target, pages, spoken_of
from lambdas.privacy.operations.units import Unit, written
from lambdas.privacy.operations.worker import Worker
from lambdas.privacy.rules import erasing as rules
from shared.codec import EVENTS, Item, Wire, decode, shown
from shared.errors import Busy
from shared.idempotency import SnapshotRecord
from shared.keys import Key
from shared.writes import Delete, Put, at_revision

PERSONAL = rules.personal_names(KINDS)


@dataclass(frozen=True, slots=True)
class Redacting:
    """Takes away what is personal in records. ``owners``: the customers who are forgotten."""

    worker: Worker
    owners: Sequence[str]

    def new_text(self) -> str:
        return f"redacted-{self.worker.new_id()[-10:].lower()}"

    # ---------------------------------------------------------------- a customer's own records

    def own(self, wires: Sequence[Wire], told: dict[str, Any]) -> None:
        """Redacts a page of a customer's own records. ``told``: what kept answers say now."""
        units = [self._own_unit(item_of(wire), told) for wire in wires]
        self._written([unit for unit in units if unit])

    def _own_unit(self, item: LinkedItem, told: dict[str, Any]) -> Unit:
        kind, record = item.kind, item.record
        if kind.anonymization == "delete":
            return (Delete(item.key),)
        after = self._anonymized(item, told)
        if kind.rekeyed is not None:
            # The key was derived from a contact point.
            new_key = kind.rekeyed(self.worker.keys, record, self.worker.new_id())
            return (Delete(item.key, THERE), Put(Item(new_key, after)))
        if after == record and EVENTS not in item.wire:
            return ()
        return (Put(self._placed(item, after), condition=THERE),)

    def _anonymized(self, item: LinkedItem, told: dict[str, Any]) -> Any:
        if isinstance(item.record, SnapshotRecord):
            return _answer_without_personal(item.record, told)
        return rules.anonymized(item.kind, item.record, self.new_text, self.worker.now)

    def _placed(self, item: LinkedItem, after: Any, cut: Sequence[str] = ()) -> Item[Any]:
        if item.kind.item is not None:
            return item.kind.item(self.worker.keys, after)
        return any_kind.rewritten(item.wire, after, cut)

    # ---------------------------------------------------------------- records elsewhere

    def anonymize(self, read: Callable[[], list[LinkedItem]]) -> None:
        """Redacts the records that ``read`` returns, and removes the guards that their personal
        values are found by."""
        guards.give_up(self.worker, read(), lambda kind: kind.personal_keys)
        self.rewrite(
            read, lambda i: rules.anonymized(i.kind, i.record, self.new_text, self.worker.now)
        )

    def cut_off(self, read: Callable[[], list[LinkedItem]]) -> None:
        """Cuts the records that ``read`` returns off from the customer, and redacts them."""
        self.rewrite(
            read,
            lambda item: rules.ended(item.kind, item.record, self.new_text, self.worker.now),
            cut=self.owners,
            names=PERSONAL | {"customer_guid", "customer_id"},
        )

    def forget(self, places: Sequence[Key]) -> None:
        """Removes every mention of the customer from the records of these keys."""

        def without(item: LinkedItem) -> Any:
            assert item.kind.forgets is not None, "only such a record is mentioned in"
            return rules.revised(
                item.record, item.kind.forgets(item.record, self.owners), self.worker.now
            )

        self.rewrite(lambda: items_at(self.worker.table, places), without)

    def said(self, target: Target) -> None:
        """Redacts everything that is said about a record."""
        worker = self.worker
        for said in pages(worker.keys, worker.table, target):
            # The kept answers come with the record that they are about.
            items = [item for item in said.items if not isinstance(item.record, SnapshotRecord)]
            places = [item.key for item in items]

            def read(places: Sequence[Key] = places) -> list[LinkedItem]:
                return items_at(worker.table, places)

            self.anonymize(read)
            for inner in spoken_of(worker.keys, worker.table, items):
                self.said(inner)

    def rewrite(
        self,
        read: Callable[[], list[LinkedItem]],
        change: Callable[[LinkedItem], Any],
        *,
        cut: Sequence[str] = (),
        names: frozenset[str] = PERSONAL,
    ) -> None:
        """Writes the records that ``read`` returns as ``change`` leaves them, and the kept answers
        about them. Such a record is not fenced: where somebody has changed it meanwhile, it is read
        and written again."""
        worker, items = self.worker, read()
        while items:
            named = [item for item in items if item.kind.named_by is not None]
            answers = kept_answers(worker.keys, worker.table, named)
            kept = dict(zip((item.key for item in named), answers, strict=True))
            units: list[Unit] = []
            for item in items:
                units += self._units(item, kept.get(item.key, ()), change(item), cut, names)
            late = self._written(units)
            if not late:
                return
            if not worker.table.retry_budget.may_retry_after_pause(conflict=True):
                raise Busy()
            items = [item for item in read() if item.key in late]

    def _units(
        self,
        item: LinkedItem,
        kept: Sequence[Wire],
        after: Any,
        cut: Sequence[str],
        names: frozenset[str],
    ) -> list[Unit]:
        """Returns the writes of a record and of the kept answers about it. The record comes last:
        once it is cut off, nobody would find the answers."""
        told = {item.record.KIND.rpartition("_")[2]: shown(after, without=("fenced_by",))}
        units: list[Unit] = []
        for wire in kept:
            told_again = _answer_without_personal(decode(SnapshotRecord, wire), told, names)
            units.append((Put(any_kind.rewritten(wire, told_again), condition=THERE),))
        if after != item.record or EVENTS in item.wire:
            revision = getattr(item.record, "revision", None)
            same = THERE if revision is None else at_revision(revision)
            units.append((Put(self._placed(item, after, cut), condition=same),))
        return units

    def _written(self, units: Sequence[Unit]) -> set[Key]:
        return written(self.worker.table, self.worker.new_id, units)


def _answer_without_personal(
    snapshot: SnapshotRecord, told: dict[str, Any], names: frozenset[str] = PERSONAL
) -> SnapshotRecord:
    data = rules.without_personal(snapshot.data, names, told)
    return SnapshotRecord(data=data, answered_revision=snapshot.answered_revision)

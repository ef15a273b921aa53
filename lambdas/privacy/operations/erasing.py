"""What is done with one page of a customer's records, in a deletion and in an anonymization."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.customer import storage as customers
from lambdas.customer.models.records import CustomerProfileRecord
from lambdas.customer.rules import profile as profiles
from lambdas.customer.rules.suppression import with_erasure, with_refusal
from lambdas.kinds import KINDS
from lambdas.privacy import storage
from lambdas.privacy.models.records import ErasureJobRecord, LostPointsRecord
from lambdas.privacy.operations import any_kind
from lambdas.privacy.operations.linked import LinkedItem, kept_answers, linked_items
from lambdas.privacy.operations.units import Unit, written
from lambdas.privacy.operations.worker import Worker
from lambdas.privacy.rules import erasing as rules
from lambdas.privacy.rules.redaction import redacted
from shared.codec import EVENTS, Item, Wire, decode, key_of, shown
from shared.errors import Busy
from shared.idempotency import SnapshotRecord
from shared.keys import Key
from shared.ledger import LedgerEntry, LotPage
from shared.records import Get
from shared.writes import ABSENT, Condition, Delete, Put, Update, at_revision

THERE = Condition("attribute_exists(pk)")
"""Another worker on the job may have removed the record. Then it must not come back."""
PERSONAL = rules.personal_names(KINDS)


@dataclass(frozen=True, slots=True)
class Erasing:
    """What a worker does with the records of a job."""

    worker: Worker
    job: ErasureJobRecord

    @property
    def owners(self) -> tuple[str, ...]:
        """The customer, and everyone who was merged into it."""
        return self.job.owners

    def written(self, units: Sequence[Unit]) -> set[Key]:
        return written(self.worker.table, self.worker.new_id, units)

    def erase(self, owner: str, wires: Sequence[Wire], *, begins: bool) -> None:
        """Handles a page of an owner's records. ``begins``: it is the owner's first page."""
        if self.job.job_kind == "delete":
            self._delete(wires)
            return
        profile_at = customers.profile_at(self.worker.keys, owner)
        profile = self.worker.table.load([profile_at]).get(profile_at)
        if begins and profile is not None:
            # First of all, because kept answers show the profile as it is afterwards.
            profile = self._make_stub(profile)
        self._anonymize(wires, profile)

    def new_text(self) -> str:
        return f"redacted-{self.worker.new_id()[-10:].lower()}"

    # ---------------------------------------------------------------- deletion

    def _delete(self, wires: Sequence[Wire]) -> None:
        self._end_linked(wires)
        pages: list[LotPage] = []
        guards: list[LedgerEntry] = []
        for wire in wires:
            record = any_kind.record_of(wire)
            if isinstance(record, CustomerProfileRecord):
                self._release(record)
            elif isinstance(record, LotPage):
                pages.append(record)
            elif isinstance(record, LedgerEntry) and record.kind == "earn":
                guards.append(record)
        self._bare_guards(guards)
        for page in pages:
            self._lose_points(page)
        # What the page led to is handled, so the page itself may go.
        self.worker.table.write_batch([], [key_of(wire) for wire in wires])

    def _end_linked(self, wires: Sequence[Wire]) -> None:
        """Cuts linked records off from their customer, and takes away what is personal in them."""
        self._write_linked(
            wires,
            lambda item: rules.ended(item.kind, item.record, self.new_text, self.worker.now),
            cut=self.owners,
            names=PERSONAL | {"customer_guid"},
        )

    def _release(self, profile: CustomerProfileRecord) -> None:
        """Marks the contact points of a profile, and then frees the values that it is found by: at
        no time does one come back unnoticed."""
        self._refuse_contact(profile)
        owned = customers.owned_by(self.owners)
        units: list[Unit] = []
        for lookup in profiles.lookups(profile):
            guid = profile.customer_guid
            key = customers.lookup_key(self.worker.keys, self.worker.settings, lookup, guid)
            units.append((Delete(key, owned),))
        self.written(units)

    def _refuse_contact(self, profile: CustomerProfileRecord) -> None:
        """Leaves the org's refusal for each contact point: it must not be used again unasked. After
        a deletion it also stops a silent return. Somebody may refuse the same one meanwhile."""
        found = profiles.lookups(profile)
        points = {one.value for one in found if one.kind in ("email", "phone")}
        after = with_erasure if self.job.job_kind == "delete" else with_refusal
        while points:
            places = {point: customers.suppression_at(self.worker.keys, point) for point in points}
            records, units = self.worker.table.load(places.values()), []
            for point, place in places.items():
                before = records.get(place)
                refused = after(before, self.job.created_at)
                if refused is not before:
                    item = customers.suppression_item(self.worker.keys, point, refused)
                    free = ABSENT if before is None else at_revision(before.revision)
                    units.append((Put(item, condition=free),))
            late = self.written(units)
            points = {point for point, place in places.items() if place.key in late}
            if points and not self.worker.table.retry_budget.may_retry_after_pause(conflict=True):
                raise Busy()

    def _bare_guards(self, entries: Sequence[LedgerEntry]) -> None:
        """Empties the guards of the orders that earned, so that none of them earns again."""
        keys = self.worker.keys
        orders = dict.fromkeys(entry.order_ref for entry in entries if entry.order_ref is not None)
        places = [keys.earned_order(keys.hash("order", order)) for order in orders]
        if not places:
            return
        kind = any_kind.KIND_OF["loyalty_earned_order"]
        assert kind.bare is not None, "the guard of an order stays"
        gets: list[Get[Any]] = [Get(place, kind.record) for place in places]
        records, units = self.worker.table.load(gets), []
        for get in gets:
            guard = records.get(get)
            if guard is not None and guard.customer_guid in self.owners:
                bare = Item(get.key, kind.bare(guard))
                units.append((Update(bare, if_revision=guard.revision),))
        self.written(units)

    def _lose_points(self, page: LotPage) -> None:
        """Removes a page of lots, and adds its points to those that are lost, in one transaction: a
        page that another worker has removed is counted already."""
        keys, table, day = self.worker.keys, self.worker.table, self.job.created_at.date()
        gone = Delete(
            keys.lot_page(page.owner, page.bound, page.page_id), at_revision(page.revision)
        )
        lost = [
            LostPointsRecord(day=day, policy_version=version, points=points)
            for version, points in rules.lost_points(page, self.job.created_at).items()
        ]
        places = [storage.lost_at(keys, new) for new in lost]
        while True:
            known = table.load(places)
            added = [
                storage.lost_write(keys, new, known.get(place))
                for new, place in zip(lost, places, strict=True)
            ]
            failed = table.transact([gone, *added], self.worker.new_id(), 0)
            if failed is None or any(write is gone for write, _ in failed.writes):
                return
            if not table.retry_budget.may_retry_after_pause(conflict=True):
                raise Busy()

    # ---------------------------------------------------------------- anonymization

    def _make_stub(self, profile: CustomerProfileRecord) -> CustomerProfileRecord:
        """Writes the profile without anything personal, once what it is found by is released. The
        event comes when the job closes."""
        self._release(profile)
        head = profile.customer_guid == self.job.customer_guid
        status = "anonymized" if head else profile.status
        stub = rules.anonymized_profile(profile, status, self.new_text, self.worker.now)
        if stub is not profile:
            item = customers.profile_item(self.worker.keys, stub)
            write = Update(item, if_revision=profile.revision)
            if self.worker.table.transact([write], self.worker.new_id(), 0) is not None:
                place = customers.profile_at(self.worker.keys, profile.customer_guid)
                return self.worker.table.load([place]).require(place)
        return stub

    def _anonymize(self, wires: Sequence[Wire], profile: CustomerProfileRecord | None) -> None:
        self._write_linked(
            wires,
            lambda item: rules.anonymized(item.record, self.new_text, self.worker.now),
            cut=(),
            names=PERSONAL,
        )
        told = {} if profile is None else {"customer": customers.profile_shown(profile)}
        units = [self._anonymized(wire, told) for wire in wires]
        self.written([unit for unit in units if unit])

    def _anonymized(self, wire: Wire, told: dict[str, Any]) -> Unit:
        """Returns the writes that take away what is personal in one record. The profile is done."""
        kind, key = any_kind.kind_of(wire), key_of(wire)
        if kind.record is CustomerProfileRecord:
            return ()
        if kind.anonymization == "delete":
            return (Delete(key),)
        record = decode(kind.record, wire)
        if isinstance(record, SnapshotRecord):
            after: Any = _answer_without_personal(record, told)
        else:
            after = redacted(record, self.new_text)
        if kind.rekeyed is not None:
            # The key was derived from a contact point.
            new_key = kind.rekeyed(self.worker.keys, record, self.worker.new_id())
            moved = Item(new_key, after)
            return (Delete(key, THERE), Put(moved))
        if after == record and EVENTS not in wire:
            return ()
        return (Put(any_kind.rewritten(wire, after), condition=THERE),)

    # ---------------------------------------------------------------- linked records

    def _write_linked(
        self,
        wires: Sequence[Wire],
        change: Callable[[LinkedItem], Any],
        *,
        cut: Sequence[str],
        names: frozenset[str],
    ) -> None:
        """Writes the records that the links of a page lead to as ``change`` leaves them, and the
        kept answers about them. A linked record is not fenced: where somebody has changed it
        meanwhile, it is read and written again."""
        linked = linked_items(self.worker.keys, self.worker.table, wires, self.owners)
        while linked:
            answers = kept_answers(self.worker.keys, self.worker.table, linked)
            units: list[Unit] = []
            for item, kept in zip(linked, answers, strict=True):
                units += _linked_units(item, kept, change(item), cut, names)
            late = self.written(units)
            if not late:
                return
            if not self.worker.table.retry_budget.may_retry_after_pause(conflict=True):
                raise Busy()
            again = linked_items(self.worker.keys, self.worker.table, wires, self.owners)
            linked = [item for item in again if item.key in late]


def _linked_units(
    item: LinkedItem, kept: Sequence[Wire], after: Any, cut: Sequence[str], names: frozenset[str]
) -> list[Unit]:
    """Returns the writes of a linked record and of the kept answers about it. The record comes
    last: once it is cut off, nobody would find the answers."""
    told = {item.record.KIND.rpartition("_")[2]: shown(after)}
    units: list[Unit] = []
    for wire in kept:
        told_again = _answer_without_personal(decode(SnapshotRecord, wire), told, names)
        units.append((Put(any_kind.rewritten(wire, told_again), condition=THERE),))
    if after is not item.record or EVENTS in item.wire:
        written_back = any_kind.rewritten(item.wire, after, cut)
        units.append((Put(written_back, condition=at_revision(item.record.revision)),))
    return units


def _answer_without_personal(
    snapshot: SnapshotRecord, told: dict[str, Any], names: frozenset[str] = PERSONAL
) -> SnapshotRecord:
    data = rules.without_personal(snapshot.data, names, told)
    return SnapshotRecord(data=data, answered_revision=snapshot.answered_revision)

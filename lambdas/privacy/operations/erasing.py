"""What is done with one page of a customer's records, in a deletion and in an anonymization."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

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
from lambdas.privacy.rules import erasing as rules
from lambdas.privacy.rules.redaction import redacted
from shared.codec import EVENTS, Item, Wire, decode, key_of, shown
from shared.errors import Busy
from shared.idempotency import SnapshotRecord
from shared.keys import Keys
from shared.ledger import LedgerEntry, LotPage
from shared.records import Get
from shared.settings import OrgSettings
from shared.table import Table
from shared.writes import ABSENT, Condition, Delete, Put, Update, Write, at_revision

if TYPE_CHECKING:
    from lambdas.privacy.operations.eraser import Eraser

THERE = Condition("attribute_exists(pk)")
"""Another worker on the job may have removed the record. Then it must not come back."""
PERSONAL = rules.personal_names(KINDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasing:
    """One worker's view of a job. ``owners``: the customer and everyone merged into it."""

    job: ErasureJobRecord
    owners: tuple[str, ...]
    keys: Keys
    settings: OrgSettings
    table: Table
    now: datetime
    new_id: Callable[[], str]

    @classmethod
    def of(cls, eraser: Eraser, job: ErasureJobRecord) -> Erasing:
        return cls(
            job=job,
            owners=job.owners,
            keys=eraser.keys,
            settings=eraser.settings,
            table=eraser.table,
            now=eraser.now,
            new_id=eraser.new_id,
        )

    def erase(self, owner: str, wires: Sequence[Wire], *, begins: bool) -> None:
        """Handles a page of an owner's records. ``begins``: it is the owner's first page."""
        profile_at = customers.profile_at(self.keys, owner)
        if self.job.job_kind == "delete":
            self._delete(wires)
            return
        profile = self.table.load([profile_at]).get(profile_at)
        if begins and profile is not None:
            # First of all, because kept answers show the profile as it is afterwards.
            profile = self._make_stub(profile)
        self._anonymize(wires, profile)

    def new_text(self) -> str:
        return f"redacted-{self.new_id()[-10:].lower()}"

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
        self._lose_points(pages)
        # What the page led to is handled, so the page itself may go.
        self.table.write_batch([], [key_of(wire) for wire in wires])

    def _end_linked(self, wires: Sequence[Wire]) -> None:
        """Cuts linked records off from their customer, and takes away what is personal in them."""
        self._write_linked(
            wires,
            lambda item: rules.ended(item.kind, item.record, self.new_text, self.now),
            cut=self.owners,
            names=PERSONAL | {"customer_guid"},
        )

    def _release(self, profile: CustomerProfileRecord) -> None:
        """Marks the contact points of a profile, and then frees the values that it is found by: at
        no time does one come back unnoticed."""
        self._refuse_contact(profile)
        owned = Condition(
            f"attribute_not_exists(pk) OR customer_guid IN ({_names(self.owners)})",
            values=_values(self.owners),
        )
        units: list[Unit] = []
        for lookup in profiles.lookups(profile):
            guid = profile.customer_guid
            key = customers.lookup_key(self.keys, self.settings, lookup, guid)
            units.append((Delete(key, owned),))
        written(self.table, self.new_id, units)

    def _refuse_contact(self, profile: CustomerProfileRecord) -> None:
        """Leaves the org's refusal for each contact point: it must not be used again unasked. After
        a deletion it also stops a silent return. Somebody may refuse the same one meanwhile."""
        found = profiles.lookups(profile)
        points = {one.value for one in found if one.kind in ("email", "phone")}
        after = with_erasure if self.job.job_kind == "delete" else with_refusal
        while points:
            places = {point: customers.suppression_at(self.keys, point) for point in points}
            records, units = self.table.load(places.values()), []
            for point, place in places.items():
                before = records.get(place)
                refused = after(before, self.job.created_at)
                if refused is not before:
                    item = customers.suppression_item(self.keys, point, refused)
                    free = ABSENT if before is None else at_revision(before.revision)
                    units.append((Put(item, condition=free),))
            late = written(self.table, self.new_id, units)
            points = {point for point, place in places.items() if place.key in late}
            if points and not self.table.retry_budget.may_retry_after_pause(conflict=True):
                raise Busy()

    def _bare_guards(self, entries: Sequence[LedgerEntry]) -> None:
        """Empties the guards of the orders that earned, so that none of them earns again."""
        keys = self.keys
        orders = dict.fromkeys(entry.order_ref for entry in entries if entry.order_ref is not None)
        places = [keys.earned_order(keys.hash("order", order)) for order in orders]
        if not places:
            return
        kind = any_kind.KIND_OF["loyalty_earned_order"]
        assert kind.bare is not None, "the guard of an order stays"
        gets: list[Get[Any]] = [Get(place, kind.record) for place in places]
        records, units = self.table.load(gets), []
        for get in gets:
            guard = records.get(get)
            if guard is not None and guard.customer_guid in self.owners:
                bare = Item(get.key, kind.bare(guard))
                units.append((Update(bare, if_revision=guard.revision),))
        written(self.table, self.new_id, units)

    def _lose_points(self, pages: Sequence[LotPage]) -> None:
        """Removes pages of lots, and adds their points to those that are lost, in one transaction:
        a page that another worker has removed is counted already."""
        for page in pages:
            lost = rules.lost_points([page], self.job.created_at)
            self._lose_page(page, lost)

    def _lose_page(self, page: LotPage, lost: dict[str, int]) -> None:
        key = self.keys.lot_page(page.owner, page.bound, page.page_id)
        day = self.job.created_at.date()
        while True:
            writes: list[Write] = [Delete(key, at_revision(page.revision))]
            for version, points in lost.items():
                new = LostPointsRecord(day=day, policy_version=version, points=points)
                get = storage.lost_at(self.keys, new)
                before = self.table.load([get]).get(get)
                writes.append(_added(self.keys, new, before))
            failed = self.table.transact(writes, self.new_id(), 0)
            if failed is None or any(write is writes[0] for write, _ in failed.writes):
                return

    # ---------------------------------------------------------------- anonymization

    def _make_stub(self, profile: CustomerProfileRecord) -> CustomerProfileRecord:
        """Writes the profile without anything personal, once what it is found by is released. The
        event comes when the job closes."""
        self._release(profile)
        head = profile.customer_guid == self.job.customer_guid
        status = "anonymized" if head else profile.status
        stub = rules.stub_of(profile, status, self.new_text, self.now)
        if stub is not profile:
            item = customers.profile_item(self.keys, stub)
            write = Update(item, if_revision=profile.revision)
            if self.table.transact([write], self.new_id(), 0) is not None:
                place = customers.profile_at(self.keys, profile.customer_guid)
                return self.table.load([place]).require(place)
        return stub

    def _anonymize(self, wires: Sequence[Wire], profile: CustomerProfileRecord | None) -> None:
        self._write_linked(
            wires,
            lambda item: rules.anonymized(item.record, self.new_text, self.now),
            cut=(),
            names=PERSONAL,
        )
        told = {} if profile is None else {"customer": customers.profile_shown(profile)}
        units = [self._anonymized(wire, told) for wire in wires]
        written(self.table, self.new_id, [unit for unit in units if unit])

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
            new_key = kind.rekeyed(self.keys, record, self.new_id())
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
        linked = linked_items(self.keys, self.table, wires, self.owners)
        while linked:
            answers = kept_answers(self.keys, self.table, linked)
            units: list[Unit] = []
            for item, kept in zip(linked, answers, strict=True):
                units += _linked_units(item, kept, change(item), cut, names)
            late = written(self.table, self.new_id, units)
            if not late:
                return
            if not self.table.retry_budget.may_retry_after_pause(conflict=True):
                raise Busy()
            again = linked_items(self.keys, self.table, wires, self.owners)
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


def _added(keys: Keys, new: LostPointsRecord, before: LostPointsRecord | None) -> Write:
    if before is None:
        return Put(storage.lost_item(keys, new))
    points, revision = before.points + new.points, before.revision + 1
    both = LostPointsRecord(
        day=new.day, policy_version=new.policy_version, points=points, revision=revision
    )
    return Update(storage.lost_item(keys, both), if_revision=before.revision)


def _names(guids: Sequence[str]) -> str:
    return ", ".join(f":o{number}" for number in range(len(guids)))


def _values(guids: Sequence[str]) -> dict[str, Wire]:
    return {f":o{number}": {"S": guid} for number, guid in enumerate(guids)}

"""What is done with one page of a customer's records, in a deletion and in an anonymization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.customer import storage as customers
from lambdas.customer.models.records import ConsentCurrentRecord, CustomerProfileRecord
from lambdas.customer.rules import profile as profiles
from lambdas.customer.rules.suppression import with_erasure, with_refusal
from lambdas.privacy import storage
from lambdas.privacy.models.records import ErasureJobRecord, LostPointsRecord
from lambdas.privacy.operations import any_kind
from lambdas.privacy.operations.linked import LinkedItem, item_of, linked_items
from lambdas.privacy.operations.redacting import Redacting
from lambdas.privacy.operations.removing import Removing
from lambdas.privacy.operations.said import Target, spoken_of
from lambdas.privacy.operations.units import Unit, written
from lambdas.privacy.operations.worker import Worker
from lambdas.privacy.rules import erasing as rules
from shared.codec import Item, Wire
from shared.errors import Busy
from shared.keys import Key
from shared.ledger import LedgerEntry, LotPage
from shared.records import Get, Query
from shared.writes import ABSENT, Delete, Put, Update, at_revision


@dataclass(frozen=True, slots=True)
class Erasing:
    """What a worker does with the records of a job."""

    worker: Worker
    job: ErasureJobRecord

    @property
    def owners(self) -> tuple[str, ...]:
        """The customer, and everyone who was merged into it."""
        return self.job.owners

    @property
    def removing(self) -> Removing:
        return Removing(self.worker, self.owners, self.job.created_at, self.job.minimum_days)

    @property
    def redacting(self) -> Redacting:
        return Redacting(self.worker, self.owners)

    def written(self, units: Sequence[Unit]) -> set[Key]:
        return written(self.worker.table, self.worker.new_id, units)

    def erase(self, owner: str, wires: Sequence[Wire], *, begins: bool) -> None:
        """Handles a page of an owner's records. ``begins``: it is the owner's first page."""
        if self.job.job_kind == "delete":
            if begins and owner == self.owners[0]:
                self._refuse_opted_out()
            self._delete(wires)
            return
        profile_at = customers.profile_at(self.worker.keys, owner)
        profile = self.worker.table.load([profile_at]).get(profile_at)
        if begins and profile is not None:
            # First of all, because kept answers show the profile as it is afterwards.
            profile = self._make_stub(profile)
        self._anonymize(wires, profile)

    def _linked(self, wires: Sequence[Wire], *, removed: bool) -> list[LinkedItem]:
        """Returns the linked records of a page that a deletion removes, or those that stay."""
        found = linked_items(self.worker.keys, self.worker.table, wires, self.owners)
        return [item for item in found if (item.kind.erasure == "delete") is removed]

    def _spoken_of(self, items: Sequence[LinkedItem]) -> list[Target]:
        return spoken_of(self.worker.keys, self.worker.table, items)

    def _forget_mentions(self, wires: Sequence[Wire]) -> None:
        keys = self.worker.keys
        self.redacting.forget([
            kind.mentions(keys, any_kind.record_of(wire))
            for wire in wires
            if (kind := any_kind.kind_of(wire)).mentions is not None
        ])  # fmt: skip

    # ---------------------------------------------------------------- deletion

    def _delete(self, wires: Sequence[Wire]) -> None:
        self._end_linked(wires)
        pages: list[LotPage] = []
        guards: list[LedgerEntry] = []
        own = [item_of(wire) for wire in wires]
        for record in (item.record for item in own):
            if isinstance(record, CustomerProfileRecord):
                self._release(record)
            elif isinstance(record, LotPage):
                pages.append(record)
            elif isinstance(record, LedgerEntry) and record.kind == "earn":
                guards.append(record)
        self._bare_guards(guards)
        for page in pages:
            self._lose_points(page)
        for target in self._spoken_of(own):
            self.removing.said(target)
        self.removing.beside(own)
        # What the page led to is handled, so the page itself may go.
        self.removing.gone(wires)

    def _end_linked(self, wires: Sequence[Wire]) -> None:
        """Removes linked records, or cuts them off from their customer and takes away what is
        personal in them and in what is said about them."""
        self.removing.whole(self._linked(wires, removed=True))
        staying = self._linked(wires, removed=False)
        self.redacting.cut_off(lambda: self._linked(wires, removed=False))
        for target in self._spoken_of(staying):
            self.redacting.said(target)
        self._forget_mentions(wires)

    def _release(self, profile: CustomerProfileRecord) -> None:
        """Marks the contact points of a profile, and then frees the values that it is found by: at
        no time does one come back unnoticed."""
        if self.job.job_kind != "delete" or self.job.refuses == "all":
            found = profiles.lookups(profile)
            self._refuse({one.value for one in found if one.kind in ("email", "phone")})
        owned = customers.owned_by(self.owners)
        units: list[Unit] = []
        for lookup in profiles.lookups(profile):
            guid = profile.customer_guid
            key = customers.lookup_key(self.worker.keys, self.worker.settings, lookup, guid)
            units.append((Delete(key, owned),))
        self.written(units)

    def _refuse_opted_out(self) -> None:
        """Leaves the org's refusal for what had opted out, before anything goes that tells it. A
        deletion that nobody asked for leaves no other one. A refusal of one customer holds for
        everyone who was merged."""
        if self.job.refuses == "all":
            return
        keys = self.worker.keys
        profiles_at = [customers.profile_at(keys, owner) for owner in self.owners]
        consents_at = [
            Query(*keys.consents_current(owner), ConsentCurrentRecord, None)
            for owner in self.owners
        ]
        records = self.worker.table.load([*profiles_at, *consents_at])
        said = [consent for query in consents_at for consent in records.all(query)]
        for profile in (records.get(at) for at in profiles_at):
            if profile is not None:
                self._refuse(rules.opted_out(profile, said))

    def _refuse(self, points: set[str]) -> None:
        """Leaves the org's refusal for contact points: they must not be used again unasked. After a
        deletion that was asked for it also stops a silent return. Somebody may refuse the same one
        meanwhile."""
        asked_for = self.job.job_kind == "delete" and self.job.refuses == "all"
        after = with_erasure if asked_for else with_refusal
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
        stub = rules.anonymized_profile(profile, status, self.redacting.new_text, self.worker.now)
        if stub is not profile:
            item = customers.profile_item(self.worker.keys, stub)
            write = Update(item, if_revision=profile.revision)
            if self.worker.table.transact([write], self.worker.new_id(), 0) is not None:
                place = customers.profile_at(self.worker.keys, profile.customer_guid)
                return self.worker.table.load([place]).require(place)
        return stub

    def _anonymize(self, wires: Sequence[Wire], profile: CustomerProfileRecord | None) -> None:
        def read() -> list[LinkedItem]:
            return linked_items(self.worker.keys, self.worker.table, wires, self.owners)

        linked = read()
        self.redacting.anonymize(read)
        told = {} if profile is None else {"customer": customers.profile_shown(profile)}
        own = [wire for wire in wires if any_kind.kind_of(wire).record is not CustomerProfileRecord]
        self.redacting.own(own, told)
        for target in self._spoken_of([*(item_of(wire) for wire in wires), *linked]):
            self.redacting.said(target)
        self._forget_mentions(wires)

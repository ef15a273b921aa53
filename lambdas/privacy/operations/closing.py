"""The end of an erasure: one transaction that removes or frees the states, leaves the tombstone,
and carries the one event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lambdas.customer import storage as customers
from lambdas.kinds import KINDS
from lambdas.privacy import storage
from lambdas.privacy.models.records import ErasureJobRecord, TombstoneRecord
from lambdas.privacy.rules import receipt as receipts
from lambdas.privacy.signing import signed
from shared.customer_state import CustomerStateRecord, state_at, state_item
from shared.keys import STATE, Keys
from shared.records import Query
from shared.table import Table
from shared.writes import Condition, Delete, Put, Update, Write, at_revision

if TYPE_CHECKING:
    from lambdas.privacy.operations.eraser import Eraser


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """The last step of a job whose records are all handled."""

    job: ErasureJobRecord
    keys: Keys
    table: Table
    now: datetime
    new_id: Callable[[], str]

    @classmethod
    def of(cls, eraser: Eraser, job: ErasureJobRecord) -> Closing:
        return cls(
            job=job,
            keys=eraser.keys,
            table=eraser.table,
            now=eraser.now,
            new_id=eraser.new_id,
        )

    def close(self) -> ErasureJobRecord:
        """Ends the job, and returns it as it is then. Where another worker has ended it meanwhile,
        this one changes nothing."""
        if self.job.job_kind == "delete":
            if self._anything_left():
                # A worker that lost its place went on from an old one. Begin again.
                return self._moved(owner=0, after=STATE)
            writes = self._deleted()
        else:
            writes = self._anonymized()
        done = replace(self._job("done"), event=None)
        update = Update(storage.job_item(self.keys, done), if_revision=self.job.revision)
        if self.table.transact([update, *writes], self.new_id(), 0) is None:
            return done
        return self._reloaded()

    def _anything_left(self) -> bool:
        queries: list[Query[Any]] = []
        for owner in self.job.owners:
            places = self.keys.customer_records(owner)
            queries.append(Query(*places, CustomerStateRecord, limit=1))
        return any(self.table.load(queries).wires(queries))

    def _deleted(self) -> list[Write]:
        job, keys = self.job, self.keys
        guid, merged = job.customer_guid, job.owners[1:]
        receipt = receipts.receipt_of(job.counts, KINDS)
        text = receipts.signed_text(job.orgcode, guid, self.now, receipt)
        tombstone = TombstoneRecord(
            customer_guid=guid,
            merged_customer_guids=merged,
            items_deleted=receipts.items_deleted(receipt),
            receipt=receipt,
            receipt_proof=signed(text),
            deleted_at=self.now,
        )
        data = {
            "customer_guid": guid,
            "merged_customer_guids": list(merged),
            "items_deleted": tombstone.items_deleted,
            "receipt": receipts.shown_lines(receipt),
        }
        writes: list[Write] = []
        for owner in job.owners:
            item = storage.tombstone_item(keys, tombstone, owner)
            writes.append(Put(item, events=[self._event(data)] if owner == guid else []))
            own = Condition("job_id = :job", values={":job": {"S": job.job_id}})
            writes.append(Delete(keys.customer_state(owner), own))
        return writes

    def _anonymized(self) -> list[Write]:
        """Returns the writes that free the states again. The event rides on the profile, which is
        written once more as it is."""
        job, keys = self.job, self.keys
        profile_at = customers.profile_at(keys, job.customer_guid)
        states_at = [state_at(keys, owner) for owner in job.owners]
        records = self.table.load([profile_at, *states_at])
        profile = records.require(profile_at)
        data = {
            "customer_guid": job.customer_guid,
            "merged_customer_guids": list(job.owners[1:]),
            "kind": profile.kind,
            "status": profile.status,
        }
        item = customers.profile_item(keys, profile)
        writes: list[Write] = [
            Put(item, condition=at_revision(profile.revision), events=[self._event(data)])
        ]
        return writes + self._freed([records.require(at) for at in states_at])

    def _freed(self, states: Sequence[CustomerStateRecord]) -> list[Write]:
        writes: list[Write] = []
        for state in states:
            head = state.customer_guid == self.job.customer_guid
            status = "anonymized" if head else state.status
            free = replace(
                state, status=status, job_id=None, job_kind=None, revision=state.revision + 1
            )
            writes.append(Update(state_item(self.keys, free), if_revision=state.revision))
        return writes

    def _event(self, data: dict[str, Any]) -> dict[str, Any]:
        event = self.job.event
        assert event is not None, "the fence gives a job its event"
        return {**event, "data": data}

    def _job(self, state: str) -> ErasureJobRecord:
        return replace(self.job, state=state, revision=self.job.revision + 1, updated_at=self.now)

    def _moved(self, **place: Any) -> ErasureJobRecord:
        moved = replace(self._job("running"), **place)
        write = Update(storage.job_item(self.keys, moved), if_revision=self.job.revision)
        if self.table.transact([write], self.new_id(), 0) is None:
            return moved
        return self._reloaded()

    def _reloaded(self) -> ErasureJobRecord:
        at = storage.job_at(self.keys, self.job.job_id)
        return self.table.load([at]).require(at)

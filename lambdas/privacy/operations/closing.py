"""The end of an erasure: one transaction that removes or frees the states, leaves the tombstone,
and carries the one event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lambdas.customer import storage as customers
from lambdas.kinds import KINDS
from lambdas.privacy import storage
from lambdas.privacy.models.records import ErasureJobRecord, TombstoneRecord
from lambdas.privacy.operations.worker import Worker
from lambdas.privacy.rules import receipt as receipts
from lambdas.privacy.signing import signed
from shared.customer_state import CustomerStateRecord, state_at, state_item
from shared.keys import STATE
from shared.records import Query
from shared.writes import Condition, Delete, Put, Update, Write, at_revision


@dataclass(frozen=True, slots=True)
class Closing:
    """The last step of a job whose records are all handled."""

    worker: Worker
    job: ErasureJobRecord

    def close(self, *, handled: int) -> ErasureJobRecord:
        """Ends the job, and returns it as it is then. ``handled``: how many records were. Where
        another worker has ended it meanwhile, this one changes nothing."""
        if self.job.job_kind != "delete":
            writes = self._anonymized()
        elif self._anything_left():
            # A worker that lost its place went on from an old one. Begin again.
            return self.worker.move_on(self.job, owner=0, after=STATE)
        else:
            writes = self._deleted()
        return self.worker.move_on(self.job, *writes, state="done", event=None, handled=handled)

    def _anything_left(self) -> bool:
        queries: list[Query[Any]] = []
        for owner in self.job.owners:
            places = self.worker.keys.customer_records(owner)
            queries.append(Query(*places, CustomerStateRecord, limit=1))
        return any(self.worker.table.load(queries).wires(queries))

    def _deleted(self) -> list[Write]:
        job, keys = self.job, self.worker.keys
        guid, merged = job.customer_guid, job.owners[1:]
        receipt = receipts.receipt_of(job.counts, KINDS)
        text = receipts.signed_text(job.orgcode, guid, self.worker.now, receipt)
        tombstone = TombstoneRecord(
            customer_guid=guid,
            merged_customer_guids=merged,
            items_deleted=receipts.items_deleted(receipt),
            receipt=receipt,
            receipt_proof=signed(text),
            deleted_at=self.worker.now,
        )
        data = {
            "customer_guid": guid,
            "merged_customer_guids": list(merged),
            "items_deleted": tombstone.items_deleted,
            "receipt": receipts.shown_lines(receipt),
            "ended_subscription_ids": list(job.ended),
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
        job, keys = self.job, self.worker.keys
        profile_at = customers.profile_at(keys, job.customer_guid)
        states_at = [state_at(keys, owner) for owner in job.owners]
        records = self.worker.table.load([profile_at, *states_at])
        profile = records.require(profile_at)
        data = {
            "customer_guid": job.customer_guid,
            "merged_customer_guids": list(job.owners[1:]),
            "kind": profile.kind,
            "status": profile.status,
            "ended_subscription_ids": list(job.ended),
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
            writes.append(Update(state_item(self.worker.keys, free), if_revision=state.revision))
        return writes

    def _event(self, data: dict[str, Any]) -> dict[str, Any]:
        event = self.job.event
        assert event is not None, "the fence gives a job its event"
        return {**event, "data": data}

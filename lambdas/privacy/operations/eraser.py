"""The erasure job: a deletion or an anonymization, page by page, that anybody may continue.

The fence comes first: one transaction marks the customer's state and that of everyone merged into
it, and creates the job. From then on nothing is written for them, because every write for a
customer checks the state. So the job works on records that do not change. It counts them (for a
deletion), then handles one page after the other, then closes in one transaction.

Each step may be made twice. A request, its repeat and the sweeper may work on the same job at the
same time: what one has handled the other does not find, and the job's revision lets only one of
them move the job on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from lambdas.privacy.models.records import ErasureJobRecord
from lambdas.privacy.operations.closing import Closing
from lambdas.privacy.operations.counting import Counting
from lambdas.privacy.operations.erasing import Erasing
from lambdas.privacy.operations.linked import item_of
from lambdas.privacy.operations.removing import Removing
from lambdas.privacy.operations.worker import Worker
from shared.codec import Wire
from shared.keys import STATE
from shared.paging import Listing, page

PAGE = 100
"""How many records are handled at once."""
PAGES_A_CALL = 8
"""How many pages one request handles. The sweeper does the rest."""


class Eraser(Worker):
    """A worker that takes jobs to their end."""

    __slots__ = ()

    def advance(self, job: ErasureJobRecord, pages: int = PAGES_A_CALL) -> ErasureJobRecord:
        """Works on the job until it has ended, or has handled so many pages. Returns the job."""
        while job.state == "running" and pages > 0:
            step = self._count if job.phase == "counting" else self._erase
            job, handled = step(job, pages)
            pages -= handled
        return job

    def counts(self, owners: Sequence[str], minimum_days: Mapping[str, int]) -> Counter[str]:
        """Returns how many records of each kind these customers have, and what would become of
        them. It writes nothing."""
        counting = Counting(Removing(self, owners, self.now, minimum_days), None)
        found: Counter[str] = Counter()
        for owner in owners:
            after: str | None = STATE
            while after is not None:
                wires, after = self._page(owner, after)
                found += counting.of_page(wires)
        return found

    def _count(self, job: ErasureJobRecord, pages: int) -> tuple[ErasureJobRecord, int]:
        found, place, handled = Counter(job.counts), (job.owner, job.after), 0
        ended, counting = job.ended, Counting(Erasing(self, job).removing, job.job_id)
        while place[0] < len(job.owners) and handled < pages:
            wires, place = self._next_page(job, place)
            found += counting.of_page(wires)
            ended += self._ending(wires)
            handled += 1
        phase = "counting"
        if place[0] == len(job.owners):
            phase, place = "erasing", (0, STATE)
        (owner, after), told = place, {"counts": dict(found), "ended": ended}
        return self.move_on(job, phase=phase, owner=owner, after=after, **told), handled

    def _erase(self, job: ErasureJobRecord, pages: int) -> tuple[ErasureJobRecord, int]:
        place, handled, records = (job.owner, job.after), 0, 0
        erasing, ended = Erasing(self, job), job.ended
        while place[0] < len(job.owners) and handled < pages:
            owner, begins = job.owners[place[0]], place[1] == STATE
            wires, place = self._next_page(job, place)
            if job.job_kind != "delete":
                ended += self._ending(wires)
            erasing.erase(owner, wires, begins=begins)
            handled, records = handled + 1, records + len(wires)
        in_all, (number, after) = job.handled + records, place
        if number == len(job.owners):
            done = replace(job, ended=ended)
            return Closing(self, done).close(handled=in_all), max(handled, 1)
        moved = {"owner": number, "after": after, "handled": in_all, "ended": ended}
        return self.move_on(job, **moved), handled

    # ---------------------------------------------------------------- the walk

    def _next_page(
        self, job: ErasureJobRecord, place: tuple[int, str]
    ) -> tuple[list[Wire], tuple[int, str]]:
        """Returns the records after a place (an owner's number and a sort key), and the next
        place."""
        number, after = place
        wires, reached = self._page(job.owners[number], after)
        return wires, ((number + 1, STATE) if reached is None else (number, reached))

    def _page(self, owner: str, after: str) -> tuple[list[Wire], str | None]:
        partition = self.keys.customer_state(owner)[0]
        listing = Listing((partition,), newest_first=False)
        return page(self.table, listing, PAGE, after, lambda wire: wire)

    def _ending(self, wires: Sequence[Wire]) -> tuple[str, ...]:
        """Returns the ids of the records of a page that end with the customer."""
        found = (item_of(wire) for wire in wires)
        return tuple(
            item.record_id
            for item in found
            if item.kind.told is not None and item.kind.told(item.record, self.now)
        )

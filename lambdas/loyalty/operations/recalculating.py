"""Whether what is stored follows from the ledger; and how it is made to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lambdas.loyalty import rules, storage
from lambdas.loyalty.models import LoyaltyRecalculateRequest
from lambdas.loyalty.operations.book import Book, Wanted, stamp
from lambdas.loyalty.operations.replaying import Replayed, replayed
from lambdas.loyalty.rules import Decision, Recalculation
from shared.api import Answer, Call
from shared.call import More, Step
from shared.codec import shown
from shared.customer_state import CustomerStateRecord
from shared.ledger import BalanceRecord, Holdings, Totals
from shared.table import Records


def loyalty_recalculate(call: Call, body: LoyaltyRecalculateRequest) -> Answer:
    """Derives the balance from the ledger again, from its last checkpoint on, and says where what
    is stored differs. ``apply`` repairs what is stored, and leaves a checkpoint where many entries
    had to be read; entries are never touched."""
    book = Book(body.customer_guid)
    judge = _Judge(book, apply=body.apply)
    return call.write(judge.wants(call, body.customer_guid), judge.decide)


@dataclass(slots=True)
class _Judge:
    """One call's judgement, however often it has to begin again.

    Reads in one trip need not be of one moment. A difference that is only told counts where the
    balance was at the same ``revision`` before and after the reads; one that is repaired is written
    under the revisions that were read, and if these have passed (``again``) all is read anew.
    """

    book: Book
    apply: bool
    again: bool = False
    revision: int | None = None

    def wants(self, call: Call, guid: str, absorbed: tuple[str, ...] = ()) -> list[Wanted]:
        """Everything that is compared, in one trip."""
        keys = call.keys
        pages = [storage.all_pages(keys, one) for one in (guid, *absorbed)]
        ledger = (storage.checkpoints(keys, guid), storage.latest_entries(keys, guid))
        return [*self.book.wants(call, guid), *pages, *ledger]

    def decide(self, call: Call, seen: Records) -> Step | More:
        state = self.book.customer(call, seen)
        if isinstance(state, More):
            return state
        guid = state.customer_guid
        wants = self.wants(call, guid, state.absorbed)
        if self.again or not all(seen.has(wanted) for wanted in wants):
            self.again = False
            return More(wants)
        stored = self.book.balance(call, seen, guid)
        partitions = (guid, *state.absorbed)
        pages = [p for one in partitions for p in seen.all(storage.all_pages(call.keys, one))]
        read = replayed(call, guid, seen)
        read.replay.settle(max(stored.settled_at, read.replay.at or stored.settled_at))
        result = rules.recalculate(stored, pages, read.replay, read.damaged)
        if not (result.equal or self.apply) and self._moving(call, stored):
            return More(wants)
        sums = Totals(
            stored.available_points,
            stored.pending_points,
            stored.lifetime_earned,
            stored.debt_points,
        )
        before = shown(sums, as_of=stored.settled_at, revision=stored.revision)
        self.again = self.apply
        return self._step(call, seen, state, result, read, before)

    def _step(
        self,
        call: Call,
        seen: Records,
        state: CustomerStateRecord,
        result: Recalculation,
        read: Replayed,
        before: dict[str, Any],
    ) -> Step | More:
        def rule(_: Holdings) -> Decision:
            untouched = Decision(holdings=result.holdings.settled(call.now))
            if not self.apply:
                return untouched
            decision = untouched if result.equal else rules.repair(result, stamp(call))
            made = rules.checkpointed(
                decision, read.replay, read.after, read.archived, read.damaged
            )
            # A damaged checkpoint that cannot be written anew leaves nothing to repair.
            futile = result.only_damage and made.checkpoint is None
            return untouched if futile else made

        def answered(decision: Decision, balance: dict[str, Any]) -> dict[str, Any]:
            return {
                "customer_guid": state.customer_guid,
                "equal": result.equal,
                "balance": balance,
                "stored": before,
                "differences": [shown(difference) for difference in result.differences],
                "entries_read": result.entries_read,
                "chain_ok": result.chain_ok,
                "applied": bool(decision.entries),
            }

        action = "loyalty-recalculated"
        return self.book.step(call, seen, state, rule, action=action, answered=answered)

    def _moving(self, call: Call, stored: BalanceRecord) -> bool:
        """Whether the balance was, or may have been, written to while all was read."""
        before, self.revision = self.revision, stored.revision
        if before != stored.revision:
            return True
        balance_at = storage.balance_at(call.keys, stored.customer_guid)
        after = call.table.load([balance_at]).get(balance_at)
        return after is not None and after.revision != stored.revision

"""Whether what is stored follows from the ledger; and how it is made to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lambdas.loyalty import rules, storage
from lambdas.loyalty.models import LoyaltyRecalculateRequest
from lambdas.loyalty.operations.ledger_replay import Replayed, replayed
from lambdas.loyalty.operations.loyalty_account import LoyaltyAccount, account_reads, stamp
from lambdas.loyalty.rules import Decision, Recalculation
from shared.api import Answer, Call
from shared.codec import shown
from shared.commit import CustomerStep, commit
from shared.ledger import BalanceRecord, Holdings, Totals
from shared.records import Read, Records, Unread


def loyalty_recalculate(call: Call, body: LoyaltyRecalculateRequest) -> Answer:
    """Derives the balance from the ledger again, from its last checkpoint on, and says where what
    is stored differs. ``apply`` repairs what is stored, and leaves a checkpoint where many entries
    had to be read; entries are never touched."""
    judge = _Judge(body.customer_guid, apply=body.apply)
    return commit(call, _reads(call, body.customer_guid), judge.decide)


def _reads(call: Call, guid: str, absorbed: tuple[str, ...] = ()) -> list[Read]:
    """Everything that is compared, in one trip."""
    pages = [storage.all_pages(call.keys, one) for one in (guid, *absorbed)]
    ledger = (storage.checkpoints(call.keys, guid), storage.latest_entries(call.keys, guid))
    return [*account_reads(call, guid), *pages, *ledger]


@dataclass(slots=True)
class _Judge:
    """One call's judgement, however often it has to begin again.

    Reads in one trip need not be of one moment. A difference that is only told counts where the
    balance was at the same ``revision`` before and after the reads; one that is repaired is written
    under the revisions that were read, and if these have passed (``again``) all is read anew.
    """

    named: str
    apply: bool
    again: bool = False
    revision: int | None = None

    def decide(self, call: Call, records: Records) -> CustomerStep:
        account = LoyaltyAccount.to_write(call, records, self.named)
        reads = _reads(call, account.guid, account.state.absorbed)
        if self.again:
            self.again = False
            raise Unread(*reads)
        records.ensure(*reads)
        stored = account.balance
        pages = [
            p for one in account.owners for p in records.all(storage.all_pages(call.keys, one))
        ]
        read = replayed(call.keys, account.guid, records)
        read.replay.settle(max(stored.settled_at, read.replay.at or stored.settled_at))
        result = rules.recalculate(stored, pages, read.replay, read.damaged)
        if not (result.equal or self.apply) and self._is_moving(call, stored):
            raise Unread(*reads)
        sums = Totals(
            stored.available_points,
            stored.pending_points,
            stored.lifetime_earned,
            stored.debt_points,
        )
        before = shown(sums, as_of=stored.settled_at, revision=stored.revision)
        self.again = self.apply
        return self._step(call, account, result, read, before)

    def _step(
        self,
        call: Call,
        account: LoyaltyAccount,
        result: Recalculation,
        read: Replayed,
        before: dict[str, Any],
    ) -> CustomerStep:
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
                "customer_guid": account.guid,
                "equal": result.equal,
                "balance": balance,
                "stored": before,
                "differences": [shown(difference) for difference in result.differences],
                "entries_read": result.entries_read,
                "chain_ok": result.chain_ok,
                "applied": bool(decision.entries),
            }

        return account.step(rule, action="loyalty-recalculated", answered=answered)

    def _is_moving(self, call: Call, stored: BalanceRecord) -> bool:
        """Whether the balance was, or may have been, written to while all was read."""
        before, self.revision = self.revision, stored.revision
        if before != stored.revision:
            return True
        balance_at = storage.balance_at(call.keys, stored.customer_guid)
        after = call.table.load([balance_at]).get(balance_at)
        return after is not None and after.revision != stored.revision

"""Whether what is stored follows from the ledger; and how it is made to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lambdas.loyalty import storage
from lambdas.loyalty.models.envelopes import BalanceAfter
from lambdas.loyalty.models.requests import LoyaltyRecalculateRequest
from lambdas.loyalty.operations.ledger_replay import Replayed, replayed
from lambdas.loyalty.operations.loyalty_account import LoyaltyAccount, moved
from lambdas.loyalty.rules import recalculation
from lambdas.loyalty.rules.decision import Decision
from lambdas.loyalty.rules.recalculation import Recalculation
from shared.api import Answer, Call
from shared.codec import shown
from shared.commit import CustomerStep
from shared.ledger import Holdings, Totals
from shared.records import Read, Unread
from shared.writes import ABSENT, Check, at_revision


def loyalty_recalculate(call: Call, body: LoyaltyRecalculateRequest) -> Answer:
    """Derives the balance from the ledger again, from its last checkpoint on, and says where what
    is stored differs. ``apply`` repairs what is stored, and leaves a checkpoint where many entries
    had to be read; entries are never touched."""

    def decide(account: LoyaltyAccount) -> CustomerStep:
        compared = _compared(account.call, account.owners)
        account.records.ensure(*compared)
        stored = account.balance
        pages = [
            page
            for guid in account.owners
            for page in account.records.all(storage.all_pages(call.keys, guid))
        ]
        read = replayed(call.keys, account.records, account.owners)
        read.replay.settle(max(stored.settled_at, read.replay.at or stored.settled_at))
        result = recalculation.recalculate(stored, pages, read.replay, read.damaged)
        step = _step(account, result, read, apply=body.apply)
        if result.equal:
            return step
        _ensure_of_one_moment(account, compared, apply=body.apply)
        checks = [] if body.apply else [_is_still(account)]
        return replace(step, writes=[*step.writes, *checks, *_begin_still(account)])

    beside = _compared(call, (body.customer_guid,))
    return moved(call, body.customer_guid, decide, beside=beside)


def _compared(call: Call, owners: tuple[str, ...]) -> list[Read]:
    """Returns what the balance is compared with: all owners' pages, and the first one's ledger."""
    pages = [storage.all_pages(call.keys, guid) for guid in owners]
    ledger = (
        *storage.ledger_begins(call.keys, owners[0]),
        storage.latest_entries(call.keys, owners[0]),
    )
    return [*pages, *ledger]


def _ensure_of_one_moment(account: LoyaltyAccount, compared: list[Read], *, apply: bool) -> None:
    """Raises ``Unread`` where a difference may only come from reads of two moments.

    A difference that is only told (not ``apply``) counts where the rest was read after the balance,
    and the balance is the same when the step is written. A difference that is repaired is written
    under all revisions that were read; the rest is read again where that has failed, which shows a
    later balance.
    """
    known = account.records.trip_of(storage.balance_at(account.call.keys, account.guid))
    oldest = min(account.records.trip_of(read) for read in compared)
    if oldest < known or (oldest == known and not apply):
        raise Unread(*compared)


def _is_still(account: LoyaltyAccount) -> Check:
    """Returns the check that the balance is still the one that was read."""
    revision = account.balance.revision
    place = storage.balance_at(account.call.keys, account.guid).key
    return Check(place, at_revision(revision) if revision else ABSENT)


def _begin_still(account: LoyaltyAccount) -> Iterable[Check]:
    """Yields the checks that the ledgers which were read begin where they did. Retention may have
    removed entries between the reads, which would look like a broken chain."""
    for owner in account.owners:
        place = storage.start_at(account.call.keys, owner)
        if account.records.was_made(place):
            start = account.records.get(place)
            yield Check(place.key, ABSENT if start is None else at_revision(start.revision))


def _step(
    account: LoyaltyAccount, result: Recalculation, read: Replayed, *, apply: bool
) -> CustomerStep:
    stored = account.balance
    sums = Totals(**{name: getattr(stored, name) for name in BalanceAfter.model_fields})
    before = shown(sums, as_of=stored.settled_at, revision=stored.revision)

    def rule(_: Holdings) -> Decision:
        untouched = Decision(holdings=result.holdings.settled(account.call.now))
        if not apply or read.begins_with_damaged:
            return untouched
        decision = untouched if result.equal else recalculation.repair(result, account.stamp())
        made = recalculation.checkpointed(
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

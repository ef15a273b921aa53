"""A customer's points in one call: what is read of them, and the step that a decision makes.

Every movement goes the same way (``moved``); what differs is the rule, and the order that it is
about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from lambdas.loyalty import storage
from lambdas.loyalty.models.envelopes import BalanceAfter
from lambdas.loyalty.models.records import ENTRY, LoyaltyAnswerRecord
from lambdas.loyalty.rules.adjusting import expiry_month
from lambdas.loyalty.rules.decision import Decision, Stamp
from shared.api import Answer, Call
from shared.call import repeated
from shared.codec import Item
from shared.commit import CustomerStep, commit
from shared.customer_state import (
    CustomerStateRecord,
    OrderHoldRecord,
    redirected,
    require_customer,
    require_readable_customer,
    state_at,
    survivor_of,
)
from shared.errors import NotFound
from shared.events import change_event
from shared.ledger import BalanceRecord, Holdings, LotPage, LotTerms, PageEntry
from shared.records import Get, Read, Records, Unread
from shared.writes import Put


def account_reads(call: Call, customer_guid: str, *, ahead: bool = False) -> list[Read]:
    """Returns what every movement reads of a customer, in one trip. ``ahead``: with the pages that
    are spent next."""
    keys = call.keys
    reads: list[Read] = [
        state_at(keys, customer_guid),
        storage.balance_at(keys, customer_guid),
        storage.open_page_at(keys, customer_guid),
    ]
    if ahead:
        reads.append(storage.pages_ahead(keys, customer_guid, call.now))
    return reads


@dataclass(frozen=True, slots=True)
class LoyaltyAccount:
    """The points of the customer that a request names, as far as the records tell: those of the
    customer itself, or of the one that it was merged into."""

    call: Call
    records: Records
    named: str
    state: CustomerStateRecord
    ahead: bool = False

    @classmethod
    def of(cls, call: Call, records: Records, named: str, *, ahead: bool = False) -> LoyaltyAccount:
        """404 where there is no customer. A write hears ``busy`` while the customer is being
        erased; whether it may happen is for ``step`` to say, after a replay was looked for. A read
        hears 404 once the deletion has begun."""
        require = require_customer if call.route.writes else require_readable_customer
        survivor = survivor_of(call.keys, records, named)
        records.ensure(*account_reads(call, survivor, ahead=ahead))
        return cls(call, records, named, require(call.keys, records, named), ahead)

    @property
    def guid(self) -> str:
        return self.state.customer_guid

    @property
    def owners(self) -> tuple[str, ...]:
        """The customer, and everyone who was merged into it."""
        return self.state.owners

    @property
    def redirect(self) -> dict[str, str]:
        """Tells a caller who follows a redirect from where."""
        return redirected(self.named, self.guid)

    @property
    def balance(self) -> BalanceRecord:
        stored = self.records.get(storage.balance_at(self.call.keys, self.guid))
        return stored or Holdings.empty(self.guid, self.call.now).balance

    @property
    def holdings(self) -> Holdings:
        """What the customer holds, of all pages that were read. A step that needs others asks for
        them together with the balance, because only together they are of one time."""
        keys = self.call.keys

        def unread(pages: Sequence[PageEntry]) -> Unread:
            reads = account_reads(self.call, self.guid, ahead=self.ahead)
            return Unread(*(storage.page_at(keys, entry) for entry in pages), *reads)

        return Holdings.of(self.balance, self.records.every(LotPage), unread)

    def stamp(self, order_hash: str = "") -> Stamp:
        """Returns who makes the entries of this call, when and why."""
        call, why = self.call, self.call.facts.provenance
        return Stamp(
            now=call.now,
            new_id=call.new_id,
            zone=ZoneInfo(call.settings.timezone),
            mark=order_hash,
            actor=call.caller.actor,
            reason=why.reason,
            reason_code=why.reason_code,
            source_refs=why.source_refs,
        )

    def expired_of(self, lot: LotTerms | None) -> int:
        """Returns how many points of a lot ``expire`` entries have taken. The records that say so
        carry no revision. They must be read after the balance: the write fails when the balance has
        changed since, so nothing has expired in between."""
        keys, records, balance = self.call.keys, self.records, self.balance
        if lot is None or not lot.expired(max(self.call.now, balance.settled_at)):
            return 0
        queries = [storage.expired_lots(keys, guid, expiry_month(lot)) for guid in self.owners]
        records.ensure(*queries)
        known = records.trip_of(storage.balance_at(keys, self.guid))
        if any(records.trip_of(query) <= known for query in queries):
            raise Unread(*queries)
        lots = (lot for query in queries for record in records.all(query) for lot in record.lots)
        return sum(expired.points for expired in lots if expired.lot_id == lot.lot_id)

    def ensure_revision(self) -> None:
        """409 with the current balance where the caller expects another revision of it."""
        revision = self.balance.revision
        if self.call.facts.expected_revision not in (None, revision):
            settled = self.holdings.settled(self.call.now)
            shown = storage.balance_shown(settled, revision)
            self.call.facts.ensure_revision(revision, {"balance": shown})

    def step(
        self,
        rule: Callable[[Holdings], Decision],
        *,
        action: str,
        order_hash: str = "",
        blocked: str | None = None,
        holds: Sequence[Get[OrderHoldRecord]] = (),
        redeems: bool = False,
        answered: Callable[[Decision, dict[str, Any]], dict[str, Any]] | None = None,
        natural: bool = False,
    ) -> CustomerStep:
        """Returns the step of a movement: the rule's decision, written under the customer's guard.
        ``blocked``: the action type that a hold or a flag may block; ``holds``: where it may be
        refused, or approved, for the order alone. ``redeems``: it counts as a redemption.
        ``answered`` makes the answer's data where it is not the decision's one transaction.
        ``natural``: the order makes it happen once, so its answer is kept for repeats."""
        call, guid = self.call, self.guid
        guard = call.guard(
            guid,
            self.state,
            action=blocked,
            order_holds=holds,
            redeems=redeems,
            absorbed_as_read=True,
        )
        # Before the rule: a customer who is blocked hears that, and not what the rule says.
        guard.ensure(self.records)
        decision = rule(self.holdings)
        revision = (decision.change.balance if decision.change else self.balance).revision
        balance = storage.balance_shown(decision.holdings, revision)
        events = []
        if decision.entries:
            data = _event_data(decision, balance)
            events = [change_event(call, action, ("loyalty_balance", guid, revision), data)]
        writes = storage.decision_writes(call.keys, decision, order_hash, events)
        if answered is not None:
            answer = Answer({**answered(decision, balance), **self.redirect}, revision)
            return CustomerStep(answer, replace(guard, active=bool(writes)), writes)
        rest, entry = {"balance": balance, **self.redirect}, decision.entry
        kept = {ENTRY: {"owner": guid, "sequence": entry.sequence}, **rest}
        if natural:
            record = LoyaltyAnswerRecord(data=kept, answered_revision=revision)
            place = storage.answer_at(call.keys, guid, entry.loyalty_txn_id).key
            writes.append(Put(Item(place, record)))
        answer = Answer({"transaction": storage.entry_shown(entry), **rest}, revision)
        return CustomerStep(answer, guard, writes, kept=kept)

    def repeat(self, owner: str, loyalty_txn_id: str) -> CustomerStep:
        """Returns the answer that the order's first movement got. It may lie with one who was
        merged since, and is given whatever blocks the customer by now."""
        kept_at = storage.answer_at(self.call.keys, owner, loyalty_txn_id)
        self.records.ensure(kept_at, state_at(self.call.keys, owner))
        kept = self.records.require(kept_at)
        state = self.records.require(state_at(self.call.keys, owner))
        guard = self.call.guard(owner, state, statuses=None, active=False)
        return CustomerStep(repeated(kept.data, kept.answered_revision), guard)


def moved(
    call: Call,
    customer_guid: str,
    decide: Callable[[LoyaltyAccount], CustomerStep],
    *,
    ahead: bool = False,
    beside: Sequence[Read] = (),
) -> Answer:
    """Reads a customer's points, decides, writes; returns the answer. ``beside`` are further reads
    that the decision will ask for. A repeat's transaction is the ledger's own; 404 where it was
    erased with its customer."""

    def decided(call: Call, records: Records) -> CustomerStep:
        return decide(LoyaltyAccount.of(call, records, customer_guid, ahead=ahead))

    reads = [*account_reads(call, customer_guid, ahead=ahead), *beside]
    for _ in range(2):
        answer = commit(call, reads, decided)
        if ENTRY not in answer.data:
            return answer
        rest = dict(answer.data)
        place = rest.pop(ENTRY)
        entry_at = storage.entry_at(call.keys, place["owner"], place["sequence"])
        entry = call.table.load([entry_at]).get(entry_at)
        if entry is not None:
            return replace(answer, data={"transaction": storage.entry_shown(entry), **rest})
        # Retention may have removed it meanwhile. Then the kept answer has the transaction itself.
    raise NotFound()


def _event_data(decision: Decision, balance: dict[str, Any]) -> dict[str, Any]:
    entry = decision.entry
    return {
        "customer_guid": entry.customer_guid,
        "loyalty_txn_id": entry.loyalty_txn_id,
        "kind": entry.kind,
        "points": sum(e.points for e in decision.entries),
        "entries": len(decision.entries),
        "order_ref": entry.order_ref,
        "policy_version": entry.policy_version,
        "parent_txn_id": entry.parent_txn_id,
        **{name: balance[name] for name in BalanceAfter.model_fields},
    }

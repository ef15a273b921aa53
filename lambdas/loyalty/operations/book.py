"""A customer's book in one call: what is read of it, a decision over it, what is then written.

Every movement goes the same way; what differs is the rule and the order that it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lambdas.loyalty import storage
from lambdas.loyalty.rules import Decision, Stamp
from shared.api import Answer, Call
from shared.call import More, Step
from shared.codec import Item
from shared.customer_state import (
    CustomerStateRecord,
    OrderHoldRecord,
    not_refused,
    readable,
    state_at,
    still_not_refused,
    still_writable,
    survivor_of,
    writable,
)
from shared.errors import NotFound
from shared.ledger import BalanceRecord, Holdings, LedgerEntry, LotPage, NeedPages
from shared.table import Get, Query, Records
from shared.writes import Put, Update, Write

Wanted = Get[Any] | Query[Any]
ENTRY = "entry"
"""In the kept answer of a movement: where its entry lies."""


@dataclass(slots=True)
class Book:
    """The book of the customer that a request names. ``order``: the keyed hash of the order that
    the call is about. ``ahead``: the pages that are spent next are read at once."""

    named: str
    order: str = ""
    ahead: bool = False
    _more: list[Get[LotPage]] = field(default_factory=list)
    _made: LedgerEntry | None = None

    def wants(self, call: Call, customer_guid: str | None = None) -> list[Wanted]:
        """What every movement reads of a customer, in one trip."""
        keys, guid = call.keys, customer_guid or self.named
        wants: list[Wanted] = [
            state_at(keys, guid),
            storage.balance_at(keys, guid),
            storage.open_page_at(keys, guid),
        ]
        if self.ahead:
            wants.append(storage.pages_ahead(keys, guid, call.now))
        return wants

    def customer(self, call: Call, seen: Records) -> CustomerStateRecord | More:
        """The customer, or the one it was merged into; 404 where there is none. Whether it may be
        written to is for ``step`` to say, after a replay was looked for."""
        guid = survivor_of(call.keys, seen, self.named)
        if not seen.has(state_at(call.keys, guid)):
            return More(self.wants(call, guid))
        state = seen.get(state_at(call.keys, guid))
        if state is None:
            raise NotFound()
        return state

    def read(self, call: Call, seen: Records) -> CustomerStateRecord:
        """The customer of a route that only reads, whatever must be loaded for that."""
        return readable(call.resolve(seen, lambda: self.customer(call, seen)))

    def balance(self, call: Call, seen: Records, customer_guid: str) -> BalanceRecord:
        stored = seen.get(storage.balance_at(call.keys, customer_guid))
        return stored or Holdings.empty(customer_guid, call.now).balance

    def holdings(self, call: Call, seen: Records, customer_guid: str) -> Holdings:
        pages = [seen.get(want) for want in self._pages(call, customer_guid)]
        found = [page for page in pages if page is not None]
        if self.ahead:
            found += seen.all(storage.pages_ahead(call.keys, customer_guid, call.now))
        return Holdings.of(self.balance(call, seen, customer_guid), found)

    def _pages(self, call: Call, customer_guid: str) -> list[Get[LotPage]]:
        return [storage.open_page_at(call.keys, customer_guid), *self._more]

    def over(
        self, call: Call, seen: Records, customer_guid: str, work: Callable[[Holdings], Any]
    ) -> Any:
        """What ``work`` makes of the holdings; ``More`` where it needs pages that were not read.
        The balance is read with them, because only together they are of one time."""
        try:
            return work(self.holdings(call, seen, customer_guid))
        except NeedPages as need:
            wants = storage.pages_at(call.keys, need.pages)
            self._more += [want for want in wants if want not in self._more]
            return More([*wants, *self.wants(call, customer_guid)])

    # ---------------------------------------------------------------- writing

    def step(
        self,
        call: Call,
        seen: Records,
        state: CustomerStateRecord,
        rule: Callable[[Holdings], Decision],
        *,
        action: str,
        blocked: str | None = None,
        holds: Sequence[Get[OrderHoldRecord]] = (),
        answered: Callable[[Decision, dict[str, Any]], dict[str, Any]] | None = None,
        natural: bool = False,
    ) -> Step | More:
        """The step of a movement: the rule's decision, written in one transaction with the check of
        the customer's state. ``blocked``: the action type that a hold or a flag may block;
        ``holds``: where it may be refused for the order alone. ``natural``: the order makes it
        happen once, so its answer is kept for repeats."""
        guid = state.customer_guid
        writable(state, call.now, blocked)
        not_refused((seen.get(hold_at) for hold_at in holds), call.now)

        def work(holdings: Holdings) -> Step:
            decision = rule(holdings)
            revision = (decision.change.balance if decision.change else holdings.balance).revision
            balance = storage.balance_shown(decision.holdings, revision)
            data = answered(decision, balance) if answered else self._kept(decision, balance)
            data = {**data, **self.redirect(guid)}
            answer = Answer(data, revision)
            partition = call.keys.loyalty_balance(guid)[0]
            events = []
            if decision.entries:
                aggregate = ("loyalty_balance", guid, revision)
                events = [call.event(action, aggregate, _event_data(decision, balance))]
            writes = storage.decision_writes(call.keys, decision, self.order, events)
            if not writes:
                return Step(answer, partition)
            writes.append(_alive(call, state, blocked))
            writes += [still_not_refused(hold_at, call.now) for hold_at in holds]
            if natural:
                kept = storage.LoyaltyAnswerRecord(data=data, answered_revision=revision)
                place = storage.answer_at(call.keys, guid, decision.entry.loyalty_txn_id).key
                writes.append(Put(Item(place, kept)))
            return Step(answer, partition, writes)

        made: Step | More = self.over(call, seen, guid, work)
        return made

    def look(
        self, call: Call, seen: Records, guid: str, work: Callable[[Holdings], dict[str, Any]]
    ) -> dict[str, Any]:
        """What a route that only reads makes of the holdings, whatever must be loaded for that."""
        found: dict[str, Any] = call.resolve(seen, lambda: self.over(call, seen, guid, work))
        return found

    def redirect(self, guid: str) -> dict[str, str]:
        """Tells who follows a redirect from where."""
        return {} if guid == self.named else {"redirected_from": self.named}

    def _kept(self, decision: Decision, balance: dict[str, Any]) -> dict[str, Any]:
        """The answer as it is kept for repeats: the entry, which may name a thousand lots, by its
        place."""
        self._made = decision.entry
        place = {"owner": decision.entry.customer_guid, "sequence": decision.entry.sequence}
        return {ENTRY: place, "balance": balance}

    def told(self, call: Call, answer: Answer) -> Answer:
        """The answer of a movement with its transaction, a repeat's as the ledger has it. 404 where
        the entry was erased with its customer."""
        place, entry = answer.data[ENTRY], self._made
        if answer.replayed:
            entry_at = storage.entry_at(call.keys, place["owner"], place["sequence"])
            entry = call.table.load([entry_at]).get(entry_at)
        if entry is None:
            raise NotFound()
        data = {"transaction": storage.entry_shown(entry), **answer.data}
        return replace(answer, data={k: v for k, v in data.items() if k != ENTRY})

    def repeat(self, call: Call, seen: Records, owner: str, loyalty_txn_id: str) -> Step | More:
        """The answer that the order's first movement got."""
        want = storage.answer_at(call.keys, owner, loyalty_txn_id)
        if not seen.has(want):
            return More([want])
        kept = seen.get(want)
        if kept is None:
            raise NotFound()
        return Step(Answer(kept.data, kept.answered_revision, replayed=True), want.key[0])

    def expect(self, call: Call, seen: Records, state: CustomerStateRecord) -> More | None:
        """409 with the current balance where the caller expects another revision of it."""
        guid = state.customer_guid
        revision = self.balance(call, seen, guid).revision
        if call.expected_revision in (None, revision):
            return None

        def work(holdings: Holdings) -> None:
            balance = storage.balance_shown(holdings.settled(call.now), revision)
            call.expect(revision, {"balance": balance})

        found: More | None = self.over(call, seen, guid, work)
        return found


def stamp(call: Call, order: str = "") -> Stamp:
    """Who makes the entries of this call, when and why."""
    why = call.provenance
    return Stamp(
        now=call.now,
        new_id=call.new_id,
        mark=order,
        actor=call.caller.actor,
        reason=why.reason,
        reason_code=why.reason_code,
        source_refs=why.source_refs,
    )


def _event_data(decision: Decision, balance: dict[str, Any]) -> dict[str, Any]:
    entry = decision.entry
    sums = ("available_points", "pending_points", "lifetime_earned", "debt_points")
    return {
        "customer_guid": entry.customer_guid,
        "loyalty_txn_id": entry.loyalty_txn_id,
        "kind": entry.kind,
        "points": sum(e.points for e in decision.entries),
        "entries": len(decision.entries),
        "order_ref": entry.order_ref,
        "policy_version": entry.policy_version,
        "parent_txn_id": entry.parent_txn_id,
        **{name: balance[name] for name in sums},
    }


def _alive(call: Call, state: CustomerStateRecord, blocked: str | None) -> Write:
    """The customer may still be written to. Once a day the write also notes that something
    happened, under the revision of the state that was decided upon. Where it fails, the decision is
    made again with the fresh state: the order may have happened before the customer was blocked,
    and a repeat must hear that."""
    today = call.now.date()
    if state.active_on >= today:
        check = still_writable(
            call.keys, state.customer_guid, call.now, blocked, absorbed=state.absorbed
        )
        return replace(check, on_failure=None)
    after = replace(state, active_on=today, revision=state.revision + 1)
    item = Item(call.keys.customer_state(state.customer_guid), after)
    return Update(item, if_revision=state.revision)

"""The points in a merge: one ledger is closed, and another takes over what it held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.api import Call
from shared.errors import InvalidState
from shared.fields import LARGEST_INTEGER
from shared.ledger import (
    Holdings,
    LedgerEntry,
    LotPage,
    PageEntry,
    TooManyLots,
    joined,
    left,
)
from shared.ledger.pages import PagesUnread
from shared.ledger_storage import (
    balance_at,
    change_writes,
    open_page_at,
    page_at,
)
from shared.records import Read, Records, Unread
from shared.writes import ABSENT, Check, Write


@dataclass(frozen=True, slots=True)
class MovedPoints:
    """The writes that move the points, and how many lots they move."""

    writes: list[Write]
    lots: int


def points_reads(call: Call, customer_guid: str) -> list[Read]:
    """Returns what a merge reads of a customer's points. The lots stay in their pages, so it needs
    no others, unless one side owes points that the other has. Of each other page it knows the sum.
    So the entries of the ledger, which name the lots that were read, stay small."""
    return [balance_at(call.keys, customer_guid), open_page_at(call.keys, customer_guid)]


def moved_points(
    call: Call, records: Records, source_guid: str, target_guid: str, *, pages: int
) -> MovedPoints:
    """Returns how the points of the source go to the target. ``pages``: how many pages of lots the
    transaction has room for."""
    source_at = balance_at(call.keys, source_guid)
    records.ensure(source_at)
    if records.is_absent(source_at):
        # There is no ledger, and there must be none when the merge is written.
        return MovedPoints([Check(source_at.key, ABSENT)], 0)

    def unread(wanted: Sequence[PageEntry]) -> Unread:
        # Only pages and balances of one time can be used together.
        both = (*points_reads(call, source_guid), *points_reads(call, target_guid))
        return Unread(*(page_at(call.keys, entry) for entry in wanted), *both)

    stored = [_held(call, records, guid, unread) for guid in (source_guid, target_guid)]
    at = max(call.now, *(holdings.at for holdings in stored))
    source, target = (holdings.settled(at) for holdings in stored)
    _ensure_countable(source, target)
    closed, out = left(source, _entry(call, source, "merge_out", target_guid))
    open_, into = joined(target, source, _entry(call, target, "merge_in", source_guid))
    try:
        taken_over = open_.commit(pages)
    except TooManyLots:
        message = "The debt of one customer would take more lots of the other than fit in one step."
        raise InvalidState(message, detail={"reason": "too-many-lots"}) from None
    writes = change_writes(call.keys, closed.commit(), [out])
    writes += change_writes(call.keys, taken_over, [into])
    return MovedPoints(writes, sum(entry.lots for entry in stored[0].balance.pages))


def _held(call: Call, records: Records, customer_guid: str, unread: PagesUnread) -> Holdings:
    balance = records.get(balance_at(call.keys, customer_guid))
    if balance is None:
        balance = Holdings.empty(customer_guid, call.now).balance
    return Holdings.of(balance, records.every(LotPage), unread)


def _entry(call: Call, holdings: Holdings, kind: str, counterpart_guid: str) -> LedgerEntry:
    why = call.facts.provenance
    return LedgerEntry(
        loyalty_txn_id=f"ltx_{call.new_id()}",
        customer_guid=holdings.balance.customer_guid,
        kind=kind,
        points=0,
        effective_at=holdings.at,
        recorded_at=holdings.at,
        counterpart_guid=counterpart_guid,
        actor=call.caller.actor,
        reason=why.reason,
        reason_code=why.reason_code,
        source_refs=why.source_refs,
    )


def _ensure_countable(source: Holdings, target: Holdings) -> None:
    """Raises 409 where a sum would leave the integers that every JSON reader can hold."""
    one, two = source.totals(), target.totals()
    sums = (
        one.available_points + one.pending_points + two.available_points + two.pending_points,
        one.lifetime_earned + two.lifetime_earned,
        one.debt_points + two.debt_points,
    )
    if max(sums) > LARGEST_INTEGER:
        message = "Together the customers have more points than can be counted."
        raise InvalidState(message, detail={"reason": "too-many-points"})

"""How a run handles one customer, and one record whose time is past."""

from __future__ import annotations

from collections.abc import Sequence

from lambdas.jobs.retention.exempt import reason_to_keep_customer, states_about
from lambdas.jobs.retention.ledgers import shorten
from lambdas.jobs.retention.outcomes import ACTED, BUSY, CHANGED, LEGAL_HOLD, NOT_DUE
from lambdas.privacy.operations import fence as fences
from lambdas.privacy.operations.fence import eraser_of
from lambdas.privacy.operations.linked import LinkedItem, items_at
from lambdas.privacy.operations.removing import FENCE, Removing, fencing
from lambdas.retention.due import Before, is_idle
from shared.call import Call
from shared.customer_state import WRITABLE, CustomerStateRecord, state_at
from shared.errors import NotFound
from shared.fields import instant_text
from shared.keys import Key
from shared.writes import Check, Condition, Delete, Write, at_revision

PAGES = 50
"""How much of an erasure one step handles. The sweeper continues the rest."""


def remove_customer(call: Call, customer_guid: str, end: Before, action: str) -> str:
    """Anonymizes or deletes a customer of whom nothing was heard until ``end``, through the very
    code of the requests. Returns what became of it."""
    try:
        call, there = fences.found(call, customer_guid)
    except NotFound:
        return NOT_DUE
    # A merged customer goes with its survivor, which has an entry of its own.
    if not there.states or there.state.customer_guid != customer_guid:
        return NOT_DUE
    if there.state.status not in WRITABLE or not is_idle(there.states, end):
        return NOT_DUE
    if there.state.job_id is not None:
        return BUSY
    reason = reason_to_keep_customer(call, there.states, call.today)
    if reason is not None:
        return reason
    # Nobody asked for it, so only what had opted out stays refused.
    job = fences.fence(call, there, action, refuses="opted_out", idle_until=end.day)
    if job is None:
        return CHANGED
    eraser_of(call).advance(job, PAGES)
    return ACTED


def remove_record(call: Call, place: Key, end: Before, run_id: str) -> str:
    """Removes a record whose time is past, with what is said about it and what leads to it. Returns
    what became of it."""
    items = items_at(call.table, [place])
    if not items:
        return NOT_DUE
    (item,) = items
    removing = Removing(eraser_of(call), (), call.now)
    if FENCE in item.wire:
        # An earlier run has begun with it, or a deletion has.
        removing.with_links(item)
        return ACTED
    aged_by = item.kind.aged_by
    if aged_by is None or not end.has_passed(getattr(item.record, aged_by)):
        return NOT_DUE
    stays = None if item.kind.stays is None else item.kind.stays(item.record)
    if stays is not None:
        return stays
    states = states_about(call, item)
    reason = _reason_to_wait(call, states)
    if reason is not None:
        return reason
    begun: Write = _begun(item, run_id)
    checks = [_free(call, state) for state in states]
    if call.table.transact([begun, *checks], call.new_id(), 0) is not None:
        return CHANGED
    if not isinstance(begun, Delete):
        removing.with_links(items_at(call.table, [place])[0])
    return ACTED


def shorten_ledger(call: Call, place: Key, end: Before) -> str:
    """Removes the entries of a ledger that are past their time. Returns what became of it."""
    items = items_at(call.table, [place])
    if not items:
        return NOT_DUE
    states = states_about(call, items[0])
    reason = _reason_to_wait(call, states)
    if reason is not None:
        return reason
    checks = [_free(call, state) for state in states]
    return shorten(call, items[0].record.customer_guid, states, checks, end)


def _reason_to_wait(call: Call, states: Sequence[CustomerStateRecord]) -> str | None:
    """Returns why nothing of these customers may go now, or None."""
    for state in states:
        if state.is_under_legal_hold(call.now):
            return LEGAL_HOLD
        if state.job_id is not None:
            return BUSY
    return None


def _begun(item: LinkedItem, run_id: str) -> Write:
    """Returns the first write of a removal: it fences a record about which something may be said,
    and removes any other one."""
    if item.kind.target is not None:
        return fencing(item, run_id)
    return Delete(item.key, at_revision(item.record.revision))


def _free(call: Call, state: CustomerStateRecord) -> Check:
    """Returns the check that no legal hold and no erasure of the customer has begun."""
    text = (
        "attribute_not_exists(job_id) AND "
        "(attribute_not_exists(legal_hold_until) OR legal_hold_until <= :now)"
    )
    now = {":now": {"S": instant_text(call.now)}}
    return Check(state_at(call.keys, state.customer_guid).key, Condition(text, values=now))

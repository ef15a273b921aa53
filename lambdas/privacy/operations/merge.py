"""Merging two customers into one, and the list of what was merged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lambdas.customer import risk_storage
from lambdas.customer.models.records import CustomerProfileRecord
from lambdas.customer.models.risk_records import CustomerRiskRecord
from lambdas.customer.rules import risk
from lambdas.customer.rules.profile import Lookup
from lambdas.customer.storage import (
    customer_reads,
    lookup_place,
    profile_at,
    profile_item,
    profile_shown,
)
from lambdas.privacy import storage
from lambdas.privacy.models.records import MergeRecord
from lambdas.privacy.models.requests import CustomerMergeListRequest, CustomerMergeRequest
from lambdas.privacy.operations.points import MovedPoints, moved_points, points_reads
from lambdas.privacy.rules import merge as rules
from shared.api import Answer, Call
from shared.codec import Wire, decode
from shared.commit import Step, Subject, commit
from shared.customer_guard import CustomerGuard
from shared.customer_state import (
    CustomerStateRecord,
    redirected,
    require_readable,
    state_at,
    state_item,
    survivor_of,
)
from shared.errors import Busy, Conflict, Fault, LegalHold
from shared.events import change_event
from shared.lists import answer_list
from shared.records import Read, Records
from shared.states import next_revision
from shared.table import ACTIONS
from shared.writes import Put, Update, Write

OTHER_WRITES = 14
"""The writes of a merge that are neither pages of lots nor about those whom the source had
absorbed: two for the idempotency key, and of each customer the state, the profile, the audit, the
risk, the balance and the entry of the ledger."""
MERGE = "customer.merge"
"""The action type that a hold or a flag may block."""


def customer_merge(call: Call, body: CustomerMergeRequest) -> Answer:
    """Merges a customer (the source) into another one of its kind (the target), in one step. Both
    must be active. The target's own values win, and the source fills what is empty. Points and
    debts add up. The source becomes a redirect: its id, e-mails, phones, code and refs find the
    survivor, which answers for the records of both. A customer can absorb at most 25 others. A hold
    of the source goes over with ``move_holds``; a pending hold on merges stops the merge all the
    same."""

    def decide(call: Call, records: Records) -> Step:
        pair = _pair(call, records, body)
        _ensure_allowed(call, records, pair, body)
        absorbed = _absorbed(call, records, pair.source)
        room = ACTIONS - OTHER_WRITES - 2 * len(absorbed)
        points = moved_points(call, records, pair.source_guid, pair.target_guid, pages=room)
        return _step(call, pair, absorbed, points, asked=body.target_customer_guid)

    named = (body.source_customer_guid, body.target_customer_guid)
    return commit(call, [read for guid in named for read in _reads(call, guid)], decide)


def customer_merge_list(call: Call, body: CustomerMergeListRequest) -> Answer:
    """Lists the merges of a customer in both directions, newest first. A merged customer is not
    redirected: its own list says where it went."""
    state = state_at(call.keys, body.customer_guid)

    def require() -> None:
        require_readable(call.load(state).get(state))

    def keep(wire: Wire) -> dict[str, Any]:
        return storage.merge_shown(decode(MergeRecord, wire))

    listing = storage.merges_of(call.keys, body.customer_guid)
    answer = answer_list(call, listing, body, keep, plural="merges", beside=require)
    return Answer({"customer_guid": body.customer_guid, **answer.data})


# ---------------------------------------------------------------- the two customers


@dataclass(frozen=True, slots=True)
class _Pair:
    """The source and the target (which a merged target was redirected to), as they were read."""

    source: CustomerStateRecord
    target: CustomerStateRecord
    source_profile: CustomerProfileRecord
    target_profile: CustomerProfileRecord
    source_risk: CustomerRiskRecord
    target_risk: CustomerRiskRecord

    @property
    def source_guid(self) -> str:
        return self.source.customer_guid

    @property
    def target_guid(self) -> str:
        return self.target.customer_guid


def _reads(call: Call, customer_guid: str) -> list[Read]:
    return [
        *customer_reads(call.keys, customer_guid),
        risk_storage.risk_at(call.keys, customer_guid),
        *points_reads(call, customer_guid),
    ]


def _pair(call: Call, records: Records, body: CustomerMergeRequest) -> _Pair:
    """Returns the two customers. Raises 404 where one does not exist, then ``busy`` where one is
    being erased: no other refusal may show anything of it."""
    source_guid = body.source_customer_guid
    target_guid = survivor_of(call.keys, records, body.target_customer_guid)
    records.ensure(*_reads(call, source_guid), *_reads(call, target_guid))
    source, target = (
        records.require(state_at(call.keys, guid)) for guid in (source_guid, target_guid)
    )
    if source.job_id is not None or target.job_id is not None:
        raise Busy()
    keys = call.keys
    return _Pair(
        source=source,
        target=target,
        source_profile=records.require(profile_at(keys, source_guid)),
        target_profile=records.require(profile_at(keys, target_guid)),
        source_risk=_risk(call, records, source_guid),
        target_risk=_risk(call, records, target_guid),
    )


def _risk(call: Call, records: Records, guid: str) -> CustomerRiskRecord:
    return records.get(risk_storage.risk_at(call.keys, guid)) or risk.no_risk(guid)


def _ensure_allowed(call: Call, records: Records, pair: _Pair, body: CustomerMergeRequest) -> None:
    """Raises the refusal that comes first: states, kinds and count, legal hold, other holds,
    revisions."""
    rules.ensure_mergeable(pair.source, pair.target)
    kinds = (pair.source_profile.kind, pair.target_profile.kind)
    rules.ensure_alike(pair.source, pair.target, kinds=kinds)
    if pair.source.is_under_legal_hold(call.now):
        raise LegalHold(detail={"customer_guid": pair.source_guid})
    for state in (pair.source, pair.target):
        call.guard(state.customer_guid, state, action=MERGE).ensure(records)
    if not body.move_holds:
        rules.ensure_no_pending_hold(risk.settled(pair.source_risk, call.now))
    target, source = pair.target_profile, pair.source_profile
    call.facts.ensure_revision(target.revision, {"customer": profile_shown(target)})
    if body.source_expected_revision not in (None, source.revision):
        raise Conflict(
            minor=[Fault("conflict", "source_expected_revision", "is not the current revision")],
            detail={"current_revision": source.revision},
            record={"customer": profile_shown(source)},
            revision=source.revision,
        )


def _absorbed(
    call: Call, records: Records, source: CustomerStateRecord
) -> list[tuple[CustomerStateRecord, CustomerProfileRecord]]:
    """Returns the customers whom the source had absorbed: their redirects change too."""
    reads = [customer_reads(call.keys, guid) for guid in source.absorbed]
    records.ensure(*(read for pair in reads for read in pair))
    return [
        (records.require(state_get), records.require(profile_get))
        for state_get, profile_get in reads
    ]


# ---------------------------------------------------------------- what is written


def _step(
    call: Call,
    pair: _Pair,
    absorbed: list[tuple[CustomerStateRecord, CustomerProfileRecord]],
    points: MovedPoints,
    *,
    asked: str,
) -> Step:
    def place(lookup: Lookup) -> str:
        return lookup_place(call.keys, lookup)

    united = rules.united(pair.target_profile, pair.source_profile, place, call.now)
    stub = rules.stub_of(pair.source_profile, pair.target_guid, place, call.now)
    merge = _audit(call, pair, united, points)
    writes = [
        *_profile_writes(call, stub, united.profile, merge),
        *_redirect_writes(call, absorbed, pair.target_guid),
        *points.writes,
        *_risk_writes(call, pair),
        Put(storage.merge_item(call.keys, merge)),
        Put(storage.merge_item(call.keys, storage.other_side(merge))),
    ]
    data: dict[str, Any] = {
        "customer": profile_shown(united.profile),
        "merge": storage.outcome_shown(merge),
        **redirected(asked, pair.target_guid),
    }
    subject = Subject(call.keys.customer_state(pair.target_guid)[0], pair.target_guid)
    return Step(Answer(data, united.profile.revision), subject, writes, _guards(call, pair))


def _guards(call: Call, pair: _Pair) -> list[CustomerGuard]:
    """Returns the guards of both customers, which also write their next states. A hold that comes
    in between changes the state, so its revision is a condition for that too."""
    gone = replace(
        pair.source,
        status="merged",
        merged_into=pair.target_guid,
        revision=pair.source.revision + 1,
    )
    stays = replace(
        pair.target,
        absorbed=(*pair.target.absorbed, *pair.source.absorbed, pair.source_guid),
        **risk.blocking(_united_risk(call, pair), call.now),
        revision=pair.target.revision + 1,
    )
    return [
        call.guard(pair.source_guid, pair.source, action=MERGE, changed=gone, active=False),
        call.guard(pair.target_guid, pair.target, action=MERGE, changed=stays),
    ]


def _united_risk(call: Call, pair: _Pair) -> CustomerRiskRecord:
    return risk.combined(pair.target_risk, pair.source_risk, call.now)


def _risk_writes(call: Call, pair: _Pair) -> list[Write]:
    """Returns the write of the united risk, and the check that the source's is the one that was
    read: a flag need not change the state."""
    return [
        risk_storage.risk_write(call.keys, pair.target_risk, _united_risk(call, pair)),
        risk_storage.risk_write(call.keys, pair.source_risk, pair.source_risk),
    ]


def _audit(call: Call, pair: _Pair, united: rules.United, points: MovedPoints) -> MergeRecord:
    """Returns the target's side of the audit."""
    why = call.facts.provenance
    return MergeRecord(
        merge_id=f"merge_{call.new_id()}",
        customer_guid=pair.target_guid,
        source_customer_guid=pair.source_guid,
        target_customer_guid=pair.target_guid,
        direction="target",
        merged_at=call.now,
        actor=call.caller.actor,
        reason=why.reason,
        reason_code=why.reason_code,
        source_refs=why.source_refs,
        lots=points.lots,
        alternates=united.alternates,
        refs=united.refs,
        tags=united.tags,
        conflicts=united.conflicts,
        discarded=united.discarded or None,
    )


def _profile_writes(
    call: Call, stub: CustomerProfileRecord, survivor: CustomerProfileRecord, merge: MergeRecord
) -> list[Write]:
    data = {
        "merge_id": merge.merge_id,
        "source_customer_guid": merge.source_customer_guid,
        "target_customer_guid": merge.target_customer_guid,
        "moved": storage.moved_shown(merge),
    }
    aggregate = ("customer", survivor.customer_guid, survivor.revision)
    event = change_event(call, "customer-merged", aggregate, data)
    return [
        Update(
            profile_item(call.keys, survivor),
            if_revision=survivor.revision - 1,
            events=[event],
        ),
        Update(profile_item(call.keys, stub), if_revision=stub.revision - 1),
    ]


def _redirect_writes(
    call: Call,
    absorbed: list[tuple[CustomerStateRecord, CustomerProfileRecord]],
    target_guid: str,
) -> list[Write]:
    """Returns the writes that make every earlier redirect to the source one to the survivor."""
    writes: list[Write] = []
    for state, profile in absorbed:
        led = replace(state, merged_into=target_guid, revision=state.revision + 1)
        writes.append(Update(state_item(call.keys, led), if_revision=state.revision))
        stub = next_revision(profile, call.now, merged_into=target_guid)
        writes.append(Update(profile_item(call.keys, stub), if_revision=profile.revision))
    return writes

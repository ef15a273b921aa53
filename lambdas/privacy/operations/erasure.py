"""The two erasures: delete and anonymize. Both are jobs; a small customer is done in the call."""

from __future__ import annotations

from typing import Any

from lambdas.customer import storage as customers
from lambdas.kinds import KINDS
from lambdas.privacy import storage
from lambdas.privacy.models.records import ErasureJobRecord, TombstoneRecord
from lambdas.privacy.models.requests import CustomerAnonymizeRequest, CustomerDeleteRequest
from lambdas.privacy.operations import fence as fences
from lambdas.privacy.operations.fence import Found, eraser_of
from lambdas.privacy.rules import erasing as rules
from lambdas.privacy.rules import receipt as receipts
from shared.api import Answer, Call
from shared.codec import shown
from shared.customer_state import redirected
from shared.errors import Busy, NotFound


def customer_delete(call: Call, body: CustomerDeleteRequest) -> Answer:
    """Deletes everything about a customer and everyone merged into it. Once it has begun, reads are
    404 and writes ``busy``, and it is always finished: by this call, by its repeat, or within a
    minute by itself. The answer is a receipt: how many records of each kind were deleted, redacted
    or unlinked, with a signature. The same call again answers the same receipt, with any key."""
    call, there = fences.found(call, body.customer_guid)
    if there.tombstone is not None:
        return _receipt(there.tombstone, body.customer_guid, replayed=True)
    job = fences.running_job(call, there, "delete")
    if job is None:
        fences.ensure_may_begin(call, there)
        if call.facts.dry_run:
            return _trial(call, there, body.customer_guid)
        job = fences.fence(call, there, "delete")
        if job is None:
            return customer_delete(call, body)
    elif call.facts.dry_run:
        raise Busy()
    job = eraser_of(call).advance(job)
    if job.state == "running":
        return _running(job, body.customer_guid)
    return _receipt(
        call.require(storage.tombstone_at(call.keys, job.customer_guid)), body.customer_guid
    )


def customer_anonymize(call: Call, body: CustomerAnonymizeRequest) -> Answer:
    """Removes what is personal about a customer and everyone merged into it, for ever. Points,
    scores, consent states and times stay, under the same id. While it runs, writes are ``busy``.
    An anonymized customer answers this again with the same record, whatever revision is sent."""
    call, there = fences.found(call, body.customer_guid)
    if there.tombstone is not None:
        raise NotFound()
    if there.state.status == "anonymized" and there.state.job_id is None:
        return _anonymized(there, body.customer_guid, replayed=True)
    job = fences.running_job(call, there, "anonymize")
    if job is None:
        fences.ensure_may_begin(call, there)
        if call.facts.dry_run:
            return _anonymized_trial(call, there, body.customer_guid)
        job = fences.fence(call, there, "anonymize")
        if job is None:
            return customer_anonymize(call, body)
    elif call.facts.dry_run:
        raise Busy()
    job = eraser_of(call).advance(job)
    profile = call.require(customers.profile_at(call.keys, job.customer_guid))
    data: dict[str, Any] = {"customer": customers.profile_shown(profile)}
    if job.state == "running":
        data["job"] = fences.job_shown(job)
    return _answer(data, job.customer_guid, body.customer_guid, profile)


# ---------------------------------------------------------------- answers


def _answer(data: dict[str, Any], guid: str, asked: str, profile: Any = None) -> Answer:
    return Answer(data | redirected(asked, guid), None if profile is None else profile.revision)


def _running(job: ErasureJobRecord, asked: str) -> Answer:
    data = {"customer_guid": job.customer_guid, "job": fences.job_shown(job)}
    return _answer(data, job.customer_guid, asked)


def _receipt(tombstone: TombstoneRecord, asked: str, *, replayed: bool = False) -> Answer:
    data = shown(
        tombstone,
        without=("merged_customer_guids", "revision"),
        receipt=receipts.shown_lines(tombstone.receipt),
    )
    answer = _answer(data, tombstone.customer_guid, asked)
    return Answer(answer.data, None, replayed)


def _trial(call: Call, there: Found, asked: str) -> Answer:
    """Returns what a deletion would answer. It counts, and writes nothing."""
    counts = eraser_of(call).counts(there.owners, there.minimum_days)
    receipt = receipts.receipt_of(counts, KINDS)
    guid = there.state.customer_guid
    data = {
        "customer_guid": guid,
        "items_deleted": receipts.items_deleted(receipt),
        "receipt": receipts.shown_lines(receipt),
        "dry_run": True,
    }
    return _answer(data, guid, asked)


def _anonymized(there: Found, asked: str, *, replayed: bool) -> Answer:
    profile = there.profile
    assert profile is not None, "an anonymized customer has a profile"
    answer = _answer(
        {"customer": customers.profile_shown(profile)}, profile.customer_guid, asked, profile
    )
    return Answer(answer.data, answer.revision, replayed)


def _anonymized_trial(call: Call, there: Found, asked: str) -> Answer:
    """Returns what an anonymization would answer, and writes nothing."""
    profile = there.profile
    assert profile is not None, "a customer who may be anonymized has a profile"
    stub = rules.anonymized_profile(profile, "anonymized", lambda: "redacted-…", call.now)
    data = {"customer": customers.profile_shown(stub), "dry_run": True}
    return _answer(data, profile.customer_guid, asked, stub)

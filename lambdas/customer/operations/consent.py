"""Consents: set and get, and the org's own refusals of contact points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lambdas.customer import storage
from lambdas.customer.models.records import (
    ConsentCurrentRecord,
    ConsentDecisionRecord,
    ConsentHeadRecord,
    Notice,
)
from lambdas.customer.models.requests import ConsentIn, CustomerConsentSetRequest
from lambdas.customer.operations.consent_sides import (
    INSIDE,
    consent_reads,
    ensure_sides_read,
    heads_of,
    preferences_shown,
    sides_of,
)
from lambdas.customer.rules import consent as rules
from lambdas.customer.rules.consent import key_of
from lambdas.customer.rules.consent_sides import Consents, Side, combined
from lambdas.customer.rules.suppression import with_refusal
from shared.api import Answer, Call
from shared.codec import dumps, shown, shown_value, utc
from shared.commit import CustomerStep, Step, Subject, commit
from shared.contact_points import contact_point, normal_contact_point
from shared.customer_state import redirected, require_customer
from shared.events import change_event
from shared.records import Records
from shared.states import next_revision
from shared.writes import Put, Update, Write

SET = "customer-consent-set"


def customer_consent_set(call: Call, body: CustomerConsentSetRequest) -> Answer:
    """Records decisions about consents, and sets the preferences. Every decision is kept. The
    latest one counts, on a tie the most restrictive. A grant after a refusal of the same type,
    channel and contact point counts only with evidence: ``effective_at``, ``method``, and
    ``notice`` or ``evidence_ref``. A decision that does not count is answered with ``applied``
    false.

    A call of only ``denied`` and ``withdrawn`` ignores ``expected_revision``, and is accepted in
    every status of the org but ``unverified``. Without ``customer_guid`` such a call refuses its
    contact points for everyone who has them."""
    if body.customer_guid is None:
        return _refuse_for_everyone(call, body.consents)
    named = body.customer_guid

    def decide(call: Call, records: Records) -> CustomerStep:
        survivor = ensure_sides_read(call, records, named)
        state = require_customer(call.keys, records, named)
        own, others = heads_of(call, records, state)
        sides = sides_of(call, records, state, with_points=False)
        _ensure_revision(call, body, own, others, combined(sides))
        change = _Change.of(call, body, sides, own)
        head, revision = change.head, None if change.head is None else change.head.revision
        data = {
            "customer_guid": survivor,
            "consents": change.shown(),
            **preferences_shown(head, *others),
            **({} if revision is None else {"revision": revision}),
            **redirected(named, survivor),
        }
        answer = Answer(data, revision)
        if head is own:
            # Nothing changes, so it is refused in no status, and it is no activity.
            return CustomerStep(answer, call.guard(survivor, state, statuses=None, active=False))
        known = records.all(storage.consents_of(call.keys, survivor))
        guard = call.guard(survivor, state, absorbed_as_read=True)
        return CustomerStep(answer, guard, change.writes(call, own, known))

    return commit(call, consent_reads(call, named), decide)


def first_decisions(call: Call, customer_guid: str, given: Sequence[ConsentIn]) -> list[Write]:
    """Returns the writes of the consents that a customer is created with."""
    if not given:
        return []
    body = CustomerConsentSetRequest.model_construct(consents=list(given))
    change = _Change.of(call, body, [Side(customer_guid, frozenset(), ())], None)
    return change.writes(call, None, ())


def decision_of(call: Call, customer_guid: str, given: ConsentIn) -> ConsentDecisionRecord:
    """Returns a decision as it is stored. Without a time of its own it holds from now, and so does
    one from a clock that is ahead."""
    values = given.model_dump(exclude={"notice", "effective_at", "expires_at"}, exclude_none=True)
    if given.contact_point is not None:
        region = call.settings.region
        values["contact_point"] = contact_point(given.contact_point, region)
    why = call.facts.provenance
    return ConsentDecisionRecord(
        **values,
        decision_id=f"cons_{call.new_id()}",
        customer_guid=customer_guid,
        effective_at=min(utc(given.effective_at or call.now), call.now),
        time_stated=given.effective_at is not None,
        expires_at=None if given.expires_at is None else utc(given.expires_at),
        notice=None if given.notice is None else Notice(**given.notice.model_dump()),
        reason=why.reason,
        reason_code=why.reason_code,
        source_refs=why.source_refs,
        recorded_at=call.now,
    )


def _ensure_revision(
    call: Call,
    body: CustomerConsentSetRequest,
    head: ConsentHeadRecord | None,
    others: Sequence[ConsentHeadRecord],
    consents: Consents,
) -> None:
    """Raises 428 or 409 where the call must name the revision and does not name this one. A call
    that only refuses is always right: a till that knows nothing of the customer may make it."""
    if body.only_refuses:
        return
    if head is not None:
        call.facts.require_revision()
    revision = 0 if head is None else head.revision
    counting = [one.decision for _, one in sorted(consents.counting().items())]
    record: dict[str, Any] = {
        "customer_guid": consents.survivor,
        "consents": [shown(one, without=INSIDE) for one in counting],
        **preferences_shown(head, *others),
        "revision": revision,
    }
    call.facts.ensure_revision(revision, record)


@dataclass(frozen=True, slots=True)
class _Change:
    """What a call changes. ``given``: its decisions, or those that say the same already. ``new``:
    those to be stored. ``after``: all that counts then. ``head``: the head then."""

    given: list[ConsentDecisionRecord]
    new: list[ConsentDecisionRecord]
    after: Consents
    head: ConsentHeadRecord | None
    preferences_changed: bool

    @classmethod
    def of(
        cls,
        call: Call,
        body: CustomerConsentSetRequest,
        sides: Sequence[Side],
        head: ConsentHeadRecord | None,
    ) -> _Change:
        """``sides``: the customer's own side, then all others."""
        own, *others = sides
        after = combined(sides)
        given, new = list[ConsentDecisionRecord](), list[ConsentDecisionRecord]()
        for one in body.consents:
            decision = decision_of(call, own.guid, one)
            about = after.of_key(key_of(decision))
            now = rules.counting_of(about) if about else None
            if now is not None and rules.changes_nothing(decision, now, after.said):
                given.append(now.decision)
                continue
            given.append(decision)
            new.append(decision)
            after = combined([replace(own, decisions=(*own.decisions, *new)), *others])
        chosen = None if body.preferences is None else body.preferences.preferences
        before = None if head is None else head.preferences
        # As they are stored: numbers come in another type than they are read in.
        differs = chosen is not None and (before is None or dumps(chosen) != dumps(before))
        if not new and not differs:
            return cls(given, new, after, head, preferences_changed=False)
        made = head or ConsentHeadRecord(
            customer_guid=own.guid, revision=0, created_at=call.now, updated_at=call.now
        )
        why, changes = call.facts.provenance, dict[str, Any]()
        if differs:
            changes = {
                "preferences": chosen,
                "preferences_reason": why.reason,
                "preferences_reason_code": why.reason_code,
                "preferences_source_refs": why.source_refs,
            }
        return cls(given, new, after, next_revision(made, call.now, **changes), differs)

    def shown(self) -> list[dict[str, Any]]:
        """Returns the decisions of the call as they are answered."""
        return [shown(one, without=INSIDE, **self._outcome(one)) for one in self.given]

    def writes(
        self, call: Call, before: ConsentHeadRecord | None, known: Sequence[ConsentCurrentRecord]
    ) -> list[Write]:
        """Returns the writes: the head with the event, every new decision, and what decides about
        each key. ``known``: what is stored about the keys."""
        assert self.head is not None, "something changes"
        item, event = storage.head_item(call.keys, self.head), self._event(call, self.head)
        writes: list[Write] = [Put(storage.decision_item(call.keys, one)) for one in self.new]
        if before is None:
            writes.append(Put(item, events=[event]))
        else:
            writes.append(Update(item, if_revision=before.revision, events=[event]))
        there = {key_of(record.decision): record for record in known}
        for key in dict.fromkeys(map(key_of, self.new)):
            about = [one for one in self.new if key_of(one) == key]
            old, record = there.get(key), rules.with_decisions(there.get(key), about)
            current = storage.current_item(call.keys, self.head.customer_guid, key, record)
            if old is None:
                writes.append(Put(current))
            else:
                writes.append(Update(current, if_revision=old.revision))
        return writes

    def _outcome(self, decision: ConsentDecisionRecord) -> dict[str, Any]:
        said = self.after.of_key(key_of(decision))
        applied = rules.counts(decision, said)
        return {
            "applied": applied,
            "not_applied": None if applied else rules.not_applied(decision, said),
        }

    def _event(self, call: Call, head: ConsentHeadRecord) -> dict[str, Any]:
        data: dict[str, Any] = {
            "customer_guid": head.customer_guid,
            "decisions": [moved(one, applied=self._outcome(one)["applied"]) for one in self.new],
        }
        if self.preferences_changed:
            data["preferences_changed"] = True
        aggregate = ("customer_consent", head.customer_guid, head.revision)
        return change_event(call, SET, aggregate, data)


def moved(decision: ConsentDecisionRecord, *, applied: bool) -> dict[str, Any]:
    """Returns a decision as events tell of it."""
    found = {
        "decision_id": decision.decision_id,
        "consent_type": decision.consent_type,
        "channel": decision.channel,
        "consent_state": decision.consent_state,
        "applied": applied,
    }
    return {name: value for name, value in found.items() if value is not None}


# ---------------------------------------------------------------- without a customer


def _refuse_for_everyone(call: Call, given: Sequence[ConsentIn]) -> Answer:
    """Records refusals of contact points, whoever has them. Neither the record nor the answer says
    whose they are."""
    decisions = [decision_of(call, "", one) for one in given]
    refused: dict[str, datetime] = {}
    for one in decisions:
        point = normal_contact_point(one.contact_point or "")
        refused[point] = max(one.effective_at, refused.get(point, one.effective_at))
    places = {point: storage.suppression_at(call.keys, point) for point in refused}

    def decide(call: Call, records: Records) -> Step:
        writes: list[Write] = []
        for point, at in refused.items():
            before = records.get(places[point])
            after = with_refusal(before, at)
            if after is before:
                continue
            # One event tells of the whole call.
            events = [] if writes else [_refusal_event(call, decisions)]
            item = storage.suppression_item(call.keys, point, after)
            if before is None:
                writes.append(Put(item, events=events))
            else:
                writes.append(Update(item, if_revision=before.revision, events=events))
        answer = Answer({"consents": [_without_point(one) for one in decisions]})
        first = next(iter(places.values()))
        return Step(answer, Subject(first.key[0], "refusal"), writes)

    return commit(call, list(places.values()), decide)


def _without_point(decision: ConsentDecisionRecord) -> dict[str, Any]:
    """Returns a refusal as it is answered. The answer is kept for repeats, and what is kept must
    not tell the contact point."""
    told = ("decision_id", "consent_type", "consent_state", "channel", "effective_at")
    found = {name: shown_value(getattr(decision, name)) for name in told}
    return {name: value for name, value in found.items() if value is not None} | {"applied": True}


def _refusal_event(call: Call, decisions: Sequence[ConsentDecisionRecord]) -> dict[str, Any]:
    data = {"decisions": [moved(one, applied=True) for one in decisions]}
    # Not even a hash of a contact point leaves the table.
    return change_event(call, SET, ("contact_refusal", decisions[0].decision_id, 1), data)

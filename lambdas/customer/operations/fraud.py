"""Assessments of fraud: assess and list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lambdas.customer import risk_storage as storage
from lambdas.customer.models.risk_envelopes import CustomerFraudAssessed, CustomerHoldMoved
from lambdas.customer.models.risk_records import (
    AssessmentRecord,
    FraudInputs,
    HoldRecord,
    PendingHold,
    QuestionRecord,
)
from lambdas.customer.models.risk_requests import (
    AssessmentIn,
    CustomerFraudAssessRequest,
    CustomerFraudListRequest,
)
from lambdas.customer.operations.risk import CustomerRisk, risk_reads, why
from lambdas.customer.rules import fraud as rules
from lambdas.customer.rules import hold as hold_rules
from lambdas.customer.rules import risk as risk_rules
from shared.api import Answer, Call
from shared.call import repeated
from shared.codec import Wire, decode, dumps, encode
from shared.commit import CustomerStep, commit
from shared.customer_guard import last_word, order_holds_at
from shared.customer_state import HOLD, OrderHoldRecord
from shared.events import change_event, event_data
from shared.fields import Money
from shared.lists import answer_customer_list
from shared.records import Get, Query, Read, Records
from shared.writes import Put, Write


def customer_fraud_assess(call: Call, body: CustomerFraudAssessRequest) -> Answer:
    """Assesses the risk of what a customer is about to do. ``review`` makes a hold, one for each
    customer, action and order: the action is refused until a person resolves it. ``deny`` refuses
    the order, or without an order the action until a later ``allow``. The same question with the
    same inputs gets the same assessment for 15 minutes; an order that was approved, for ever."""
    question = _Question.of(call, body)

    def decide(call: Call, records: Records) -> CustomerStep:
        risk = CustomerRisk.of(call, records, body.customer_guid)
        records.ensure(*question.reads(risk.owners))
        word = last_word(records.get(get) for get in question.words_at(risk.owners))
        if word is not None and word.approved_at is not None:
            return _repeat(risk, str(word.assessment_id))
        inputs, own = question.inputs(risk)
        inputs_hash = call.keys.hash("fraud-inputs", rules.CURRENT.version, dumps(encode(inputs)))
        before = _latest(question, risk)
        recent = before is not None and call.now - before.assessed_at < storage.REPEATED_FOR
        if before is not None and recent and before.inputs_hash == inputs_hash:
            return _repeat(risk, before.assessment_id)
        verdict = rules.assessed(inputs, rules.CURRENT, call.now)
        return _Assessment(question, risk, inputs, own, word, verdict).step(inputs_hash)

    guid = body.customer_guid
    return commit(call, [*risk_reads(call, guid), *question.reads([guid])], decide)


def customer_fraud_list(call: Call, body: CustomerFraudListRequest) -> Answer:
    """Lists the assessments of a customer, newest first, with those of everyone who was merged into
    it."""
    asked = None if body.action_type is None else risk_rules.folded(body.action_type)

    def keep(wire: Wire, customer_guid: str) -> dict[str, Any] | None:
        made: AssessmentRecord = decode(AssessmentRecord, wire)
        right_action = asked in (None, risk_rules.folded(made.action_type))
        right = right_action and body.decision in (None, made.decision)
        return storage.assessment_shown(made, customer_guid) if right else None

    def place(guid: str) -> tuple[str, str]:
        return call.keys.fraud_assessment(guid, "")

    return answer_customer_list(call, body, place, keep, plural="assessments")


# ---------------------------------------------------------------- what is asked


@dataclass(frozen=True, slots=True)
class _Question:
    """What a call asks: about an action, about an order or else its first source, and with what
    else it says (``parts``). The ids of what it may make are fixed, so that a decision that is made
    again makes the same records."""

    call: Call
    given: AssessmentIn
    action: str
    parts: tuple[str, ...]
    assessment_id: str
    hold_id: str
    word_id: str

    @classmethod
    def of(cls, call: Call, body: CustomerFraudAssessRequest) -> _Question:
        given = body.assessment
        action = risk_rules.folded(given.action_type)
        if given.order_ref is not None:
            about: tuple[str, ...] = ("order", given.order_ref)
        else:
            first = call.facts.provenance.source_refs[0]
            about = ("source", first["kind"], first["id"])
        return cls(
            call=call,
            given=given,
            action=action,
            parts=(action, *about, dumps(given.model_dump(exclude={"action_type", "order_ref"}))),
            assessment_id=storage.ASSESSMENT + call.new_id(),
            hold_id=HOLD + call.new_id(),
            word_id=call.new_id(),
        )

    @property
    def order(self) -> str | None:
        """The hash of the order, as the summary of a customer's holds has it."""
        if self.given.order_ref is None:
            return None
        return self.call.keys.held_order(self.action, self.given.order_ref)

    def words_at(self, owners: Sequence[str]) -> list[Get[OrderHoldRecord]]:
        if self.given.order_ref is None:
            return []
        return order_holds_at(self.call.keys, owners, self.action, self.given.order_ref)

    def before_at(self, owners: Sequence[str]) -> list[Get[QuestionRecord]]:
        return storage.questions_at(self.call.keys, owners, self.parts)

    def reads(self, owners: Sequence[str]) -> list[Read]:
        """Returns what an assessment reads of each customer beside its summary."""
        counts: list[Query[Any]] = [*storage.redemptions_at(self.call.keys, owners, self.call.now)]
        return [*self.words_at(owners), *self.before_at(owners), *counts]

    def inputs(self, risk: CustomerRisk) -> tuple[FraudInputs, PendingHold | None]:
        """Returns what the rules are asked with, and the order's own pending hold, if any."""
        call, given = self.call, self.given
        flags = risk_rules.flag_counts(risk.summary, call.now)
        own, elsewhere = risk_rules.pending_for(risk.summary, self.action, self.order, call.now)
        counts = storage.redemptions_at(call.keys, risk.owners, call.now)
        redemptions = sum(one.redemptions for query in counts for one in risk.records.all(query))
        inputs = FraudInputs(
            amount=None if given.amount is None else given.amount.money(),
            order_ref=given.order_ref,
            channel_code=given.channel_code,
            signals=given.signals,
            block_flags=flags.block,
            critical_flags=flags.critical,
            trusted_flags=flags.trusted,
            low_flags=flags.low,
            medium_flags=flags.medium,
            high_flags=flags.high,
            chargeback=risk.summary.chargeback,
            customer_created_at=risk.state.created_at,
            redemptions_24h=redemptions,
            pending_elsewhere=elsewhere,
            high_value_mark=Money(call.settings.currency, call.settings.high_value_minor),
        )
        return inputs, own


def _latest(question: _Question, risk: CustomerRisk) -> QuestionRecord | None:
    """Returns the last assessment of the question, by whichever of the customer's partitions."""
    before = [risk.records.get(get) for get in question.before_at(risk.owners)]
    found = [one for one in before if one is not None]
    return max(found, key=lambda one: one.assessed_at, default=None)


def _repeat(risk: CustomerRisk, assessment_id: str) -> CustomerStep:
    """Returns the answer of an assessment that was made before."""
    places = storage.assessments_at(risk.call.keys, risk.owners, assessment_id)
    made = risk.require(places)
    return CustomerStep(repeated(_data(risk, made), made.revision), risk.reading_guard())


def _data(risk: CustomerRisk, made: AssessmentRecord) -> dict[str, Any]:
    return {"assessment": storage.assessment_shown(made, risk.guid), **risk.redirect}


# ---------------------------------------------------------------- what is written


@dataclass(frozen=True, slots=True)
class _Assessment:
    """A new assessment. ``own`` is the pending hold of its order; ``word`` is what was last said of
    the order."""

    question: _Question
    risk: CustomerRisk
    inputs: FraudInputs
    own: PendingHold | None
    word: OrderHoldRecord | None
    verdict: rules.Verdict

    def step(self, inputs_hash: str) -> CustomerStep:
        """Returns the step that stores the assessment, and whatever follows from its decision."""
        call, question, verdict = self.risk.call, self.question, self.verdict
        needs_hold = verdict.decision == "review" and self.own is None
        hold = self._new_hold() if needs_hold else None
        pending = self._pending(hold) if hold is not None else self.own
        made = self._record(pending if verdict.decision == "review" else None)
        summary = risk_rules.with_decision(
            self.risk.summary,
            question.action,
            verdict.decision,
            call.now,
            for_order=question.order is not None,
        )
        if hold is not None and pending is not None:
            summary = risk_rules.with_hold(summary, pending, call.now)
        event = change_event(
            call,
            "customer-fraud-assessed",
            ("fraud_assessment", made.assessment_id, made.revision),
            event_data(CustomerFraudAssessed, made, order_ref=made.inputs.order_ref),
        )
        writes: list[Write] = [Put(storage.assessment_item(call.keys, made), events=[event])]
        writes += [] if hold is None else [_hold_write(call, hold)]
        writes += [self.risk.write(summary), self._question_write(inputs_hash)]
        writes += self._word_writes(pending)
        answer = Answer(_data(self.risk, made), made.revision)
        return CustomerStep(answer, self.risk.guard(summary), writes)

    def _record(self, pending: PendingHold | None) -> AssessmentRecord:
        call, verdict = self.risk.call, self.verdict
        return AssessmentRecord(
            assessment_id=self.question.assessment_id,
            customer_guid=self.risk.guid,
            action_type=self.question.given.action_type,
            score=verdict.score,
            risk_level=verdict.risk_level,
            decision=verdict.decision,
            reasons=verdict.reasons,
            rule_set_version=rules.CURRENT.version,
            inputs=self.inputs,
            hold_id=None if pending is None else pending.hold_id,
            assessed_at=call.now,
            valid_until=call.now + storage.REPEATED_FOR,
            **why(call),
        )

    def _new_hold(self) -> HoldRecord:
        call = self.risk.call
        return HoldRecord(
            hold_id=self.question.hold_id,
            customer_guid=self.risk.guid,
            action_type=self.question.given.action_type,
            status="pending",
            assessment_id=self.question.assessment_id,
            order_ref=self.inputs.order_ref,
            amount=self.inputs.amount,
            expires_at=call.now + timedelta(hours=call.settings.hold_hours),
            on_expiry=call.settings.hold_expiry,
            created_at=call.now,
            updated_at=call.now,
            **why(call),
        )

    def _pending(self, hold: HoldRecord) -> PendingHold:
        return PendingHold(
            hold.hold_id,
            self.question.action,
            hold.expires_at,
            hold.on_expiry == hold_rules.REJECT,
            hold.created_at,
            self.question.order,
        )

    def _question_write(self, inputs_hash: str) -> Write:
        """Returns the write that lets a repeat find the assessment. It lies with the customer that
        answers, also where the one before lies with somebody who was merged into it."""
        (place,) = self.question.before_at([self.risk.guid])
        after = QuestionRecord(
            assessment_id=self.question.assessment_id,
            inputs_hash=inputs_hash,
            assessed_at=self.risk.call.now,
        )
        return storage.question_write(place, self.risk.records.get(place), after)

    def _word_writes(self, pending: PendingHold | None) -> list[Write]:
        places = self.question.words_at([self.risk.guid])
        said = hold_rules.said_by_decision(
            self.word, self.verdict.decision, pending, self.risk.call.now, self.question.word_id
        )
        if not places or said is None:
            return []
        return [storage.word_write(places[0], self.risk.records.get(places[0]), said)]


def _hold_write(call: Call, hold: HoldRecord) -> Write:
    event = change_event(
        call,
        "customer-hold-created",
        ("customer_hold", hold.hold_id, hold.revision),
        event_data(CustomerHoldMoved, hold),
    )
    return Put(storage.hold_item(call.keys, hold), events=[event])

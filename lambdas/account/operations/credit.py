"""Credit: consume and release, each one atomic write."""

from __future__ import annotations

from typing import Any

from lambdas.account import rules, storage
from lambdas.account.models import (
    AccountCreditConsumeRequest,
    AccountCreditReleaseRequest,
    AccountRecord,
    CreditOrderRecord,
    CreditReleaseRecord,
)
from shared.api import Answer, Call
from shared.call import repeated
from shared.codec import Item, shown_value
from shared.commit import Step, commit
from shared.errors import InvalidInput
from shared.events import change_event
from shared.fields import Money
from shared.records import Get, Records
from shared.writes import Check, Put, Update, Write, at_revision


def account_credit_consume(call: Call, body: AccountCreditConsumeRequest) -> Answer:
    """Takes an amount of an account's credit for an order, once per order. Refused while the credit
    is held, and beyond what is available."""
    order_ref = body.order_ref or call.facts.provenance.source("order")
    assert order_ref is not None, "the request was checked"
    account_at = storage.account_at(call.keys, body.account_guid)
    subject = storage.subject(call.keys, body.account_guid)
    order_at = storage.order_at(call.keys, body.account_guid, order_ref)
    amount = body.amount.money()

    def decide(call: Call, records: Records) -> Step:
        account, order = records.require(account_at), records.get(order_at)
        if order is not None:
            rules.may_consume_again(order, amount)
            return Step(repeated(order.answer, order.answered_revision), subject)
        rules.can_carry(account)
        call.facts.ensure_revision(account.revision, {"account": storage.account_shown(account)})
        after = rules.consumed(account, amount, call.now)
        answer = _answer(after, order_ref, amount, amount)
        made = CreditOrderRecord(
            order_ref=order_ref,
            consumed=amount,
            answer=answer.data,
            answered_revision=after.revision,
            created_at=call.now,
            updated_at=call.now,
        )
        return Step(
            answer,
            subject,
            [
                _account_update(call, account, after, "account-credit-consumed", answer),
                Put(storage.order_item(call.keys, body.account_guid, made)),
            ],
        )

    return commit(call, [account_at, order_at], decide)


def account_credit_release(call: Call, body: AccountCreditReleaseRequest) -> Answer:
    """Gives credit back: of an order that much or all that is left of it, or without an order an
    amount. Never refused by a hold, a status or an old revision unless one is named; never gives
    back more than was taken."""
    order_ref = body.order_ref or call.facts.provenance.source("order")
    if order_ref is None:
        return _release_without_order(call, body)
    amount = None if body.amount is None else body.amount.money()
    asked_text = "all" if amount is None else f"{amount.currency} {amount.amount}"
    account_at = storage.account_at(call.keys, body.account_guid)
    subject = storage.subject(call.keys, body.account_guid)
    order_at = storage.order_at(call.keys, body.account_guid, order_ref)
    repeat_at = storage.release_at(call.keys, body.account_guid, order_ref, asked_text)
    natural = call.facts.idempotency_key is None

    def decide(call: Call, records: Records) -> Step:
        account, order = records.require(account_at), records.require(order_at)
        repeat = records.get(repeat_at) if natural else None
        if repeat is not None:
            return Step(repeated(repeat.answer, repeat.answered_revision), subject)
        call.facts.ensure_revision(account.revision, {"account": storage.account_shown(account)})
        if amount is not None:
            rules.same_currency(account, amount, order)
        asked, applied = rules.releasable(account, order, amount)
        after = rules.released(account, applied, call.now)
        answer = _answer(after, order_ref, asked, applied)
        writes: list[Write] = []
        if after is not account:
            left = rules.given_back(order, applied, call.now)
            item = storage.order_item(call.keys, body.account_guid, left)
            writes = [
                _account_update(call, account, after, "account-credit-released", answer),
                Update(item, if_revision=order.revision),
            ]
        elif natural:
            writes = [Check(account_at.key, at_revision(account.revision))]
        if natural:
            # Also where nothing came back: a repeat must not take what another order uses then.
            guard = CreditReleaseRecord(
                answer=answer.data, answered_revision=after.revision, created_at=call.now
            )
            writes.append(Put(Item(repeat_at.key, guard)))
        return Step(answer, subject, writes)

    wants: list[Get[Any]] = [account_at, order_at, *([repeat_at] if natural else [])]
    return commit(call, wants, decide)


def _release_without_order(call: Call, body: AccountCreditReleaseRequest) -> Answer:
    if body.amount is None or call.facts.idempotency_key is None:
        field = "idempotency_key" if body.amount is not None else "amount"
        message = "is required where no order is named"
        raise call.refusal(InvalidInput.of(field, message, "missing"))
    amount = body.amount.money()
    account_at = storage.account_at(call.keys, body.account_guid)
    subject = storage.subject(call.keys, body.account_guid)

    def decide(call: Call, records: Records) -> Step:
        account = records.require(account_at)
        call.facts.ensure_revision(account.revision, {"account": storage.account_shown(account)})
        rules.same_currency(account, amount)
        asked, applied = rules.releasable(account, None, amount)
        after = rules.released(account, applied, call.now)
        answer = _answer(after, None, asked, applied)
        writes = []
        if after is not account:
            writes = [_account_update(call, account, after, "account-credit-released", answer)]
        return Step(answer, subject, writes)

    return commit(call, [account_at], decide)


def _answer(account: AccountRecord, order_ref: str | None, asked: Money, applied: Money) -> Answer:
    credit = {
        "requested": shown_value(asked),
        "applied": shown_value(applied),
        "floored": applied.amount < asked.amount,
    }
    if order_ref is not None:
        credit["order_ref"] = order_ref
    data = {"account": storage.account_shown(account), "credit": credit}
    return Answer(data, account.revision)


def _account_update(
    call: Call, account: AccountRecord, after: AccountRecord, action: str, answer: Answer
) -> Update:
    event = change_event(
        call,
        action,
        ("account", after.account_guid, after.revision),
        {
            "account_guid": after.account_guid,
            **answer.data["credit"],
            "credit_used": after.credit_used,
            "credit_available": after.credit_available,
        },
    )
    item = storage.account_item(call.keys, after)
    return Update(item, if_revision=account.revision, events=[event])

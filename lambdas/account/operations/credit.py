"""Credit: consume and release. Each is one atomic write of the account and the order."""

from __future__ import annotations

from lambdas.account import rules, storage
from lambdas.account.models import requests
from lambdas.account.models.records import AccountRecord, CreditOrderRecord, CreditReleaseRecord
from shared.api import Answer, Call
from shared.call import repeated
from shared.codec import Item, shown_value
from shared.commit import Step, Subject, commit
from shared.errors import Fault, InvalidInput
from shared.fields import Money
from shared.records import Records
from shared.states import next_revision
from shared.writes import Check, Put, Update, Write, at_revision


def account_credit_consume(call: Call, body: requests.AccountCreditConsumeRequest) -> Answer:
    """Uses credit of an account for an order, once per order. The amount must be available, and the
    account must be active and not on credit hold. An order whose credit was released, even in part,
    cannot use credit again."""
    order_ref = body.order_ref or call.facts.provenance.source("order")
    assert order_ref is not None, "the door lets no request without an order pass"
    account_at = storage.account_at(call.keys, body.account_guid)
    order_at = storage.order_at(call.keys, body.account_guid, order_ref)
    subject = Subject(account_at.key[0], body.account_guid)
    amount = body.amount.money()

    def decide(call: Call, records: Records) -> Step:
        account, order = records.require(account_at), records.get(order_at)
        # A repeat comes first: a retry of what succeeded must not hear of a hold or a revision.
        if order is not None:
            rules.ensure_same_consumption(order, amount)
            return Step(repeated(order.answer, order.answered_revision), subject)
        # Then the hold: while credit is held, a fresh revision would not help the caller.
        rules.ensure_no_credit_hold(account)
        call.facts.ensure_revision(account.revision, {"account": storage.account_shown(account)})
        after = rules.consumed(account, amount, call.now)
        answer = _answer(after, order_ref, amount, amount)
        used = CreditOrderRecord(
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
                *_changes(call, account, after, "account-credit-consumed", answer),
                Put(Item(order_at.key, used)),
            ],
        )

    return commit(call, [account_at, order_at], decide)


def account_credit_release(call: Call, body: requests.AccountCreditReleaseRequest) -> Answer:
    """Gives credit back to an account. With an order: ``amount``, or all that is left of the
    order, and never more than that. Without an order: ``amount``, which then needs an
    ``idempotency_key``. ``floored`` says that less came back than was asked for. A hold or a status
    never stops a release, and it needs no revision."""
    order_ref = body.order_ref or call.facts.provenance.source("order")
    amount = None if body.amount is None else body.amount.money()
    if order_ref is None:
        _require_amount_and_key(call, amount)
    account_at = storage.account_at(call.keys, body.account_guid)
    subject = Subject(account_at.key[0], body.account_guid)
    order_at = repeat_at = None
    if order_ref is not None:
        order_at = storage.order_at(call.keys, body.account_guid, order_ref)
    if order_ref is not None and call.facts.idempotency_key is None:
        # No key tells two releases of an order apart: the same amount again is a repeat.
        asked = "all" if amount is None else f"{amount.currency} {amount.amount}"
        repeat_at = storage.release_at(call.keys, body.account_guid, order_ref, asked)

    def decide(call: Call, records: Records) -> Step:
        account = records.require(account_at)
        order = None if order_at is None else records.require(order_at)
        repeat = None if repeat_at is None else records.get(repeat_at)
        if repeat is not None:
            return Step(repeated(repeat.answer, repeat.answered_revision), subject)
        call.facts.ensure_revision(account.revision, {"account": storage.account_shown(account)})
        requested, applied = rules.releasable(account, order, amount)
        after = rules.released(account, applied, call.now)
        answer = _answer(after, order_ref, requested, applied)
        writes = _changes(call, account, after, "account-credit-released", answer)
        if writes and order is not None and order_at is not None:
            left = next_revision(order, call.now, released=order.released + applied.amount)
            writes.append(Update(Item(order_at.key, left), if_revision=order.revision))
        if repeat_at is not None:
            # Also where nothing came back: the repeat must not take what another order uses then.
            given = CreditReleaseRecord(
                answer=answer.data, answered_revision=after.revision, created_at=call.now
            )
            writes.append(Put(Item(repeat_at.key, given)))
        if repeat_at is not None and after is account:
            # "Nothing" is kept as the answer only if it is still true at the moment of the write.
            writes.append(Check(account_at.key, at_revision(account.revision)))
        return Step(answer, subject, writes)

    reads = [at for at in (account_at, order_at, repeat_at) if at is not None]
    return commit(call, reads, decide)


def _require_amount_and_key(call: Call, amount: Money | None) -> None:
    """400 where a release for no order lacks its amount or its key: nothing else would tell its
    repeat from a second release."""
    given = {"amount": amount, "idempotency_key": call.facts.idempotency_key}
    message = "is required where no order is named"
    faults = [Fault("missing", name, message) for name in given if given[name] is None]
    if faults:
        raise call.refusal(InvalidInput(minor=faults))


def _answer(
    account: AccountRecord, order_ref: str | None, requested: Money, applied: Money
) -> Answer:
    credit = {
        "requested": shown_value(requested),
        "applied": shown_value(applied),
        "floored": applied.amount < requested.amount,
    }
    if order_ref is not None:
        credit["order_ref"] = order_ref
    data = {"account": storage.account_shown(account), "credit": credit}
    return Answer(data, account.revision)


def _changes(
    call: Call, account: AccountRecord, after: AccountRecord, action: str, answer: Answer
) -> list[Write]:
    """Returns the write of the account. Its event says of the credit what the answer says."""
    return storage.changes(call, account, after, action, **answer.data["credit"])

"""Movements of points: earn, redeem, adjust, expire; and what an earn would do. Undoing them is a
module of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lambdas.loyalty import rules, storage
from lambdas.loyalty.models import (
    LineIn,
    LoyaltyAdjustRequest,
    LoyaltyEarnRequest,
    LoyaltyExpireRequest,
    LoyaltyPreviewRequest,
    LoyaltyRedeemRequest,
)
from lambdas.loyalty.operations.loyalty_account import (
    LoyaltyAccount,
    account_reads,
    stamp,
    with_transaction,
)
from lambdas.loyalty.rules import Decision
from shared.api import Answer, Call
from shared.commit import CustomerStep, commit
from shared.customer_state import order_holds_at
from shared.records import Get, Records

REDEEM, ADJUST = "loyalty.redeem", "loyalty.adjust"
"""The action types that a hold names."""


def loyalty_earn(call: Call, body: LoyaltyEarnRequest) -> Answer:
    """Grants the points of an order, once per order and org. Debt is repaid first."""
    hashed = storage.order_hash(call.keys, body.order_ref)
    guard_at = storage.earned_at(call.keys, hashed)
    at = body.occurred_at or call.now
    policies = storage.policies_in_force(call.keys, body.channel_code, at)
    named_at = _named_policy(call, body.policy_version)
    sale = sale_of(body)

    def decide(call: Call, records: Records) -> CustomerStep:
        account = LoyaltyAccount.to_write(call, records, body.customer_guid)
        guard = records.get(guard_at)
        if guard is not None:
            guard.ensure_repeated_by(account.owners, sale)
            return account.repeat(guard.customer_guid, guard.loyalty_txn_id)
        policy = rules.chosen(
            records.require(named_at) if named_at is not None else None,
            storage.policy_seen(records, call.keys, body.channel_code, at),
            may_choose=call.caller.has("loyalty_admin"),
        )
        order = rules.EarnOrder(
            order_ref=body.order_ref,
            sale=sale,
            occurred_at=body.occurred_at,
            quote_hash=body.quote_hash,
        )
        return account.step(
            lambda holdings: rules.earn(holdings, order, policy, stamp(call, hashed)),
            action="loyalty-earned",
            order=hashed,
            natural=True,
        )

    named = [] if named_at is None else [named_at]
    reads = [*account_reads(call, body.customer_guid), guard_at, *policies, *named]
    return with_transaction(call, commit(call, reads, decide))


def loyalty_preview(call: Call, body: LoyaltyPreviewRequest) -> Answer:
    """Says what an order would earn, and why. Writes nothing; earning with the ``quote_hash`` gives
    exactly that."""
    at = body.as_of or call.now
    named_at = _named_policy(call, body.policy_version)
    sale = sale_of(body)

    def work(records: Records) -> Answer:
        account = None
        if body.customer_guid is not None:
            account = LoyaltyAccount.to_read(call, records, body.customer_guid)
        if named_at is not None:
            policy = records.require(named_at)
        else:
            found = storage.policy_seen(records, call.keys, body.channel_code, at)
            policy = rules.require_policy(found)
        data: dict[str, Any] = {"quote": rules.quote(policy, sale, at).shown()}
        if account is None:
            return Answer(data)
        order = rules.EarnOrder(
            order_ref=body.order_ref or "preview", sale=sale, occurred_at=min(at, call.now)
        )
        after = rules.earn(account.holdings, order, policy, stamp(call))
        assert after.change is not None
        now, then = account.holdings.settled(call.now), after.change.balance.revision
        data["balance"] = storage.balance_shown(now, account.balance.revision)
        data["balance_after"] = storage.balance_shown(after.holdings, then)
        return Answer(data | account.redirect)

    customer = account_reads(call, body.customer_guid) if body.customer_guid is not None else []
    named = [] if named_at is None else [named_at]
    policies = storage.policies_in_force(call.keys, body.channel_code, at)
    return call.read([*policies, *named, *customer], work)


def loyalty_redeem(call: Call, body: LoyaltyRedeemRequest) -> Answer:
    """Spends points for an order, soonest expiry first, once per customer and order."""
    hashed = storage.order_hash(call.keys, body.order_ref)
    amount = None if body.order_amount is None else body.order_amount.money()

    def about(owners: Sequence[str]) -> tuple[list[Get[rules.RedeemedOrder]], list[Get[Any]]]:
        guards = [storage.redeemed_at(call.keys, guid, hashed) for guid in owners]
        return guards, [*order_holds_at(call.keys, owners, REDEEM, body.order_ref)]

    def decide(call: Call, records: Records) -> CustomerStep:
        account = LoyaltyAccount.to_write(call, records, body.customer_guid, ahead=True)
        guards, holds = about(account.owners)
        records.ensure(*guards, *holds)
        there = [guard for get in guards if (guard := records.get(get)) is not None]
        if there:
            guard = rules.repeated(there, body.redeem_points, amount, body.channel_code)
            return account.repeat(guard.customer_guid, guard.loyalty_txn_id)
        account.ensure_revision()
        found = storage.policy_seen(records, call.keys, body.channel_code, call.now)
        policy = rules.require_policy(found)
        order = rules.RedeemOrder(
            order_ref=body.order_ref,
            points=body.redeem_points,
            order_amount=amount,
            channel_code=body.channel_code,
        )
        return account.step(
            lambda holdings: rules.redeem(holdings, order, policy, stamp(call, hashed)),
            action="loyalty-redeemed",
            order=hashed,
            blocked=REDEEM,
            holds=holds,
            natural=True,
        )

    guards, holds = about([body.customer_guid])
    policies = storage.policies_in_force(call.keys, body.channel_code, call.now)
    reads = [*account_reads(call, body.customer_guid, ahead=True), *guards, *holds, *policies]
    return with_transaction(call, commit(call, reads, decide))


def loyalty_adjust(call: Call, body: LoyaltyAdjustRequest) -> Answer:
    """Gives or takes points by hand; below nothing only where debt is allowed."""
    takes = body.points_delta < 0
    asked = rules.Adjustment(
        points_delta=body.points_delta,
        expires_at=body.expires_at,
        allow_debt=body.allow_debt,
        counts_as_earned=body.counts_as_earned,
    )

    def decide(call: Call, records: Records) -> CustomerStep:
        account = LoyaltyAccount.to_write(call, records, body.customer_guid, ahead=takes)
        account.ensure_revision()
        return account.step(
            lambda holdings: rules.adjust(holdings, asked, stamp(call)),
            action="loyalty-adjusted",
            blocked=ADJUST,
        )

    reads = account_reads(call, body.customer_guid, ahead=takes)
    return with_transaction(call, commit(call, reads, decide))


def loyalty_expire(call: Call, body: LoyaltyExpireRequest) -> Answer:
    """Writes down what has expired, one entry per lot, at most 90 a call. The balance is the same
    before and after: expired points do not count whether or not this ran."""
    dry_run = call.facts.dry_run

    def answered(decision: Decision, balance: dict[str, Any]) -> dict[str, Any]:
        return {
            "customer_guid": decision.holdings.balance.customer_guid,
            "expired_points": -sum(entry.points for entry in decision.entries),
            "more": decision.more,
            "balance": balance,
        }

    def decide(call: Call, records: Records) -> CustomerStep:
        account = LoyaltyAccount.to_write(call, records, body.customer_guid, ahead=True)
        return account.step(
            lambda holdings: rules.expire(holdings, body.as_of, stamp(call), dry_run=dry_run),
            action="loyalty-expired",
            answered=answered,
        )

    return commit(call, account_reads(call, body.customer_guid, ahead=True), decide)


# ---------------------------------------------------------------- how they do it


def _named_policy(call: Call, policy_version: str | None) -> Get[rules.PolicyRecord] | None:
    return None if policy_version is None else storage.policy_named(call.keys, policy_version)


def sale_of(body: LoyaltyEarnRequest | LoyaltyPreviewRequest) -> rules.Sale:
    """The sale of a request; its lines are in the currency of the whole."""
    lines: Sequence[LineIn] = body.lines
    return rules.Sale(
        amount=body.amount.money(),
        lines=tuple(
            rules.Line(
                amount=line.amount.amount,
                sku=line.sku,
                category=line.category,
                eligible=line.eligible,
            )
            for line in lines
        ),
        channel_code=body.channel_code,
    )

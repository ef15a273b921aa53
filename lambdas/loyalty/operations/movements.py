"""Movements of points: earn, redeem, adjust, expire; and what an earn would do. Undoing them is a
module of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from lambdas.loyalty import storage
from lambdas.loyalty.models.records import Line, PolicyRecord, RedeemedOrderRecord
from lambdas.loyalty.models.requests import (
    LoyaltyAdjustRequest,
    LoyaltyEarnRequest,
    LoyaltyExpireRequest,
    LoyaltyPreviewRequest,
    LoyaltyRedeemRequest,
    SaleIn,
)
from lambdas.loyalty.operations.loyalty_account import LoyaltyAccount, account_reads, moved
from lambdas.loyalty.rules import adjusting, earning, spending
from lambdas.loyalty.rules.decision import Decision
from lambdas.loyalty.rules.policy import require_policy, require_pricing_policy
from lambdas.loyalty.rules.quote import Sale, quote
from shared.api import Answer, Call
from shared.commit import CustomerStep
from shared.customer_guard import order_holds_at
from shared.customer_state import OrderHoldRecord
from shared.records import Get, Read, Records

REDEEM, ADJUST = "loyalty.redeem", "loyalty.adjust"
"""The action types that a hold names."""


def loyalty_earn(call: Call, body: LoyaltyEarnRequest) -> Answer:
    """Grants the points of an order, once per order and org. Debt is repaid first."""
    hashed = storage.order_hash(call.keys, body.order_ref)
    guard_at = storage.earned_at(call.keys, hashed)
    at = body.occurred_at or call.now
    named = _named_policy(call, body)
    order = earning.EarnOrder(
        order_ref=body.order_ref,
        sale=sale_of(body),
        occurred_at=body.occurred_at,
        quote_hash=body.quote_hash,
    )

    def decide(account: LoyaltyAccount) -> CustomerStep:
        records = account.records
        guard = records.get(guard_at)
        if guard is not None:
            earning.ensure_same_earn(guard, account.owners, order.sale)
            return account.repeat(guard.customer_guid, guard.loyalty_txn_id)
        policy = require_pricing_policy(
            next((records.require(get) for get in named), None),
            storage.policy_in_force(records, call.keys, body.channel_code, at),
            may_choose=account.call.caller.has("loyalty_admin"),
        )
        return account.step(
            lambda holdings: earning.earn(holdings, order, policy, account.stamp(hashed)),
            action="loyalty-earned",
            order_hash=hashed,
            natural=True,
        )

    policies = storage.policies_in_force(call.keys, body.channel_code, at)
    return moved(call, body.customer_guid, decide, beside=[guard_at, *policies, *named])


def loyalty_preview(call: Call, body: LoyaltyPreviewRequest) -> Answer:
    """Says what an order would earn, and why. Writes nothing; earning with the ``quote_hash`` gives
    exactly that."""
    at, sale, guid = body.as_of or call.now, sale_of(body), body.customer_guid
    named = _named_policy(call, body)

    def work(records: Records) -> Answer:
        # Whether there is such a customer comes before all that is wrong with the sale.
        account = None if guid is None else LoyaltyAccount.of(call, records, guid)
        in_force = None
        if not named:
            in_force = storage.policy_in_force(records, call.keys, body.channel_code, at)
        policy = next((records.require(get) for get in named), None) or require_policy(in_force)
        quoted = quote(policy, sale, at, ZoneInfo(call.settings.timezone))
        data: dict[str, Any] = {"quote": quoted.shown()}
        if account is None:
            return Answer(data)
        order = earning.EarnOrder(
            order_ref=body.order_ref or "preview", sale=sale, occurred_at=min(at, call.now)
        )
        after = earning.earn(account.holdings, order, policy, account.stamp())
        assert after.change is not None, "an earn changes the balance"
        now, then = account.holdings.settled(call.now), after.change.balance.revision
        data["balance"] = storage.balance_shown(now, account.balance.revision)
        data["balance_after"] = storage.balance_shown(after.holdings, then)
        return Answer(data | account.redirect)

    customer = [] if guid is None else account_reads(call, guid)
    policies = storage.policies_in_force(call.keys, body.channel_code, at)
    return call.read([*policies, *named, *customer], work)


def loyalty_redeem(call: Call, body: LoyaltyRedeemRequest) -> Answer:
    """Spends points for an order, soonest expiry first, once per customer and order. An order whose
    points were restored, in part or whole, cannot redeem again."""
    hashed = storage.order_hash(call.keys, body.order_ref)
    order = spending.RedeemOrder(
        order_ref=body.order_ref,
        points=body.redeem_points,
        order_amount=None if body.order_amount is None else body.order_amount.money(),
        channel_code=body.channel_code,
    )

    def about(
        owners: Sequence[str],
    ) -> tuple[list[Get[RedeemedOrderRecord]], list[Get[OrderHoldRecord]]]:
        guards = [storage.redeemed_at(call.keys, guid, hashed) for guid in owners]
        return guards, order_holds_at(call.keys, owners, REDEEM, body.order_ref)

    def decide(account: LoyaltyAccount) -> CustomerStep:
        records = account.records
        guards, holds = about(account.owners)
        records.ensure(*guards, *holds)
        before = [guard for get in guards if (guard := records.get(get)) is not None]
        if before:
            guard = spending.redeemed_alike(before, order)
            return account.repeat(guard.customer_guid, guard.loyalty_txn_id)
        account.ensure_revision()
        in_force = storage.policy_in_force(records, call.keys, body.channel_code, call.now)
        policy = require_policy(in_force)
        return account.step(
            lambda holdings: spending.redeem(holdings, order, policy, account.stamp(hashed)),
            action="loyalty-redeemed",
            order_hash=hashed,
            blocked=REDEEM,
            holds=holds,
            redeems=True,
            natural=True,
        )

    guards, holds = about([body.customer_guid])
    policies = storage.policies_in_force(call.keys, body.channel_code, call.now)
    beside: list[Read] = [*guards, *holds, *policies]
    return moved(call, body.customer_guid, decide, ahead=True, beside=beside)


def loyalty_adjust(call: Call, body: LoyaltyAdjustRequest) -> Answer:
    """Gives or takes points by hand; below nothing only where debt is allowed."""
    asked = adjusting.Adjustment(
        points_delta=body.points_delta,
        expires_at=body.expires_at,
        allow_debt=body.allow_debt,
        counts_as_earned=body.counts_as_earned,
    )

    def decide(account: LoyaltyAccount) -> CustomerStep:
        account.ensure_revision()
        return account.step(
            lambda holdings: adjusting.adjust(holdings, asked, account.stamp()),
            action="loyalty-adjusted",
            blocked=ADJUST,
        )

    return moved(call, body.customer_guid, decide, ahead=body.points_delta < 0)


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

    def decide(account: LoyaltyAccount) -> CustomerStep:
        stamp = account.stamp()
        return account.step(
            lambda holdings: adjusting.expire(holdings, body.as_of, stamp, dry_run=dry_run),
            action="loyalty-expired",
            answered=answered,
        )

    return moved(call, body.customer_guid, decide, ahead=True)


def _named_policy(call: Call, body: SaleIn) -> list[Get[PolicyRecord]]:
    """Returns the read of the version that a sale names, if it names one."""
    version = body.policy_version
    return [] if version is None else [storage.policy_named(call.keys, version)]


def sale_of(body: SaleIn) -> Sale:
    """Returns the sale of a request; its lines are in the currency of the whole."""
    return Sale(
        amount=body.amount.money(),
        lines=tuple(
            Line(**{**line.model_dump(), "amount": line.amount.amount}) for line in body.lines
        ),
        channel_code=body.channel_code,
    )

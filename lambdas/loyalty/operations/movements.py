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
from lambdas.loyalty.operations.book import Book, Wanted, stamp
from lambdas.loyalty.rules import Decision
from shared.api import Answer, Call
from shared.call import More, Step
from shared.customer_state import order_holds_at
from shared.errors import NotFound
from shared.ledger import Holdings
from shared.table import Records

REDEEM, ADJUST = "loyalty.redeem", "loyalty.adjust"
"""The action types that a hold names."""


def loyalty_earn(call: Call, body: LoyaltyEarnRequest) -> Answer:
    """Grants the points of an order, once per order and org. Debt is repaid first."""
    hashed = storage.order_hash(call.keys, body.order_ref)
    book = Book(body.customer_guid, hashed)
    guard_at = storage.earned_at(call.keys, hashed)
    at = body.occurred_at or call.now
    ranges = storage.policies_in_force(call.keys, body.channel_code, at)
    named_at = storage.policy_named(call.keys, body.policy_version or "")
    sale = sale_of(body)

    def decide(call: Call, seen: Records) -> Step | More:
        state, guard = book.customer(call, seen), seen.get(guard_at)
        if isinstance(state, More):
            return state
        if guard is not None:
            guard.is_repeated_by((state.customer_guid, *state.absorbed), sale)
            return book.repeat(call, seen, guard.customer_guid, guard.loyalty_txn_id)
        named = seen.get(named_at)
        if body.policy_version is not None and named is None:
            raise NotFound()
        policy = rules.chosen(
            named,
            storage.policy_seen(seen, call.keys, body.channel_code, at),
            may_choose=call.caller.has("loyalty_admin"),
        )
        order = rules.EarnOrder(
            order_ref=body.order_ref,
            sale=sale,
            occurred_at=body.occurred_at,
            quote_hash=body.quote_hash,
        )
        return book.step(
            call,
            seen,
            state,
            lambda holdings: rules.earn(holdings, order, policy, stamp(call, hashed)),
            action="loyalty-earned",
            natural=True,
        )

    named = [named_at] if body.policy_version is not None else []
    return book.told(call, call.write([*book.wants(call), guard_at, *ranges, *named], decide))


def loyalty_preview(call: Call, body: LoyaltyPreviewRequest) -> Answer:
    """Says what an order would earn, and why. Writes nothing; earning with the ``quote_hash`` gives
    exactly that."""
    at = body.as_of or call.now
    ranges = storage.policies_in_force(call.keys, body.channel_code, at)
    named_at = storage.policy_named(call.keys, body.policy_version or "")
    book = Book(body.customer_guid or "")
    named = [named_at] if body.policy_version is not None else []
    wants = book.wants(call) if body.customer_guid is not None else []
    seen = call.load(*ranges, *named, *wants)
    customer = book.read(call, seen) if body.customer_guid is not None else None
    chosen = seen.get(named_at)
    if body.policy_version is not None and chosen is None:
        raise NotFound()
    policy = chosen or rules.needed(storage.policy_seen(seen, call.keys, body.channel_code, at))
    sale = sale_of(body)
    quoted = rules.quote(policy, sale, at)
    data: dict[str, Any] = {"quote": quoted.shown()}
    if customer is not None:
        order = rules.EarnOrder(
            order_ref=body.order_ref or "preview", sale=sale, occurred_at=min(at, call.now)
        )
        guid = customer.customer_guid
        revision = book.balance(call, seen, guid).revision

        def balances(holdings: Holdings) -> dict[str, Any]:
            after = rules.earn(holdings, order, policy, stamp(call))
            assert after.change is not None
            now, then = holdings.settled(call.now), after.change.balance.revision
            return {
                "balance": storage.balance_shown(now, revision),
                "balance_after": storage.balance_shown(after.holdings, then),
            }

        data |= book.look(call, seen, guid, balances) | book.redirect(guid)
    return Answer(data)


def loyalty_redeem(call: Call, body: LoyaltyRedeemRequest) -> Answer:
    """Spends points for an order, soonest expiry first, once per customer and order."""
    hashed = storage.order_hash(call.keys, body.order_ref)
    book = Book(body.customer_guid, hashed, ahead=True)
    ranges = storage.policies_in_force(call.keys, body.channel_code, call.now)
    amount = None if body.order_amount is None else body.order_amount.money()

    def decide(call: Call, seen: Records) -> Step | More:
        state = book.customer(call, seen)
        if isinstance(state, More):
            return state
        owners = (state.customer_guid, *state.absorbed)
        guards = [storage.redeemed_at(call.keys, guid, hashed) for guid in owners]
        holds = order_holds_at(call.keys, owners, REDEEM, body.order_ref)
        looked: list[Wanted] = [*guards, *holds]
        unread = [want for want in looked if not seen.has(want)]
        if unread:
            return More(unread)
        there = [guard for want in guards if (guard := seen.get(want)) is not None]
        if there:
            guard = rules.repeated(there, body.redeem_points, amount, body.channel_code)
            return book.repeat(call, seen, guard.customer_guid, guard.loyalty_txn_id)
        stale = book.expect(call, seen, state)
        if stale is not None:
            return stale
        policy = rules.needed(storage.policy_seen(seen, call.keys, body.channel_code, call.now))
        order = rules.RedeemOrder(
            order_ref=body.order_ref,
            points=body.redeem_points,
            order_amount=amount,
            channel_code=body.channel_code,
        )
        return book.step(
            call,
            seen,
            state,
            lambda holdings: rules.redeem(holdings, order, policy, stamp(call, hashed)),
            action="loyalty-redeemed",
            blocked=REDEEM,
            holds=holds,
            natural=True,
        )

    guard = storage.redeemed_at(call.keys, body.customer_guid, hashed)
    holds = order_holds_at(call.keys, [body.customer_guid], REDEEM, body.order_ref)
    return book.told(call, call.write([*book.wants(call), guard, *holds, *ranges], decide))


def loyalty_adjust(call: Call, body: LoyaltyAdjustRequest) -> Answer:
    """Gives or takes points by hand; below nothing only where debt is allowed."""
    book = Book(body.customer_guid, ahead=body.points_delta < 0)
    asked = rules.Adjustment(
        points_delta=body.points_delta,
        expires_at=body.expires_at,
        allow_debt=body.allow_debt,
        counts_as_earned=body.counts_as_earned,
    )

    def decide(call: Call, seen: Records) -> Step | More:
        state = book.customer(call, seen)
        if isinstance(state, More):
            return state
        stale = book.expect(call, seen, state)
        if stale is not None:
            return stale
        return book.step(
            call,
            seen,
            state,
            lambda holdings: rules.adjust(holdings, asked, stamp(call)),
            action="loyalty-adjusted",
            blocked=ADJUST,
        )

    return book.told(call, call.write(book.wants(call), decide))


def loyalty_expire(call: Call, body: LoyaltyExpireRequest) -> Answer:
    """Writes down what has expired, one entry per lot, at most 90 a call. The balance is the same
    before and after: expired points do not count whether or not this ran."""
    book = Book(body.customer_guid, ahead=True)

    def answered(decision: Decision, balance: dict[str, Any]) -> dict[str, Any]:
        return {
            "customer_guid": decision.holdings.balance.customer_guid,
            "expired_points": -sum(entry.points for entry in decision.entries),
            "more": decision.more,
            "balance": balance,
        }

    def decide(call: Call, seen: Records) -> Step | More:
        state = book.customer(call, seen)
        if isinstance(state, More):
            return state
        return book.step(
            call,
            seen,
            state,
            lambda holdings: rules.expire(holdings, body.as_of, stamp(call), dry_run=call.dry_run),
            action="loyalty-expired",
            answered=answered,
        )

    return call.write(book.wants(call), decide)


# ---------------------------------------------------------------- how they do it


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

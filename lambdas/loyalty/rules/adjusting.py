"""Points by hand, and points by the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lambdas.loyalty.rules.orders import Decision
from lambdas.loyalty.rules.stamp import Stamp, countable
from shared.errors import InsufficientPoints, InvalidInput
from shared.ledger import DEBT, Allocation, Holdings, LedgerEntry, LotTerms

DUE_AT_ONCE = 90
ACTIONS_OF_EXPIRE = 96
"""Entries and pages that one call of expire may write, beside the balance and what guards it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """More or fewer points. More make a lot that never expires unless ``expires_at`` says so;
    fewer are taken like a redemption, and become debt beyond that only where it is allowed."""

    points_delta: int
    expires_at: datetime | None = None
    allow_debt: bool = False
    counts_as_earned: bool = False


def adjust(holdings: Holdings, asked: Adjustment, stamp: Stamp) -> Decision:
    """Points given or taken by hand."""
    points = asked.points_delta
    assert points > 0 or (points < 0 and asked.expires_at is None), "the request was checked"
    if asked.expires_at is not None and asked.expires_at <= stamp.now:
        raise InvalidInput.of("expires_at", "must lie ahead", "past")
    holdings = holdings.settled(stamp.now)
    terms = _given_lot(holdings, asked, stamp) if points > 0 else None
    if terms is None:
        allocations = _taken(holdings, -points, allow_debt=asked.allow_debt)
    else:
        allocations = (Allocation(terms.lot_id, points),)
    # What counts as earned may also be taken back, but nobody has earned less than nothing.
    earned = max(points, -holdings.balance.lifetime_earned) if asked.counts_as_earned else 0
    entry = stamp.entry(
        holdings, "adjust", points, allocations=allocations, opens=terms, lifetime_delta=earned
    )
    holdings, entry = holdings.post(entry)
    return Decision(holdings=holdings, entries=(entry,), change=holdings.commit())


def _given_lot(holdings: Holdings, asked: Adjustment, stamp: Stamp) -> LotTerms:
    earned = asked.points_delta if asked.counts_as_earned else 0
    countable(holdings.totals(), "points_delta", held=asked.points_delta, earned=earned)
    sequence = holdings.balance.sequence + 1
    return LotTerms(
        stamp.lot_id(), asked.points_delta, holdings.at, asked.expires_at, None, sequence
    )


def _taken(holdings: Holdings, points: int, *, allow_debt: bool) -> tuple[Allocation, ...]:
    available = holdings.totals().available_points
    if points > available and not allow_debt:
        raise InsufficientPoints(detail={"available": available})
    taken, short = holdings.take(min(points, available), "points_delta")
    assert short == 0, "what is available can be taken"
    debt = points - min(points, available)
    countable(holdings.totals(), "points_delta", debt=debt)
    owed = (Allocation(DEBT, -debt),) if debt else ()
    return (*(Allocation(lot.lot_id, -part) for lot, part in taken), *owed)


def expire(
    holdings: Holdings, as_of: datetime | None, stamp: Stamp, *, dry_run: bool = False
) -> Decision:
    """One entry for each lot whose points expired by ``as_of`` (default now), as effective as the
    expiry itself, soonest first, at most 90. The balance is the same before and after. A dry run
    may look ahead."""
    until = as_of or stamp.now
    if until > stamp.now and not dry_run:
        raise InvalidInput.of("as_of", "must not lie in the future, but in a dry run", "future")
    holdings = holdings.settled(max(until, stamp.now))
    limit = DUE_AT_ONCE
    while True:
        decision = _expired(holdings, until, limit, stamp)
        change = decision.change
        if change is None:
            return decision
        over = len(decision.entries) + len(change.put) + len(change.drop) - ACTIONS_OF_EXPIRE
        if over <= 0 or limit == 1:
            return decision
        limit = max(1, limit - over)


def _expired(holdings: Holdings, until: datetime, limit: int, stamp: Stamp) -> Decision:
    due, more = holdings.due(until, limit)
    entries: list[LedgerEntry] = []
    for lot in due:
        entry = stamp.entry(
            holdings,
            "expire",
            -lot.remaining,
            effective_at=lot.terms.expires_at,
            allocations=(Allocation(lot.lot_id, -lot.remaining),),
            policy_version=lot.terms.policy_version,
        )
        holdings, entry = holdings.post(entry)
        entries.append(entry)
    if not entries:
        return Decision(holdings=holdings)
    return Decision(holdings=holdings, entries=tuple(entries), change=holdings.commit(), more=more)

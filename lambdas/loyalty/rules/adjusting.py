"""Points by hand, and points by the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from lambdas.loyalty.models.records import ExpiredLot, ExpiredLotsRecord
from lambdas.loyalty.rules.decision import Decision, Stamp, as_many_as_fit, ensure_countable
from shared.errors import InsufficientPoints, InvalidInput
from shared.ledger import DEBT, Allocation, Holdings, LedgerEntry, Lot, LotTerms

DUE_AT_ONCE = 90
ACTIONS_OF_EXPIRE = 96
"""How many entries, pages and records of expired lots one call of expire may write: a transaction
has 100 actions, and the balance, the customer's state and an idempotency key take four."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """More or fewer points. More make a lot that never expires unless ``expires_at`` says so;
    fewer are taken like a redemption, and become debt beyond that only where it is allowed."""

    points_delta: int
    expires_at: datetime | None = None
    allow_debt: bool = False
    counts_as_earned: bool = False


def adjust(holdings: Holdings, asked: Adjustment, stamp: Stamp) -> Decision:
    """Gives or takes points by hand."""
    points = asked.points_delta
    assert points > 0 or (points < 0 and asked.expires_at is None), "the request was checked"
    if asked.expires_at is not None and asked.expires_at <= stamp.now:
        raise InvalidInput.of("expires_at", "must lie ahead", "past")
    holdings = holdings.settled(stamp.now)
    if points > 0:
        earned = points if asked.counts_as_earned else 0
        ensure_countable(holdings.totals(), "points_delta", held=points, earned=earned)
        terms = stamp.lot(holdings, points, holdings.at, asked.expires_at)
        return _adjusted(holdings, asked, stamp, (Allocation(terms.lot_id, points),), terms)
    return as_many_as_fit(
        -points,
        "points_delta",
        lambda many: _adjusted(
            holdings, asked, stamp, _taken(holdings, many, allow_debt=asked.allow_debt)
        ),
    )


def _adjusted(
    holdings: Holdings,
    asked: Adjustment,
    stamp: Stamp,
    allocations: tuple[Allocation, ...],
    opens: LotTerms | None = None,
) -> Decision:
    points = sum(allocation.points for allocation in allocations)
    # What counts as earned may also be taken back, but nobody has earned less than nothing.
    earned = max(points, -holdings.balance.lifetime_earned) if asked.counts_as_earned else 0
    entry = stamp.entry(
        holdings, "adjust", points, allocations=allocations, opens=opens, lifetime_delta=earned
    )
    holdings, entry = holdings.post(entry)
    return Decision(holdings=holdings, entries=(entry,), change=holdings.commit())


def _taken(holdings: Holdings, points: int, *, allow_debt: bool) -> tuple[Allocation, ...]:
    available = holdings.totals().available_points
    if points > available and not allow_debt:
        raise InsufficientPoints(detail={"available": available})
    taken, short = holdings.take(min(points, available))
    assert short == 0, "what is available can be taken"
    debt = points - min(points, available)
    ensure_countable(holdings.totals(), "points_delta", debt=debt)
    owed = (Allocation(DEBT, -debt),) if debt else ()
    return (*(Allocation(lot.lot_id, -part) for lot, part in taken), *owed)


def expire(
    holdings: Holdings, as_of: datetime | None, stamp: Stamp, *, dry_run: bool = False
) -> Decision:
    """Makes one entry for each lot whose points expired by ``as_of`` (default now), as effective as
    the expiry itself, soonest first, at most 90. The balance is the same before and after. A dry
    run may look ahead."""
    until = as_of or stamp.now
    if until > stamp.now and not dry_run:
        raise InvalidInput.of("as_of", "must not lie in the future, but in a dry run", "future")
    holdings = holdings.settled(max(until, stamp.now))
    limit = DUE_AT_ONCE
    while True:
        decision = _expired(holdings, until, limit, stamp)
        over = decision.actions - ACTIONS_OF_EXPIRE
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
    return Decision(
        holdings=holdings,
        entries=tuple(entries),
        # As many pages as it may be; the limit on lots is lowered where these are too many.
        change=holdings.commit(pages=2 * DUE_AT_ONCE),
        expired=_remembered(due, entries[0].sequence),
        more=more,
    )


def _remembered(due: list[Lot], sequence: int) -> tuple[ExpiredLotsRecord, ...]:
    """Returns what refunds must know of the lots, by the month of their expiry."""
    months: dict[str, list[ExpiredLot]] = {}
    for lot in due:
        month = expiry_month(lot.terms)
        months.setdefault(month, []).append(ExpiredLot(lot.lot_id, lot.remaining))
    return tuple(
        ExpiredLotsRecord(month=month, sequence=sequence, lots=tuple(lots))
        for month, lots in months.items()
    )


def expiry_month(terms: LotTerms) -> str:
    """Returns the month in which a lot expires, in UTC: ``2026-03``."""
    assert terms.expires_at is not None, "the lot expires"
    return terms.expires_at.astimezone(UTC).strftime("%Y-%m")

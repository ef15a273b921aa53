"""Lots of points and what time, spending and debt do to one: values in, values out.

A lot is *pending* before ``available_from``, *expired* from ``expires_at`` on, *usable* in between.
Nothing is written when it passes from one to the next: the clock alone decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import ClassVar, Literal

from shared.marks import Id

NEVER = "never"

REPAYMENTS_KEPT = 8

Condition = Literal["pending", "usable", "expired"]


# Sorting a thousand lots asks for the text of each of their times again and again.
@lru_cache(maxsize=8192)
def moment_text(moment: datetime) -> str:
    """Returns a time as text of fixed width, to the millisecond, so that text order is time
    order."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"


@dataclass(frozen=True, slots=True)
class Repayment:
    """Points of a lot that repaid debt at ``at``, when entry ``sequence`` of the ledger of customer
    ``ledger`` was the last one. Restoring an earlier redemption makes the lot whole again."""

    ROW: ClassVar[bool] = True
    at: datetime
    ledger: Id
    sequence: int
    points: int


@dataclass(frozen=True, slots=True)
class LotTerms:
    """What never changes about a lot: from when its points can be spent, and until when (absent:
    for ever). ``opened`` is the sequence of the entry that opened it; it tells the older of two
    lots that are alike in time."""

    ROW: ClassVar[bool] = True
    lot_id: Id
    points: int
    available_from: datetime
    expires_at: datetime | None
    policy_version: Id | None
    opened: int

    @property
    def key(self) -> str:
        """Where the lot stands in spend order, as text: soonest expiry first, never last, then the
        oldest. Lots with equal keys are ordered by ``opened`` and id."""
        expiry = NEVER if self.expires_at is None else moment_text(self.expires_at)
        return f"{expiry}~{moment_text(self.available_from)}"

    def expired(self, at: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= at

    def condition(self, at: datetime) -> Condition:
        if self.expired(at):
            return "expired"
        return "pending" if self.available_from > at else "usable"


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot and how many of its points remain. ``repaid``: its points that went into debt, oldest
    first."""

    ROW: ClassVar[bool] = True
    terms: LotTerms
    remaining: int
    repaid: tuple[Repayment, ...] = ()

    @property
    def lot_id(self) -> str:
        return self.terms.lot_id

    @property
    def order(self) -> tuple[str, int, str]:
        """The place in spend order."""
        return (self.terms.key, self.terms.opened, self.terms.lot_id)

    @property
    def spent(self) -> bool:
        """Nothing remains and nothing can come back but through the redemption that took it, which
        remembers the terms: such a lot need not be stored."""
        return self.remaining == 0 and not self.repaid

    @property
    def repaid_points(self) -> int:
        return sum(repayment.points for repayment in self.repaid)

    def plus(self, points: int) -> Lot:
        """Returns the lot with ``points`` more, or fewer: never below nothing."""
        assert self.remaining + points >= 0, "a lot cannot give more than remains of it"
        return replace(self, remaining=self.remaining + points)

    def repaying(self, points: int, at: datetime, ledger: str, sequence: int) -> Lot:
        """Returns the lot after ``points`` of it went into debt."""
        repaid = (*self.repaid, Repayment(at, ledger, sequence, points))
        if len(repaid) > REPAYMENTS_KEPT:
            # A bound on the item: the two oldest become one, as old as the older.
            first, second, *rest = repaid
            repaid = (replace(first, points=first.points + second.points), *rest)
        return replace(self.plus(-points), repaid=repaid)

    def made_whole(self, points: int) -> Lot:
        """Returns the lot after ``points`` that had repaid debt came back, the latest first."""
        left, repaid = points, list(self.repaid)
        while left:
            last = repaid.pop()
            back = min(left, last.points)
            left -= back
            if back < last.points:
                repaid.append(replace(last, points=last.points - back))
        return replace(self.plus(points), repaid=tuple(repaid))


def spend_order(lot: Lot) -> tuple[str, int, str]:
    """Returns the sort key of spending: soonest expiry first, never-expiring last, oldest first."""
    return lot.order


def repay(
    lots: Iterable[tuple[datetime, Lot]], debt: int, ledger: str, sequence: int
) -> tuple[list[Lot], int]:
    """Lets lots, each at its time and in this order, repay the debt; returns the changed lots and
    what is left of the debt."""
    changed = []
    for at, lot in lots:
        points = min(debt, lot.remaining)
        if points:
            changed.append(lot.repaying(points, at, ledger, sequence))
            debt -= points
        if not debt:
            break
    return changed, debt


def maturing(lots: Iterable[Lot], since: datetime, until: datetime) -> list[tuple[datetime, Lot]]:
    """Returns the lots that become usable after ``since`` and not after ``until``, with the time at
    which each does, in that order: also those that have expired again by ``until``."""
    ripe = [
        (lot.terms.available_from, lot)
        for lot in lots
        if lot.remaining
        and since < lot.terms.available_from <= until
        and not lot.terms.expired(lot.terms.available_from)
    ]
    return sorted(ripe, key=lambda pair: (pair[0], pair[1].order))

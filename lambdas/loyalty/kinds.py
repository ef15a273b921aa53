"""What loyalty stores. An anonymized customer's ledger stays, for what it says of points; what
people wrote into it goes. A deleted customer's goes whole."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction

from lambdas.loyalty.models import records
from lambdas.loyalty.models.envelopes import PointsMoved, PolicyChanged
from shared import ledger
from shared.fields import Money
from shared.kinds import Kind, listed_until

NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
ERASED = "erased"
"""Stands for every id of an order whose customer was deleted."""


def without_order(earned: records.EarnedOrderRecord) -> records.EarnedOrderRecord:
    """Returns what remains of the guard of an order whose customer was deleted: the order may not
    earn again, and nothing of it can be undone."""
    nothing = Money(earned.amount.currency, 0)
    return records.EarnedOrderRecord(
        customer_guid=ERASED,
        order_ref=ERASED,
        loyalty_txn_id=ERASED,
        sequence=0,
        policy_version=ERASED,
        effective_at=NO_TIME,
        amount=nothing,
        points=0,
        pricing=records.Pricing(
            amount=0, exact=Fraction(0), rounding="floor", min_amount_minor=None, max_points=None
        ),
        reversal=records.ReversalPolicy(),
        revision=earned.revision + 1,
    )


def _points(balance: ledger.BalanceRecord, now: datetime, _: date) -> str | None:
    """Returns why a customer with this balance stays: it has points that have not expired."""
    return "points" if any(entry.split(now) != (0, 0) for entry in balance.pages) else None


MOVES = (
    "loyalty-earned",
    "loyalty-redeemed",
    "loyalty-adjusted",
    "loyalty-expired",
    "loyalty-reversed",
    "loyalty-restored",
    "loyalty-recalculated",
)
KINDS = (
    Kind(
        record=ledger.BalanceRecord,
        erasure="delete",
        guards_customer=_points,
        hidden=("last_hash",),
        events=dict.fromkeys(MOVES, PointsMoved),
    ),
    Kind(record=ledger.LotPage, erasure="delete", events={}),
    Kind(
        record=ledger.LedgerEntry,
        erasure="delete",
        retained="loyalty_txn",
        born_at="recorded_at",
        aged_by="recorded_at",
        aging=listed_until(ledger.LedgerStart.KIND),  # whole ledgers, by the age of what they keep
        hidden=("previous_hash", "hash"),
        events={},
    ),
    Kind(record=ledger.LedgerStart, erasure="delete", hidden=("last_hash",), events={}),
    Kind(record=ledger.CheckpointRecord, erasure="delete", events={}),
    Kind(record=ledger.CheckpointPart, erasure="delete", events={}),
    Kind(
        record=records.EarnedOrderRecord,
        erasure="delete",
        business=False,
        bare=without_order,
        events={},
    ),
    Kind(record=records.RedeemedOrderRecord, erasure="delete", business=False, events={}),
    Kind(record=records.RedeemedPartRecord, erasure="delete", business=False, events={}),
    Kind(record=records.ExpiredLotsRecord, erasure="delete", events={}),
    Kind(record=records.LoyaltyAnswerRecord, erasure="delete", business=False, events={}),
    Kind(
        record=records.PolicyRecord,
        erasure="keep",
        events={"loyalty-policy-set": PolicyChanged},
    ),
    Kind(record=records.PolicyHeadRecord, erasure="keep", events={}),
    Kind(record=records.PolicyCountRecord, erasure="keep", events={}),
)

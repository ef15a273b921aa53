"""What loyalty stores. An anonymized customer's ledger stays, for what it says of points; what
people wrote into it goes. A deleted customer's goes whole."""

from __future__ import annotations

from lambdas.loyalty.models import records
from lambdas.loyalty.models.envelopes import PointsMoved, PolicyChanged
from shared import ledger
from shared.kinds import Kind

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
    Kind(record=ledger.BalanceRecord, erasure="delete", events=dict.fromkeys(MOVES, PointsMoved)),
    Kind(record=ledger.LotPage, erasure="delete", events={}),
    Kind(
        record=ledger.LedgerEntry,
        erasure="delete",
        aged_by="recorded_at",
        events={},
    ),
    Kind(record=ledger.CheckpointRecord, erasure="delete", events={}),
    Kind(record=ledger.CheckpointPart, erasure="delete", events={}),
    Kind(record=records.EarnedOrderRecord, erasure="delete", events={}),
    Kind(record=records.RedeemedOrderRecord, erasure="delete", events={}),
    Kind(record=records.RedeemedPartRecord, erasure="delete", events={}),
    Kind(record=records.ExpiredLotsRecord, erasure="delete", events={}),
    Kind(record=records.LoyaltyAnswerRecord, erasure="delete", events={}),
    Kind(
        record=records.PolicyRecord,
        erasure="keep",
        events={"loyalty-policy-set": PolicyChanged},
    ),
    Kind(record=records.PolicyHeadRecord, erasure="keep", events={}),
    Kind(record=records.PolicyCountRecord, erasure="keep", events={}),
)

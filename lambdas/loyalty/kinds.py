"""What loyalty stores. An anonymized customer's ledger stays, for what it says of points; what
people wrote into it goes. A deleted customer's goes whole."""

from __future__ import annotations

from lambdas.loyalty import models, rules, storage
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
    Kind(
        record=ledger.BalanceRecord,
        erasure="delete",
        events=dict.fromkeys(MOVES, models.PointsMoved),
    ),
    Kind(record=ledger.LotPage, erasure="delete", events={}),
    Kind(
        record=ledger.LedgerEntry,
        erasure="delete",
        aged_by="recorded_at",
        events={},
    ),
    Kind(record=ledger.CheckpointRecord, erasure="delete", events={}),
    Kind(record=ledger.CheckpointPart, erasure="delete", events={}),
    Kind(record=rules.EarnedOrder, erasure="delete", events={}),
    Kind(record=rules.RedeemedOrder, erasure="delete", events={}),
    Kind(record=rules.RedeemedPart, erasure="delete", events={}),
    Kind(record=storage.LoyaltyAnswerRecord, erasure="delete", events={}),
    Kind(
        record=rules.PolicyRecord,
        erasure="keep",
        events={"loyalty-policy-set": models.PolicyChanged},
    ),
    Kind(record=storage.PolicyHeadRecord, erasure="keep", events={}),
    Kind(record=storage.PolicyCountRecord, erasure="keep", events={}),
)

"""The points ledger, pure: lots and their arithmetic, entries and their chain, what a customer
holds, and the fold that derives it all from the entries again.

Loyalty, merge and retention stand on it. It knows no policy, no clock, no table and no HTTP.
"""

from shared.ledger.checkpoints import (
    PARTS_AT_ONCE,
    CheckpointPart,
    CheckpointRecord,
    asks_for_archive,
    intact,
    resumable,
    stored_checkpoint,
)
from shared.ledger.entries import (
    ALLOCATIONS,
    DEBT,
    EXPIRED,
    OTHERS,
    WRITTEN_OFF,
    Allocation,
    LedgerEntry,
    Totals,
)
from shared.ledger.expiry import Expiring, expiring, expiring_of
from shared.ledger.holdings import LOTS_AT_ONCE, Holdings, TooManyLots
from shared.ledger.lots import Lot, LotTerms, Repayment, spend_order
from shared.ledger.merging import joined, left
from shared.ledger.pages import (
    OPEN,
    Absorbed,
    BalanceRecord,
    Change,
    LotPage,
    PageEntry,
    PagesMissing,
    Unfolded,
    described,
    summed,
)
from shared.ledger.replay import Checkpoint, Divergence, Replay
from shared.ledger.start import LedgerStart

__all__ = [
    "ALLOCATIONS",
    "DEBT",
    "EXPIRED",
    "LOTS_AT_ONCE",
    "OPEN",
    "OTHERS",
    "PARTS_AT_ONCE",
    "WRITTEN_OFF",
    "Absorbed",
    "Allocation",
    "BalanceRecord",
    "Change",
    "Checkpoint",
    "CheckpointPart",
    "CheckpointRecord",
    "Divergence",
    "Expiring",
    "Holdings",
    "LedgerEntry",
    "LedgerStart",
    "Lot",
    "LotPage",
    "LotTerms",
    "PageEntry",
    "PagesMissing",
    "Repayment",
    "Replay",
    "TooManyLots",
    "Totals",
    "Unfolded",
    "asks_for_archive",
    "described",
    "expiring",
    "expiring_of",
    "intact",
    "joined",
    "left",
    "resumable",
    "spend_order",
    "stored_checkpoint",
    "summed",
]

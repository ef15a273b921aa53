"""What may happen to points: pure decisions. No I/O, no clock, no HTTP.

Each takes the holdings as they were read and gives a ``Decision``: the entries, the balance, the
pages and the guard to write, all or nothing. ``NeedPages`` means: read these pages too, then decide
again.
"""

from lambdas.loyalty.rules.adjusting import Adjustment, adjust, expire
from lambdas.loyalty.rules.earning import EarnOrder, earn, reverse
from lambdas.loyalty.rules.orders import (
    Decision,
    EarnedOrder,
    RedeemedOrder,
    RedeemedPart,
    Take,
    repeated,
)
from lambdas.loyalty.rules.policy import (
    EarnPolicy,
    ExpiryPolicy,
    Multiplier,
    PointValue,
    PolicyRecord,
    RedeemPolicy,
    RestorePolicy,
    ReversalPolicy,
    chosen,
    drafted,
    in_force,
    not_back_dated,
    repeats,
    require_policy,
)
from lambdas.loyalty.rules.quote import Line, Quote, QuotedLot, Sale, quote
from lambdas.loyalty.rules.recalculation import (
    Difference,
    Recalculation,
    checkpointed,
    recalculate,
    repair,
)
from lambdas.loyalty.rules.spending import RedeemOrder, redeem, restore
from lambdas.loyalty.rules.stamp import Stamp

__all__ = [
    "Adjustment",
    "Decision",
    "Difference",
    "EarnOrder",
    "EarnPolicy",
    "EarnedOrder",
    "ExpiryPolicy",
    "Line",
    "Multiplier",
    "PointValue",
    "PolicyRecord",
    "Quote",
    "QuotedLot",
    "Recalculation",
    "RedeemOrder",
    "RedeemPolicy",
    "RedeemedOrder",
    "RedeemedPart",
    "RestorePolicy",
    "ReversalPolicy",
    "Sale",
    "Stamp",
    "Take",
    "adjust",
    "checkpointed",
    "chosen",
    "drafted",
    "earn",
    "expire",
    "in_force",
    "not_back_dated",
    "quote",
    "recalculate",
    "redeem",
    "repair",
    "repeated",
    "repeats",
    "require_policy",
    "restore",
    "reverse",
]

"""What comes in and what goes out of loyalty. What is stored are the ledger's own records
(``shared.ledger``), and the policies and the guards of the rules."""

from lambdas.loyalty.models.envelopes import (
    LoyaltyBalanceEnvelope,
    LoyaltyExpireEnvelope,
    LoyaltyLedgerListEnvelope,
    LoyaltyPolicyEnvelope,
    LoyaltyPreviewEnvelope,
    LoyaltyRecalculateEnvelope,
    LoyaltyTxnEnvelope,
    PointsMoved,
    PolicyChanged,
)
from lambdas.loyalty.models.requests import (
    LineIn,
    LoyaltyAdjustRequest,
    LoyaltyBalanceGetRequest,
    LoyaltyEarnRequest,
    LoyaltyExpireRequest,
    LoyaltyLedgerListRequest,
    LoyaltyPolicyGetRequest,
    LoyaltyPolicySetRequest,
    LoyaltyPreviewRequest,
    LoyaltyRecalculateRequest,
    LoyaltyRedeemRequest,
    LoyaltyRestoreRequest,
    LoyaltyReverseRequest,
)

__all__ = [
    "LineIn",
    "LoyaltyAdjustRequest",
    "LoyaltyBalanceEnvelope",
    "LoyaltyBalanceGetRequest",
    "LoyaltyEarnRequest",
    "LoyaltyExpireEnvelope",
    "LoyaltyExpireRequest",
    "LoyaltyLedgerListEnvelope",
    "LoyaltyLedgerListRequest",
    "LoyaltyPolicyEnvelope",
    "LoyaltyPolicyGetRequest",
    "LoyaltyPolicySetRequest",
    "LoyaltyPreviewEnvelope",
    "LoyaltyPreviewRequest",
    "LoyaltyRecalculateEnvelope",
    "LoyaltyRecalculateRequest",
    "LoyaltyRedeemRequest",
    "LoyaltyRestoreRequest",
    "LoyaltyReverseRequest",
    "LoyaltyTxnEnvelope",
    "PointsMoved",
    "PolicyChanged",
]

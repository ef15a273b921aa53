"""What may become of a record, a ledger or a customer in a run. Any other word is the reason why it
stays."""

ACTED, NOT_DUE = "", "not_due"
"""It went; or its time is not past by what it says itself."""
CHANGED = "changed"
"""Somebody wrote to it meanwhile. The next run looks at it again."""
LEGAL_HOLD, BUSY = "legal_hold", "busy"
"""Its customer is under a legal hold, or is being erased."""

"""Points: policies, the ledger, the balance."""

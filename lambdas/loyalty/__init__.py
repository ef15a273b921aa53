"""Loyalty: points that orders earn, and that later orders pay with.

A policy says what money earns, what points are worth, when they expire, and what a return does. Its
versions never change, so an order is undone by the terms that it was made under. Every movement is
an entry of a ledger that is only added to; the balance follows from it. Points lie in lots, each
with its own expiry, and the ones that expire first are spent first.

| points | what it means |
| --- | --- |
| pending | earned, not to be spent yet (``pending_days``) |
| available | to be spent now |
| expired | gone at ``expires_at``, whether or not ``/loyalty/expire`` has written it down |
| debt | owed: taken back after they were spent; new points repay them first |

For the return of an order that earned and redeemed call ``/loyalty/restore`` first, then
``/loyalty/reverse``. Every call shows what the last one did; none lags.
"""

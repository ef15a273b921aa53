"""How long data is kept.

A policy says for how many days records of a kind are kept after they have ended; a kind without a
number is kept for ever. Each change of the policy is a version that never changes, and may be in
force from a later time on. A change that would remove more, or sooner, must be confirmed.

A run each day removes what is past its time. Customers of whom nothing was heard for so long are
anonymized or deleted, exactly as by a request. Whoever is under a legal hold, or has points, an
active subscription, a live warranty or certificate, or a card with a balance, stays.

| kind | its age counts from |
| --- | --- |
| ``customer`` | the last activity |
| ``loyalty_txn`` | the entry's time |
| ``comment``, ``inbox`` | the last change |
| ``fraud`` | the assessment; the settling of a hold or a flag |
| ``subscription`` | its end |
| ``warranty``, ``certificate`` | the last day that it is in effect |
| ``giftcard`` | the last activity; a card with a balance stays |

Entries of a points ledger give way to a checkpoint, so no balance changes. What is remembered of
an order stays, and repeats of its calls get the same transaction. Entries stay at least as long as
idempotency keys are kept.

``minimum_days`` is what a law wants. It beats the maximum, also where a customer is deleted: such
records are then kept for that long without anything personal.
"""

"""B2B accounts: the companies that buy on account, the people who act for them, and how much each
company may owe.

An account has an id, and a code of its own that people use. Accounts may stand below one another,
as in a group. Credit is used per order and given back per order; no order can use more than is
left, however many calls come at once.

| account | what it may | goes on to |
| --- | --- | --- |
| ``pending`` | be prepared; no credit yet | ``active``, ``closed`` |
| ``active`` | use credit | ``on_hold``, ``inactive``, ``closed`` |
| ``on_hold`` | give credit back; the reason says why | ``active``, ``inactive``, ``closed`` |
| ``inactive`` | give credit back | ``active``, ``closed`` |
| ``closed`` | be read; it owes nothing | none |

A contact is ``active`` or ``inactive``, and inactive while its account is closed.

Lists of the whole org, and ``q``, show a change a moment later; every other call shows it at once.
"""

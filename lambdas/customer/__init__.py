"""Customers: who they are, how to reach them, and under which codes other systems know them.

A customer is found by id, code, e-mail, phone or external ref, right after the write. Two records
of one person can be merged; the old id then leads to the record that stays.

| customer | what it means | who sets it |
| --- | --- | --- |
| ``active`` | takes part | a call |
| ``inactive`` | rests; nothing is lost | a call |
| ``merged`` | answers as the customer that it was merged into | a merge |
| ``anonymized`` | nothing personal is left; it can be read, not changed | an anonymization |

| consent | what it means | who sets it |
| --- | --- | --- |
| ``granted`` | the customer said yes | a call |
| ``pending`` | an answer is awaited, such as of a double opt-in | a call |
| ``denied`` | the customer said no | a call |
| ``withdrawn`` | the customer took back a yes | a call |
| ``expired`` | was granted or pending, and has ended | time |

Every decision about a consent is kept. The latest one counts, in whatever order they arrive. Ask
``can_contact`` before you contact anyone: it also knows what was refused for all channels, or for a
contact point that several people share. A merge never widens what was allowed, and a customer who
comes back after a deletion is asked again.

``/customer/list`` and most of ``/customer/search`` show a change a moment later; an exact e-mail,
phone or code in ``q`` finds it at once, like ``/customer/get``.

Flags say what is known against or for a customer. An assessment weighs them, and what else is known
of the customer, before an action: it allows, denies, or makes a hold, which waits for a person.

| flag | what it means | who sets it |
| --- | --- | --- |
| ``open`` | counts | a call |
| ``resolved`` | is over | a call, or its ``expires_at`` |
| ``dismissed`` | was a mistake | a call |

| hold | what it means | who sets it |
| --- | --- | --- |
| ``pending`` | the action is refused, with ``hold-pending`` | an assessment that says ``review`` |
| ``approved`` | its order passes all holds and earlier denials, but no ``block`` flag | a call |
| ``rejected`` | its order is refused; without one, the action until a later ``allow`` | a call |
| ``cancelled`` | the hold is over, and says nothing of the order | a call |
| ``expired`` | nobody resolved it in time; it can still be approved | the clock |

An expired hold counts as rejected, or, where the org has chosen ``release``, no longer blocks.
Holds, denials and ``block`` flags are enforced for ``loyalty.redeem``, ``loyalty.adjust``,
``giftcard.redeem``, ``customer.merge`` and ``subscription.create``, in the write that they stop.
"""

"""Customers: who they are, how to reach them, and under which codes other systems know them.

A customer is found by id, code, e-mail, phone or external ref, right after the write. Two records
of one person can be merged; the old id then leads to the record that stays.

| customer | what it means | who sets it |
| --- | --- | --- |
| ``active`` | takes part | a call |
| ``inactive`` | rests; nothing is lost | a call |
| ``merged`` | answers as the customer that it was merged into | a merge |
| ``anonymized`` | nothing personal is left; it can be read, not changed | an anonymization |

``/customer/list`` and most of ``/customer/search`` show a change a moment later; an exact e-mail,
phone or code in ``q`` finds it at once, like ``/customer/get``.
"""

"""Comments: what people write about a record, of this service or of another system.

The author revises a comment; every earlier revision stays as it was. A comment is ``current``,
``archived``, or ``deleted`` for good: then its texts are gone from all revisions, and only its
sizes stay. Comments of a merged customer are found through the survivor.

| status | goes on to |
| --- | --- |
| ``current`` | ``archived``, ``deleted`` |
| ``archived`` | ``current``, ``deleted`` |
| ``deleted`` | none |

Whoever may read a record may comment on it. A mention of a customer is forgotten with the customer.
"""

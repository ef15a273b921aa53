"""The inbox of teams: what somebody should look at, and who does.

A notification goes to a team or to the whole org. It has a place and a state of its own:

| status (where it lies) | goes on to |
| --- | --- |
| ``inbox`` | ``archived``, ``deleted`` |
| ``archived`` | ``inbox``, ``deleted`` |
| ``deleted`` | none |

| state (the work on it) | goes on to |
| --- | --- |
| ``pending`` | ``claimed``, ``done``, ``dismissed`` |
| ``claimed`` | ``pending`` (released), ``done``, ``dismissed`` |
| ``done``, ``dismissed`` | ``pending`` |

What it is about is a record of this service, which must exist when it is created, or anything else.
The work on it goes on although the record is gone; a deletion or anonymization of a customer takes
what is said about the customer with it. Events tell no id of another system's record.

One person claims a notification; everybody else hears who it was. While a notification lives, a
second one with its ``dedupe_key`` for the same team only counts it up.
"""

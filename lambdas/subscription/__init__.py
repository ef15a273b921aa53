"""Subscriptions: orders that come again by a calendar.

A subscription belongs to a customer and has a plan, a frequency and a start. Occurrence n is always
counted from the start, by the wall clock of its time zone: what begins on 31 January comes on 28
February and on 31 March. Where the clocks skip the time, the occurrence is later by what they skip;
where they show it twice, the first time counts.

When an occurrence is due, the service tells it with ``subscription-due``: each once, in order, even
late. Orders and billing are yours to make of it. Nothing that was due is dropped by a later pause,
cancellation or end, or by the anonymization of the customer: it is told with ids alone. Only a
deletion takes what was not told yet along. The status of the org does not matter: what is due is
told even while callers may not write.

| state | what it means | who sets it |
| --- | --- | --- |
| ``active`` | it runs; with ``cancel_at`` until then | create, resume, ``resume_at`` |
| ``paused`` | its dates are skipped, and counted | pause |
| ``cancelled`` | final | cancel, ``cancel_at``, the anonymization of the customer |
| ``ended`` | final: its ``end_date`` is over | the calendar |

Answers show the state by the calendar at once; its event follows within a minute or two. Where tens
of thousands are due at one time, as at midnight, the last of them are told some minutes later; an
event says in ``date`` when it was due.
"""

"""Warranties: what covers a thing with a serial number, for whom, and until when.

A serial number is shown as it was given, and compared without case, spaces and hyphens. One product
with one serial number has one live warranty at most. When that has expired, or was voided or
doomed, a new one may be registered; all of them stay to be seen under the serial number.

| warranty | covers | goes on to |
| --- | --- | --- |
| ``active`` | until its ``expires_on``, that day included; without one for ever | ``voided``, \
``doomed`` |
| ``expired`` | nothing: an active one after its last day | ``voided``, ``doomed`` |
| ``voided`` | nothing | none |
| ``doomed`` | nothing | none |

Nobody sets ``expired``: it follows from the calendar, at every read, in the org's time zone. Who
updates ``expires_on`` may make an expired warranty active again.

A duration is counted by the calendar: the last day covered is the one before the same day of a
later month. Where that month has no such day, its last day is the last one covered.

Lists are of summaries, those of one serial number excepted, and show a change a moment later; every
other call shows it at once.
"""

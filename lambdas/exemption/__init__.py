"""Tax exemption certificates: who need not be charged tax, where, and from when until when.

A certificate belongs to a customer, to an account, or to nobody in particular. It counts in the
jurisdictions that it names, or everywhere. Its ``status`` is what was set; its ``effective_status``
is what that means on a day:

| set | means, on a day | goes on to |
| --- | --- | --- |
| ``pending`` | ``pending`` | ``active``, ``rejected`` |
| ``active`` | what the calendar says | ``revoked``, ``superseded`` |
| ``rejected`` | ``rejected`` | none |
| ``revoked`` | from ``revoked_on`` on ``revoked``; what the calendar says before | none |
| ``superseded`` | from ``superseded_on`` on ``superseded``; what the calendar says before | none |

The calendar says ``not_yet_valid``, ``active``, ``expiring_soon`` (60 days or less are left) or
``expired``. The last day of a period is included. A day is a date in the org's time zone. Nothing
is set when a certificate expires: that follows from the calendar, at every read. A revocation never
changes what counted before it.

Lists are of summaries and show a change a moment later; every other call shows it at once.
"""

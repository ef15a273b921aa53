"""What a certificate is worth on a day: every status with every position of the day."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest
from dateutil.relativedelta import relativedelta
from dateutil.rrule import DAILY, rrule

from lambdas.exemption import rules
from lambdas.exemption.rules import Period, effective_status, status_in

DAY = date(2026, 3, 10)
SHIFTS = (-400, -61, -60, -59, -1, 0, 1, 59, 60, 61, 400)
DAYS = (None, *(DAY + timedelta(days=n) for n in SHIFTS))
STORED = ("pending", "active", "rejected", "revoked", "superseded")


def by_hand(status: str, ended: date | None, first: date | None, last: date | None) -> str:
    """The precedence of the page, one question after another, on a set of days that count."""
    if status == "rejected":
        return "rejected"
    if ended and ended <= DAY:
        return status
    if status == "pending":
        return "pending"
    # No day of ``DAYS`` lies further ahead, so what counts that long counts for ever.
    left = [n for n in range(402) if _counts(DAY + timedelta(days=n), ended, last)]
    if not left:
        return "expired"
    if first and first > DAY:
        return "not_yet_valid"
    return "expiring_soon" if left[-1] <= 60 else "active"


def _counts(day: date, ended: date | None, last: date | None) -> bool:
    return (not last or day <= last) and (not ended or day < ended)


@pytest.mark.parametrize("status", STORED)
def test_every_status_with_every_day_means_what_the_page_says(status: str) -> None:
    seen = set()
    ends = DAYS[1:] if status in ("revoked", "superseded") else (None,)
    for ended, first, last in product(ends, DAYS, DAYS):
        found = status_in(status, ended, Period(first, last), DAY)
        assert found == by_hand(status, ended, first, last), (ended, first, last)
        seen.add(found)
    calendar = {"expired", "not_yet_valid", "expiring_soon", "active"}
    always = {"pending": {"pending"}, "rejected": {"rejected"}, "active": calendar}
    assert seen == always.get(status, calendar | {status})


def test_over_forty_years_the_last_day_counts_and_sixty_days_before_it_are_soon() -> None:
    first, end = date(2000, 1, 1), date(2040, 1, 1)
    for moment in rrule(DAILY, dtstart=first, until=end):
        last = moment.date()
        begins = last + relativedelta(years=-1)
        turns = {
            begins + relativedelta(days=-1): "not_yet_valid",
            begins: "active",
            last + relativedelta(days=-61): "active",
            last + relativedelta(days=-60): "expiring_soon",
            last: "expiring_soon",
            last + relativedelta(days=1): "expired",
        }
        for day, status in turns.items():
            assert status_in("active", None, Period(begins, last), day) == status, (last, day)
        # What ends on a day counts until the day before it.
        assert status_in("revoked", last, Period(None, None), last) == "revoked"
        assert rules.last_in(Period(begins, None), last) == last + relativedelta(days=-1)


def test_of_several_places_the_best_one_counts() -> None:
    made = {
        "expired": Period(None, DAY - timedelta(days=1)),
        "not_yet_valid": Period(DAY + timedelta(days=1), None),
        "expiring_soon": Period(None, DAY),
        "active": Period(None, None),
    }
    assert tuple(made) == rules.BEST
    for one, other in product(made, made):
        best = max(one, other, key=rules.BEST.index)
        assert effective_status("active", None, (made[one], made[other]), DAY) == best
        assert effective_status("pending", None, (made[one], made[other]), DAY) == "pending"
        assert effective_status("revoked", DAY, (made[one], made[other]), DAY) == "revoked"


def test_a_list_by_last_day_reads_all_that_its_status_may_have() -> None:
    """Wherever the last day lies, what has an effective status is within the days that its list
    reads."""
    statuses = {"active", "revoked", "superseded"}
    for status, last, first in product(statuses, DAYS, DAYS):
        ends = (None,) if status == "active" else DAYS[1:]
        for ended in ends:
            effective = status_in(status, ended, Period(first, last), DAY)
            ends_on = rules.latest([rules.last_in(Period(first, last), ended)]) or date.max
            low, high = rules.days_of(effective, DAY)
            assert (low or date.min) <= ends_on <= (high or date.max), (effective, ends_on)


def test_active_includes_expiring_soon_and_no_other_filter_includes_anything() -> None:
    every = (*STORED, "not_yet_valid", "expiring_soon", "expired")
    for asked, effective in product(every, every):
        both = (asked, effective) == ("active", "expiring_soon")
        assert rules.is_asked(asked, effective) == (asked == effective or both)
    assert all(rules.is_asked(None, effective) for effective in every)


def test_a_code_is_its_holders_until_the_last_one_is_removed() -> None:
    one, other = (rules.CodeHolder(certificate_id=name) for name in ("A", "B"))
    code = rules.CertificateCodeRecord(holders={"US-CA": one, "US-NV": one, "US-TX": other})
    assert rules.without_holder(code, "C") is code
    left = rules.without_holder(code, "A")
    assert left == rules.CertificateCodeRecord(holders={"US-TX": other}, revision=2)
    assert rules.without_holder(left, "A") is left
    assert rules.without_holder(left, "B") is None

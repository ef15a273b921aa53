"""The day that it is in an org: what certificates, warranties and retention count by."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from dateutil import tz

from shared.identity import OrgRecord
from shared.settings import OrgSettings
from shared.system import system_call
from tests.zones import HOUR, LAST_DAYS, ZONES, changes_of_the_clocks, end_of_day

SECOND = timedelta(seconds=1)


def today(zone: str, now: datetime) -> date:
    org = OrgRecord(
        orgcode="T", org_guid="org_T", status="verified", settings=OrgSettings(timezone=zone)
    )
    return system_call(org, now, work="test", work_id="t").today


@pytest.mark.parametrize("zone", ZONES[1:])
def test_around_each_change_of_the_clocks_the_day_is_that_of_another_library(zone: str) -> None:
    where = tz.gettz(zone)
    edges = changes_of_the_clocks(zone)
    assert len(edges) >= 6
    for moment in (edge + n * HOUR for edge in edges for n in range(-26, 27, 2)):
        for now in (moment - SECOND, moment):
            assert today(zone, now) == now.astimezone(where).date(), now


@pytest.mark.parametrize(("zone", "day"), LAST_DAYS)
def test_a_day_is_over_when_another_library_says_so(zone: str, day: str) -> None:
    last, end = date.fromisoformat(day), end_of_day(zone, date.fromisoformat(day))
    assert end.tzinfo is UTC
    assert (today(zone, end - SECOND), today(zone, end)) == (last, last + timedelta(days=1))

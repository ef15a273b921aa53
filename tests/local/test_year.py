"""A year passes on the local server, settle by settle: every occurrence of every subscription is
told exactly once, as another library counts the dates, and retention runs by the same clock."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from tests.builders import WHY
from tests.lambdas.subscription.test_dates import expected
from tests.local.conftest import Server

DAY = timedelta(days=1)
# The schedule of the server has the real clock: nothing of this year is due by that.
YEAR = next(year for year in count(datetime.now(UTC).year + 1) if isleap(year))
OUTAGE = 7
"""The month in which nobody settles."""
KEPT_DAYS = 30


def on(month: int, day: int, hour: int = 8, year: int = YEAR) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


BEGIN, END = on(1, 1), on(1, 1, year=YEAR + 1)


@dataclass
class Plan:
    """A subscription of the year. ``skipped``: a date after the first of the two times, and not
    after the second, falls into its pause. ``cancelled``: a later date is not due."""

    frequency: str
    start: str
    zone: str
    interval: int = 1
    skipped: tuple[datetime, datetime] = (END, END)
    cancelled: datetime = END
    subscription_id: str = ""

    def due(self) -> dict[int, datetime]:
        """What must be told by the end of the year, counted by the other library."""
        found = {}
        for number in count():
            date = expected(self.start, self.zone, self.frequency, self.interval, number)
            if date > min(self.cancelled, END):
                return found
            if not self.skipped[0] < date <= self.skipped[1]:
                found[number] = date
        raise AssertionError("the calendar has no end")


BERLIN, NEW_YORK, AUCKLAND = "Europe/Berlin", "America/New_York", "Pacific/Auckland"


def plans() -> dict[str, Plan]:
    return {
        "on the 31st": Plan("monthly", f"{YEAR}-01-31T09:00:00", BERLIN),
        "from the leap day": Plan("quarterly", f"{YEAR}-02-29T23:30:00", AUCKLAND),
        "daily, over both changes of the clocks": Plan("daily", f"{YEAR}-01-02T02:30:00", BERLIN),
        "on Sundays, in the hour that comes twice": Plan(
            "weekly", f"{YEAR}-01-02T01:30:00", NEW_YORK
        ),
        "paused for a while": Plan(
            "daily",
            f"{YEAR}-01-05T12:00:00",
            "UTC",
            interval=3,
            skipped=(on(5, 2), on(6, 16)),
        ),
        "cancelled in the outage": Plan(
            "weekly", f"{YEAR}-01-06T18:00:00", "Asia/Kolkata", cancelled=on(OUTAGE, 20)
        ),
    }


@dataclass
class Org:
    """An org of the server that the demo world leaves empty. ``now`` is the clock of the calls."""

    server: Server
    now: datetime = BEGIN
    settled: list[datetime] = field(default_factory=list)
    _seen: int = 0
    _events: list[dict[str, Any]] = field(default_factory=list)

    def clock(self) -> dict[str, str]:
        return {"x_test_now": self.now.isoformat().replace("+00:00", "Z")}

    def call(self, path: str, **body: Any) -> dict[str, Any]:
        status, answer, _ = self.server.post(
            path, body, session="globex-owner", x_orgcode="GLOBEX", **self.clock()
        )
        assert status == 200, answer
        return dict(answer["data"])

    def settle(self, times: int = 1) -> None:
        """Settles, so many times at once."""

        def one(_: int) -> Any:
            return self.server.call("POST", "/_local/settle", **self.clock())[:2]

        with ThreadPoolExecutor(times) as pool:
            assert list(pool.map(one, range(times))) == [(200, {"settled": True})] * times
        self.settled.append(self.now)

    def events(self) -> list[dict[str, Any]]:
        """Every event of the org so far."""
        page = self.server.call("GET", f"/_local/events?after={self._seen}")[1]
        self._seen = page["last"]
        details = [event["detail"] for event in page["events"]]
        self._events += [detail for detail in details if detail["orgcode"] == "GLOBEX"]
        return self._events

    def first_settled(self, date: datetime) -> datetime:
        """When the sweeper came for the first time at a date or after it."""
        return next(moment for moment in self.settled if moment >= date)


@pytest.fixture
def org(server: Server) -> Org:
    return Org(server)


def days(step: int) -> Iterator[datetime]:
    """The days on which the sweeper comes: each ``step`` days, but not in the month of the outage.
    It comes on the last one."""
    moment = BEGIN
    while moment < END:
        if moment.month != OUTAGE:
            yield moment
        moment += step * DAY
    yield END


def begun(org: Org) -> dict[str, Plan]:
    """Makes what the year is about, on its first day."""
    made = org.call("/customer/create", customer={"first_name": "Ada"}, **WHY)
    named = {"customer_id": made["customer"]["customer_guid"], "plan_id": "P-1"}
    year = plans()
    for plan in year.values():
        given = {"frequency": plan.frequency, "interval": plan.interval, "timezone": plan.zone}
        whole = {**named, **given, "start_date": plan.start}
        found = org.call("/subscription/create", subscription=whole, **WHY)["subscription"]
        plan.subscription_id = found["subscription_id"]
    policy = {"comment_retention_days": KEPT_DAYS}
    org.call("/retention/policy/set", policy=policy, confirm_shortening=True, **WHY)
    org.call("/comment", target_type="order", target_id="SO-1", body="said", **WHY)
    return year


def lived(org: Org, step: int, twice: int) -> dict[str, Plan]:
    """Lives through the year. The calls of people come at their own time, in the outage too. On
    each day of number ``twice`` two sweepers come at once."""
    year = begun(org)
    paused, cancelled = year["paused for a while"], year["cancelled in the outage"]
    pause, resume = paused.skipped
    people = [
        (pause, "pause", paused, {}),
        (resume, "resume", paused, {}),
        (cancelled.cancelled, "cancel", cancelled, {"at_period_end": False}),
    ]
    for number, moment in enumerate(days(step)):
        while people and people[0][0] <= moment:
            org.now, verb, plan, more = people.pop(0)
            named = {"subscription_id": plan.subscription_id}
            found = org.call("/subscription/get", **named)["subscription"]
            asked = {**named, **more, "expected_revision": found["revision"]}
            org.call(f"/subscription/{verb}", **asked, **WHY)
        org.now = moment
        org.settle(times=2 if number % twice == 1 else 1)
    assert not people
    return year


def ensure_told_once(org: Org, year: dict[str, Plan]) -> None:
    """Compares everything that was told with what the other library counts."""
    events = [e for e in org.events() if e["aggregate_type"] == "subscription"]
    for name, plan in year.items():
        mine = [e for e in events if e["aggregate_id"] == plan.subscription_id]
        # Each write is an event, so a gap would be one that was lost.
        assert [e["aggregate_revision"] for e in mine] == list(range(1, len(mine) + 1)), name
        due = [e for e in mine if e["action"] == "subscription-due"]
        told = [(e["data"]["n"], datetime.fromisoformat(e["data"]["date"])) for e in due]
        assert told == list(plan.due().items()), name
        for event, (_, date) in zip(due, told, strict=True):
            moment = datetime.fromisoformat(event["timestamp_utc"])
            assert moment == org.first_settled(date), (name, date)
    late = [e for e in events if datetime.fromisoformat(e["timestamp_utc"]).month == OUTAGE]
    assert {e["action"] for e in late} == {"subscription-cancelled"}


def ensure_retention_ran(org: Org) -> None:
    """Compares the runs of the retention policy with the days on which the schedule came."""
    runs = [e["data"] for e in org.events() if e["action"] == "retention-run-finished"]
    assert [run["run_id"] for run in runs] == [f"{moment:%Y-%m-%d}" for moment in org.settled]
    assert [datetime.fromisoformat(run["as_of"]) for run in runs] == org.settled
    # The comment goes with the first run that comes after its time.
    gone = org.first_settled(BEGIN + KEPT_DAYS * DAY)
    acted = {run["run_id"]: run["acted"] for run in runs if run["acted"]}
    assert acted == {f"{gone:%Y-%m-%d}": {"comment": 1}}


def ensure_shown(org: Org, year: dict[str, Plan]) -> None:
    """Looks at the subscriptions at the end of the year."""
    for name, plan in year.items():
        named = {"subscription_id": plan.subscription_id, "occurrences": 1}
        found = org.call("/subscription/get", **named)
        shown, due = found["subscription"], plan.due()
        numbers = range(max(due) + 1)
        assert shown["skipped"] == len(numbers) - len(due), name
        if plan.cancelled < END:
            assert (shown["status"], "occurrences" in found) == ("cancelled", True), name
            assert found["occurrences"] == []
            continue
        coming = expected(plan.start, plan.zone, plan.frequency, plan.interval, len(numbers))
        assert (shown["status"], shown["occurrence"]) == ("active", len(numbers)), name
        assert datetime.fromisoformat(shown["next_run_at"]) == coming, name


@pytest.mark.parametrize(("step", "twice"), [(9, 4), pytest.param(1, 10, marks=pytest.mark.soak)])
def test_in_a_year_everything_that_is_due_is_told_once(org: Org, step: int, twice: int) -> None:
    year = lived(org, step, twice)
    ensure_told_once(org, year)
    ensure_retention_ran(org)
    ensure_shown(org, year)

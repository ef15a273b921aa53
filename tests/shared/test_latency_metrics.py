"""Each answered request tells whether it was over the limits of its route, by latency class."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.insights import RULES
from lambdas.families import FAMILIES
from shared.api import serve
from shared.routes import COLD, Route, over
from tests.logs import logged_to

ROWS = [row for rows in FAMILIES.values() for row in rows]
DOOR = serve(ROWS)
NOW_NS = time.time_ns()
NOW_MS = NOW_NS // 1_000_000

Line = Callable[..., dict[str, Any]]


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """``line(row, spent_ms)``: what the log says of a request that the gateway received so many
    milliseconds ago. It has no credential, so no database is asked."""
    kept = io.StringIO()
    monkeypatch.setattr(time, "time_ns", lambda: NOW_NS)

    def logged(row: Route, spent_ms: int, **event: Any) -> dict[str, Any]:
        kept.truncate(0)
        context = {"requestTimeEpoch": NOW_MS - spent_ms}
        asked = {"httpMethod": row.method, "path": f"/crm{row.path}", "requestContext": context}
        DOOR({**asked, **event}, None)
        return dict(json.loads(kept.getvalue().strip("\0").strip() or "{}"))

    with logged_to(kept):
        yield logged


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.call)
def test_a_request_is_over_each_limit_of_its_own_row_by_the_gateway_s_clock(
    row: Route, line: Line
) -> None:
    assert list(row.latency.limits) == (["p95", "p99"] if row.latency.p99_ms else ["p95"])
    for percentile, limit_ms in row.latency.limits.items():
        assert line(row, limit_ms)[over(percentile)] == 0
        assert line(row, limit_ms + 1)[over(percentile)] == 1
    assert line(row, 0).keys() >= {over(percentile) for percentile in row.latency.limits}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.call)
def test_the_line_is_in_the_embedded_metric_format(row: Route, line: Line) -> None:
    found = line(row, 5)
    assert found["call"] == row.call
    assert found["since_received_ms"] == 5
    assert found["_aws"]["Timestamp"] == NOW_MS
    (directive,) = found["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "crm/local"
    assert directive["Dimensions"] == [["tier"]]
    assert found["tier"] == row.latency.tier
    names = [each["Name"] for each in directive["Metrics"]]
    assert names == [*(over(percentile) for percentile in row.latency.limits), COLD]
    assert all(found[name] in (0, 1) for name in names)


def test_the_first_request_of_a_process_is_a_cold_start(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DOOR, "_is_new", serve(ROWS)._is_new)
    assert [line(ROWS[0], 5)[COLD] for _ in range(3)] == [1, 0, 0]


def test_the_line_has_what_contributor_insights_counts(line: Line) -> None:
    asked = {
        field.removeprefix("$.")
        for keys, filters in RULES.values()
        for field in (*keys, *(each["Match"] for each in filters))
    }
    # These two come with a known caller.
    assert {"orgcode", "fingerprint"} < asked
    assert asked - {"orgcode", "fingerprint"} <= set(line(ROWS[0], 5))


def test_the_metrics_are_few() -> None:
    """Each pair of a class and a name is billed. Neither orgs nor routes make more of them."""
    assert len({(row.latency.tier, name) for row in ROWS for name in row.latency.over(0)}) <= 8
    assert COLD not in {name for row in ROWS for name in row.latency.over(0)}


def test_a_clock_ahead_of_the_gateway_s_makes_no_negative_time(line: Line) -> None:
    assert line(ROWS[0], -3)["since_received_ms"] == 0


@pytest.mark.parametrize(
    "event", [{"path": "/crm/nowhere"}, {"httpMethod": "PUT"}, {"httpMethod": "OPTIONS"}]
)
def test_what_is_no_route_has_no_class(event: dict[str, Any], line: Line) -> None:
    found = line(ROWS[0], 5, **event)
    assert "_aws" not in found
    # What a stranger has typed is not in the log. (Preflights are not logged at all.)
    assert found.get("call", "-") == "-"


@pytest.mark.parametrize("context", [None, {}, {"requestTimeEpoch": "soon"}])
def test_without_the_gateway_s_time_nothing_is_measured(context: Any, line: Line) -> None:
    found = line(ROWS[0], 5, requestContext=context)
    assert found["message"] == "answered"
    assert "_aws" not in found

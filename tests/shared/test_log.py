"""The lines of the log: their names are what searches, metrics and alarms rely on."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from lambdas.families import FAMILIES
from shared import log
from shared.api import serve
from tests.builders import World
from tests.logs import logged_to

DOOR = serve([row for rows in FAMILIES.values() for row in rows])
EVERY = ["level", "message", "timestamp", "service"]
METRICS = ["since_received_ms", "_aws", "tier", "over_p95", "cold"]
"""Of a route without a limit at p99."""

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """``lines()``: the lines that were logged since the last call."""
    kept = io.StringIO()

    def taken() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in kept.getvalue().splitlines()]
        kept.seek(0)
        kept.truncate()
        return found

    with logged_to(kept):
        yield taken


def test_an_answer_has_these_names_and_a_refusal_its_tag(world: World, lines: Lines) -> None:
    caller = world.key("crm_view")
    assert caller("/account/list").status == 200
    (answer,) = lines()
    request, who = ["call", "status", "request_id", "latency_ms"], ["orgcode", "fingerprint"]
    assert list(answer) == [*EVERY, *request, *who, *METRICS]
    assert (answer["message"], answer["call"]) == ("answered", "POST /account/list")
    assert caller("/account/list", {"limit": "many"}).status == 400
    (refusal,) = lines()
    assert list(refusal) == [*EVERY, *request, "tag", *who, *METRICS]
    assert refusal["tag"] == "invalid-input"


def test_a_request_that_came_through_the_gateway_has_its_metrics(lines: Lines) -> None:
    event = {"httpMethod": "GET", "path": "/crm/stat", "requestContext": {"requestTimeEpoch": 1}}
    DOOR(event, None)
    (line,) = lines()
    assert list(line) == [*EVERY, "call", "status", "request_id", "latency_ms", *METRICS]


def test_a_defect_names_its_type_and_its_places_and_not_its_words(lines: Lines) -> None:
    try:
        raise LookupError("maria@example.com")
    except LookupError as error:
        log.failed(error, call="POST /customer/get", request_id="r")
    (line,) = lines()
    assert list(line) == [*EVERY, "call", "request_id", "error_type", "stack"]
    assert (line["level"], line["message"]) == ("ERROR", "failed")
    assert line["stack"] == [f"test_log.py:{line['stack'][0].split(':')[1]}"]
    assert "maria" not in json.dumps(line)


def test_a_run_of_scheduled_work_is_a_line_of_the_same_form(lines: Lines) -> None:
    log.worked(jobs=3, **log.metrics({"jobs_failed": 0}, function="jobs"))
    (line,) = lines()
    assert list(line) == [*EVERY, "jobs", "_aws", "function", "jobs_failed"]


@pytest.mark.parametrize("trace", [None, "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"])
def test_a_line_is_that_of_powertools_own_formatter(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, trace: str | None
) -> None:
    if trace is not None:
        monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)
    own = log.logger().registered_formatter
    usual = LambdaPowertoolsFormatter(utc=True, use_rfc3339=True, location=None, service="crm")
    facts = {"call": "GET /stat", "status": 200, "worth": 1.5, "text": 'Zoë "Z"\n', "who": None}
    handler = log.logger().registered_handler
    seen = []
    monkeypatch.setattr(handler, "format", lambda record: seen.append(record) or own.format(record))
    log.answered(**facts)
    (line,) = lines()
    (record,) = seen
    record.__dict__.update(record.__dict__.pop("facts"))
    assert {k: v for k, v in line.items() if v is not None} == json.loads(usual.format(record))
    assert ("xray_trace_id" in line) == (trace is not None)


def test_other_lines_have_what_powertools_gives_them(lines: Lines) -> None:
    logger = log.logger()
    logger.warning("low", extra={"left": 3})
    try:
        raise ValueError("x")
    except ValueError:
        logger.exception("bad")
    warning, bad = lines()
    assert (warning["message"], warning["left"], warning["service"]) == ("low", 3, "crm")
    assert bad["exception_name"] == "ValueError"

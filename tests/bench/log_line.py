"""What a line of the log costs: beside Powertools' own formatter, and as a share of a request."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lambdas.account.handler import door
from shared import log
from shared.api import Answer, Route, serve
from tests.bench.canned import BODIES, CannedTable, Context, canned_database, event
from tests.bench.measure import Figure, cpu_in_turns


def figures(*, calls: int, turns: int) -> list[Figure]:
    return [_beside_powertools(calls, turns), _share_of_the_door(calls, turns)]


def _beside_powertools(calls: int, turns: int) -> Figure:
    """The same line by our formatter, and by Powertools' own as it is by default."""
    from aws_lambda_powertools import Logger

    with canned_database(CannedTable()) as sink:
        usual = Logger(service="usual", utc=True, level="INFO")
        # The logger of a name keeps the stream that it was first given, closed by now.
        usual.registered_handler.stream = sink
        took = cpu_in_turns(
            lambda: log.answered(**_line()),
            lambda: usual.info("answered", extra=_line()),
            calls=calls,
            turns=turns,
        )
    return Figure("log line, over Powertools' formatter", *took, 0.7)


def _line() -> dict[str, Any]:
    facts = {"call": "POST /account/get", "status": 200, "request_id": "r", "latency_ms": 1}
    over = log.metrics({"over_p95": 0, "over_p99": 0, "cold": 0}, tier="C")
    return {**facts, "orgcode": "BENCH", "fingerprint": "kf_0", **over}


def _share_of_the_door(calls: int, turns: int) -> Figure:
    """One line of our log over one whole request of the door: what no door can save."""
    context: Any = Context()
    request = event(*BODIES["/account/get"])
    with canned_database(CannedTable()):
        line_s, request_s = cpu_in_turns(
            lambda: log.answered(**_line()),
            lambda: CANNED(request, context),
            calls=calls,
            turns=turns,
        )
    return Figure("log line, over the door's request", line_s, request_s, 0.5)


def _canned(row: Route) -> Route:
    """The row with an operation that answers at once."""
    return replace(row, operation=lambda call, _: Answer(call.route.sample, 1))


CANNED = serve([_canned(row) for row in door.routes])

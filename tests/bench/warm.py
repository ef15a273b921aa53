"""CPU of a warm handler without its database: parse, validate, identity believed, envelope, log."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, TextIO

from lambdas.account.handler import door
from lambdas.families import FAMILIES
from shared import clients, log
from shared.api import Answer, Crosscutting, Door, Route, serve
from tests.bench import peer
from tests.bench.canned import BODIES, CannedTable, Context, event
from tests.bench.measure import Figure, cpu_in_turns
from tests.logs import logged_to


@contextmanager
def canned_database(table: CannedTable) -> Iterator[TextIO]:
    """The canned table in the client's place and every log line made, then thrown away. Gives the
    stream that throws away, for the peer's log."""
    with open(os.devnull, "w", encoding="utf-8") as sink, logged_to(sink):
        clients.use(dynamodb=table)
        try:
            yield sink
        finally:
            clients.use(dynamodb=None)


def figures(*, calls: int, turns: int) -> list[Figure]:
    """At least four times faster than the usual stack. For each body twice: the door alone, which
    does what the peer does and knows the caller besides, and the whole handler, which also decodes
    records, decides, shows, and makes its writes. Last, what the log's line costs on its own."""
    context: Any = Context()
    found: list[tuple[Figure, Figure]] = []
    with canned_database(CannedTable()) as sink:
        rows = [row for family in FAMILIES.values() for row in family]
        usual = peer.handler(rows, every_call=Crosscutting, stream=sink)
        for name, (path, body) in BODIES.items():
            request = event(path, body)
            pair = []
            for words, ours in (("door", CANNED), ("handler", door)):
                _agree(ours, request, context, usual, 400 if "400" in name else 200)
                ours_s, peer_s = cpu_in_turns(
                    partial(ours, request, context),
                    partial(usual, request, context),
                    calls=calls,
                    turns=turns,
                )
                pair.append(Figure(f"warm {words} {name}", ours_s, peer_s, 4, at_least=True))
            found.append((pair[0], pair[1]))
    return [figure for place in (0, 1) for figure in (pair[place] for pair in found)]


def log_line(*, calls: int, turns: int) -> Figure:
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


def log_share(*, calls: int, turns: int) -> Figure:
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
    """The row, its operation answering what the peer's answers."""
    return replace(row, operation=lambda call, _: Answer(call.route.sample, 1))


CANNED = serve([_canned(row) for row in door.routes])


def _agree(
    door: Door, request: dict[str, Any], context: Any, usual: peer.Handler, status: int
) -> None:
    """Both answer as they should, or the comparison means nothing."""
    ours, theirs = door(request, context), usual(request, context)
    if ours["statusCode"] != status:
        raise AssertionError(ours["body"])
    if theirs["statusCode"] not in ((200,) if status == 200 else (400, 422)):
        raise AssertionError(theirs["body"])
    json.loads(ours["body"]), json.loads(theirs["body"])

"""A fresh process to its first answered read, ours and the usual stack's, from one local engine.

The children are this module run as a program: ``ours``, ``usual`` (every model of the API, built as
pydantic builds them by default) or ``family`` (the usual stack at its best: one family's routes,
validators built when first used, as ours). The event comes on standard input.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median
from typing import Any

CHILDREN = ("ours", "usual", "family")


@dataclass(frozen=True, slots=True)
class Start:
    """One fresh process: seconds on the clock and of CPU, from its start to its end."""

    wall_s: float
    cpu_s: float


def figures(*, pairs: int) -> list[Any]:
    """Wall and CPU, against all models in one function and against one family's."""
    from infra.local import settings as local
    from infra.local.engine import Engine
    from tests.bench.measure import Figure

    engine = Engine.start()
    try:
        environment = local.child_environment(
            local.deployment(root_secret="bench" * 8, endpoint=engine.endpoint)
            | {"LOG_LEVEL": "INFO", "POWERTOOLS_METRICS_NAMESPACE": "crm"}
        )
        _fill(engine.endpoint, environment)
        taken: dict[str, list[Start]] = {name: [] for name in CHILDREN}
        for pair in range(-1, pairs):  # the round before the first compiles what is not yet
            for name in CHILDREN if pair % 2 else CHILDREN[::-1]:
                start = _started(name, environment)
                if pair >= 0:
                    taken[name].append(start)
    finally:
        engine.stop()
    found = []
    for peer, words in (("usual", "all models"), ("family", "one family's models")):
        for measured in ("wall_s", "cpu_s"):
            ours_s, peer_s = (
                median(getattr(start, measured) for start in taken[name]) for name in ("ours", peer)
            )
            name = f"cold start, {measured.removesuffix('_s')}, peer with {words}"
            found.append(Figure(name, ours_s, peer_s, 0.6))
    return found


def _started(name: str, environment: dict[str, str]) -> Start:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench.cold", name],
        input=_request(),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    wall_s = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = json.loads(run.stdout.splitlines()[-1])
    if answer["statusCode"] != 200 or "Northwind" not in answer["body"]:
        raise AssertionError(run.stdout + run.stderr)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Start(wall_s, cpu_s)


def _request() -> str:
    from tests.bench.canned import BODIES, event

    return json.dumps(event(*BODIES["/account/get"]))


def _fill(endpoint: str, environment: dict[str, str]) -> None:
    """The table with the org, the key and the account. A child does it, because the process that
    prints the figures has already chosen its deployment."""
    run = [sys.executable, "-m", "tests.bench.cold", "fill"]
    subprocess.run(run, env=environment, check=True, capture_output=True, input=endpoint, text=True)


# ---------------------------------------------------------------- the children


def _answer_ours(event: dict[str, Any], context: Any) -> dict[str, Any]:
    from lambdas.account.handler import lambda_handler

    return lambda_handler(event, context)


def _answer_usual(event: dict[str, Any], context: Any, *, whole: bool) -> dict[str, Any]:
    """As many trips as ours: the org and the key in one batch, then the account."""
    import boto3

    from infra.local.settings import TABLE
    from tests.bench import peer
    from tests.bench.first_read import reading, rows

    database = boto3.resource("dynamodb")
    handler = peer.handler(rows(whole=whole), answering=reading(database, TABLE), eager=whole)
    return handler(event, context)


def _put_in_place() -> None:
    from infra.local.clients import table_administration
    from infra.local.engine import create_table
    from infra.local.settings import TABLE
    from tests.bench.canned import account, account_wire, identity_wires

    client = table_administration()
    create_table(client, TABLE)
    for wire in [*identity_wires(), account_wire(account())]:
        client.put_item(TableName=TABLE, Item=wire)


def main(name: str) -> None:
    if name == "fill":
        _put_in_place()
        return
    event = json.loads(sys.stdin.read())
    context = _Context()
    if name == "ours":
        answer = _answer_ours(event, context)
    else:
        answer = _answer_usual(event, context, whole=name == "usual")
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


class _Context:
    function_name = "crm-bench"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:crm-bench"
    aws_request_id = "bench-request"


if __name__ == "__main__":
    main(sys.argv[1])

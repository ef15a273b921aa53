"""A new process to its first answered read, from one local engine, which is another process.

``ours`` is the package as it is uploaded: the function, the layer, and the bytecode of both.
``bare`` is the same without bytecode and with the SDK's client, as the packages before were. Both
ask the engine for the root secret too, as a function does. The peers are ``usual``: every model of
the API, built as pydantic builds them by default; and ``family``: the usual stack at its best.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from infra.local import settings as local
from infra.local.engine import Engine, create_table
from infra.package import BUILD, compile_for_host, staged

HANDLER = "lambdas.account.handler:lambda_handler"
SECRET = "crm-bench-root"
TARGETS = {"bare": 0.45, "usual": 0.55, "family": 0.55}
"""At most so much of the other's time."""
_SDK = sysconfig.get_path("purelib")
"""The SDK comes last on every path, as in Lambda's runtime."""


@dataclass(frozen=True, slots=True)
class Start:
    """How to start a process: the handler, its path, its environment and its event."""

    handler: str
    path: tuple[Path, ...]
    environment: dict[str, str]
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Took:
    """One new process: seconds on the clock and of the processor, from its start to its end."""

    wall_s: float
    cpu_s: float


def figures(*, pairs: int, before: Path | None = None) -> list[Any]:
    """Ours over each of the others. ``before``: the folders ``layer`` and ``function`` of an older
    package, which is measured too."""
    from tests.bench.measure import Figure

    with tempfile.TemporaryDirectory(prefix="crm-cold-") as folder:
        place = Path(folder)
        engine = Engine.start_all(place)
        try:
            starts = packages(place, engine.endpoint) | peers(engine.endpoint)
            if before is not None:
                older = (before / "function", before / "layer")
                starts["before"] = replace(starts["bare"], path=older)
            taken = _in_turns(starts, pairs)
        finally:
            engine.stop()
    found = []
    for name in list(taken)[1:]:
        for measured in ("wall_s", "cpu_s"):
            ours_s, other_s = (
                median(getattr(took, measured) for took in taken[one]) for one in ("ours", name)
            )
            words = f"cold start, {measured.removesuffix('_s')}, over {name}"
            found.append(Figure(words, ours_s, other_s, TARGETS.get(name, 0.45)))
    return found


def _in_turns(starts: dict[str, Start], pairs: int) -> dict[str, list[Took]]:
    taken: dict[str, list[Took]] = {name: [] for name in starts}
    for pair in range(-1, pairs):  # the round before the first fills the machine's caches
        for name in list(starts) if pair % 2 else list(starts)[::-1]:
            took = started(starts[name])
            if pair >= 0:
                taken[name].append(took)
    return taken


def started(start: Start) -> Took:
    """Starts a process, and checks its answer. Returns what it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    path = ":".join(map(str, (*start.path, _SDK)))
    run = subprocess.run(
        [sys.executable, "-S", str(Path(__file__).with_name("lambda_start.py")), start.handler],
        input=json.dumps(start.event),
        env={**start.environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    wall_s = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = run.stdout.splitlines()
    if run.returncode or '"statusCode": 200' not in lines[-1] or "Northwind" not in lines[-1]:
        raise AssertionError(run.stdout + run.stderr)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(wall_s, cpu_s)


def packages(place: Path, endpoint: str) -> dict[str, Start]:
    """Ours, with and without what makes its start short. They are made in the folder."""
    environment, asked = _environment(endpoint), _asked()
    without = {**environment, "CRM_CLIENT": "sdk", "PYTHONDONTWRITEBYTECODE": "1"}
    return {
        "ours": Start(HANDLER, packaged(place / "ours", bytecode=True), environment, asked),
        "bare": Start(HANDLER, packaged(place / "bare", bytecode=False), without, asked),
    }


def peers(endpoint: str) -> dict[str, Start]:
    """The usual stack, with every row of the API or with one family's. Fills the engine."""
    from lambdas.account.handler import ROUTES
    from lambdas.families import FAMILIES
    from tests.bench import usual

    keys, environment = _fill(endpoint), _environment(endpoint)
    every = [row for rows in FAMILIES.values() for row in rows]
    return {
        name: Start(
            f"tests.bench.usual:{attribute}",
            (local.ROOT,),
            environment,
            {**_asked(), "rows": usual.named(rows), "keys": keys},
        )
        for name, attribute, rows in (("usual", "whole", every), ("family", "family", ROUTES))
    }


def _environment(endpoint: str) -> dict[str, str]:
    from tests.bench.usual import TABLE

    deployment = local.deployment(root_secret="", endpoint=endpoint, table=TABLE)
    more = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "CRM_ROOT_SECRET_ARN": SECRET,
        "LOG_LEVEL": "INFO",
    }
    made = local.foreign_environment({**deployment, **more})
    del made["CRM_ROOT_SECRET"]
    return made


def _asked() -> dict[str, Any]:
    from tests.bench.canned import BODIES, event

    return event(*BODIES["/account/get"])


def packaged(place: Path, *, bytecode: bool) -> tuple[Path, Path]:
    """Returns the folders of the function and of its layer's Python, for this machine. The wheels
    are those that ``python -m infra.package --host`` has fetched."""
    for part in ("layer-host", "layer-host.requirements.sha256"):
        source, target = BUILD / part, place / part
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)
    package = staged(["account"], host=True, build=place)
    if bytecode:
        compile_for_host([package.layer / "python"])
    else:
        for folder in [*package.layer.rglob("__pycache__"), *place.rglob("__pycache__")]:
            shutil.rmtree(folder, ignore_errors=True)
    return package.function("account"), package.layer / "python"


def _fill(endpoint: str) -> list[dict[str, str]]:
    """Makes the table with the org, the key and the account, and the root secret. Returns the keys
    of these items."""
    import boto3

    from shared.settings import settings
    from tests.bench.canned import account, account_wire, identity_wires
    from tests.bench.usual import TABLE

    # Named here, and not in the environment: the process has a deployment of its own.
    client = boto3.client("dynamodb", endpoint_url=endpoint)
    create_table(client, TABLE)
    wires = [*identity_wires(), account_wire(account())]
    for wire in wires:
        client.put_item(TableName=TABLE, Item=wire)
    root = settings().root_secret
    assert root is not None
    secrets = boto3.client("secretsmanager", endpoint_url=endpoint)
    secrets.create_secret(Name=SECRET, SecretString=root)
    return [{name: wire[name]["S"] for name in ("pk", "sk")} for wire in wires]

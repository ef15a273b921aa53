"""The generated clients: no operation is missing, their types hold, and a day at a till works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from infra.local.settings import ROOT
from tests.local.conftest import Server

EXAMPLES, BUILD = ROOT / "examples" / "clients", ROOT / "build" / "clients"
PYTHON, TYPESCRIPT = BUILD / "python", BUILD / "typescript"
HERE = Path(__file__).parent
TOLD = [
    r"customer active",
    r"points \d+",
    r"ledger 3 entries, a page each",
    r"card 3000 after a lost answer",
    r"refused invalid-state 2000",
    r"conflict 2",
    r"nobody 404",
]


def ended(command: list[str | Path], cwd: Path, **environment: str) -> str:
    run = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def operations() -> set[str]:
    document = json.loads((ROOT / "openapi.json").read_text())
    return {
        method["operationId"]
        for path in document["paths"].values()
        for method in path.values()
    }  # fmt: skip


def is_the_story(said: str) -> bool:
    lines = said.splitlines()
    return len(lines) == len(TOLD) and all(map(re.fullmatch, TOLD, lines))


@pytest.fixture
def search_path() -> str:
    """Where Python finds the generated client and the example."""
    return f"{PYTHON}{os.pathsep}{EXAMPLES / 'python'}"


def test_the_python_client_has_every_operation() -> None:
    made = (PYTHON / "crm_client" / "api").glob("*/*.py")
    assert {path.stem for path in made if path.stem != "__init__"} == operations()


def test_the_typescript_client_has_every_operation() -> None:
    made = (TYPESCRIPT / "client" / "sdk.gen.ts").read_text()
    names = {name.lower() for name in re.findall(r"^export const (\w+) = ", made, re.MULTILINE)}
    assert names == {name.replace("_", "") for name in operations()}


def test_no_client_lost_a_type() -> None:
    """A generator may drop what it does not understand, and end well."""
    document = json.loads((ROOT / "openapi.json").read_text())
    schemas = document["components"]["schemas"]
    made = (TYPESCRIPT / "client" / "types.gen.ts").read_text()
    types = {*re.findall(r"^export type (\w+) =", made, re.MULTILINE)}
    assert schemas.keys() <= types
    models = (PYTHON / "crm_client" / "models" / "__init__.py").read_text()
    classes = {*re.findall(r"import (\w+)", models)}
    # Python has a class of an object and of a choice; the forms of texts and numbers are built in.
    objects = {name for name, one in schemas.items() if {"properties", "allOf", "enum"} & {*one}}
    assert objects <= classes
    untyped = "no field of a request or an answer is of any type"
    for name in (PYTHON / "crm_client" / "models").glob("*.py"):
        fields = re.findall(r"^    (\w+): Any\b", name.read_text(), re.MULTILINE)
        assert fields == [], untyped


def test_the_python_types_hold(search_path: str) -> None:
    mypy = PYTHON / ".venv" / "bin" / "mypy"
    files = ["crm.py", "story.py", HERE / "foreign.py"]
    ended([mypy, "--strict", *files], EXAMPLES / "python", MYPYPATH=search_path)


def test_a_day_at_a_till_in_python(server: Server, search_path: str) -> None:
    python = PYTHON / ".venv" / "bin" / "python"
    said = ended(
        [python, "story.py", f"http://127.0.0.1:{server.port}", "ACME", "acme-owner"],
        EXAMPLES / "python",
        PYTHONPATH=search_path,
    )
    assert is_the_story(said), said


# ---------------------------------------------------------------- others that answer


HTML, JSON = "text/html", "application/json"
ERROR_PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"
PASSING = [
    (502, HTML, ERROR_PAGE),
    (504, JSON, '{"message": "Endpoint request timed out"}'),
    (503, HTML, ""),
]
"""What a gateway answers while its back end is away. Then the service itself answers."""
ALWAYS = {
    "DOWN": (504, JSON, '{"message": "Endpoint request timed out"}'),
    "WALL": (403, JSON, '{"message": "Forbidden"}'),
    "PORTAL": (200, HTML, "<html><body>Welcome to the free network</body></html>"),
}
NEW_TAG = "out-of-hours"
FOREIGN = [
    *("PASSING active", "DOWN 504 retryable", "WALL 403 final", "PORTAL 200 final"),
    f"LATER 409 {NEW_TAG}",
]


class Gateway(ThreadingHTTPServer):
    """Answers in the place of the service. ``keys``: the idempotency keys by org, a call each."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Foreign)
        self.keys: dict[str, list[str | None]] = defaultdict(list)

    def answer(self, org: str, key: str | None) -> tuple[int, str, str]:
        earlier = len(self.keys[org])
        self.keys[org].append(key)
        if org in ALWAYS:
            return ALWAYS[org]
        if org == "LATER":
            return 409, JSON, refused_with(NEW_TAG)
        in_time = [*PASSING, (200, JSON, served("customer_update"))]
        return in_time[min(earlier, len(PASSING))]


class Foreign(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        org, key = self.headers["x-orgcode"], self.headers["Idempotency-Key"]
        status, media, body = self.server.answer(org, key)
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


def refused_with(tag: str) -> str:
    """A refusal of a later release, whose tag no client knows yet."""
    document = json.loads((ROOT / "openapi.json").read_text())
    made = document["components"]["examples"]["Conflict"]["value"]
    made["error"]["major"]["tag"] = tag
    return json.dumps(made)


def served(operation_id: str) -> str:
    """The example of an answer."""
    document = json.loads((ROOT / "openapi.json").read_text())
    [made] = [
        method
        for path in document["paths"].values()
        for method in path.values()
        if method["operationId"] == operation_id
    ]
    return json.dumps(made["responses"]["200"]["content"][JSON]["example"])


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as made:
        Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def check_foreign(said: str, gateway: Gateway) -> None:
    assert said.splitlines() == FOREIGN
    # The attempts of one call are one request; what will not get better is not tried again.
    passing = gateway.keys["PASSING"]
    assert len(passing) == len(PASSING) + 1
    assert len(set(passing)) == 1
    assert passing[0]
    assert len(gateway.keys["DOWN"]) > 1
    for org in ("WALL", "PORTAL", "LATER"):
        assert len(gateway.keys[org]) == 1


def test_an_answer_of_somebody_else_is_told_apart_in_python(
    gateway: Gateway, search_path: str
) -> None:
    said = ended(
        [PYTHON / ".venv" / "bin" / "python", "foreign.py", address(gateway)],
        HERE,
        PYTHONPATH=search_path,
    )
    check_foreign(said, gateway)


@pytest.mark.usefixtures("compiled")
def test_an_answer_of_somebody_else_is_told_apart_in_typescript(gateway: Gateway) -> None:
    check_foreign(ended(["node", "out/foreign.js", address(gateway)], TYPESCRIPT), gateway)


def address(gateway: Gateway) -> str:
    return f"http://127.0.0.1:{gateway.server_port}"


@pytest.fixture(scope="module")
def compiled() -> None:
    """The compiler is strict; what it does not accept does not run."""
    examples = [EXAMPLES / "typescript" / name for name in ("crm.ts", "story.ts", "tsconfig.json")]
    for file in (*examples, HERE / "foreign.ts", HERE / "typed.ts"):
        shutil.copy(file, TYPESCRIPT)
    ended(["node_modules/.bin/tsc", "--project", ".", "--outDir", "out"], TYPESCRIPT)


@pytest.mark.usefixtures("compiled")
def test_a_day_at_a_till_in_typescript(server: Server) -> None:
    said = ended(
        ["node", "out/story.js", f"http://127.0.0.1:{server.port}", "ACME", "acme-owner"],
        TYPESCRIPT,
    )
    assert is_the_story(said), said

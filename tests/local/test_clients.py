"""The generated clients: no operation is missing, their types hold, and a day at a till works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.local.settings import ROOT
from tests.local.conftest import Server

EXAMPLES, BUILD = ROOT / "examples" / "clients", ROOT / "build" / "clients"
PYTHON, TYPESCRIPT = BUILD / "python", BUILD / "typescript"
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


def test_the_python_types_hold(search_path: str) -> None:
    mypy = PYTHON / ".venv" / "bin" / "mypy"
    files = ["crm.py", "story.py"]
    ended([mypy, "--strict", *files], EXAMPLES / "python", MYPYPATH=search_path)


def test_a_day_at_a_till_in_python(server: Server, search_path: str) -> None:
    python = PYTHON / ".venv" / "bin" / "python"
    said = ended(
        [python, "story.py", f"http://127.0.0.1:{server.port}", "ACME", "acme-owner"],
        EXAMPLES / "python",
        PYTHONPATH=search_path,
    )
    assert is_the_story(said), said


def test_a_day_at_a_till_in_typescript(server: Server) -> None:
    """The compiler is strict; what it does not accept does not run."""
    for name in ("crm.ts", "story.ts", "tsconfig.json"):
        shutil.copy(EXAMPLES / "typescript" / name, TYPESCRIPT)
    ended(["node_modules/.bin/tsc", "--project", ".", "--outDir", "out"], TYPESCRIPT)
    said = ended(
        ["node", "out/story.js", f"http://127.0.0.1:{server.port}", "ACME", "acme-owner"],
        TYPESCRIPT,
    )
    assert is_the_story(said), said

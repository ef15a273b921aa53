"""Generated requests against the running server: never a 5xx, always the documented shape."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

from infra.local.engine import free_port
from infra.local.settings import child_environment
from infra.openapi import in_full

ROOT = Path(__file__).parents[2]
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,response_headers_conformance"
)


FEW = 5


def with_short_lists(port: int, folder: Path) -> Path:
    """The served document, with a few of the currencies and countries: each value of a list becomes
    a request, and one currency is like another. In its long form: the fuzzer takes any status for
    told where a route has a ``default``."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json") as answer:
        made = in_full(json.load(answer))
    for schema in made["components"]["schemas"].values():
        if len(schema.get("enum", ())) > 100:
            schema["enum"] = schema["enum"][:FEW]
    file = folder / "openapi.json"
    file.write_text(json.dumps(made))
    return file


def test_generated_requests_find_no_defect(tmp_path: Path) -> None:
    assert fuzzed("examples,fuzzing", tmp_path) > 150


def fuzzed(phases: str, folder: Path) -> int:
    """Runs these phases of the fuzzer against a server of its own; returns how many requests were
    generated. All of them must pass. The phase ``coverage`` tries every bound of every field, which
    takes minutes: ``make soak`` runs it."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "infra.local"],
        cwd=ROOT,
        env=child_environment({"PORT": str(port), "DATA": ""}),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        assert any("Ctrl-C" in line for line in server.stdout)
        run = run_the_fuzzer(phases, port, with_short_lists(port, folder))
        assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
        count = re.search(r"(\d+) generated, (\d+) passed", run.stdout)
        assert count is not None
        assert count[1] == count[2]
        return int(count[1])
    finally:
        server.terminate()
        assert server.wait(20) == 0
        assert server.stdout is not None
        server.stdout.close()


def run_the_fuzzer(phases: str, port: int, document: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "schemathesis.cli",
            "run",
            str(document),
            "--url",
            f"http://127.0.0.1:{port}",
            "--checks",
            CHECKS,
            "-H",
            "x-orgcode: ACME",
            "-H",
            "x-session-guid: acme-owner",
            "--max-examples",
            "3",
            "--phases",
            phases,
            "--no-color",
            "--continue-on-failure",
            "--generation-deterministic",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
    )

"""A local server as a person starts it: a process of its own, told apart only by its port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infra.local.engine import free_port
from infra.local.settings import ROOT

READY_S = 30
"""Three times what a start may take when nothing else runs on the machine."""


@dataclass
class Server:
    """``python -m infra.local`` in a folder of its own; ``call`` speaks HTTP with it."""

    data: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    commands: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        given = {"PORT": str(self.port), "DATA": str(self.data), "TEST_CLOCK": "1"}
        return {**os.environ, **given}

    def run(self, module: str, **pipes: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, text=True, **pipes,
        )  # fmt: skip

    def start(self) -> None:
        self.process = self.run("infra.local", stderr=subprocess.STDOUT)
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            try:
                assert self.call("GET", "/crm/stat")[0] == 200
            except (urllib.error.URLError, ConnectionError):
                assert self.process.poll() is None, self.process.communicate()[0]
                time.sleep(0.05)
            else:
                return
        raise AssertionError(f"no answer within {READY_S} s")

    def end(self, how: int = signal.SIGTERM) -> str:
        """Send the signal, wait, and answer what the server printed."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.communicate(timeout=20)[0]

    def call(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, body (JSON read, anything else as text) and headers. Header names are given with
        underscores; a body of ``bytes`` goes as it is."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=data, headers=named, method=method
        )
        try:
            answer = urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as refusal:
            answer = refusal
        with answer:
            raw, sent = answer.read(), {k.lower(): v for k, v in answer.headers.items()}
        is_json = sent.get("content-type", "").startswith("application/json") and raw
        return answer.status, json.loads(raw) if is_json else raw.decode(errors="replace"), sent

    def post(self, path: str, body: Any = None, session: str = "acme-owner", **headers: str) -> Any:
        """A call to ACME as one of its demo sessions."""
        named = {"content_type": "application/json", "x_orgcode": "ACME", "x_session_guid": session}
        return self.call("POST", f"/crm{path}", {} if body is None else body, **(named | headers))

    def admin(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The administration command on this server's table."""
        if self.commands is None:
            self.commands = self.run("tests.local.forked", stdin=subprocess.PIPE)
        commands = self.commands
        assert commands.stdin is not None
        assert commands.stdout is not None
        commands.stdin.write(json.dumps(arguments) + "\n")
        commands.stdin.flush()
        return subprocess.CompletedProcess(arguments, *json.loads(commands.stdout.readline()))

    def end_commands(self) -> None:
        if self.commands is not None:
            self.commands.communicate(timeout=20)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server for the tests of one module."""
    running = Server(tmp_path_factory.mktemp("data"))
    try:
        running.start()
        yield running
    finally:
        running.end_commands()
        running.end()

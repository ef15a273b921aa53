"""The local server's life: what is kept between runs, and that nothing outlives it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from infra.local.settings import ROOT
from tests.local.conftest import Server
from tests.local.test_server import ACCOUNT


def engine_of(server: Server) -> str:
    endpoint: str = json.loads((server.data / "run.json").read_text())["AWS_ENDPOINT_URL_DYNAMODB"]
    return endpoint


def ends_soon(endpoint: str) -> bool:
    for _ in range(100):
        try:
            urllib.request.urlopen(f"{endpoint}/_ministack/ready", timeout=1).close()
        except (urllib.error.URLError, ConnectionError):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    "how", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.soak)]
)
def test_data_outlives_the_server_and_the_engine_does_not(tmp_path: Path, how: int) -> None:
    server = Server(tmp_path)
    server.start()
    engine = engine_of(server)
    made = server.post("/account/create", ACCOUNT)[1]["data"]["account"]
    demo = server.call("GET", "/_local/table?contains=Lovelace")[1]["items"]
    printed = server.end(how)
    assert f"http://127.0.0.1:{server.port}/crm" in printed
    assert server.process is not None
    assert server.process.returncode == 0
    assert ends_soon(engine)
    assert not (tmp_path / "run.json").exists()
    server.start()
    found = server.post("/account/get", {"account_guid": made["account_guid"]})[1]["data"]
    again = server.call("GET", "/_local/table?contains=Lovelace")[1]["items"]
    server.end()
    assert found["account"] == made
    assert again == demo > 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends orphans")
def test_the_engine_ends_with_a_server_that_is_killed(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()
    engine = engine_of(server)
    server.end(signal.SIGKILL)
    assert ends_soon(engine)


def test_a_port_that_is_taken_is_named(server: Server, tmp_path: Path) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "infra.local"],
        cwd=ROOT,
        env=Server(tmp_path, port=server.port).environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert second.returncode == 1
    assert f"port {server.port} is not available" in second.stderr
    assert "Traceback" not in second.stderr

"""The database of one machine: a child process on loopback that ends with its parent.

The table's definition comes from the map of the table (``shared/keys.py``); no other place knows
it here. What the engine cannot do (conflicts, throttles, lost answers) is not its business.
"""

from __future__ import annotations

import ctypes
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from infra.local.settings import ROOT, child_environment
from shared.keys import INDEXES, PARTITION, SORT, VIEW

START_S = 20.0
STOP_S = 15.0
_PR_SET_PDEATHSIG = 1


class EngineError(RuntimeError):
    """The engine is not installed, or does not start."""


class Engine:
    """A running engine at ``endpoint``; ``stop`` ends it, unless it is somebody else's."""

    def __init__(self, endpoint: str, process: subprocess.Popen[bytes] | None = None) -> None:
        self.endpoint = endpoint
        self._process = process

    @classmethod
    def start(cls, state: Path | None = None) -> Engine:
        """Start ministack on a free loopback port. With ``state`` the table is read from that
        folder and, at a clean stop, saved to it."""
        port = free_port()
        environment = {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "SERVICES": "dynamodb,dynamodbstreams",
            "LOG_LEVEL": "ERROR",
            "PERSIST_STATE": "0",
        }
        if state is not None:
            state.mkdir(parents=True, exist_ok=True)
            environment |= {"PERSIST_STATE": "1", "STATE_DIR": str(state)}
        process = subprocess.Popen(
            [_ministack()],
            env=child_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C goes to the whole foreground group: the engine must outlive it until the
            # stream is drained, and is then stopped by its parent.
            start_new_session=True,
            preexec_fn=_end_with_parent(),
        )
        engine = cls(f"http://127.0.0.1:{port}", process)
        engine._wait_until_ready()
        return engine

    @property
    def alive(self) -> bool:
        return self._process is None or self._process.poll() is None

    def stop(self) -> None:
        """End the engine and wait for it: it saves its state on the way out."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if not self.alive:
                break
            try:
                with urllib.request.urlopen(f"{self.endpoint}/_ministack/ready", timeout=1):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.03)
        self.stop()
        raise EngineError(f"the engine at {self.endpoint} did not start within {START_S:.0f} s")


def table_definition(name: str) -> dict[str, Any]:
    """The arguments of ``CreateTable``. The table's TTL stays off: the engine would delete by its
    own clock, against the test clock of a request."""
    strings = [PARTITION, SORT, *(key for ix in INDEXES for key in (ix.partition, ix.sort))]
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": s, "AttributeType": "S"} for s in strings],
        "KeySchema": _key_schema(PARTITION, SORT),
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index.name,
                "KeySchema": _key_schema(index.partition, index.sort),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": [VIEW]},
            }
            for index in INDEXES
        ],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    }


def create_table(client: Any, name: str) -> str:
    """Make the table unless it is there, and return the ARN of its stream."""
    if name not in client.list_tables()["TableNames"]:
        client.create_table(**table_definition(name))
        client.get_waiter("table_exists").wait(
            TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )
    arn: str = client.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    return arn


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _key_schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]


def _ministack() -> str:
    own = ROOT / ".engine" / "bin" / "ministack"
    found = str(own) if own.exists() else shutil.which("ministack")
    if found is None:
        raise EngineError("the engine is not installed: run `make setup` first")
    return found


def _end_with_parent() -> Any:
    """What the child does before it becomes the engine: on Linux it asks to be ended when its
    parent dies, however that dies. Elsewhere a parent that is killed hard leaves it behind."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return ask

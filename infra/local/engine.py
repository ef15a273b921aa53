"""The local engine, a child process on loopback which ends with its parent: the database alone, or
every service that a deployment needs. DynamoDB Local is a second opinion for the tests.

The definition of the table comes from ``shared/keys.py``. The engine has no conflicts, throttles or
lost answers: ``tests/faults.py`` adds them.
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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra.local.settings import ROOT, child_environment, foreign_environment
from shared.keys import INDEXES, PARTITION, SORT, VIEW

START_S = 20.0
STOP_S = 15.0
DEPLOYED = (
    *("apigateway", "cloudformation", "dynamodb", "dynamodbstreams", "events", "iam", "kms"),
    *("lambda", "logs", "monitoring", "s3", "secretsmanager", "sns", "sqs", "ssm", "sts"),
)
"""The services that a deployment uses."""
DYNAMODB_LOCAL = ROOT / "build" / "dynamodb-local"
"""Where ``make suite ENGINE=dynamodb-local`` has unpacked it."""
_PR_SET_PDEATHSIG = 1


class EngineError(RuntimeError):
    """The engine is not installed, or does not start."""


class Engine:
    """A running engine at ``endpoint``. ``stop`` ends it if this process has started it."""

    def __init__(self, endpoint: str, process: subprocess.Popen[bytes] | None = None) -> None:
        self.endpoint = endpoint
        self._process = process

    @classmethod
    def start(cls, state: Path | None = None) -> Engine:
        """Starts the table and its stream. With ``state`` the table is loaded from that folder, and
        saved there at a clean stop."""
        environment = {"SERVICES": "dynamodb,dynamodbstreams", "PERSIST_STATE": "0"}
        if state is not None:
            state.mkdir(parents=True, exist_ok=True)
            environment |= {"PERSIST_STATE": "1", "STATE_DIR": str(state)}
        # Tests ask it several hundred times a second. With its own server, which is plain Python,
        # the engine took a third more processor time.
        server = ("uvicorn", "--loop", "uvloop", "--http", "httptools", "--no-access-log")
        command = (_installed("python"), "-m", *server, "--log-level", "error", "ministack.app:app")
        port = free_port()
        where = ("--host", "127.0.0.1", "--port", str(port), "--timeout-keep-alive", "75")
        return cls._ministack((*command, *where), port, child_environment(environment))

    @classmethod
    def start_dynamodb_local(cls) -> Engine:
        """Starts DynamoDB Local. It listens on every address, so it only starts where there is no
        other address than loopback: in a network of its own, as ``make suite`` makes one."""
        if any(name != "lo" for _, name in socket.if_nameindex()):
            raise EngineError(
                "DynamoDB Local listens on every address of the machine, so it starts in a network "
                "of its own only: make suite ENGINE=dynamodb-local"
            )
        folder, port = DYNAMODB_LOCAL / "emulator", free_port()
        if not (folder / "DynamoDBLocal.jar").is_file() or shutil.which("java") is None:
            raise EngineError("DynamoDB Local needs Java, and is fetched by its make suite alone")
        library = f"-Djava.library.path={folder / 'DynamoDBLocal_lib'}"
        where = ("-inMemory", "-disableTelemetry", "-port", str(port))
        command = ("java", library, "-jar", str(folder / "DynamoDBLocal.jar"), *where)
        return cls._child(command, port, child_environment({}), "/")

    @classmethod
    def start_all(cls, folder: Path) -> Engine:
        """Starts every service that a deployment needs, for its stacks. The functions run as
        children of the engine and get its environment, so it has nothing of this process's own
        deployment. Their files lie in ``folder``."""
        # Named one by one: among the others is one that listens on every address.
        services = {"SERVICES": ",".join(DEPLOYED), "PERSIST_STATE": "0", "TMPDIR": str(folder)}
        return cls._ministack([_installed("ministack")], free_port(), foreign_environment(services))

    @classmethod
    def _ministack(cls, command: Sequence[str], port: int, environment: dict[str, str]) -> Engine:
        """Starts ministack on this loopback port."""
        where = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "LOG_LEVEL": "ERROR"}
        return cls._child(command, port, {**environment, **where}, "/_ministack/ready")

    @classmethod
    def _child(
        cls, command: Sequence[str], port: int, environment: dict[str, str], ready: str
    ) -> Engine:
        """Starts the command. It is ready once it answers this path, with whatever status."""
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C goes to the whole foreground group. The engine must go on until the stream is
            # drained. Its parent stops it then.
            start_new_session=True,
            preexec_fn=_end_with_parent(),
        )
        engine = cls(f"http://127.0.0.1:{port}", process)
        engine._wait_until_ready(ready)
        return engine

    @property
    def is_running(self) -> bool:
        return self._process is None or self._process.poll() is None

    def stop(self) -> None:
        """Ends the engine and waits for it, because it saves its state before it ends."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait_until_ready(self, path: str) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if not self.is_running:
                break
            try:
                with urllib.request.urlopen(f"{self.endpoint}{path}", timeout=1):
                    return
            except urllib.error.HTTPError as answer:
                if answer.code < 500:
                    return
                time.sleep(0.03)
            except (urllib.error.URLError, OSError):
                time.sleep(0.03)
        self.stop()
        raise EngineError(f"the engine at {self.endpoint} did not start within {START_S:.0f} s")


def table_definition(name: str) -> dict[str, Any]:
    """Returns the arguments of ``CreateTable``. TTL stays off: the engine would delete by its own
    clock, not by the test clock of a request."""
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


def create_table(client: Any, name: str, *, stream: bool = True) -> str:
    """Creates the table unless it exists. Returns the ARN of its stream, if it has one."""
    if name not in client.list_tables()["TableNames"]:
        definition = table_definition(name)
        if not stream:
            del definition["StreamSpecification"]
        client.create_table(**definition)
        client.get_waiter("table_exists").wait(
            TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )
    arn: str = client.describe_table(TableName=name)["Table"].get("LatestStreamArn", "")
    return arn


def free_port() -> int:
    """Returns a loopback port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _key_schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]


def _installed(program: str) -> str:
    """Returns the path of a program of the engine's environment."""
    found = ROOT / ".engine" / "bin" / program
    if not found.exists():
        raise EngineError("the engine is not installed: run `make setup` first")
    return str(found)


def _end_with_parent() -> Any:
    """Returns what the child runs before it becomes the engine. On Linux it asks the kernel to end
    it when its parent ends in any way. Elsewhere the engine goes on if the parent is killed."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return ask

"""What a process has made when a function has started, each time in a new process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.local import settings as local
from tests.conftest import Database

PROGRAM = """
import json, sys
from lambdas.account import handler
from lambdas.account.models.requests import AccountCreateRequest, AccountGetRequest
from shared import aws_connection, clients, log, root_secret
from shared.validation import Crosscutting

def made():
    models = (Crosscutting, AccountGetRequest, AccountCreateRequest)
    table = clients._clients.get("dynamodb")
    return {
        "log": log.logger.cache_info().currsize > 0,
        "clients": sorted(clients._clients),
        "certificates": aws_connection.tls.cache_info().currsize > 0,
        "connections": len(table._kept) if table else 0,
        "secret": bool(root_secret._read),
        "validators": [model.__name__ for model in models if model.__pydantic_complete__],
    }

started, random = made(), sys.modules["random"]
restored = None
if "snapshot_restore_py" in sys.modules:
    before = random.getstate()
    (hook,) = sys.modules["snapshot_restore_py"].hooks
    hook()
    restored = {**made(), "reseeded": random.getstate() != before}
print(json.dumps({"started": started, "restored": restored}))
"""
HOOKS = """
hooks = []

def register_after_restore(function, *args, **kwargs):
    hooks.append(function)
    return function
"""
"""The two lines of the runtime's own module that are asked for."""
NOTHING = {
    "log": False,
    "clients": [],
    "certificates": False,
    "connections": 0,
    "secret": False,
    "validators": [],
}
EVERY_REQUEST = {**NOTHING, "log": True, "clients": ["dynamodb"], "validators": ["Crosscutting"]}
EVERY_ROUTE = ["Crosscutting", "AccountGetRequest", "AccountCreateRequest"]


def started(
    folder: Path, way: str | None, program: str = PROGRAM, **environment: str
) -> dict[str, Any]:
    """Returns what a process has made that starts in this way, and after it was restored, and what
    it has logged."""
    (folder / "snapshot_restore_py.py").write_text(HOOKS)
    path = f"{local.ROOT}:{folder}"
    more = {} if way is None else {"AWS_LAMBDA_INITIALIZATION_TYPE": way}
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=local.child_environment({"PYTHONPATH": path, "CRM_CLIENT": "", **more, **environment}),
        capture_output=True,
        text=True,
        check=True,
    )
    *logged, last = run.stdout.splitlines()
    return {**json.loads(last), "logged": [json.loads(line)["message"] for line in logged]}


def test_nothing_is_made_outside_lambda(tmp_path: Path) -> None:
    assert started(tmp_path, None) == {"started": NOTHING, "restored": None, "logged": []}


@pytest.mark.parametrize("way", ["on-demand", "provisioned-concurrency"])
def test_what_each_request_needs_is_there_before_the_first(
    tmp_path: Path, database: Database, way: str
) -> None:
    assert database.engine.is_running
    assert started(tmp_path, way)["started"] == {**EVERY_REQUEST, "secret": True}


def test_the_certificates_are_read_where_the_table_is_far(tmp_path: Path) -> None:
    far = {"AWS_ENDPOINT_URL_DYNAMODB": "https://dynamodb.us-east-1.amazonaws.com"}
    assert started(tmp_path, "on-demand", **far)["started"]["certificates"]


@pytest.mark.parametrize("way", ["on-demand", "snap-start"])
def test_a_function_without_a_table_asks_for_no_secret(tmp_path: Path, way: str) -> None:
    nowhere = {"CRM_ROOT_SECRET": "", "LOG_LEVEL": "INFO"}
    program = PROGRAM.replace("lambdas.account import handler", "lambdas.stat import handler")
    found = started(tmp_path, way, program, **nowhere)
    assert found == {"started": {**NOTHING, "log": True}, "restored": None, "logged": []}


def test_a_snapshot_has_every_validator_and_no_secret(tmp_path: Path) -> None:
    found = started(tmp_path, "snap-start")
    assert found["started"] == {**EVERY_REQUEST, "validators": EVERY_ROUTE}
    assert found["restored"] == {**found["started"], "secret": True, "reseeded": True}


def test_a_secret_that_cannot_be_read_stops_no_start(tmp_path: Path) -> None:
    # An ARN, and nothing listens where the secrets should be.
    nowhere = {"CRM_ROOT_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:000000000000:secret:x"}
    environment = {**nowhere, "CRM_READ_TIMEOUT_S": "0.2", "LOG_LEVEL": "INFO"}
    found = started(tmp_path, "on-demand", CRM_ROOT_SECRET="", **environment)
    assert not found["started"]["secret"]
    assert found["logged"] == ["failed"]

"""The environment of the local programs. No other module here reads or writes ``os.environ``.

The deployed code gets the name and the address of its table from the same variables as on Lambda.
So the local server and the tests set them before the first client is made.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = "crm-local"
_NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """The settings of the local server. ``data``: the folder that keeps the table between runs;
    without it the table ends with the run. ``engine_endpoint``: a database that runs already, such
    as DynamoDB Local, to compare with."""

    port: int
    data: Path | None
    test_clock: bool
    engine_endpoint: str | None

    @property
    def run_file(self) -> Path:
        """The file from which the administration command reads how to reach the table of a running
        server. It is in the data folder, so that several servers do not overwrite each other's."""
        return (self.data or ROOT / ".data") / "run.json"

    @property
    def receipt_key(self) -> Path:
        """The file with the key that signs receipts. It stays, as receipts do."""
        return self.run_file.with_name("receipt-key.pem")


def local_settings() -> LocalSettings:
    """Returns the settings in the environment. Raises ``ValueError`` where one is not valid."""
    env = os.environ
    if tests_engine() != "ministack":
        raise ValueError("ENGINE is for the tests; name a running database with ENGINE_ENDPOINT")
    port = env.get("PORT") or "8787"
    if not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"PORT must be a port number, not {port!r}")
    return LocalSettings(
        port=int(port),
        data=Path(env["DATA"]).resolve() if env.get("DATA") else None,
        test_clock=env.get("TEST_CLOCK") == "1",
        engine_endpoint=env.get("ENGINE_ENDPOINT") or None,
    )


def tests_engine() -> str:
    """Returns the name of the engine that the tests use: ``tests/engines.py`` knows them."""
    return os.environ.get("ENGINE") or "ministack"


def deployment(*, root_secret: str, endpoint: str = _NOWHERE, table: str = TABLE) -> dict[str, str]:
    """Returns the environment of a deployment on this machine. Calls to any other AWS service go to
    a port where nothing listens: a local program never reaches a real account."""
    return {
        "CRM_TABLE": table,
        "CRM_EVENT_BUS": "crm-local",
        "CRM_ENVIRONMENT": "local",
        "CRM_ROOT_SECRET": root_secret,
        # The local engine is slow on a busy machine. That is no reason to repeat a call.
        "CRM_READ_TIMEOUT_S": "15",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": _NOWHERE,
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": endpoint,
    }


def deployed(table: str, root_secret_arn: str, receipt_key: str | None) -> dict[str, str]:
    """Returns the environment of a deployment on AWS, as far as the administration needs it. It
    uses operations, and ways to name a person's account, that only the SDK knows."""
    key = {} if receipt_key is None else {"CRM_RECEIPT_KEY_ID": receipt_key}
    # The person may be far from the table. That is no reason to repeat a call.
    far = {"CRM_READ_TIMEOUT_S": "15"}
    named = {"CRM_TABLE": table, "CRM_ROOT_SECRET_ARN": root_secret_arn}
    return {"CRM_CLIENT": "sdk", **named, **far, **key}


def apply(environment: Mapping[str, str], *, keep_account: bool = False) -> None:
    """Sets the variables, before the first client is made. Without ``keep_account`` it removes the
    profile and session token of the person's own AWS account, so that no call uses them."""
    if not keep_account:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
            os.environ.pop(name, None)
    os.environ.update(environment)


def forget(*names: str) -> None:
    """Removes variables, for a test in which something else takes their place."""
    for name in names:
        os.environ.pop(name, None)


def foreign_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment for a child process that is no part of this process's deployment, or
    belongs to another one."""
    ours = ("AWS_", "CRM_", "POWERTOOLS_")
    return {**{k: v for k, v in os.environ.items() if not k.startswith(ours)}, **extra}


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment for a child process: that of this process, changed by ``extra``."""
    return {**os.environ, **extra}

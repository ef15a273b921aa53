"""The environment of the local programs: the only module here that reads or writes ``os.environ``.

The deployed code learns where its table lies from the same variables that a Lambda gets, so the
local server and the tests set those before the first client is made.
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
    """What whoever starts the local server decides. ``data`` is where the table is kept between
    runs; without it the table ends with the run. ``engine_endpoint`` names a database that runs
    already: DynamoDB Local, for a second opinion."""

    port: int
    data: Path | None
    test_clock: bool
    engine_endpoint: str | None

    @property
    def run_file(self) -> Path:
        """Where a running server says how its table is reached; the administration command reads
        it. With its data, so that servers of several folders keep out of each other's way."""
        return (self.data or ROOT / ".data") / "run.json"


def local_settings() -> LocalSettings:
    """The settings in the environment; ``ValueError`` where one of them makes no sense."""
    env = os.environ
    if env.get("ENGINE", "ministack") != "ministack":
        raise ValueError("ENGINE starts ministack only; name a running one with ENGINE_ENDPOINT")
    port = env.get("PORT") or "8787"
    if not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"PORT must be a port number, not {port!r}")
    return LocalSettings(
        port=int(port),
        data=Path(env["DATA"]).resolve() if env.get("DATA") else None,
        test_clock=env.get("TEST_CLOCK") == "1",
        engine_endpoint=env.get("ENGINE_ENDPOINT") or None,
    )


def deployment(*, root_secret: str, endpoint: str = _NOWHERE, table: str = TABLE) -> dict[str, str]:
    """The environment of a deployment that lives on this machine. Every other AWS service is sent
    to a port where nobody listens: a local program never speaks to a real account."""
    return {
        "CRM_TABLE": table,
        "CRM_EVENT_BUS": "crm-local",
        "CRM_ENVIRONMENT": "local",
        "CRM_ROOT_SECRET": root_secret,
        # A pure-Python engine on a busy machine is not a table that hangs.
        "CRM_READ_TIMEOUT_S": "15",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": _NOWHERE,
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": endpoint,
    }


def deployed(table: str, root_secret_arn: str) -> dict[str, str]:
    """The environment of a deployment on AWS, as far as administration needs it."""
    return {"CRM_TABLE": table, "CRM_ROOT_SECRET_ARN": root_secret_arn}


def apply(environment: Mapping[str, str], *, keep_account: bool = False) -> None:
    """Put the variables in place, before the first client is made. Unless the person's own account
    is what is wanted, its profile and session token must not leak into the calls."""
    if not keep_account:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
            os.environ.pop(name, None)
    os.environ.update(environment)


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child process: this one's, with ``extra`` over it."""
    return {**os.environ, **extra}

"""An account on the emulator with the data stack of an environment: the administration command
works on it, and this process can be its functions."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest

from infra.local.engine import Engine
from infra.local.settings import ROOT, foreign_environment
from shared import auth, clients, hashes, root_secret
from shared.settings import settings
from tests import emulator
from tests.conftest import KEY
from tests.emulator import REGION

TABLE = "crm-prod"


@dataclass
class Account:
    """The emulator, as the account in which the environment lives."""

    engine: Engine
    outputs: dict[str, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        return emulator.client(service, self.engine.endpoint)

    @property
    def variables(self) -> dict[str, str]:
        """How a person or a function reaches the account."""
        services = ("", "_DYNAMODB", "_DYNAMODB_STREAMS", "_S3")
        return {
            **{f"AWS_ENDPOINT_URL{service}": self.engine.endpoint for service in services},
            "AWS_ACCESS_KEY_ID": "emulated",
            "AWS_SECRET_ACCESS_KEY": "emulated",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def deploy(self, data: dict[str, Any], how: str) -> None:
        """Deploys the data stack. The emulator knows no backup selections, and sets neither the
        time to live nor the recovery of a table by a template."""
        kept = {
            name: each
            for name, each in data["Resources"].items()
            if not each["Type"].startswith("AWS::Backup::") and "Backups" not in name
        }
        template = {"Resources": kept, "Outputs": data["Outputs"]}
        stacks = self.client("cloudformation")
        make = getattr(stacks, f"{how}_stack")
        make(StackName=f"{TABLE}-data", TemplateBody=json.dumps(template))
        stacks.get_waiter(f"stack_{how}_complete").wait(
            StackName=f"{TABLE}-data", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )
        (stack,) = stacks.describe_stacks(StackName=f"{TABLE}-data")["Stacks"]
        self.outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def admin(self, arguments: str, *, table: str = TABLE) -> str:
        """Runs the administration command as the page writes it."""
        commands = self._commands
        assert commands.stdin is not None
        assert commands.stdout is not None
        commands.stdin.write(json.dumps(f"--table {table} {arguments}".split()) + "\n")
        commands.stdin.flush()
        code, out, errors = json.loads(commands.stdout.readline())
        assert code == 0, f"{arguments}\n{out}\n{errors}"
        return str(out)

    @cached_property
    def _commands(self) -> subprocess.Popen[str]:
        """Processes of their own, which know nothing of this one's deployment."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.local.forked"],
            cwd=ROOT, env=foreign_environment(self.variables), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def end(self) -> None:
        self._commands.communicate(timeout=20)
        self.engine.stop()

    @contextmanager
    def functions(self, table: str) -> Iterator[None]:
        """This process is the deployed functions, on this table."""
        with pytest.MonkeyPatch.context() as here:
            here.delenv("CRM_ROOT_SECRET")
            for name, value in {
                **self.variables,
                "CRM_TABLE": table,
                "CRM_ROOT_SECRET_ARN": self.outputs["RootSecretArn"],
                "CRM_RECEIPT_KEY_ID": self.outputs["ReceiptKeyArn"],
                "CRM_ERASURE_LOG_BUCKET": self.outputs["ErasureLogName"],
            }.items():
                here.setenv(name, value)
            clients.use(kms=None)
            forget()
            try:
                yield
            finally:
                here.undo()
                forget()
                clients.use(kms=KEY)


def forget() -> None:
    """What a new process does not know yet."""
    clients.use(dynamodb=None, secretsmanager=None, s3=None, events=None)
    settings.cache_clear()
    root_secret.forget_secret()
    hashes.root.cache_clear()
    hashes._secret_key.cache_clear()
    auth.forget()

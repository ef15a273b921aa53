"""A small route table, and the stacks made from it once per session and environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template
from pydantic import BaseModel

import app as entry
from infra import package
from infra.environments import ENVIRONMENTS
from infra.settings import Environment, chosen
from lambdas.families import FAMILIES as WHOLE
from shared.routes import ANYONE, Latency, Route, Tier

ROOT = Path(__file__).resolve().parents[2]

NODE_AGE = "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"
SHOP = {"prod:account": "123456789012", "prod:region": "eu-central-1"}
BUILD_ID = "MONDAY-1765671116"

Families = Mapping[str, Sequence[Route]]
Resources = dict[str, dict[str, Any]]


def row(
    path: str,
    latency: Latency,
    *,
    method: str = "POST",
    writes: bool = False,
    roles: tuple[str, ...] = ("crm_view",),
) -> Route:
    """A row as far as the infrastructure reads it."""
    return Route(
        method=method,
        path=path,
        summary="A row.",
        operation=print,
        request=None,
        envelope=BaseModel,
        roles=roles,
        latency=latency,
        writes=writes,
    )


FAMILIES: Families = {
    "stat": (row("/stat", Tier.A.value, method="GET", roles=(ANYONE,)),),
    "look": (
        row("/look/get", Tier.C.within(p95_ms=250, p99_ms=600)),
        row("/look/list", Tier.B.value),
    ),
    "till": (
        row("/till", Tier.D.within(p95_ms=350, p99_ms=700), writes=True),
        row("/till/get", Tier.C.value),
        # A family's folder and its paths need not share a name.
        row("/counter/close", Tier.A.value, writes=True),
    ),
    "many": tuple(row(f"/many/{number}", Tier.B.value) for number in range(12)),
}


@dataclass(frozen=True)
class Deployment:
    """The stacks of one environment: their templates by concern, and the tree they came from."""

    app: App
    settings: Environment
    raw: dict[str, dict[str, Any]]

    def template(self, concern: str) -> Template:
        return Template.from_json(self.raw[concern])

    def resources(self, concern: str, kind: str) -> Resources:
        """The resources of one type, by logical id."""
        found: Resources = self.raw[concern]["Resources"]
        return {name: each for name, each in found.items() if each["Type"] == kind}

    def properties(self, concern: str, kind: str) -> list[dict[str, Any]]:
        return [each["Properties"] for each in self.resources(concern, kind).values()]

    def behind(self, concern: str, alias: str) -> str:
        """The name of the function behind an alias: ``crm-prod-account``."""
        made = self.raw[concern]["Resources"][alias]
        assert made["Type"] == "AWS::Lambda::Alias"
        function = made["Properties"]["FunctionName"]["Ref"]
        return str(self.raw[concern]["Resources"][function]["Properties"]["FunctionName"])


Deploy = Callable[..., Deployment]


@pytest.fixture(scope="session")
def deploy(tmp_path_factory: pytest.TempPathFactory) -> Deploy:
    """``deploy(name="prod", families=…, emulator=…, **changes to the settings)``."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]

    def made(
        name: str = "prod",
        families: Families = FAMILIES,
        *,
        emulator: bool = False,
        synthesised: bool = True,
        **changes: Any,
    ) -> Deployment:
        asked = {"environment": name, "emulator": emulator}
        settings = replace(chosen(ENVIRONMENTS, asked.get), **changes)
        folder = tmp_path_factory.mktemp("assets")
        app = App(context=context, outdir=str(tmp_path_factory.mktemp("cdk.out")))
        entry.stacks(app, settings, families, package.empty(folder, families))
        made_stacks = app.synth().stacks if synthesised else []
        raw = {each.stack_name.rsplit("-", 1)[1]: each.template for each in made_stacks}
        return Deployment(app, settings, raw)

    return made


@pytest.fixture(scope="session")
def deployments(deploy: Deploy) -> Callable[..., Deployment]:
    """The same deployment for everyone who asks for the same environment."""
    return cache(deploy)


@pytest.fixture(scope="session")
def whole(deploy: Deploy) -> Callable[[str], Deployment]:
    """``whole("prod")``: an environment with the API's own route table, made once."""
    return cache(lambda name: deploy(name, WHOLE))


@dataclass(frozen=True)
class EntryRun:
    """The deployment's entry, run as the deployment tool runs it, and the folder of its output."""

    result: subprocess.CompletedProcess[str]
    folder: Path

    def stacks(self) -> list[dict[str, Any]]:
        """What the deployment tool reads of each stack."""
        made = json.loads((self.folder / "manifest.json").read_text())["artifacts"].values()
        return [each for each in made if each["type"] == "aws:cloudformation:stack"]


@pytest.fixture(scope="session")
def entry_run(tmp_path_factory: pytest.TempPathFactory) -> EntryRun:
    """The entry for ``prod``, with its account and region."""
    folder = tmp_path_factory.mktemp("entry")
    context = {"environment": "prod", "assets": "none", "build_id": BUILD_ID, **SHOP}
    result = run_app(folder, context)
    assert result.returncode == 0, result.stderr
    return EntryRun(result, folder)


def run_app(out: Path, context: dict[str, str]) -> subprocess.CompletedProcess[str]:
    settings = json.loads((ROOT / "cdk.json").read_text())["context"]
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={
            **os.environ,
            NODE_AGE: exported(NODE_AGE),
            "CDK_OUTDIR": str(out),
            "CDK_CONTEXT_JSON": json.dumps({**settings, **context}),
        },
        capture_output=True,
        text=True,
    )


def exported(variable: str) -> str:
    """What the Makefile exports to its commands."""
    rule = f"--eval=shown: ; @echo $${variable}"
    run = subprocess.run(
        ["make", "--silent", rule, "shown"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


@pytest.fixture(scope="session")
def prod(deployments: Callable[..., Deployment]) -> Deployment:
    return deployments("prod")


@pytest.fixture(scope="session")
def dev(deployments: Callable[..., Deployment]) -> Deployment:
    return deployments("dev")


def statements(role: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every statement of a role's own policies."""
    return [
        statement
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

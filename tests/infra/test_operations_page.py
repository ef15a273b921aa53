"""The operations page and what it names: alarms, outputs, verbs, administration commands."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.exceptions import TyperException

from infra.local.admin import app
from infra.local.settings import ROOT
from tests.infra.conftest import Deployment

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
VERBS = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
COMMANDS = re.findall(r'make admin ARGS="([^"…]+)"', PAGE)


def told(prod: Deployment) -> set[str]:
    """Returns the names of the alarms that somebody hears of, without the environment's."""
    kinds = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    return {
        each["AlarmName"].removeprefix("crm-prod ")
        for concern in prod.raw
        for kind in kinds
        for each in prod.properties(concern, kind)
        if each.get("AlarmActions")
    }


def test_the_page_says_what_to_do_about_every_alarm(prod: Deployment) -> None:
    table = PAGE[PAGE.index("## Alarms") : PAGE.index("### Events that did not")]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    names = [name for cell in first for name in re.findall(r"`([^`]+)`", cell)]
    known = [re.compile(re.escape(name).replace("…", ".+") + r"( \d+)?") for name in names]
    alarms = told(prod)
    assert len(alarms) > 20
    assert sorted(one for one in alarms if not any(k.fullmatch(one) for k in known)) == []


def test_the_outputs_that_the_page_names_are_those_of_the_stacks(prod: Deployment) -> None:
    made = {name for raw in prod.raw.values() for name in raw.get("Outputs", {})}
    named = set(re.findall(r"`\$?([A-Z]\w+(?:Url|Arns?|Name))`", PAGE))
    assert len(named) > 2
    assert named <= made


def test_every_verb_of_the_page_is_one() -> None:
    used = set(re.findall(r"\bmake (?:--silent )?([a-z0-9]+) [A-Z]+=", PAGE))
    assert {"synth", "diff", "deploy", "smoke", "admin"} <= used
    assert used <= VERBS


TAKING = re.findall(
    r"^([a-z0-9]+):(?:.*\n\t)+.*\$\(ARGS\)", (ROOT / "Makefile").read_text(), re.MULTILINE
)


@pytest.mark.parametrize("verb", TAKING)
def test_the_arguments_of_a_verb_reach_its_own_command_alone(verb: str) -> None:
    """What a verb needs first, such as the package, would refuse the options of another tool."""
    command = ["make", "--dry-run", verb, "ARGS=--marked"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert shown.count("--marked") == 1, shown


def test_the_verbs_of_the_deployment_take_arguments() -> None:
    assert {"synth", "bootstrap", "diff", "deploy", "smoke", "admin", "package"} <= {*TAKING}


def read(line: str) -> str:
    """Returns the command that a line calls, after all its arguments were read. Runs nothing.
    Raises ``TyperException`` where there is no such command, or an argument is wrong."""
    command: Any = typer.main.get_command(app)
    words, context = shlex.split(line), None
    while True:
        context = command.make_context(command.name, words, parent=context)
        if not hasattr(command, "commands"):
            return str(context.command_path)
        rest = [*context._protected_args, *context.args]
        _, command, words = command.resolve_command(context, rest)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_administration_command_of_the_page_is_one(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The command looks whether the files that it is to read are there.
    monkeypatch.chdir(tmp_path)
    for name in re.findall(r"\S+\.(?:jsonl?|pem)\b", line):
        (tmp_path / name).touch()
    group, name = read(line).split()[-2:]
    assert f"{group} {name}" in line


@pytest.mark.parametrize(
    "line",
    [
        "--table crm-prod org make SHOP",
        "org create SHOP --state verified",
        "org create",
        "--tables crm-prod org list",
    ],
)
def test_a_command_that_is_none_is_found(line: str) -> None:
    assert len(COMMANDS) > 10
    with pytest.raises(TyperException):
        read(line)

"""The README's calls, copied into a shell: each succeeds, and answers what is said of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.settings import ROOT
from tests.local.conftest import Server

README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTIONS = ("## A first walk", "## What is there")
# A value that the comment below a call promises.
PROMISE = re.compile(r'"[a-z_]+":(?:"[^"…]*"|\d+|true|false)(?=[,}\s]|$)')


def commands(section: str) -> str:
    """Returns the first commands of a section."""
    after = README[README.index(section) :]
    found = re.search(r"```sh\n(.*?)```", after, re.DOTALL)
    assert found is not None
    return found[1]


def answers(said: str) -> Iterator[dict[str, Any]]:
    """Yields the JSON objects that stand one after the other in a text."""
    read, at = json.JSONDecoder(), 0
    while at < len(said):
        value, at = read.raw_decode(said, at)
        yield value
        at += len(said[at:]) - len(said[at:].lstrip())


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's calls are made with curl")
def test_the_calls_of_the_readme_do_what_it_says(server: Server) -> None:
    parts = [commands(section) for section in SECTIONS]
    script = "\n".join(parts).replace("8787", str(server.port))
    shell = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert shell.returncode == 0, shell.stderr
    found = list(answers(shell.stdout.strip()))
    calls = len(re.findall(r"^curl ", script, re.MULTILINE))
    assert len(found) == calls
    assert [one for one in found if not one.get("success", "events" in one)] == []
    promised = [one for line in script.splitlines() if "#" in line for one in PROMISE.findall(line)]
    assert len(promised) > 10
    assert [one for one in promised if one not in shell.stdout] == []

"""The check after a deployment, and the example of a pipeline that runs it."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import Any

import pytest
import yaml

from infra import smoke
from infra.local.deployment import address_of
from infra.local.engine import free_port
from infra.local.settings import ROOT
from lambdas.families import FAMILIES
from tests.local.conftest import Server

PIPELINE = ROOT / "examples" / "pipeline" / "github.yml"
VERBS = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_family_answers_and_the_build_is_told(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{server.port}"
    build = server.call("GET", "/crm/stat")[1]["build"]["build_id"]
    assert smoke.main(["--url", f"{url}/", "--build-id", build]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(FAMILIES) + 1
    assert all(line.startswith("ok ") for line in lines)


def test_another_build_is_told_by_each_family(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{server.port}"
    assert smoke.main(["--url", url, "--build-id", "TUESDAY-2"]) == 1
    lines = capsys.readouterr().out.splitlines()
    wrong = [line for line in lines if line.startswith("FAILED ")]
    assert len(wrong) == len(FAMILIES)
    assert all("instead of TUESDAY-2" in line for line in wrong)


def test_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert smoke.main(["--url", f"http://127.0.0.1:{free_port()}"]) == 1
    assert capsys.readouterr().out.count("no answer") == len(FAMILIES) + 1


QUESTION = smoke.Question("POST", "/account/list", 401, "unauthorized")
REFUSED = {
    "success": False,
    "error": {"major": {"tag": "unauthorized"}},
    "build": {"build_id": "B"},
}


@pytest.mark.parametrize(
    ("status", "body", "wrong"),
    [
        (401, REFUSED, []),
        (502, {"message": "Internal server error"}, ["status 502 instead of 401"]),
        (200, {"success": True, "data": {}, "build": {"build_id": "B"}}, ["status 200"]),
        (401, {**REFUSED, "build": {"build_id": "A"}}, ["build A instead of B"]),
        (401, {**REFUSED, "error": {"major": {"tag": "not-found"}}}, ["not the envelope"]),
    ],
)
def test_any_other_answer_is_a_fault(status: int, body: dict[str, Any], wrong: list[str]) -> None:
    found = smoke.faults(QUESTION, status, body, "B")
    assert bool(found) == bool(wrong)
    assert all(any(one.startswith(words) for one in found) for words in wrong)


def test_the_address_is_the_output_of_the_environment_s_stack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    class Stacks:
        def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
            asked.append(StackName)
            output = {"OutputKey": "ApiUrl", "OutputValue": "https://api.example.com/prod"}
            return {"Stacks": [{"Outputs": [output]}]}

    monkeypatch.setattr("infra.local.clients.stacks", Stacks)
    assert address_of("prod") == "https://api.example.com/prod"
    assert asked == ["crm-prod-api"]


@pytest.mark.usefixtures("aws")
def test_an_environment_that_is_not_there_is_told_in_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert smoke.main(["--environment", "test"]) == 1
    assert "the stack crm-test-api cannot be read" in capsys.readouterr().err


# ---------------------------------------------------------------- the pipeline


def _scripts() -> list[str]:
    jobs = yaml.safe_load(PIPELINE.read_text())["jobs"]
    return [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]


def test_the_pipeline_s_scripts_are_verbs_of_this_project() -> None:
    scripts = _scripts()
    called = {verb for text in scripts for verb in re.findall(r"\bmake (\w+)", text)}
    assert called == {"synth", "deploy", "diff", "smoke"}
    assert called <= VERBS
    for text in scripts:
        checked = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True)
        assert checked.returncode == 0, checked.stderr
    assert ".ci/run" in scripts
    assert (ROOT / ".ci" / "run").is_file()


def test_the_pipeline_asks_each_deployment_for_its_own_build() -> None:
    jobs = yaml.safe_load(PIPELINE.read_text())["jobs"]
    for name in ("test", "prod"):
        assert jobs[name]["env"]["STAGE"] == jobs[name]["environment"] == name
        assert f"{name}:account=" in jobs[name]["env"]["PLACE"]
        scripts = [step["run"] for step in jobs[name]["steps"] if "run" in step]
        deployed, smoked = scripts[-2:]
        assert "make deploy ENVIRONMENT=$STAGE" in deployed
        arguments = shlex.split(smoked.replace("$STAGE", name).replace("$BUILD_ID", "B1"))
        (given,) = (a.removeprefix("ARGS=") for a in arguments if a.startswith("ARGS="))
        assert given == f"--environment {name} --build-id B1"


def test_the_job_that_nobody_approves_only_reads() -> None:
    job = yaml.safe_load(PIPELINE.read_text())["jobs"]["prod-diff"]
    assert job["environment"] != "prod"
    (script,) = (step["run"] for step in job["steps"] if "run" in step)
    assert "make diff" in script
    # By default the tool takes the role that deploys.
    assert "--method template" in script


def test_the_pipeline_introduces_each_environment_that_it_needs() -> None:
    text = PIPELINE.read_text()
    words = text[: text.index("name: deploy")]
    jobs = yaml.safe_load(text)["jobs"]
    needed = {job["environment"] for job in jobs.values() if "environment" in job}
    assert needed == {"test", "prod-read", "prod"}
    assert [name for name in needed if f"`{name}`" not in words] == []

"""A deployment of the synthesized templates to the emulator, and the ways into it.

The steps are those of ``docs/operations.md``, with the real tool. Only the addresses differ: every
call to AWS goes to the emulator, and paths of the API go behind the emulator's own form of
``ApiUrl``.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.local.engine import Engine
from infra.local.settings import ROOT, foreign_environment
from infra.local.stream import StreamReader
from infra.settings import NOBODYS_ACCOUNT
from lambdas.events.publishing import events_of
from tests import emulator
from tests.emulator import REGION

ENVIRONMENT = "prod"
BUILD = "END-TO-END-1"
TABLE = f"crm-{ENVIRONMENT}"


@dataclass
class Caller:
    """A person or a till that calls the deployed API for one org."""

    url: str
    credential: dict[str, str]
    org: str = ""

    def call(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Returns the status, the answer, and the headers by their names in lower case."""
        sent = {
            "content-type": "application/json",
            **({"x-orgcode": self.org} if self.org else {}),
            **self.credential,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=sent, method=method)
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as refusal:
            answer = refusal
        with answer:
            named = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, json.loads(answer.read()), named

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Makes a call that has to succeed, and returns its data."""
        status, answer, _ = self.call("POST", f"/crm{path}", body)
        assert status == 200, (path, answer)
        data: dict[str, Any] = answer["data"]
        return data

    def refused(self, path: str, **body: Any) -> tuple[int, str]:
        """Makes a call that has to be refused, and returns the status and the tag."""
        status, answer, _ = self.call("POST", f"/crm{path}", body)
        assert status >= 400, (path, answer)
        return status, str(answer["error"]["major"]["tag"])


@dataclass
class Deployment:
    """The emulator with everything that was deployed to it."""

    engine: Engine
    folder: Path
    outputs: dict[str, str] = field(default_factory=dict)

    @cached_property
    def environment(self) -> dict[str, str]:
        """The environment in which a person would work on this account."""
        return foreign_environment(
            {
                "AWS_ENDPOINT_URL": self.engine.endpoint,
                # Assets go to the bucket by an address without the bucket's name in it.
                "AWS_ENDPOINT_URL_S3": self.engine.endpoint,
                "AWS_ACCESS_KEY_ID": "emulated",
                "AWS_SECRET_ACCESS_KEY": "emulated",
                "AWS_DEFAULT_REGION": REGION,
                "AWS_REGION": REGION,
                "AWS_EC2_METADATA_DISABLED": "true",
                "CI": "1",
            }
        )

    def run(self, *command: str) -> str:
        """Runs a command as that person. Returns what it printed."""
        run = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, f"{shlex.join(command)}\n{run.stdout}\n{run.stderr}"
        return run.stdout

    def synthesize(self) -> None:
        """Makes the templates, with the code and its layer for this machine."""
        context = (f"environment={ENVIRONMENT}", "emulator=true", f"build_id={BUILD}")
        self._cdk("synth", "--quiet", f"--output={self._assembly}", *_each("-c", context))

    def bootstrap(self) -> None:
        """Makes the account ready for deployments."""
        place = f"aws://{NOBODYS_ACCOUNT}/{REGION}"
        self._cdk("bootstrap", place, f"--app={self._assembly}")

    def deploy(self) -> None:
        """Deploys every stack."""
        self._deploy("--all", f"--app={self._assembly}")

    def deploy_consumer(self) -> None:
        """Deploys the example's consumer, as another team would: it knows the name of the bus."""
        program = f".venv/bin/python {ROOT / 'examples' / 'consumer' / 'app.py'}"
        out, bus = self.folder / "consumer.out", f"bus={self.outputs['EventBusName']}"
        self._deploy(f"--app={program}", f"--output={out}", "-c", bus)

    def admin(self, arguments: str) -> str:
        """Runs the administration command as the documents write it."""
        return self.run("make", "--silent", "admin", f"ARGS=--table {TABLE} {arguments}")

    def caller(self, org: str = "", **credential: str) -> Caller:
        """Returns a caller with these credentials (``session_guid`` or ``api_key``)."""
        headers = {f"x-{name.replace('_', '-')}": value for name, value in credential.items()}
        return Caller(self.url, headers, org)

    @property
    def url(self) -> str:
        """The address of the API: the output, in the form in which the emulator serves it."""
        real = urlsplit(self.outputs["ApiUrl"])
        api, stage = str(real.hostname).split(".")[0], real.path
        return f"{self.engine.endpoint}/restapis/{api}{stage}/_user_request_"

    def invoke_as_rule(self, name: str) -> dict[str, Any]:
        """Invokes the target of a scheduled rule with the rule's event. Returns what it answered.
        ``name``: what the rule is called in its stack."""
        events = self.client("events")
        (rule,) = (each for each in events.list_rules()["Rules"] if name in each["Name"])
        (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        event: dict[str, Any] = {
            "version": "0",
            "id": "00000000-0000-4000-8000-000000000000",
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": NOBODYS_ACCOUNT,
            "time": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "region": REGION,
            "resources": [rule["Arn"]],
            "detail": {},
        }
        payload = _transformed(event, target.get("InputTransformer"))
        answer = self.client("lambda").invoke(FunctionName=target["Arn"], Payload=payload)
        said = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        found: dict[str, Any] = said
        return found

    def stream_record_of(self, event_id: str) -> dict[str, Any]:
        """Returns the record of the table's stream that carried the event, in the form in which the
        publisher got it."""
        table = self.client("dynamodb").describe_table(TableName=TABLE)["Table"]
        records: list[dict[str, Any]] = []

        def take(event: dict[str, Any], _: Any) -> None:
            records.extend(event["Records"])

        stream = self.client("dynamodbstreams")
        StreamReader(stream, table["LatestStreamArn"], "e2e", take).drain()
        (found,) = (
            record
            for record in records
            if event_id in (event["event_id"] for event in events_of(record))
        )
        return found

    def items_with(self, text: str) -> int:
        """Returns how many items of the table contain the text anywhere."""
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=TABLE)
        return sum(text in json.dumps(item) for page in pages for item in page["Items"])

    def client(self, service: str) -> Any:
        """Returns a client of a service of the emulator."""
        return emulator.client(service, self.engine.endpoint)

    @property
    def _assembly(self) -> Path:
        return self.folder / "cdk.out"

    def _deploy(self, *which: str) -> None:
        told = self.folder / "outputs.json"
        self._cdk("deploy", "--require-approval=never", f"--outputs-file={told}", *which)
        for outputs in json.loads(told.read_text()).values():
            self.outputs |= outputs

    def _cdk(self, *arguments: str) -> None:
        self.run("node_modules/.bin/cdk", *arguments)


def _transformed(event: dict[str, Any], by: dict[str, Any] | None) -> str:
    """Returns the event as a rule hands it on: as it is, or in the form of its template."""
    if by is None:
        return json.dumps(event)
    text = str(by["InputTemplate"])
    for name, path in by["InputPathsMap"].items():
        text = text.replace(f"<{name}>", json.dumps(event[path.removeprefix("$.")]))
    return text


def _each(option: str, values: tuple[str, ...]) -> list[str]:
    return [part for value in values for part in (option, value)]

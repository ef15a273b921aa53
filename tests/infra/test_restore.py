"""The restore of ``docs/operations.md``, step by step: the data stack's own table on the emulator,
a backup of it, a loss, and the table that is restored and used in its place.

The functions run in this process with the settings that the stacks give them; the administration
is the command itself. Only AWS can show the backup service and point-in-time recovery: the emulator
restores from a backup of the database.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from infra.environments import ENVIRONMENTS
from infra.local import admin
from infra.local.bus import BusRecorder
from infra.local.engine import Engine, table_definition
from infra.local.identities import Refused
from infra.local.restored_table import RestoredTable as Restored
from infra.local.settings import ROOT, foreign_environment
from infra.local.stream import StreamReader
from infra.settings import RestoredTable, chosen
from lambdas.events.handler import lambda_handler as publisher
from lambdas.jobs.handler import DAILY
from lambdas.jobs.handler import lambda_handler as jobs
from shared import auth, clients, hashes, root_secret
from shared.settings import settings
from tests.builders import WHY, Caller, euro
from tests.conftest import KEY
from tests.infra.conftest import Deploy, Deployment

ORG, TABLE, AGAIN = "RESTORED-SHOP", "crm-prod", "crm-prod-again"
REGION = "us-east-1"
OPTIONS = {"root-secret-arn": "RootSecretArn", "receipt-key": "ReceiptKeyArn"}
POINTS = {
    "policy_version": "first",
    "currency": "EUR",
    "earn_policy": {"points_per_unit": 10},
    "redeem_policy": {"mode": "per_point"},
}


@dataclass
class Account:
    """The emulator, as the account in which the environment lives."""

    engine: Engine
    outputs: dict[str, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.engine.endpoint,
            aws_access_key_id="emulated",
            aws_secret_access_key="emulated",
        )

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


@pytest.fixture
def account(prod: Deployment, tmp_path: Path) -> Iterator[Account]:
    """An account with the data stack of production. The emulator leaves out what it leaves out of
    the template; the calls below set it, and the test shows that a restore loses it."""
    made = Account(Engine.start_all(tmp_path))
    try:
        made.deploy(prod.raw["data"], "create")
        (own,) = prod.properties("data", "AWS::DynamoDB::Table")
        table = made.client("dynamodb")
        table.update_time_to_live(
            TableName=TABLE, TimeToLiveSpecification=own["TimeToLiveSpecification"]
        )
        table.update_continuous_backups(
            TableName=TABLE,
            PointInTimeRecoverySpecification=own["PointInTimeRecoverySpecification"],
        )
        yield made
    finally:
        made.end()


@dataclass
class Shop:
    """The org, its owner, and what it has."""

    owner: Caller

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        return self.owner(path, {**body, **WHY}).data

    def customer(self, name: str) -> str:
        fields = {"first_name": name, "email": f"{name.lower()}@example.com"}
        return str(self.post("/customer/create", customer=fields)["customer"]["customer_guid"])

    def buys(self, guid: str, order: str) -> None:
        self.post("/loyalty/earn", customer_guid=guid, order_ref=order, amount=euro(1_000))

    def points(self, guid: str) -> int:
        answer = self.owner("/loyalty/balance/get", {"customer_guid": guid})
        return int(answer.data["balance"]["available_points"])

    def card(self, code: str) -> dict[str, Any]:
        answer = self.owner("/giftcard/get", {"card_code": code})
        return dict(answer.data["stored_value"]["balance"])

    def knows(self, guid: str) -> bool:
        return self.owner("/customer/get", {"customer_guid": guid}).status == 200


def opened(account: Account) -> Shop:
    account.admin(f"org create {ORG} --status verified")
    account.admin(f"member add {ORG} U1 --owner")
    return Shop(Caller(ORG, account.admin("session create U1").strip()))


def settings_of(client: Any, table: str) -> dict[str, Any]:
    """Returns the settings of a table that no backup has, as the template writes them."""
    found = client.describe_table(TableName=table)["Table"]
    arn = found["TableArn"]
    recovery = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    recoverable = recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    ttl = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    tags = client.list_tags_of_resource(ResourceArn=arn)["Tags"]
    return {
        "stream": found.get("StreamSpecification", {}).get("StreamViewType"),
        "recoverable": recoverable == "ENABLED",
        "ttl": ttl.get("AttributeName"),
        "protected": bool(found.get("DeletionProtectionEnabled")),
        "encrypted": found.get("SSEDescription", {}).get("SSEType") == "KMS",
        "tags": {t["Key"]: t["Value"] for t in tags if not t["Key"].startswith("aws:")},
        "insights": {
            each.get("IndexName")
            for each in client.list_contributor_insights(TableName=table).get(
                "ContributorInsightsSummaries", ()
            )
        },
    }


def settings_in(table: dict[str, Any]) -> dict[str, Any]:
    """Returns the same settings of the table in a template."""
    indexes = table["GlobalSecondaryIndexes"]
    return {
        "stream": table["StreamSpecification"]["StreamViewType"],
        "recoverable": table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
        "ttl": table["TimeToLiveSpecification"]["AttributeName"],
        "protected": table["DeletionProtectionEnabled"],
        "encrypted": table["SSESpecification"]["SSEEnabled"],
        "tags": {tag["Key"]: tag["Value"] for tag in table["Tags"]},
        "insights": {
            each.get("IndexName")
            for each in (table, *indexes)
            if each["ContributorInsightsSpecification"]["Enabled"]
        },
    }


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def everything(client: Any, table: str) -> str:
    pages = client.get_paginator("scan").paginate(TableName=table)
    return json.dumps([item for page in pages for item in page["Items"]])


def test_a_table_is_restored_as_the_page_says(
    account: Account, prod: Deployment, deploy: Deploy, tmp_path: Path
) -> None:
    shop, database = opened(account), account.client("dynamodb")
    # Before: two customers with points, and a card.
    with account.functions(TABLE):
        shop.post("/loyalty/policy/set", policy=POINTS)
        ada, bert = shop.customer("Ada"), shop.customer("Bert")
        shop.buys(ada, "SO-1")
        shop.buys(bert, "SO-2")
        card = shop.post("/giftcard/issue", amount=euro(5_000))["stored_value"]["card_code"]
        before = {guid: shop.points(guid) for guid in (ada, bert)}
    assert before == {ada: 100, bert: 100}
    backup = database.create_backup(TableName=TABLE, BackupName="before")["BackupDetails"]
    since = datetime.now(UTC)
    # After: Ada is erased, Bert buys again and pays by card, and Cleo comes.
    with account.functions(TABLE):
        receipt = {"data": shop.post("/customer/delete", customer_guid=ada)}
        shop.buys(bert, "SO-3")
        paid = {"card_code": card, "amount": euro(2_000), "order_ref": "SO-3"}
        shop.post("/giftcard/redeem", **paid, idempotency_key="till-1")
        cleo = shop.customer("Cleo")
        shop.post("/customer/delete", customer_guid=cleo)
        assert (shop.points(bert), shop.card(card)["amount"]) == (200, 3_000)
        jobs({"job": DAILY, "time": (since + timedelta(hours=3)).isoformat()}, None)

    # Step 1: a new table, and what it lacks.
    database.restore_table_from_backup(TargetTableName=AGAIN, BackupArn=backup["BackupArn"])
    (own,) = prod.properties("data", "AWS::DynamoDB::Table")
    assert not any(settings_of(database, AGAIN).values())
    done = lines(account.admin("table complete prod", table=AGAIN))
    assert {line["outcome"] for line in done[:-1]} == {"was there", "set"}
    assert settings_of(database, AGAIN) == settings_in(own)
    again = lines(account.admin("table complete prod", table=AGAIN))
    assert {line["outcome"] for line in again[:-1]} == {"was there"}
    place = done[-1]
    assert again[-1] == place

    # Step 2: the erasures since, from the old table and from the bucket.
    log = tmp_path / "erasures.jsonl"
    log.write_text(account.admin(f"jobs log {ORG} --since {since:%Y-%m-%dT%H:%M:%S}"))
    bucket, files = account.outputs["ErasureLogName"], account.client("s3")
    (kept,) = files.list_objects_v2(Bucket=bucket)["Contents"]
    stored = files.get_object(Bucket=bucket, Key=kept["Key"])["Body"].read().decode()
    assert lines(stored) == lines(log.read_text())
    assert "@" not in stored

    # Step 3: they are made again.
    keys = [f"--{option} {account.outputs[name]}" for option, name in OPTIONS.items()]
    reapply = f"{' '.join(keys)} jobs reapply {log}"
    made = lines(account.admin(reapply, table=AGAIN))
    outcomes = {line["customer_guid"]: line["outcome"] for line in made}
    assert outcomes == {ada: "erased", cleo: "unknown"}
    repeated = {line["outcome"] for line in lines(account.admin(reapply, table=AGAIN))}
    assert repeated == {"done", "unknown"}

    # Step 4: everything uses it. The administration finds it by the outputs of the stack.
    context = {"environment": "prod", **{k: v for k, v in place.items() if k.startswith("table_")}}
    restored = chosen(ENVIRONMENTS, context.get).restored_table
    assert restored is not None
    assert restored == RestoredTable(AGAIN, place["table_stream_arn"])
    account.deploy(deploy("prod", restored_table=restored).raw["data"], "update")
    assert account.outputs["TableName"] == AGAIN
    assert lines(account.admin("org list", table=AGAIN))[0]["orgcode"] == ORG
    heard = BusRecorder()
    with account.functions(AGAIN):
        assert not shop.knows(ada)
        assert not shop.knows(cleo)
        assert (shop.points(bert), shop.card(card)["amount"]) == (before[bert], 5_000)
        assert "ada@example.com" not in everything(database, AGAIN)
        # The tombstone has the receipt, signed again by the same key.
        receipt_again = {"data": shop.post("/customer/delete", customer_guid=ada)}
        shop.buys(bert, "SO-3")
        assert shop.points(bert) == 200
        clients.use(events=heard)
        stream = account.client("dynamodbstreams")
        StreamReader(stream, place["table_stream_arn"], "events", publisher).drain()
    for name, answer in (("first", receipt), ("again", receipt_again)):
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(answer))
        assert account.admin(f"receipt verify {ORG} {file}", table=AGAIN).startswith("good: ")
    told = [event["detail"] for event in heard.after(0)["events"]]
    deleted = [each["data"] for each in told if each["action"] == "customer-deleted"]
    assert [each["customer_guid"] for each in deleted] == [ada]
    # The old table is still there, and as it was.
    with account.functions(TABLE):
        assert shop.points(bert) == 200
    assert database.describe_table(TableName=TABLE)["Table"]["DeletionProtectionEnabled"]


@dataclass
class Described:
    """A client that describes a table, and changes none."""

    table: dict[str, Any]

    def describe_table(self, *, TableName: str) -> dict[str, Any]:
        assert TableName == AGAIN
        return {"Table": self.table}


def test_a_table_that_was_restored_without_an_index_is_refused() -> None:
    """The functions would fail with it one by one, when they are called."""
    whole = table_definition(AGAIN)
    for change in (
        {"GlobalSecondaryIndexes": whole["GlobalSecondaryIndexes"][1:]},
        {"KeySchema": whole["KeySchema"][:1]},
    ):
        client = Described({**whole, **change})
        restored = Restored(client, AGAIN, ENVIRONMENTS["prod"])
        with pytest.raises(Refused, match="other keys or indexes"):
            next(restored.complete())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["table", "complete", "prod"], "only a deployed table"),
        (["--table", AGAIN, "table", "complete", "production"], "one of dev, test, prod"),
    ],
)
def test_the_command_names_a_table_and_an_environment(
    line: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "apply", lambda *_, **__: None)
    result = CliRunner().invoke(admin.app, line)
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())

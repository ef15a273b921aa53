"""The restore of ``docs/operations.md``, step by step: the data stack's own table on the emulator,
a backup of it, a loss, and the table that is restored and used in its place.

The functions run in this process with the settings that the stacks give them; the administration
is the command itself. Only AWS can show the backup service and point-in-time recovery: the emulator
restores from a backup of the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.environments import ENVIRONMENTS
from infra.local import admin
from infra.local.bus import BusRecorder
from infra.local.engine import Engine, table_definition
from infra.local.identities import Refused
from infra.local.restored_table import RestoredTable as Restored
from infra.local.stream import StreamReader
from infra.settings import RestoredTable, chosen
from lambdas.events.handler import lambda_handler as publisher
from lambdas.jobs.handler import DAILY
from lambdas.jobs.handler import lambda_handler as jobs
from shared import clients
from tests.builders import WHY, Caller, euro
from tests.infra.conftest import Deploy, Deployment
from tests.infra.emulated import TABLE, Account

ORG, AGAIN = "RESTORED-SHOP", "crm-prod-again"
OPTIONS = {"root-secret-arn": "RootSecretArn", "receipt-key": "ReceiptKeyArn"}
POINTS = {
    "policy_version": "first",
    "currency": "EUR",
    "earn_policy": {"points_per_unit": 10},
    "redeem_policy": {"mode": "per_point"},
}


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

    def card(self, code: str) -> int:
        answer = self.owner("/giftcard/get", {"card_code": code})
        return int(answer.data["stored_value"]["balance"]["amount"])

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


@dataclass
class Story:
    """A loss, and the steps of the page after it."""

    account: Account
    shop: Shop
    folder: Path
    ids: dict[str, str] = field(default_factory=dict)
    receipts: list[dict[str, Any]] = field(default_factory=list)

    @cached_property
    def database(self) -> Any:
        return self.account.client("dynamodb")

    def business(self) -> None:
        """Two customers get points, and somebody buys a card."""
        shop = self.shop
        with self.account.functions(TABLE):
            shop.post("/loyalty/policy/set", policy=POINTS)
            for name in ("Ada", "Bert"):
                self.ids[name] = shop.customer(name)
                shop.buys(self.ids[name], f"SO-{name}")
            made = shop.post("/giftcard/issue", amount=euro(5_000))["stored_value"]
            self.ids["card"] = made["card_code"]
        assert self.figures(TABLE) == (100, 5_000)

    def later(self, since: datetime) -> None:
        """Ada is erased, Bert buys again and pays by card, Cleo comes and goes, and a day ends."""
        shop, bert = self.shop, self.ids["Bert"]
        with self.account.functions(TABLE):
            self.erase("Ada")
            shop.buys(bert, "SO-3")
            paid = {"card_code": self.ids["card"], "amount": euro(2_000), "order_ref": "SO-3"}
            shop.post("/giftcard/redeem", **paid, idempotency_key="till-1")
            self.ids["Cleo"] = shop.customer("Cleo")
            self.shop.post("/customer/delete", customer_guid=self.ids["Cleo"])
            jobs({"job": DAILY, "time": (since + timedelta(hours=3)).isoformat()}, None)
        assert self.figures(TABLE) == (200, 3_000)

    def erase(self, name: str) -> None:
        data = self.shop.post("/customer/delete", customer_guid=self.ids[name])
        self.receipts.append({"data": data})

    def figures(self, table: str) -> tuple[int, int]:
        """Bert's points, and what is on the card."""
        with self.account.functions(table):
            return self.shop.points(self.ids["Bert"]), self.shop.card(self.ids["card"])

    def complete(self) -> list[dict[str, Any]]:
        return lines(self.account.admin("table complete prod", table=AGAIN))

    def logged(self, since: datetime) -> Path:
        """Writes down the erasures since, from the old table. The bucket has the same."""
        log = self.folder / "erasures.jsonl"
        log.write_text(self.account.admin(f"jobs log {ORG} --since {since:%Y-%m-%dT%H:%M:%S}"))
        bucket, files = self.account.outputs["ErasureLogName"], self.account.client("s3")
        (kept,) = files.list_objects_v2(Bucket=bucket)["Contents"]
        stored = files.get_object(Bucket=bucket, Key=kept["Key"])["Body"].read().decode()
        assert lines(stored) == lines(log.read_text())
        assert "@" not in stored
        return log

    def reapply(self, log: Path) -> dict[str, str]:
        """Makes the erasures again, and returns what became of whom."""
        keys = [f"--{option} {self.account.outputs[name]}" for option, name in OPTIONS.items()]
        said = self.account.admin(f"{' '.join(keys)} jobs reapply {log}", table=AGAIN)
        names = {guid: name for name, guid in self.ids.items()}
        return {names[line["customer_guid"]]: line["outcome"] for line in lines(said)}

    def events(self, stream_arn: str) -> list[dict[str, Any]]:
        """Returns what the publisher makes of the stream."""
        bus = BusRecorder()
        with self.account.functions(AGAIN):
            clients.use(events=bus)
            reader = StreamReader(
                self.account.client("dynamodbstreams"), stream_arn, "events", publisher
            )
            reader.drain()
        return [event["detail"] for event in bus.after(0)["events"]]

    def everything(self) -> str:
        pages = self.database.get_paginator("scan").paginate(TableName=AGAIN)
        return json.dumps([item for page in pages for item in page["Items"]])


def test_a_table_is_restored_as_the_page_says(
    account: Account, prod: Deployment, deploy: Deploy, tmp_path: Path
) -> None:
    story = Story(account, opened(account), tmp_path)
    story.business()
    made = story.database.create_backup(TableName=TABLE, BackupName="before")["BackupDetails"]
    since = datetime.now(UTC)
    story.later(since)

    # Step 1: a new table, and what it lacks.
    story.database.restore_table_from_backup(TargetTableName=AGAIN, BackupArn=made["BackupArn"])
    assert not any(settings_of(story.database, AGAIN).values())
    *done, place = story.complete()
    assert {line["outcome"] for line in done} == {"was there", "set"}
    (own,) = prod.properties("data", "AWS::DynamoDB::Table")
    assert settings_of(story.database, AGAIN) == settings_in(own)
    *done, again = story.complete()
    assert ({line["outcome"] for line in done}, again) == ({"was there"}, place)

    # Steps 2 and 3: the erasures since are written down, and made again.
    log = story.logged(since)
    assert "ada@example.com" in story.everything()
    assert story.reapply(log) == {"Ada": "erased", "Cleo": "unknown"}
    assert story.reapply(log) == {"Ada": "done", "Cleo": "unknown"}
    assert "ada@example.com" not in story.everything()

    # Step 4: everything uses it. The administration finds it by the outputs of the stack.
    context = {"environment": "prod", **place}
    restored = chosen(ENVIRONMENTS, context.get).restored_table
    assert restored == RestoredTable(AGAIN, place["table_stream_arn"])
    account.deploy(deploy("prod", restored_table=restored).raw["data"], "update")
    assert [org["orgcode"] for org in lines(account.admin("org list", table=AGAIN))] == [ORG]
    assert story.figures(AGAIN) == (100, 5_000)
    with account.functions(AGAIN):
        known = [name for name in ("Ada", "Bert", "Cleo") if story.shop.knows(story.ids[name])]
        assert known == ["Bert"]
        # The tombstone answers with the receipt of the second erasure.
        story.erase("Ada")
        story.shop.buys(story.ids["Bert"], "SO-3")
    for number, receipt in enumerate(story.receipts):
        file = tmp_path / f"receipt-{number}.json"
        file.write_text(json.dumps(receipt))
        assert account.admin(f"receipt verify {ORG} {file}", table=AGAIN).startswith("good: ")
    told = [e for e in story.events(place["table_stream_arn"]) if e["action"] == "customer-deleted"]
    assert [each["data"]["customer_guid"] for each in told] == [story.ids["Ada"]]
    # The old table stays as it was.
    assert (story.figures(AGAIN), story.figures(TABLE)) == ((200, 5_000), (200, 3_000))


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

"""The same shop, when its first customer asks to be forgotten: schedules, events, a consumer, and
events that failed. It goes on where ``test_story`` ends."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.aws import failed_batch
from tests.e2e.deployment import TABLE, Deployment
from tests.e2e.ear import Ear, Event
from tests.e2e.shop import ORG, WHY, Shop

pytestmark = pytest.mark.e2e

PATIENCE_S = 30.0


class OtherTeam:
    """What the example's consumer has in its own table."""

    def __init__(self, deployment: Deployment) -> None:
        self._client = deployment.client("dynamodb")
        self._table = deployment.outputs["ConsumerTableName"]

    def copy(self, guid: str) -> None:
        item = {"id": {"S": f"copy#{guid}"}, "email": {"S": "ada@example.com"}}
        self._client.put_item(TableName=self._table, Item=item)

    def ids(self) -> set[str]:
        items = self._client.scan(TableName=self._table)["Items"]
        return {item["id"]["S"] for item in items}

    def erased(self) -> int:
        """How many customers it has counted as erased."""
        key = {"id": {"S": "count#customers-erased"}}
        item = self._client.get_item(TableName=self._table, Key=key).get("Item")
        return int(item["customers"]["N"]) if item else 0

    def wait_for_mark(self, event_id: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while f"event#{event_id}" not in self.ids():
            assert time.monotonic() < deadline, "the consumer has not heard of the event"
            time.sleep(0.2)


@pytest.fixture(scope="module")
def team(consumer: Deployment) -> OtherTeam:
    return OtherTeam(consumer)


def test_each_minute_the_schedule_tells_what_is_due(
    deployment: Deployment, shop: Shop, ear: Ear
) -> None:
    worked = deployment.invoke_as_rule("EveryMinute")
    assert worked["erasures"]["failed"] == worked["subscriptions"]["failed"] == 0
    # Where she subscribed in this very minute, the emulator's own run in the next one tells it.
    due = ear.hear("subscription-due", within_s=90, subscription_id=shop["coffee"])
    assert due["request_context"]["context_source"] == "system"


def test_ada_is_forgotten_and_another_team_erases_its_copies(
    deployment: Deployment, shop: Shop, ear: Ear, team: OtherTeam, tmp_path: Path
) -> None:
    for name in ("ada", "twin", "ann"):
        team.copy(shop[name])
    assert deployment.items_with("ada@example.com") > 0
    wish = {"customer_guid": shop["ada"], **WHY}
    status, answer, _ = shop.owner.call("POST", "/crm/customer/delete", wish)
    assert status == 200, answer
    gone = ear.hear("customer-deleted", customer_guid=shop["ada"])
    assert gone["data"]["merged_customer_guids"] == [shop["twin"]]
    team.wait_for_mark(gone["event_id"])
    left = {f"copy#{shop['ann']}", f"event#{gone['event_id']}", "count#customers-erased"}
    assert team.ids() == left
    assert team.erased() == 1
    # The same wish again: the same receipt. Whoever asks for her hears that nobody is there.
    assert shop.owner.post("/customer/delete", **wish) == answer["data"]
    assert shop.owner.refused("/customer/get", customer_guid=shop["twin"]) == (404, "not-found")
    assert deployment.items_with("ada@example.com") == 0
    receipt = tmp_path / "receipt.json"
    receipt.write_text(json.dumps(answer))
    key = tmp_path / "public.pem"
    key.write_text(deployment.admin("receipt public-key"))
    assert "good" in deployment.admin(f"receipt verify {ORG} {receipt} --public-key {key}")


def test_each_day_the_schedule_begins_the_runs_and_writes_the_log_of_erasures(
    deployment: Deployment, shop: Shop
) -> None:
    begun = deployment.invoke_as_rule("EveryDay")
    assert begun["failed"] == 0
    store, bucket = deployment.client("s3"), deployment.outputs["ErasureLogName"]
    (entry,) = store.list_objects_v2(Bucket=bucket)["Contents"]
    log = store.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read().decode()
    assert shop["ada"] in log


def redriven(deployment: Deployment, *options: str) -> list[dict[str, Any]]:
    """The lines of a run of the re-drive."""
    said = deployment.admin(" ".join(["events redrive", *options]))
    return [json.loads(line) for line in said.splitlines()]


def heard_again(ear: Ear, event: Event) -> Event:
    """Waits until an event has arrived a second time. Returns that one."""

    def again() -> Event | None:
        same = [each for each in ear.heard if each["event_id"] == event["event_id"]]
        return same[1] if len(same) > 1 else None

    found: Event = ear.wait(again, f"{event['action']}, a second time,")
    return found


def test_a_record_that_the_publisher_gave_up_is_published_again(
    deployment: Deployment, shop: Shop, ear: Ear, team: OtherTeam
) -> None:
    gone = ear.hear("customer-deleted", customer_guid=shop["ada"])
    record = deployment.stream_record_of(gone["event_id"])
    deployment.client("s3").put_object(
        Bucket=deployment.outputs["FailureBucketName"],
        Key="aws/lambda/mapping/shard-1/2026/01/01/2026-01-01T00.00.00-failed",
        Body=failed_batch(f"{TABLE}-events:live", [record]),
    )
    found, line, count = redriven(deployment, "--dry-run")
    assert found["found"]["objects"] == 1
    assert (line["state"], line["events"]) == ("found", {"customer-deleted": 1})
    assert count == {"redriven": 0, "kept": 0}
    assert redriven(deployment)[-1] == {"redriven": 1, "kept": 0}
    # It is the very event, so the consumer knows it and counts nobody twice.
    assert heard_again(ear, gone) == gone
    assert redriven(deployment) == [
        {"found": {"objects": 0, "messages": 0, "hidden": 0}},
        {"redriven": 0, "kept": 0},
    ]
    assert team.erased() == 1


def test_an_event_that_the_bus_refused_is_published_again(deployment: Deployment, ear: Ear) -> None:
    merged = ear.hear("customer-merged")
    entry = {
        "code": "InternalFailure",
        "Source": "crm",
        "DetailType": merged["action"],
        "Detail": json.dumps(merged),
        "EventBusName": deployment.outputs["EventBusName"],
    }
    url = deployment.outputs["RefusedEventsQueueUrl"]
    deployment.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(entry))
    assert redriven(deployment)[-1] == {"redriven": 1, "kept": 0}
    assert heard_again(ear, merged) == merged


def test_nothing_else_was_told_twice_and_nothing_personal_at_all(ear: Ear) -> None:
    ids = [event["event_id"] for event in ear.heard]
    assert len(ids) - len(set(ids)) == 2
    said = json.dumps(ear.heard)
    assert "example.com" not in said
    assert "roast" not in said

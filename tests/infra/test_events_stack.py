"""No event is lost on its way to the bus, and what fails is kept, told of and erased in time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.codec import KIND, Item, item_wire
from shared.search import SEARCHED, SearchEntryRecord
from tests.infra.conftest import Deploy, Deployment, listed, statements

MAPPING, FUNCTION = "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Function"


def mapping(deployment: Deployment, reader: str) -> dict[str, Any]:
    """The mapping of the stream to the function with this name."""
    (found,) = (
        each
        for each in deployment.properties("events", MAPPING)
        if deployment.behind("events", each["FunctionName"]["Ref"])
        == deployment.settings.function(reader)
    )
    return found


def granted(deployment: Deployment, role_prefix: str) -> dict[str, Any]:
    """Each action of the role with what it is granted on."""
    (role,) = (
        each["Properties"]
        for name, each in deployment.resources("events", "AWS::IAM::Role").items()
        if name.startswith(role_prefix)
    )
    return {
        action: each["Resource"] for each in statements(role) for action in listed(each["Action"])
    }


@pytest.mark.parametrize("reader", ["events", "search"])
def test_a_failing_batch_is_halved_retried_six_hours_and_kept_whole(
    reader: str, prod: Deployment
) -> None:
    found = mapping(prod, reader)
    assert "StreamArn" in found["EventSourceArn"]["Fn::ImportValue"]
    assert found["StartingPosition"] == "TRIM_HORIZON"
    assert found["BisectBatchOnFunctionError"] is True
    assert found["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert found["MaximumRetryAttempts"] == -1
    assert found["MaximumRecordAgeInSeconds"] == 6 * 3600
    assert 1 <= found["ParallelizationFactor"] <= 10
    assert found["MetricsConfig"] == {"Metrics": ["EventCount"]}
    (bucket,) = prod.resources("events", "AWS::S3::Bucket")
    assert found["DestinationConfig"] == {
        "OnFailure": {"Destination": {"Fn::GetAtt": [bucket, "Arn"]}}
    }


def test_the_stream_has_no_third_reader(prod: Deployment) -> None:
    prod.template("events").resource_count_is(MAPPING, 2)


def test_removals_do_not_wake_the_publisher(prod: Deployment) -> None:
    patterns = mapping(prod, "events")["FilterCriteria"]["Filters"]
    (pattern,) = (json.loads(each["Pattern"]) for each in patterns)
    assert pattern["eventName"] == ["INSERT", "MODIFY"]


def test_every_record_that_carries_events_wakes_the_publisher(prod: Deployment) -> None:
    (pattern,) = (
        json.loads(each["Pattern"]) for each in mapping(prod, "events")["FilterCriteria"]["Filters"]
    )
    # The filter asks for the attribute, in the very form, under which the events are stored.
    image = pattern["dynamodb"]["NewImage"]
    carrying = item_wire(_item(), "change", [{"action": "account-created"}])
    silent = item_wire(_item(), "change", [])
    for attribute, value in image.items():
        ((form, condition),) = value.items()
        assert condition == [{"exists": True}]
        assert form in carrying[attribute]
        assert attribute not in silent


def test_the_search_consumer_wakes_for_what_is_searched_also_when_it_goes(
    prod: Deployment,
) -> None:
    # The attribute and its form are those of a stored record.
    assert item_wire(_item(), "change", [])[KIND] == {"S": SearchEntryRecord.KIND}
    kinds = {KIND: {"S": sorted(SEARCHED)}}
    patterns = mapping(prod, "search")["FilterCriteria"]["Filters"]
    assert [json.loads(each["Pattern"]) for each in patterns] == [
        {"dynamodb": {"NewImage": kinds}},
        {"dynamodb": {"OldImage": kinds}},
    ]


def test_the_publisher_reads_the_stream_and_puts_in_one_bus_and_one_queue(
    prod: Deployment,
) -> None:
    rights = granted(prod, "PublisherFunction")
    assert set(rights) == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "s3:ListBucket",
        "s3:PutObject",
        "events:PutEvents",
        "sqs:SendMessage",
    }
    (bus,) = prod.resources("events", "AWS::Events::EventBus")
    (queue,) = prod.resources("events", "AWS::SQS::Queue")
    assert rights["events:PutEvents"] == {"Fn::GetAtt": [bus, "Arn"]}
    assert rights["sqs:SendMessage"] == {"Fn::GetAtt": [queue, "Arn"]}
    assert "StreamArn" in rights["dynamodb:GetRecords"]["Fn::ImportValue"]


def test_the_search_consumer_writes_entries_and_no_event(prod: Deployment) -> None:
    rights = granted(prod, "SearchConsumerFunction")
    table = {each for each in rights if each.startswith("dynamodb:") and "tream" not in each}
    assert table == {
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:PutItem",
    }
    assert "RootSecret" in rights["secretsmanager:GetSecretValue"]["Fn::ImportValue"]
    assert not [each for each in rights if each.startswith(("events:", "sqs:"))]


def test_failures_are_put_under_lambda_s_own_prefix_only(prod: Deployment) -> None:
    for prefix in ("PublisherFunction", "SearchConsumerFunction"):
        place = granted(prod, prefix)["s3:PutObject"]["Fn::Join"][1]
        assert place[1] == "/aws/lambda/*"


def test_the_readers_know_where_to_publish_and_what_to_search(prod: Deployment) -> None:
    variables = {
        each["FunctionName"]: each["Environment"]["Variables"]
        for each in prod.properties("events", FUNCTION)
    }
    publisher, search = variables["crm-prod-events"], variables["crm-prod-search"]
    (bus,) = prod.resources("events", "AWS::Events::EventBus")
    (queue,) = prod.resources("events", "AWS::SQS::Queue")
    assert publisher["CRM_EVENT_BUS"] == {"Ref": bus}
    assert publisher["CRM_RETRY_QUEUE_URL"] == {"Ref": queue}
    assert "CRM_TABLE" not in publisher
    assert "Table" in search["CRM_TABLE"]["Fn::ImportValue"]
    assert "RootSecret" in search["CRM_ROOT_SECRET_ARN"]["Fn::ImportValue"]


def test_the_failure_bucket_is_closed_encrypted_and_forgets(prod: Deployment) -> None:
    (bucket,) = prod.properties("events", "AWS::S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 14)
    assert "VersioningConfiguration" not in bucket
    _assert_tls_only(prod.properties("events", "AWS::S3::BucketPolicy"))


def test_the_queue_of_refused_events_is_encrypted_and_keeps_for_a_fortnight(
    prod: Deployment,
) -> None:
    (queue,) = prod.properties("events", "AWS::SQS::Queue")
    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
    _assert_tls_only(prod.properties("events", "AWS::SQS::QueuePolicy"))


@pytest.mark.parametrize(("name", "days"), [("dev", 7), ("prod", 365)])
def test_the_bus_has_an_archive(name: str, days: int, deployments: Deploy) -> None:
    deployment = deployments(name)
    (bus,) = deployment.properties("events", "AWS::Events::EventBus")
    assert bus["Name"] == f"crm-{name}"
    deployment.template("events").has_resource_properties(
        "AWS::Events::Archive", {"RetentionDays": days, "EventPattern": {"source": ["crm"]}}
    )


def test_the_emulator_gets_what_it_takes(deployments: Deploy) -> None:
    deployment = deployments("dev", emulator=True)
    deployment.template("events").resource_count_is("AWS::Events::Archive", 0)
    deployment.template("events").resource_count_is(MAPPING, 2)
    deployment.template("alarms").resource_count_is("AWS::CloudWatch::CompositeAlarm", 0)
    deployment.template("api").resource_count_is("AWS::ApiGateway::Account", 0)
    alarms = deployment.properties("alarms", "AWS::CloudWatch::Alarm")
    assert alarms
    assert not [each for each in alarms if "Metrics" in each]


def _item() -> Item[SearchEntryRecord]:
    return Item(key=("O#ACME#S#token", "customer"), record=SearchEntryRecord(owner="customer"))


def _assert_tls_only(policies: list[dict[str, Any]]) -> None:
    (policy,) = policies
    assert [
        each
        for each in policy["PolicyDocument"]["Statement"]
        if each["Effect"] == "Deny"
        and each["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    ]

"""Every row is watched with its own numbers, and every failure that leaves work lying tells."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

import pytest

from infra.settings import PREFIX, STAGE
from shared.keys import INDEXES
from shared.routes import Tier
from tests.infra.conftest import FAMILIES, Deploy, Deployment, Families, row

ALARM, COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"


def latency_alarms(deployment: Deployment) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The alarms of the rows, by method, path and percentile."""
    found = {}
    for each in deployment.properties("alarms", ALARM):
        if each.get("MetricName") == "Latency":
            where = {part["Name"]: part["Value"] for part in each["Dimensions"]}
            found[where["Method"], where["Resource"], each["ExtendedStatistic"]] = each
    return found


def promised(families: Families) -> dict[tuple[str, str, str], int]:
    """What the rows say, in the same form."""
    limits = {}
    for routes in families.values():
        for route in routes:
            path = PREFIX + route.path
            limits[route.method, path, "p95"] = route.latency.p95_ms
            if route.latency.p99_ms is not None:
                limits[route.method, path, "p99"] = route.latency.p99_ms
    return limits


def watched(deployment: Deployment, metric: str) -> list[dict[str, Any]]:
    alarms = deployment.properties("alarms", ALARM)
    return [each for each in alarms if each.get("MetricName") == metric]


def dimension(alarm: dict[str, Any], name: str) -> Any:
    return {each["Name"]: each["Value"] for each in alarm["Dimensions"]}.get(name)


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_each_row_has_alarms_with_its_own_numbers(name: str, deployments: Deploy) -> None:
    found = latency_alarms(deployments(name))
    assert {key: each["Threshold"] for key, each in found.items()} == promised(FAMILIES)


def test_another_row_is_watched_with_its_own_numbers(deploy: Deploy, prod: Deployment) -> None:
    new = row("/look/find", Tier.C.within(p95_ms=123, p99_ms=456))
    grown = latency_alarms(deploy("prod", {**FAMILIES, "look": (*FAMILIES["look"], new)}))
    added = {key: grown[key]["Threshold"] for key in grown.keys() - latency_alarms(prod).keys()}
    assert added == {
        ("POST", "/crm/look/find", "p95"): 123,
        ("POST", "/crm/look/find", "p99"): 456,
    }


def test_a_slow_route_is_judged_on_enough_calls_at_the_gateway(prod: Deployment) -> None:
    for each in latency_alarms(prod).values():
        assert each["Namespace"] == "AWS/ApiGateway"
        assert dimension(each, "ApiName") == "crm-prod"
        assert dimension(each, "Stage") == STAGE
        assert each["ComparisonOperator"] == "GreaterThanThreshold"
        assert each["EvaluateLowSampleCountPercentile"] == "ignore"
        # Only the class's roll-up notifies.
        assert "AlarmActions" not in each


def test_missing_data_is_no_fault_anywhere(prod: Deployment) -> None:
    alarms = prod.properties("alarms", ALARM)
    treated = {each["AlarmName"]: each["TreatMissingData"] for each in alarms}
    # A schedule that stands still sends no data: there it is the fault.
    assert treated.pop("crm-prod jobs missed") == "breaching"
    assert set(treated.values()) == {"notBreaching"}


def test_each_latency_class_is_rolled_up_in_one_alarm(prod: Deployment) -> None:
    alarms = prod.resources("alarms", ALARM)
    tiers = {
        (route.method, PREFIX + route.path): route.latency.tier
        for routes in FAMILIES.values()
        for route in routes
    }
    found = {}
    for composite in prod.properties("alarms", COMPOSITE):
        parts = composite["AlarmRule"]["Fn::Join"][1]
        children = [alarms[part["Fn::GetAtt"][0]] for part in parts if isinstance(part, dict)]
        assert " AND " not in json.dumps(parts)
        (tier,) = {
            tiers[
                dimension(each["Properties"], "Method"), dimension(each["Properties"], "Resource")
            ]
            for each in children
        }
        assert composite["AlarmActions"]
        found[tier] = len(children)
    assert found == {"A": 2, "B": 13, "C": 4, "D": 2}


def test_an_empty_class_has_no_alarm(deploy: Deploy) -> None:
    deployment = deploy("prod", {"stat": FAMILIES["stat"]})
    (composite,) = deployment.properties("alarms", COMPOSITE)
    assert composite["AlarmName"] == "crm-prod slow-tier-A"


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_s_faults_notify(metric: str, prod: Deployment) -> None:
    names = {dimension(each, "FunctionName") for each in watched(prod, metric)}
    assert names == {f"crm-prod-{name}" for name in (*FAMILIES, "events", "jobs", "search")}
    assert all(each["AlarmActions"] for each in watched(prod, metric))


def test_a_family_s_server_faults_are_added_up_ten_routes_an_alarm(prod: Deployment) -> None:
    counted: dict[str, list[str]] = {}
    for each in prod.properties("alarms", ALARM):
        metrics = [part["MetricStat"]["Metric"] for part in each.get("Metrics", ())[1:]]
        if metrics and metrics[0]["MetricName"] == "5XXError":
            assert len(metrics) <= 10
            assert each["Threshold"] == 0
            assert each["AlarmActions"]
            counted[each["AlarmName"]] = [dimension(metric, "Resource") for metric in metrics]
    assert sorted(chain.from_iterable(counted.values())) == sorted(
        PREFIX + route.path for routes in FAMILIES.values() for route in routes
    )
    assert [len(counted[f"crm-prod many 5xx {part}"]) for part in (1, 2)] == [10, 2]


def test_a_silent_route_does_not_hide_another_s_faults(prod: Deployment) -> None:
    sums = [
        each["Metrics"][0]["Expression"]
        for each in prod.properties("alarms", ALARM)
        if "Metrics" in each
    ]
    assert sums
    assert all(part.startswith("FILL(") for each in sums for part in each.split(" + "))


def test_the_api_s_faults_notify_without_detailed_metrics(dev: Deployment) -> None:
    (alarm,) = watched(dev, "5XXError")
    assert {each["Name"] for each in alarm["Dimensions"]} == {"ApiName", "Stage"}


def test_the_readers_of_the_stream_are_watched_for_lag_and_loss(prod: Deployment) -> None:
    late = {
        dimension(each, "FunctionName"): each["Threshold"] for each in watched(prod, "IteratorAge")
    }
    assert late == {"crm-prod-events": 300_000, "crm-prod-search": 300_000}
    for metric in ("OnFailureDestinationDeliveredEventCount", "DroppedEventCount"):
        mappings = {
            dimension(each, "EventSourceMappingUUID")["Fn::ImportValue"]
            for each in watched(prod, metric)
        }
        assert len(mappings) == 2


def test_a_refused_event_notifies(prod: Deployment) -> None:
    (alarm,) = watched(prod, "ApproximateNumberOfMessagesVisible")
    assert "RefusedEvents" in dimension(alarm, "QueueName")["Fn::ImportValue"]
    assert alarm["Threshold"] == 0


def test_the_table_and_each_index_are_watched_for_throttling(prod: Deployment) -> None:
    for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
        alarms = watched(prod, metric)
        assert {dimension(each, "TableName") for each in alarms} == {"crm-prod"}
        places = {dimension(each, "GlobalSecondaryIndexName") for each in alarms}
        assert places == {None, *(index.name for index in INDEXES)}


def test_alarms_reach_an_encrypted_topic_over_tls_only(prod: Deployment) -> None:
    (topic,) = prod.resources("alarms", "AWS::SNS::Topic").values()
    (key,) = prod.resources("alarms", "AWS::KMS::Key")
    assert topic["Properties"]["KmsMasterKeyId"] == {"Fn::GetAtt": [key, "Arn"]}
    assert prod.properties("alarms", "AWS::KMS::Key")[0]["EnableKeyRotation"] is True
    (policy,) = prod.properties("alarms", "AWS::SNS::TopicPolicy")
    rules = policy["PolicyDocument"]["Statement"]
    assert [each["Effect"] for each in rules if "Bool" in each["Condition"]] == ["Deny"]
    (publish,) = (each for each in rules if each["Effect"] == "Allow")
    assert publish["Principal"] == {"Service": "cloudwatch.amazonaws.com"}

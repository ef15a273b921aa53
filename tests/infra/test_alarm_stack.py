"""Every row is watched with its own numbers, and every failure that leaves work lying tells."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

import pytest

from infra.settings import PREFIX, STAGE
from lambdas.jobs.handler import ERASURE_AGE, FAILED, RUNS_BEGUN, RUNS_OPEN
from shared import log
from shared.keys import INDEXES
from shared.routes import Tier
from shared.settings import settings
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
    return {each["Name"]: each["Value"] for each in alarm.get("Dimensions", ())}.get(name)


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics that an alarm reads, directly or in an expression."""
    parts = [part["MetricStat"]["Metric"] for part in alarm.get("Metrics", ())[1:]]
    return parts or [alarm]


@pytest.mark.parametrize("name", ["test", "prod"])
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


def test_where_the_gateway_measures_no_route_no_alarm_waits_for_it(dev: Deployment) -> None:
    assert not dev.properties("api", "AWS::ApiGateway::Stage")[0]["MethodSettings"][0][
        "MetricsEnabled"
    ]
    for metrics in map(metrics_of, dev.properties("alarms", ALARM)):
        assert not [each for each in metrics if dimension(each, "Resource")]


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
    # A schedule that stands still sends no data: there it is the fault. (Whether a day's runs were
    # begun is measured each minute, so that a new deployment is not blamed for its past.)
    assert treated.pop("crm-prod jobs missed") == "breaching"
    assert set(treated.values()) == {"notBreaching"}


def children(deployment: Deployment, composite: dict[str, Any]) -> list[dict[str, Any]]:
    """The alarms in the rule of an alarm of alarms."""
    alarms = deployment.resources("alarms", ALARM)
    return [
        alarms[part["Fn::GetAtt"][0]]["Properties"]
        for part in composite["AlarmRule"]["Fn::Join"][1]
        if isinstance(part, dict)
    ]


def composites(deployment: Deployment, prefix: str) -> dict[str, dict[str, Any]]:
    """The alarms of alarms with this prefix, by the rest of their name."""
    start = deployment.settings.alarm(prefix)
    return {
        each["AlarmName"].removeprefix(start): each
        for each in deployment.properties("alarms", COMPOSITE)
        if each["AlarmName"].startswith(start)
    }


def test_the_busy_routes_of_a_class_are_rolled_up_in_one_alarm(prod: Deployment) -> None:
    tiers = {
        (route.method, PREFIX + route.path): route.latency.tier
        for routes in FAMILIES.values()
        for route in routes
    }
    found = {}
    for name, composite in composites(prod, "slow-tier-").items():
        parts = children(prod, composite)
        assert " AND " not in json.dumps(composite["AlarmRule"])
        (tier,) = {tiers[dimension(each, "Method"), dimension(each, "Resource")] for each in parts}
        assert name == tier
        found[tier] = len(parts)
    assert found == {"A": 2, "B": 13, "C": 4, "D": 2}


OBJECTIVES = {"p95": (5, 20, {900, 3_600}), "p99": (1, 100, {3_600, 21_600})}


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_class_is_judged_on_few_requests_in_a_short_and_a_long_window(
    name: str, deployments: Deploy
) -> None:
    deployment = deployments(name)
    found = composites(deployment, "slow-class-")
    # Class A and B have no limit at p99 in these rows, so nothing could raise such an alarm.
    assert set(found) == {"A-p95", "B-p95", "C-p95", "C-p99", "D-p95", "D-p99"}
    for key, composite in found.items():
        tier, percentile = key.split("-")
        per_cent, least, windows = OBJECTIVES[percentile]
        assert json.dumps(composite["AlarmRule"]).count(" AND ") == 1
        parts = children(deployment, composite)
        assert {_period(each) for each in parts} == windows
        for each in parts:
            assert each["Threshold"] == per_cent
            assert each["ComparisonOperator"] == "GreaterThanThreshold"
            assert each["EvaluationPeriods"] == 1
            expression, *inputs = each["Metrics"]
            assert expression["Expression"] == f"IF(whole >= {least}, 100 * part / whole, 0)"
            stats = {part["Id"]: part["MetricStat"]["Stat"] for part in inputs}
            assert stats == {"part": "Sum", "whole": "SampleCount"}
            for metric in metrics_of(each):
                assert metric["Dimensions"] == [{"Name": "tier", "Value": tier}]


def _period(alarm: dict[str, Any]) -> int:
    (period,) = {part["MetricStat"]["Period"] for part in alarm["Metrics"][1:]}
    return int(period)


def test_the_alarms_of_a_class_read_the_metrics_that_the_door_emits(
    prod: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in _variables(prod).items():
        monkeypatch.setenv(variable, value)
    settings.cache_clear()
    try:
        emitted = {
            (directive["Namespace"], metric["Name"], line["tier"])
            for routes in FAMILIES.values()
            for route in routes
            for line in [log.metrics(route.latency.over(0), tier=route.latency.tier)]
            for directive in line["_aws"]["CloudWatchMetrics"]
            for metric in directive["Metrics"]
        }
    finally:
        settings.cache_clear()
    read = {
        (metric["Namespace"], metric["MetricName"], dimension(metric, "tier"))
        for each in composites(prod, "slow-class-").values()
        for alarm in children(prod, each)
        for metric in metrics_of(alarm)
    }
    assert read == emitted


def _variables(deployment: Deployment) -> dict[str, str]:
    """The plain variables of a function of the deployment."""
    variables = deployment.properties("api", "AWS::Lambda::Function")[0]["Environment"]["Variables"]
    return {name: value for name, value in variables.items() if isinstance(value, str)}


def test_an_empty_class_has_no_alarm(deploy: Deploy) -> None:
    deployment = deploy("prod", {"stat": FAMILIES["stat"]})
    names = {each["AlarmName"] for each in deployment.properties("alarms", COMPOSITE)}
    assert names == {"crm-prod slow-tier-A", "crm-prod slow-class-A-p95"}


@pytest.mark.parametrize("name", ["dev", "test", "prod"])
def test_whoever_is_told_of_an_alarm_is_told_when_it_is_over(
    name: str, deployments: Deploy
) -> None:
    deployment = deployments(name)
    told = 0
    for kind in (ALARM, COMPOSITE):
        for each in deployment.properties("alarms", kind):
            assert each.get("AlarmActions") == each.get("OKActions")
            assert each["AlarmDescription"]
            told += "AlarmActions" in each
    assert told > 40


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_s_faults_notify(metric: str, prod: Deployment) -> None:
    names = {dimension(each, "FunctionName") for each in watched(prod, metric)}
    assert names == {f"crm-prod-{name}" for name in (*FAMILIES, "events", "jobs", "search")}
    assert all(each["AlarmActions"] for each in watched(prod, metric))


def test_a_family_s_server_faults_are_added_up_ten_routes_an_alarm(prod: Deployment) -> None:
    counted: dict[str, list[str]] = {}
    for each in prod.properties("alarms", ALARM):
        metrics = metrics_of(each) if "Metrics" in each else []
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
        if "Metrics" in each and "IF(" not in each["Metrics"][0]["Expression"]
    ]
    assert len(sums) == len(FAMILIES) + 2
    assert all(part.startswith("FILL(") for each in sums for part in each.split(" + "))


def test_too_many_refusals_notify(dev: Deployment) -> None:
    found = {}
    for each in dev.properties("alarms", ALARM):
        if each["AlarmName"].startswith("crm-dev share of "):
            part, whole = (
                (metric["Namespace"], metric["MetricName"]) for metric in metrics_of(each)
            )
            assert whole == ("AWS/ApiGateway", "Count")
            assert each["Metrics"][0]["Expression"].startswith("IF(whole >= 100,")
            found[part] = (each["Threshold"], each["EvaluationPeriods"])
    assert found == {
        ("AWS/ApiGateway", "4XXError"): (40, 3),
        ("crm/dev", "answered_429"): (2, 3),
    }


def test_the_access_log_counts_whom_anybody_throttled(dev: Deployment) -> None:
    (found,) = dev.properties("api", "AWS::Logs::MetricFilter")
    assert found["FilterPattern"] == '{ $.status = "429" }'
    (made,) = found["MetricTransformations"]
    assert (made["MetricNamespace"], made["MetricName"]) == ("crm/dev", "answered_429")
    # A share needs its zeros.
    assert (made["MetricValue"], made["DefaultValue"]) == ("1", 0)
    (stage,) = dev.properties("api", "AWS::ApiGateway::Stage")
    assert json.loads(stage["AccessLogSetting"]["Format"])["status"] == "$context.status"


def test_nearly_all_of_the_concurrency_notifies(deploy: Deploy) -> None:
    deployment = deploy("test", account_concurrency=500, reserved_concurrency={"till": 50})
    (account,) = watched(deployment, "ClaimedAccountConcurrency")
    assert (account["Threshold"], account.get("Dimensions")) == (400, None)
    (own,) = watched(deployment, "ConcurrentExecutions")
    assert (own["Threshold"], dimension(own, "FunctionName")) == (40, "crm-test-till")


def test_scheduled_work_that_fails_or_stands_still_notifies(prod: Deployment) -> None:
    found = {}
    for each in prod.properties("alarms", ALARM):
        if {"Name": "function", "Value": "jobs"} in each.get("Dimensions", ()):
            assert each["Namespace"] == "crm/prod"
            found[each["MetricName"]] = (
                each["ComparisonOperator"].removesuffix("Threshold"),
                each["Threshold"],
                each["Statistic"],
                each["Period"] * each["EvaluationPeriods"] // 3600,
            )
    assert found == {
        ERASURE_AGE: ("GreaterThan", 3600, "Maximum", 0),
        RUNS_OPEN: ("GreaterThan", 0, "Minimum", 20),
        FAILED: ("GreaterThan", 0, "Minimum", 0),
        RUNS_BEGUN: ("LessThan", 1, "Sum", 30),
    }


def test_kept_failures_notify_until_nobody_keeps_them(prod: Deployment) -> None:
    (alarm,) = watched(prod, "NumberOfObjects")
    assert "Failures" in dimension(alarm, "BucketName")["Fn::ImportValue"]
    assert (alarm["Threshold"], alarm["Period"]) == (0, 24 * 3600)


def test_the_api_s_faults_notify_without_detailed_metrics(dev: Deployment) -> None:
    assert not [each for each in dev.properties("alarms", ALARM) if " 5xx " in each["AlarmName"]]
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

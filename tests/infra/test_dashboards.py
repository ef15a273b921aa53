"""A person with an alarm in hand finds each route against its class, the money, the stream, and who
is behind it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.environments import MONEY
from infra.insights import RULES
from infra.settings import PREFIX
from lambdas.families import FAMILIES as WHOLE
from shared.keys import INDEXES
from tests.infra.conftest import FAMILIES, Deploy, Deployment

DASHBOARD, RULE = "AWS::CloudWatch::Dashboard", "AWS::CloudWatch::InsightRule"


def widgets(deployment: Deployment, name: str) -> list[dict[str, Any]]:
    """The widgets of a dashboard. What is only known when it is deployed stands as its own name."""
    (found,) = (
        each
        for each in deployment.properties("alarms", DASHBOARD)
        if each["DashboardName"] == f"{deployment.settings.shared_name}-{name}"
    )
    body = found["DashboardBody"]
    if isinstance(body, dict):
        parts = body["Fn::Join"][1]
        body = "".join(part if isinstance(part, str) else "later" for part in parts)
    return [each["properties"] for each in json.loads(body)["widgets"]]


def lines(widget: dict[str, Any]) -> list[tuple[str, str, dict[str, str], str]]:
    """The metrics of a graph: namespace, name, dimensions, statistic."""
    found = []
    for metric in widget["metrics"]:
        namespace, name, *rest = metric
        options = rest.pop() if isinstance(rest[-1], dict) else {}
        found.append((namespace, name, dict(zip(rest[::2], rest[1::2], strict=True)), options))
    return [(n, m, d, str(o.get("stat", "Average"))) for n, m, d, o in found]


def limit(widget: dict[str, Any]) -> float | None:
    drawn = widget.get("annotations", {}).get("horizontal", ())
    return drawn[0]["value"] if drawn else None


@pytest.mark.parametrize("tier", ["A", "B", "C", "D"])
def test_each_route_is_drawn_against_its_own_limits(
    tier: str, whole: Callable[[str], Deployment]
) -> None:
    deployment = whole("prod")
    drawn = {
        (where["Method"], where["Resource"], stat): limit(widget)
        for widget in widgets(deployment, f"tier-{tier}")
        for namespace, name, where, stat in lines(widget)
        if (namespace, name) == ("AWS/ApiGateway", "Latency")
    }
    assert drawn == {
        (route.method, PREFIX + route.path, percentile): limit_ms
        for routes in WHOLE.values()
        for route in routes
        if route.latency.tier == tier
        for percentile, limit_ms in route.latency.limits.items()
    }
    for widget in widgets(deployment, f"tier-{tier}"):
        assert 1 <= len(lines(widget)) <= 8


def test_a_class_is_drawn_as_its_alarms_see_it(prod: Deployment) -> None:
    drawn = {
        (name, stat): limit(widget)
        for widget in widgets(prod, "tier-C")
        for namespace, name, where, stat in lines(widget)
        if namespace == "crm/prod" and where == {"tier": "C"}
    }
    assert drawn == {
        ("over_p95", "SampleCount"): None,
        ("cold", "Sum"): None,
        ("over_p95", "Average"): 0.05,
        ("over_p99", "Average"): 0.01,
    }


def test_the_money_families_show_their_writes_their_faults_and_their_places(
    whole: Callable[[str], Deployment],
) -> None:
    deployment = whole("prod")
    shown: dict[str, set[str]] = {}
    places = {}
    for widget in widgets(deployment, "money"):
        for _, name, where, _ in lines(widget):
            shown.setdefault(name, set()).add(where.get("Resource") or where["FunctionName"])
            if name == "ConcurrentExecutions":
                places[where["FunctionName"]] = limit(widget)
    writes = {PREFIX + row.path for name in MONEY for row in WHOLE[name] if row.writes}
    functions = {f"crm-prod-{name}" for name in MONEY}
    assert shown["Count"] == shown["5XXError"] == writes
    assert shown["Errors"] == shown["Throttles"] == shown["ConcurrentExecutions"] == functions
    kept = deployment.settings.reserved_concurrency
    assert places == {f"crm-prod-{name}": kept[name] for name in MONEY}


def test_the_stream_and_the_scheduled_work_have_a_dashboard(prod: Deployment) -> None:
    names = {name for widget in widgets(prod, "stream") for _, name, _, _ in lines(widget)}
    assert names == {
        "ApproximateNumberOfMessagesVisible",
        "DroppedEventCount",
        "IteratorAge",
        "NumberOfObjects",
        "OnFailureDestinationDeliveredEventCount",
        "erasure_age_s",
        "retention_runs_open",
        "work_failed",
    }


def test_no_dashboard_waits_for_metrics_that_do_not_come(dev: Deployment, prod: Deployment) -> None:
    dev.template("alarms").resource_count_is(DASHBOARD, 0)
    # The table of this test has no family that moves money.
    assert not {*MONEY} & {*FAMILIES}
    prod.template("alarms").resource_count_is(DASHBOARD, 5)


def test_contributors_are_counted_from_the_log_and_are_nobody_s_name(prod: Deployment) -> None:
    found = prod.properties("alarms", RULE)
    assert {each["RuleName"] for each in found} == {f"crm-prod {name}" for name in RULES}
    for each in found:
        assert each["RuleState"] == "ENABLED"
        body = json.loads(each["RuleBody"])
        assert body["Schema"] == {"Name": "CloudWatchLogRule", "Version": 1}
        assert body["LogGroupNames"] == ["/aws/lambda/crm-prod-*"]
        contribution = body["Contribution"]
        assert set(contribution["Keys"]) <= {"$.call", "$.tag", "$.orgcode", "$.fingerprint"}
        assert 1 <= len(contribution["Keys"]) <= 4
        assert 1 <= len(contribution["Filters"]) <= 4


@pytest.mark.parametrize(("name", "seen"), [("dev", False), ("prod", True)])
def test_throttled_keys_are_seen_where_the_runbook_looks(
    name: str, seen: bool, deployments: Deploy
) -> None:
    (table,) = deployments(name).properties("data", "AWS::DynamoDB::Table")
    places = [table, *table["GlobalSecondaryIndexes"]]
    assert len(places) == 1 + len(INDEXES)
    expected = {"Enabled": True, "Mode": "THROTTLED_KEYS"} if seen else None
    assert [each.get("ContributorInsightsSpecification") for each in places] == [expected] * 4
    deployments(name).template("alarms").resource_count_is(RULE, len(RULES) if seen else 0)

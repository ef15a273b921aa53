"""The page of costs is counted from the templates, and is not far from them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from infra import costs
from infra.environments import ENVIRONMENTS
from lambdas.families import FAMILIES as WHOLE
from shared import log
from shared.routes import COLD, Tier
from tests.infra.conftest import ROOT, Deployment

SUM = re.compile(r"\*\*\$([\d.]+)\*\*")
MIXED = re.compile(r"\$([\d.]+) in `(\w+)`")


@pytest.fixture(scope="module")
def page(whole: Callable[[str], Deployment]) -> str:
    environments = [ENVIRONMENTS[name] for name in ("dev", "prod")]
    return costs.page(environments, lambda each: whole(each.name).raw, WHOLE)


def test_the_committed_page_is_right_to_a_twentieth(page: str) -> None:
    """A row more makes an alarm more, and need not touch the page."""
    committed = costs.PAGE.read_text()
    for figures in (SUM, MIXED):
        now = [float(match[1]) for match in figures.finditer(page)]
        then = [float(match[1]) for match in figures.finditer(committed)]
        assert then == [pytest.approx(figure, rel=0.05) for figure in now], "run `make costs`"
        assert len(now) >= 2
    # Whatever is not a figure is as it is written.
    assert re.sub(r"[\d.,]+", "", committed) == re.sub(r"[\d.,]+", "", page), "run `make costs`"


def test_what_is_fixed_is_counted_in_the_templates() -> None:
    def made(kind: str, **properties: Any) -> dict[str, Any]:
        return {"Type": kind, "Properties": properties}

    statistic = {"MetricStat": {}}
    templates = {
        "one": {
            "Resources": {
                "a": made("AWS::CloudWatch::Alarm", MetricName="Errors"),
                "b": made(
                    "AWS::CloudWatch::Alarm", Metrics=[{"Expression": "m"}, *[statistic] * 3]
                ),
                "c": made("AWS::WAFv2::WebACL", Rules=[1, 2]),
            }
        },
        "two": {"Resources": {"d": made("AWS::KMS::Key"), "e": made("AWS::KMS::Key")}},
    }
    bill = {line.name: line for line in costs.idle(ENVIRONMENTS["dev"], templates)}
    assert bill["metrics of alarms"].dollars == pytest.approx(0.40)
    assert bill["rules of web ACLs"].dollars == pytest.approx(2.00)
    assert bill["web ACLs"].dollars == pytest.approx(5.00)
    assert bill["keys"].dollars == pytest.approx(2.00)
    assert bill["dashboards"].dollars == 0


FREE = {
    "AWS::Backup::BackupPlan",
    "AWS::Backup::BackupSelection",
    "AWS::Backup::BackupVault",
    "AWS::ApiGateway::Account",
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::GatewayResponse",
    "AWS::ApiGateway::Method",
    "AWS::ApiGateway::Resource",
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::DynamoDB::Table",
    "AWS::Events::Archive",
    "AWS::Events::EventBus",
    "AWS::Events::Rule",
    "AWS::IAM::Role",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::WAFv2::WebACLAssociation",
}
"""Kinds of resources without a price of their own: they cost nothing, or are paid by their use."""


def test_every_resource_with_a_fixed_price_is_on_the_bill(prod: Deployment) -> None:
    """A kind of resource that is new here is looked at by whoever adds it."""
    priced = {
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::CompositeAlarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::CloudWatch::InsightRule",
        "AWS::KMS::Key",
        "AWS::SecretsManager::Secret",
        "AWS::WAFv2::WebACL",
    }
    kinds = {
        each["Type"] for template in prod.raw.values() for each in template["Resources"].values()
    }
    assert kinds - FREE == priced
    text = Path(costs.__file__).read_text()
    assert all(f'"{kind}"' in text for kind in priced)


def test_the_units_of_a_call_are_the_means_of_the_committed_table() -> None:
    table = json.loads((ROOT / "tests/contract/costs.json").read_text())
    writes = {row.path: row.writes for rows in WHOLE.values() for row in rows}
    for kind, does_write in (("read", False), ("write", True)):
        lines = [one for name, one in table.items() if writes[name.split()[0]] is does_write]
        assert mean(one["read_units"] for one in lines) == pytest.approx(
            costs.READ_UNITS[kind], abs=1
        )
        expected = costs.WRITE_UNITS if does_write else 0
        assert mean(one["write_units"] for one in lines) == pytest.approx(expected, abs=1)


def test_the_bytes_of_the_metrics_are_as_the_page_says() -> None:
    values = {**Tier.C.value.over(0), COLD: 0}
    members = json.dumps({"since_received_ms": 100, **log.metrics(values, tier="C")})
    assert len(members) == pytest.approx(260, abs=20)


def test_every_price_says_where_it_was_found() -> None:
    page = costs.PAGE.read_text()
    for name, price in costs.PRICES.items():
        assert price.source in costs.SOURCES, name
        assert re.search(rf"\| \$[\d.]+ \| {re.escape(price.what)} \| {price.source} \|", page), (
            name
        )
    assert {price.source for price in costs.PRICES.values()} == set(costs.SOURCES)
    assert all(f"- **{name}**: {text}" in page for name, text in costs.SOURCES.items())


def test_the_dearest_parts_are_those_of_the_larger_environment() -> None:
    dev, prod = ENVIRONMENTS["dev"], ENVIRONMENTS["prod"]
    for kind in ("read", "write"):
        assert costs.total(costs.per_million(dev, kind)) < costs.total(
            costs.per_million(prod, kind)
        )
    assert costs.total(costs.in_use(dev, WHOLE)) < costs.total(costs.in_use(prod, WHOLE))

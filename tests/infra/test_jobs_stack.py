"""The scheduled work has its times, its rights, and the alias of its function."""

from __future__ import annotations

from typing import Any

from lambdas.jobs.handler import DAILY
from tests.infra.conftest import Deployment, listed, statements


def rules(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """The rules by their schedules."""
    found = deployment.properties("jobs", "AWS::Events::Rule")
    return {each["ScheduleExpression"]: each for each in found}


def test_the_sweeper_runs_each_minute_and_the_retention_policy_each_day_at_three(
    prod: Deployment,
) -> None:
    minute, day = rules(prod)["rate(1 minute)"], rules(prod)["cron(0 3 * * ? *)"]
    assert len(rules(prod)) == 2
    for rule, attempts in ((minute, 0), (day, 2)):
        assert rule["State"] == "ENABLED"
        (target,) = rule["Targets"]
        assert prod.behind("jobs", target["Arn"]["Ref"]) == "crm-prod-jobs"
        assert target["RetryPolicy"]["MaximumRetryAttempts"] == attempts
    assert "Input" not in minute["Targets"][0]
    made = day["Targets"][0]["InputTransformer"]
    assert f'"job":"{DAILY}"' in made["InputTemplate"]
    assert made["InputPathsMap"] == {"time": "$.time"}


def test_only_the_two_rules_may_start_it(prod: Deployment) -> None:
    permissions = prod.properties("jobs", "AWS::Lambda::Permission")
    assert len(permissions) == 2
    names = {
        name for name in prod.resources("jobs", "AWS::Events::Rule") if name.startswith("Every")
    }
    assert {each["SourceArn"]["Fn::GetAtt"][0] for each in permissions} == names
    assert {each["Principal"] for each in permissions} == {"events.amazonaws.com"}
    for each in permissions:
        assert prod.behind("jobs", each["FunctionName"]["Ref"]) == "crm-prod-jobs"


def test_it_may_do_what_erasures_need_and_nothing_on_a_star(prod: Deployment) -> None:
    (role,) = (
        each["Properties"]
        for name, each in prod.resources("jobs", "AWS::IAM::Role").items()
        if name.startswith("SweeperFunction")
    )
    granted = {action for each in statements(role) for action in listed(each["Action"])}
    assert granted == {
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "kms:Sign",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:PutObject",
        "secretsmanager:GetSecretValue",
    }
    for each in statements(role):
        assert "*" not in listed(each["Resource"])
    assert "ManagedPolicyArns" not in role
    prod.template("jobs").resource_count_is("AWS::IAM::Policy", 0)

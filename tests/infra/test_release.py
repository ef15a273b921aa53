"""A new version takes over behind an alias, in steps, and is taken back by its alarms."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from infra.environments import ENVIRONMENTS, MONEY, PUBLISHER
from infra.release import MOST_ALARMS
from infra.settings import chosen
from lambdas.families import FAMILIES as WHOLE
from shared.routes import COLD, Tier
from tests.infra.conftest import FAMILIES, Deploy, Deployment, listed, row, statements
from tests.infra.test_alarm_stack import ALARM

FUNCTION, ALIAS, VERSION = "AWS::Lambda::Function", "AWS::Lambda::Alias", "AWS::Lambda::Version"
GROUP = "AWS::CodeDeploy::DeploymentGroup"
CONCERNS = ("api", "events", "jobs")
CONSUMERS = ("events", "jobs", "search")


def groups(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """The deployment groups of all stacks, by the function they are named after."""
    return {
        each["DeploymentGroupName"]: each
        for concern in CONCERNS
        for each in deployment.properties(concern, GROUP)
    }


def alarms_of(deployment: Deployment, group: dict[str, Any]) -> list[dict[str, Any]]:
    """The alarms that a group watches. Each must be there."""
    by_name, by_id = {}, {}
    for concern in (*CONCERNS, "alarms"):
        for logical_id, each in deployment.resources(concern, ALARM).items():
            by_name[each["Properties"]["AlarmName"]] = each["Properties"]
            by_id[logical_id] = each["Properties"]
    names = [each["Name"] for each in group["AlarmConfiguration"]["Alarms"]]
    return [by_name[name] if isinstance(name, str) else by_id[name["Ref"]] for name in names]


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_every_function_has_one_alias_of_a_version_that_is_kept(
    name: str, deployments: Deploy
) -> None:
    deployment = deployments(name)
    served = set()
    for concern in CONCERNS:
        versions = deployment.resources(concern, VERSION)
        assert {each["DeletionPolicy"] for each in versions.values()} == {"Retain"}
        for logical_id, alias in deployment.resources(concern, ALIAS).items():
            assert alias["Properties"]["Name"] == "live"
            version = versions[alias["Properties"]["FunctionVersion"]["Fn::GetAtt"][0]]
            function = alias["Properties"]["FunctionName"]
            assert version["Properties"]["FunctionName"] == function
            served.add(deployment.behind(concern, logical_id))
    assert served == {f"crm-{name}-{each}" for each in (*FAMILIES, *CONSUMERS)}


def test_nobody_calls_a_function_but_by_its_alias(prod: Deployment) -> None:
    for concern in CONCERNS:
        functions = prod.resources(concern, FUNCTION)
        for logical_id, each in prod.raw[concern]["Resources"].items():
            if each["Type"] in (ALIAS, VERSION) or logical_id in functions:
                continue
            for function in functions:
                assert f'"{function}"' not in json.dumps(each), logical_id


def test_another_build_is_another_version(deploy: Deploy) -> None:
    found = [
        set(deploy("prod", {"stat": FAMILIES["stat"]}, build=build).resources("api", VERSION))
        for build in (
            {"major": "1", "minor": "0", "id": "MONDAY"},
            {"major": "1", "minor": "0", "id": "TUESDAY"},
        )
    ]
    assert not found[0] & found[1]


@pytest.mark.parametrize(("name", "steps"), [("test", 5), ("prod", 15)])
def test_a_tenth_of_the_calls_comes_first_and_every_alarm_takes_it_back(
    name: str, steps: int, deployments: Deploy
) -> None:
    deployment = deployments(name)
    found = groups(deployment)
    assert set(found) == {f"crm-{name}-{each}" for each in (*FAMILIES, *CONSUMERS)}
    for group in found.values():
        kind = f"CodeDeployDefault.LambdaCanary10Percent{steps}Minutes"
        assert group["DeploymentConfigName"] == kind
        assert group["DeploymentStyle"]["DeploymentOption"] == "WITH_TRAFFIC_CONTROL"
        assert group["AutoRollbackConfiguration"]["Enabled"] is True
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        assert group["AlarmConfiguration"]["Enabled"] is True
        assert 1 <= len(alarms_of(deployment, group)) <= MOST_ALARMS


@pytest.mark.parametrize("concern", CONCERNS)
def test_the_alias_is_moved_by_its_own_group(concern: str, prod: Deployment) -> None:
    (application,) = prod.properties(concern, "AWS::CodeDeploy::Application")
    assert application["ComputePlatform"] == "Lambda"
    made = prod.resources(concern, GROUP)
    for logical_id, alias in prod.resources(concern, ALIAS).items():
        update = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert update["ApplicationName"] == application["ApplicationName"]
        assert update["DeploymentGroupName"] == prod.behind(concern, logical_id)
        (needed,) = (made[each] for each in listed(alias["DependsOn"]) if each in made)
        assert needed["Properties"]["DeploymentGroupName"] == update["DeploymentGroupName"]


def test_faults_and_latency_of_its_own_rows_take_a_family_s_canary_back(
    prod: Deployment,
) -> None:
    watched = alarms_of(prod, groups(prod)["crm-prod-till"])
    names = {each["AlarmName"].removeprefix("crm-prod ") for each in watched}
    assert names == {
        "till live errors",
        "till 5xx 1",
        "slow class A p95 warm",
        "slow class C p95 warm",
        "slow class C p99 warm",
        "slow class D p95 warm",
        "slow class D p99 warm",
    }
    (own,) = (each for each in watched if each["AlarmName"] == "crm-prod till live errors")
    assert (own["MetricName"], own["Period"], own["Threshold"]) == ("Errors", 60, 0)
    assert {each["Name"]: each["Value"] for each in own["Dimensions"]} == {
        "FunctionName": "crm-prod-till",
        "Resource": "crm-prod-till:live",
    }


def test_the_cold_starts_of_a_new_version_do_not_take_it_back(
    prod: Deployment, dev: Deployment
) -> None:
    found = {
        each["AlarmName"]: each
        for each in prod.properties("alarms", ALARM)
        if each["AlarmName"].endswith(" warm")
    }
    assert len(found) == 6
    for name, each in found.items():
        least = 20 if "p95" in name else 100
        expression, *inputs = each["Metrics"]
        expected = f"IF(whole >= {least}, 100 * (part - without) / whole, 0)"
        assert expression["Expression"] == expected
        (cold,) = (part for part in inputs if part["Id"] == "without")
        metric = cold["MetricStat"]["Metric"]
        assert (metric["Namespace"], metric["MetricName"]) == ("crm/prod", COLD)
        assert metric["Dimensions"] == [{"Name": "tier", "Value": name.split()[3]}]
        assert cold["MetricStat"]["Stat"] == "Sum"
        assert "AlarmActions" not in each
    # Where nothing is taken back, nobody asks.
    assert not [
        each for each in dev.properties("alarms", ALARM) if each["AlarmName"].endswith(" warm")
    ]


@pytest.mark.parametrize("reader", ["events", "search"])
def test_a_reader_of_the_stream_is_taken_back_when_it_falls_behind(
    reader: str, prod: Deployment
) -> None:
    watched = alarms_of(prod, groups(prod)[f"crm-prod-{reader}"])
    assert {each["MetricName"] for each in watched} == {"Errors", "IteratorAge"}


def test_the_alarms_are_there_before_what_needs_them(prod: Deployment) -> None:
    order = {
        stack.node.id: {each.node.id for each in stack.dependencies}
        for stack in prod.app.node.children
        if hasattr(stack, "stack_name")
    }
    assert "Alarms" in order["Api"]
    assert "Jobs" in order["Alarms"]
    for concern in ("events", "jobs"):
        for each in prod.properties(concern, GROUP):
            # Their alarms are in their own stack: those of the alarm stack come later.
            assert all("Ref" in alarm["Name"] for alarm in each["AlarmConfiguration"]["Alarms"])


def test_every_canary_of_the_real_table_has_few_enough_alarms(
    whole: Callable[[str], Deployment],
) -> None:
    found = groups(whole("prod"))
    assert len(found) == len(WHOLE) + len(CONSUMERS)
    for group in found.values():
        assert len(group["AlarmConfiguration"]["Alarms"]) <= MOST_ALARMS


def test_more_alarms_than_codedeploy_watches_are_refused(deploy: Deploy) -> None:
    rows = tuple(row(f"/vast/{number}", list(Tier)[number % 4].value) for number in range(50))
    with pytest.raises(ValueError, match="vast has 12 alarms for its canary"):
        deploy("prod", {"vast": rows}, synthesised=False)


@pytest.mark.parametrize("concern", CONCERNS)
def test_codedeploy_may_move_these_aliases_and_read_these_alarms(
    concern: str, prod: Deployment
) -> None:
    (role,) = (
        each["Properties"]
        for name, each in prod.resources(concern, "AWS::IAM::Role").items()
        if name.startswith("ReleasesRole")
    )
    assert "ManagedPolicyArns" not in role
    rights: dict[str, str] = {}
    for statement in statements(role):
        for action in listed(statement["Action"]):
            rights[action] = rights.get(action, "") + json.dumps(statement["Resource"])
    assert set(rights) == {
        "cloudwatch:DescribeAlarms",
        "lambda:GetAlias",
        "lambda:GetProvisionedConcurrencyConfig",
        "lambda:UpdateAlias",
    }
    assert "*" not in "".join(rights.values())
    functions = {each["FunctionName"] for each in prod.properties(concern, FUNCTION)}
    moved = re.findall(r"function:(crm-prod-\w+):live", rights["lambda:UpdateAlias"])
    assert set(moved) == functions


def test_dev_takes_a_version_over_at_once(dev: Deployment) -> None:
    for concern in CONCERNS:
        dev.template(concern).resource_count_is(GROUP, 0)
        dev.template(concern).resource_count_is("AWS::CodeDeploy::Application", 0)
        for alias in dev.resources(concern, ALIAS).values():
            assert "UpdatePolicy" not in alias


def test_a_release_that_repairs_what_alarms_tell_of_need_not_wait_for_them(deploy: Deploy) -> None:
    asked = chosen(ENVIRONMENTS, {"environment": "prod", "release": "at-once"}.get)
    assert asked.release_at_once
    with pytest.raises(ValueError, match="canary or at-once, not 'soon'"):
        chosen(ENVIRONMENTS, {"release": "soon"}.get)
    for group in groups(deploy("prod", release_at_once=True)).values():
        assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaAllAtOnce"
        assert group["AlarmConfiguration"]["Enabled"] is False
        assert group["AlarmConfiguration"]["Alarms"]


def test_one_switch_starts_every_function_from_a_snapshot(deploy: Deploy) -> None:
    deployment = deploy("prod", snap_start=True)
    functions = [each for concern in CONCERNS for each in deployment.properties(concern, FUNCTION)]
    assert len(functions) == len(FAMILIES) + len(CONSUMERS)
    assert all(each["SnapStart"] == {"ApplyOn": "PublishedVersions"} for each in functions)


def test_a_function_is_kept_warm_on_request_but_not_also_started_from_a_snapshot(
    deploy: Deploy,
) -> None:
    families = {"look": FAMILIES["look"]}
    deployment = deploy("prod", families, provisioned_concurrency=2)
    (alias,) = deployment.properties("api", ALIAS)
    assert alias["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": 2}
    with pytest.raises(ValueError, match="kept warm, or starts from a snapshot"):
        deploy("prod", families, provisioned_concurrency=2, snap_start=True)


@pytest.mark.parametrize("name", ["test", "prod"])
def test_the_publisher_and_the_money_families_have_places_of_their_own(
    name: str, whole: Callable[[str], Deployment]
) -> None:
    deployment = whole(name)
    reserved = {
        each["FunctionName"].removeprefix(f"crm-{name}-"): each["ReservedConcurrentExecutions"]
        for concern in CONCERNS
        for each in deployment.properties(concern, FUNCTION)
        if "ReservedConcurrentExecutions" in each
    }
    assert set(reserved) == {PUBLISHER, *MONEY}
    assert reserved == deployment.settings.reserved_concurrency


def test_more_places_than_the_account_has_are_not_reserved(deploy: Deploy) -> None:
    with pytest.raises(ValueError, match="950 reserved of 1000 places"):
        deploy("prod", reserved_concurrency={"look": 950})

"""The deployment's entry with the real route table: it fits, and every row of it arrives."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.settings import PREFIX
from lambdas.families import FAMILIES
from shared.routes import ANYONE, Tier
from tests.infra.conftest import BUILD_ID, Deploy, Deployment, EntryRun, Families, row, run_app
from tests.infra.test_alarm_stack import latency_alarms, promised
from tests.infra.test_api_stack import granted, methods
from tests.infra.test_nag import findings

RESOURCES_A_STACK = 500
CHILDREN_OF_A_COMPOSITE = 100
LETTERS_OF_A_RULE = 10_240


def test_the_entry_makes_the_five_stacks_of_the_named_environment(entry_run: EntryRun) -> None:
    names = {each["properties"]["stackName"] for each in entry_run.stacks()}
    assert names == {f"crm-prod-{each}" for each in ("data", "events", "api", "jobs", "alarms")}
    assert BUILD_ID in (entry_run.folder / "Api.template.json").read_text()
    # No banner about the age of Node, or anything else that hides what a deployment says.
    assert entry_run.result.stderr == ""


def test_the_entry_refuses_an_environment_that_does_not_exist(tmp_path: Path) -> None:
    result = run_app(tmp_path, {"environment": "moon", "assets": "none"})
    assert result.returncode == 1
    assert "environment must be one of dev, test, prod, not 'moon'" in result.stderr


@pytest.fixture
def whole_prod(whole: Callable[[str], Deployment]) -> Deployment:
    return whole("prod")


def test_every_row_of_the_api_is_a_method_and_is_watched(whole_prod: Deployment) -> None:
    rows = [route for routes in FAMILIES.values() for route in routes]
    assert set(methods(whole_prod)) == {
        (method, PREFIX + route.path) for route in rows for method in (route.method, "ANY")
    }
    limits = {key: each["Threshold"] for key, each in latency_alarms(whole_prod).items()}
    assert limits == promised(FAMILIES)


def test_every_family_has_a_function_and_breaks_no_rule(whole_prod: Deployment) -> None:
    names = {each["FunctionName"] for each in whole_prod.properties("api", "AWS::Lambda::Function")}
    assert names == {f"crm-prod-{family}" for family in FAMILIES}
    assert findings(whole_prod.app) == []


@pytest.mark.parametrize("name", ["test", "prod"])
def test_every_stack_has_room_for_a_quarter_more_of_the_table(name: str, deploy: Deploy) -> None:
    rows = sum(map(len, FAMILIES.values()))
    more = {
        f"more{number}": tuple(
            row(f"/more{number}/a/step{step}", Tier.D.value, writes=True) for step in range(7)
        )
        for number in range(-(-rows // (4 * 7)))
    }
    for concern, template in deploy(name, {**FAMILIES, **more}).raw.items():
        assert len(template["Resources"]) < RESOURCES_A_STACK, concern


def test_what_a_row_and_a_family_take_of_a_stack_is_known(deploy: Deploy) -> None:
    """From this follows how many fit: 500 of the API's stack are 33, and 8 for a family, and up to
    4 for a row. So a row must never bring a permission or an alarm into that stack."""

    def counts(families: Families) -> dict[str, int]:
        raw = deploy("prod", families).raw
        return {concern: len(template["Resources"]) for concern, template in raw.items()}

    def family(number: int, rows: int) -> Families:
        latency = Tier.D.value
        return {f"f{number}": tuple(row(f"/f{number}/r{each}", latency) for each in range(rows))}

    one, two, more = (
        counts(families)
        for families in (family(1, 1), {**family(1, 1), **family(2, 1)}, family(1, 2))
    )
    # A path's own part, its method, and what refuses other methods.
    assert more["api"] - one["api"] == 3
    # The part of the family comes with its first row.
    assert two["api"] - one["api"] == 8 + 3 + 1
    assert more["alarms"] - one["alarms"] == 2
    assert two["alarms"] - one["alarms"] <= 2 + 4
    for concern in ("data", "events", "jobs"):
        assert one[concern] == two[concern] == more[concern]


def test_a_stack_that_is_too_large_is_never_synthesised(deploy: Deploy) -> None:
    rows = tuple(row(f"/vast/{number}", Tier.B.value) for number in range(160))
    families = {f"vast{number}": rows[number::16] for number in range(16)}
    with pytest.raises(RuntimeError, match=r"Number of resources in stack 'Api'.*greater than"):
        deploy("prod", families)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_may_do_what_its_rows_do_and_no_more(
    family: str, whole_prod: Deployment
) -> None:
    rows, rights = FAMILIES[family], granted(whole_prod, family)
    expected = {"logs:CreateLogStream", "logs:PutLogEvents"}
    if any(each.roles != (ANYONE,) for each in rows):
        expected |= {"dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:UpdateItem"}
        expected.add("secretsmanager:GetSecretValue")
    if any(each.writes for each in rows):
        expected |= {"dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem"}
    if any(each.erases for each in rows):
        expected |= {"dynamodb:BatchWriteItem", "kms:Sign"}
    assert rights == expected
    # Whoever erases knows the key that signs receipts, and nobody else does.
    (function,) = (
        each
        for each in whole_prod.properties("api", "AWS::Lambda::Function")
        if each["FunctionName"] == f"crm-prod-{family}"
    )
    variables = function["Environment"]["Variables"]
    assert ("CRM_RECEIPT_KEY_ID" in variables) == ("kms:Sign" in rights) == (family == "privacy")


def test_a_table_of_a_hundred_rows_stays_within_the_limits_of_a_stack(deploy: Deploy) -> None:
    tiers = list(Tier)
    families = {
        f"family{number}": tuple(
            row(f"/family{number}/some/step{step}", tiers[(number + step) % 4].value, writes=True)
            for step in range(9)
        )
        for number in range(11)
    }
    deployment = deploy("prod", families)
    for template in deployment.raw.values():
        assert len(template["Resources"]) <= RESOURCES_A_STACK
        assert len(json.dumps(template)) <= 1_000_000
    composites = deployment.properties("alarms", "AWS::CloudWatch::CompositeAlarm")
    assert len(composites) == len(tiers) + 6
    for each in composites:
        parts = each["AlarmRule"]["Fn::Join"][1]
        alarms = [part for part in parts if isinstance(part, dict)]
        assert len(alarms) <= CHILDREN_OF_A_COMPOSITE
        words = sum(len(part) for part in parts if isinstance(part, str))
        # An alarm's address, at its longest here.
        address = len("arn:aws:cloudwatch:ap-southeast-1:123456789012:alarm:") + max(
            len(alarm["AlarmName"])
            for alarm in deployment.properties("alarms", "AWS::CloudWatch::Alarm")
        )
        assert words + len(alarms) * address <= LETTERS_OF_A_RULE

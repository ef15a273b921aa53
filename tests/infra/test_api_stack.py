"""The gateway and its functions are the route table, and a family may do what its rows say."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest

from infra.function import IDENTITY_PARTITIONS
from infra.settings import PREFIX, STAGE
from shared import errors, hashes, keys
from shared.routes import Tier
from shared.settings import API_VERSION
from tests.infra.conftest import FAMILIES, ROOT, Deploy, Deployment, listed, row, statements

METHOD, RESOURCE = "AWS::ApiGateway::Method", "AWS::ApiGateway::Resource"
REFUSAL, FUNCTION = "AWS::ApiGateway::GatewayResponse", "AWS::Lambda::Function"

READS = {"dynamodb:BatchGetItem"}
UPDATE = "dynamodb:UpdateItem"
WRITES = {"dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem", UPDATE}


def methods(deployment: Deployment) -> dict[tuple[str, str], str]:
    """Every method of the gateway with the name of the function behind the alias it goes to."""
    resources = deployment.resources("api", RESOURCE)

    def path(reference: dict[str, Any]) -> str:
        if "Ref" not in reference:
            return ""
        properties = resources[reference["Ref"]]["Properties"]
        return f"{path(properties['ParentId'])}/{properties['PathPart']}"

    return {
        (each["HttpMethod"], path(each["ResourceId"])): deployment.behind(
            "api", _alias_of(each["Integration"]["Uri"])
        )
        for each in deployment.properties("api", METHOD)
    }


def _alias_of(uri: dict[str, Any]) -> str:
    (name,) = (part["Ref"] for part in uri["Fn::Join"][1] if "Ref" in part)
    return str(name)


def role(deployment: Deployment, family: str) -> dict[str, Any]:
    (found,) = (
        each["Properties"]
        for name, each in deployment.resources("api", "AWS::IAM::Role").items()
        if name.startswith(f"{family.capitalize()}Function")
    )
    return found


def granted(deployment: Deployment, family: str) -> set[str]:
    rights = statements(role(deployment, family))
    return {action for each in rights for action in listed(each["Action"])}


def test_each_row_is_a_method_and_the_rest_of_its_path_goes_to_the_same_door(
    prod: Deployment,
) -> None:
    expected = {}
    for family, routes in FAMILIES.items():
        for route in routes:
            for method in (route.method, "ANY"):
                expected[method, PREFIX + route.path] = f"crm-prod-{family}"
    assert methods(prod) == expected


def test_the_address_ends_where_every_path_of_the_document_begins(prod: Deployment) -> None:
    ((name, output),) = prod.raw["api"]["Outputs"].items()
    assert name == "ApiUrl"
    parts = output["Value"]["Fn::Join"][1]
    (stage,) = prod.resources("api", "AWS::ApiGateway::Stage")
    assert parts[-2:] == ["/", {"Ref": stage}]
    document = json.loads((ROOT / "openapi.json").read_text())
    assert all(path.startswith(PREFIX + "/") for path in document["paths"])


def test_two_rows_of_one_path_share_its_fallback(deploy: Deploy) -> None:
    families = {"twin": (row("/twin", Tier.B.value, method="GET"), row("/twin", Tier.D.value))}
    found = methods(deploy("prod", families))
    assert set(found) == {(method, "/crm/twin") for method in ("GET", "POST", "ANY")}


def test_every_function_is_made_by_the_one_recipe(prod: Deployment) -> None:
    stacks = ("api", "events", "jobs")
    functions = [each for stack in stacks for each in prod.properties(stack, FUNCTION)]
    families = {each["FunctionName"].removeprefix("crm-prod-"): each for each in functions}
    assert set(families) == {*FAMILIES, "events", "jobs", "search"}
    for family, function in families.items():
        assert function["Runtime"] == "python3.13"
        assert function["Architectures"] == ["arm64"]
        assert function["Handler"] == f"lambdas.{family}.handler.lambda_handler"
        assert len(function["Layers"]) == 1
        assert "Ref" in function["LoggingConfig"]["LogGroup"]
        assert "TracingConfig" not in function


def test_a_function_ends_before_the_gateway_gives_up(prod: Deployment) -> None:
    assert {each["Timeout"] for each in prod.properties("api", FUNCTION)} == {28}


def test_functions_learn_their_deployment_from_the_environment(deploy: Deploy) -> None:
    deployment = deploy("test", build={"major": "2", "minor": "5", "id": "MONDAY-1765671116"})
    variables = {
        each["FunctionName"]: each["Environment"]["Variables"]
        for each in deployment.properties("api", FUNCTION)
    }
    till = variables["crm-test-till"]
    assert till["CRM_ENVIRONMENT"] == "test"
    assert till["CRM_EVENT_BUS"] == "crm-test"
    assert till["CRM_TABLE"]["Fn::ImportValue"].startswith("crm-test-data:")
    assert "RootSecret" in till["CRM_ROOT_SECRET_ARN"]["Fn::ImportValue"]
    assert (till["CRM_BUILD_MAJOR"], till["CRM_BUILD_MINOR"]) == ("2", "5")
    assert till["CRM_BUILD_ID"] == "MONDAY-1765671116"
    assert "CRM_TABLE" not in variables["crm-test-stat"]


def test_a_public_family_has_no_right_but_its_log(prod: Deployment) -> None:
    assert granted(prod, "stat") == {"logs:CreateLogStream", "logs:PutLogEvents"}


def test_a_reading_family_updates_sessions_only(prod: Deployment) -> None:
    assert granted(prod, "look") & WRITES == {UPDATE}
    (update,) = (
        each for each in statements(role(prod, "look")) if UPDATE in listed(each["Action"])
    )
    assert update["Action"] == UPDATE
    assert update["Condition"] == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [IDENTITY_PARTITIONS]},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }


def test_sessions_lie_where_a_reading_family_may_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes, "secret_hash", lambda _secret: "HASH")
    partition, _ = keys.credential("a session")
    assert fnmatchcase(partition, IDENTITY_PARTITIONS)
    assert not fnmatchcase("O#ACME#C#customer", IDENTITY_PARTITIONS)


def test_a_writing_family_has_the_actions_of_a_transaction(prod: Deployment) -> None:
    table = {each for each in granted(prod, "till") if each.startswith("dynamodb:")}
    assert table == READS | WRITES | {"dynamodb:Query"}
    # The day of a customer's activity is set, and redemptions are counted, inside transactions.
    updates = [each for each in statements(role(prod, "till")) if UPDATE in listed(each["Action"])]
    assert [each for each in updates if "Condition" not in each]


def test_queries_reach_the_table_and_its_named_indexes(prod: Deployment) -> None:
    (query,) = (
        each
        for each in statements(role(prod, "look"))
        if "dynamodb:Query" in listed(each["Action"])
    )
    table, *indexes = query["Resource"]
    assert "Table" in table["Fn::ImportValue"]
    assert [each["Fn::Join"][1][1] for each in indexes] == [
        f"/index/GSI{number}" for number in (1, 2, 3)
    ]


@pytest.mark.parametrize("concern", ["api", "events"])
def test_no_function_has_a_wildcard_a_scan_or_a_managed_policy(
    concern: str, prod: Deployment
) -> None:
    roles = prod.resources(concern, "AWS::IAM::Role")
    own = {name: each["Properties"] for name, each in roles.items() if "Function" in name}
    assert own
    for properties in own.values():
        assert "ManagedPolicyArns" not in properties
        for statement in statements(properties):
            assert not [
                each for each in listed(statement["Action"]) if "*" in each or "Scan" in each
            ]
            assert "*" not in listed(statement["Resource"])
    prod.template(concern).resource_count_is("AWS::IAM::Policy", 0)


def test_the_gateway_may_call_each_function_by_one_permission(prod: Deployment) -> None:
    permissions = prod.properties("api", "AWS::Lambda::Permission")
    called = [prod.behind("api", each["FunctionName"]["Ref"]) for each in permissions]
    assert sorted(called) == sorted(f"crm-prod-{family}" for family in FAMILIES)
    for each in permissions:
        assert each["Principal"] == "apigateway.amazonaws.com"
        assert each["SourceArn"]["Fn::Join"][1][-1] == f"/{STAGE}/*/*"


def test_logs_end(prod: Deployment, dev: Deployment) -> None:
    for deployment, days in ((prod, 90), (dev, 7)):
        for concern in ("api", "events"):
            groups = deployment.properties(concern, "AWS::Logs::LogGroup")
            assert {each["RetentionInDays"] for each in groups} == {days}
    # Every function's, the access log and the gateway's own.
    assert len(prod.properties("api", "AWS::Logs::LogGroup")) == len(FAMILIES) + 2


@pytest.mark.parametrize(("name", "metrics"), [("dev", False), ("test", True), ("prod", True)])
def test_the_stage_measures_each_route_and_logs_no_body(
    name: str, metrics: bool, deployments: Deploy
) -> None:
    (stage,) = deployments(name).properties("api", "AWS::ApiGateway::Stage")
    assert stage["StageName"] == STAGE
    # The settings of a route take the place of the stage's, also where they say nothing.
    for settings in stage["MethodSettings"]:
        assert settings["MetricsEnabled"] is metrics
        assert settings["DataTraceEnabled"] is False
        assert settings["LoggingLevel"] == "ERROR"
    assert stage.get("TracingEnabled") is None


def test_the_access_log_is_json_without_anything_personal(prod: Deployment) -> None:
    (stage,) = prod.properties("api", "AWS::ApiGateway::Stage")
    assert "Arn" in stage["AccessLogSetting"]["DestinationArn"]["Fn::GetAtt"]
    noted = set(json.loads(stage["AccessLogSetting"]["Format"]).values())
    assert {"$context.requestId", "$context.resourcePath", "$context.status"} <= noted
    assert not [each for each in noted if "identity" in each or each == "$context.path"]
    assert not [each for each in noted if not each.startswith("$context.")]


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [
        ("MISSING_AUTHENTICATION_TOKEN", errors.NotFound),
        ("RESOURCE_NOT_FOUND", errors.NotFound),
        ("INVALID_SIGNATURE", errors.NotFound),
        ("THROTTLED", errors.RateLimited),
        ("REQUEST_TOO_LARGE", errors.PayloadTooLarge),
        ("UNSUPPORTED_MEDIA_TYPE", errors.UnsupportedMediaType),
        ("INTEGRATION_TIMEOUT", errors.Unavailable),
        ("DEFAULT_4XX", errors.InvalidInput),
        ("DEFAULT_5XX", errors.InternalError),
    ],
)
def test_the_gateway_refuses_in_the_envelope(
    kind: str, refusal: type[errors.ApiError], prod: Deployment
) -> None:
    (found,) = (each for each in prod.properties("api", REFUSAL) if each["ResponseType"] == kind)
    assert found["StatusCode"] == str(refusal.status)
    headers = {
        name.removeprefix("gatewayresponse.header."): value
        for name, value in found["ResponseParameters"].items()
    }
    assert headers["X-API-Version"] == f"'{API_VERSION}'"
    assert headers["X-Request-Id"] == "context.requestId"
    assert ("Retry-After" in headers) is refusal.retryable
    (media_type,) = found["ResponseTemplates"]
    assert media_type == "application/json"
    body = json.loads(found["ResponseTemplates"][media_type])
    assert body["success"] is False
    assert body["error"] == {
        "major": {"tag": refusal.tag, "message": refusal.message},
        "minor": [],
        "retryable": refusal.retryable,
        "detail": {},
    }
    assert set(body["build"]) == {"build_major", "build_minor", "build_id"}
    assert body["stats"]["build"] == body["build"]


def test_no_refusal_of_the_gateway_repeats_what_a_caller_sent(prod: Deployment) -> None:
    for each in prod.properties("api", REFUSAL):
        template = each["ResponseTemplates"]["application/json"]
        assert template.count("$") == template.count("$context.requestId")


def test_another_row_changes_what_is_deployed(deploy: Deploy, prod: Deployment) -> None:
    more = {**FAMILIES, "look": (*FAMILIES["look"], row("/look/find", Tier.C.value))}
    grown = deploy("prod", more)
    assert set(methods(grown)) - set(methods(prod)) == {
        ("POST", "/crm/look/find"),
        ("ANY", "/crm/look/find"),
    }
    (before,) = prod.resources("api", "AWS::ApiGateway::Deployment")
    (after,) = grown.resources("api", "AWS::ApiGateway::Deployment")
    assert before != after

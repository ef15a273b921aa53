"""The table keeps what it is given, has the schema's indexes and tells of every change."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lambdas.families import FAMILIES
from shared.keys import INDEXES, PARTITION, SORT, TTL, VIEW
from tests.infra.conftest import Deploy, Deployment, listed, statements


def _table(deployment: Deployment) -> dict[str, Any]:
    (table,) = deployment.resources("data", "AWS::DynamoDB::Table").values()
    return table


@pytest.mark.parametrize("name", ["dev", "test", "prod"])
def test_every_environment_protects_the_table(name: str, deployments: Deploy) -> None:
    deployments(name).template("data").has_resource_properties(
        "AWS::DynamoDB::Table",
        {
            "BillingMode": "PAY_PER_REQUEST",
            "DeletionProtectionEnabled": True,
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "SSESpecification": {"SSEEnabled": True},
            "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
            "TimeToLiveSpecification": {"AttributeName": TTL, "Enabled": True},
        },
    )


def test_the_table_has_the_schema_s_keys_and_indexes(prod: Deployment) -> None:
    properties = _table(prod)["Properties"]
    assert _keys(properties) == (PARTITION, SORT)
    found = {
        index["IndexName"]: (*_keys(index), index["Projection"])
        for index in properties["GlobalSecondaryIndexes"]
    }
    view = {"ProjectionType": "INCLUDE", "NonKeyAttributes": [VIEW]}
    assert found == {index.name: (index.partition, index.sort, view) for index in INDEXES}
    assert {each["AttributeType"] for each in properties["AttributeDefinitions"]} == {"S"}


def test_only_production_s_table_outlives_its_stack(prod: Deployment, dev: Deployment) -> None:
    assert _table(prod)["DeletionPolicy"] == "Retain"
    assert _table(prod)["UpdateReplacePolicy"] == "Retain"
    assert _table(dev)["DeletionPolicy"] == "Delete"


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_root_secret_is_generated_kept_and_never_rotated(
    name: str, deployments: Deploy
) -> None:
    deployment = deployments(name)
    (secret,) = deployment.resources("data", "AWS::SecretsManager::Secret").values()
    assert secret["DeletionPolicy"] == "Retain"
    assert secret["Properties"]["GenerateSecretString"]["PasswordLength"] >= 43
    deployment.template("data").resource_count_is("AWS::SecretsManager::RotationSchedule", 0)


def test_the_environment_is_in_the_stack_names_and_in_no_construct_id(
    prod: Deployment, dev: Deployment
) -> None:
    for concern in ("data", "events", "api", "jobs", "alarms"):
        ids = [set(deployment.raw[concern]["Resources"]) for deployment in (prod, dev)]
        stable = [
            # The id of a deployment or a version is a fingerprint of what it holds.
            {each for each in found if not re.search("ApiDeployment|CurrentVersion", each)}
            for found in ids
        ]
        # The smaller environment may do without, and has nothing of its own.
        assert stable[1] <= stable[0]
    names = {child.stack_name for child in prod.app.node.children if hasattr(child, "stack_name")}
    concerns = ("data", "events", "api", "jobs", "alarms")
    assert names == {f"crm-prod-{each}" for each in concerns}


def _keys(of: dict[str, Any]) -> tuple[str, str]:
    names = {each["KeyType"]: each["AttributeName"] for each in of["KeySchema"]}
    return names["HASH"], names["RANGE"]


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_log_of_erasures_outlives_any_backup(name: str, deployments: Deploy) -> None:
    deployment = deployments(name)
    (bucket,) = deployment.resources("data", "AWS::S3::Bucket").values()
    assert bucket["DeletionPolicy"] == "Retain"
    (rule,) = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] >= 400
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}


def test_one_function_adds_to_the_log_of_erasures_and_none_reads_it(prod: Deployment) -> None:
    stacks = ("api", "events", "jobs")
    roles = [each for stack in stacks for each in prod.properties(stack, "AWS::IAM::Role")]
    rights = [
        statement["Action"]
        for role in roles
        for policy in role.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if "ErasureLog" in str(statement["Resource"])
    ]
    assert rights == ["s3:PutObject"]
    (jobs,) = prod.properties("jobs", "AWS::Lambda::Function")
    name = jobs["Environment"]["Variables"]["CRM_ERASURE_LOG_BUCKET"]
    assert "ErasureLog" in name["Fn::ImportValue"]


@pytest.fixture(scope="module")
def rotated(deploy: Deploy) -> Deployment:
    """Production with the real table, after two rotations of the key of the receipts."""
    return deploy("prod", {"privacy": FAMILIES["privacy"]}, receipt_keys=3)


def test_every_key_of_receipts_is_kept_and_the_newest_signs(rotated: Deployment) -> None:
    keys = {
        name: key
        for name, key in rotated.resources("data", "AWS::KMS::Key").items()
        if key["Properties"].get("KeySpec") == "ECC_NIST_P256"
    }
    assert [key["DeletionPolicy"] for key in keys.values()] == ["Retain"] * 3
    first, second, third = (_arn(name) for name in keys)
    outputs = rotated.raw["data"]["Outputs"]
    assert outputs["ReceiptKeyArn"]["Value"] == third
    joined = ["", [first, ",", second, ",", third]]
    assert outputs["ReceiptKeyArns"]["Value"] == {"Fn::Join": joined}
    for concern in ("api", "jobs"):
        variables = [
            function["Environment"]["Variables"]["CRM_RECEIPT_KEY_ID"]
            for function in rotated.properties(concern, "AWS::Lambda::Function")
            if "CRM_RECEIPT_KEY_ID" in function["Environment"]["Variables"]
        ]
        assert [_exported(rotated, each) for each in variables] == [third]


def test_versions_from_before_a_rotation_may_still_sign(rotated: Deployment) -> None:
    _, second, third = (
        _arn(name)
        for name, key in rotated.resources("data", "AWS::KMS::Key").items()
        if key["Properties"].get("KeySpec") == "ECC_NIST_P256"
    )
    for concern in ("api", "jobs"):
        signing = [
            statement
            for role in rotated.properties(concern, "AWS::IAM::Role")
            if "Policies" in role
            for statement in statements(role)
            if statement["Action"] == "kms:Sign"
        ]
        (resources,) = (listed(statement["Resource"]) for statement in signing)
        assert [_exported(rotated, each) for each in resources] == [second, third]


def test_a_rotation_takes_no_export_away_that_a_stack_may_still_use(
    rotated: Deployment, prod: Deployment
) -> None:
    before, after = prod.raw["data"]["Outputs"], rotated.raw["data"]["Outputs"]
    exports = {output["Export"]["Name"] for output in before.values() if "Export" in output}
    assert exports <= {output["Export"]["Name"] for output in after.values() if "Export" in output}


def test_receipts_need_a_key(deploy: Deploy) -> None:
    with pytest.raises(ValueError, match="receipts need a key"):
        deploy("prod", receipt_keys=0)


def _arn(name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, "Arn"]}


def _exported(deployment: Deployment, imported: dict[str, str]) -> Any:
    """What another stack imports, as the data stack exports it."""
    (found,) = (
        output["Value"]
        for output in deployment.raw["data"]["Outputs"].values()
        if output.get("Export", {}).get("Name") == imported["Fn::ImportValue"]
    )
    return found

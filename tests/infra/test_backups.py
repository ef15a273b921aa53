"""Backups that outlive the region's own, and a table that was restored from one of them."""

from __future__ import annotations

from typing import Any

import pytest

from infra.backups import DAILY_KEPT_DAYS, MONTHLY_KEPT_DAYS
from infra.data_stack import ERASURE_LOG_DAYS
from infra.environments import ENVIRONMENTS
from infra.settings import RestoredTable, chosen
from tests.infra.conftest import Deploy, Deployment

STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/crm-again/stream/2026-11-26T00:00:00.000"


def rules(deployment: Deployment) -> list[dict[str, Any]]:
    (plan,) = deployment.properties("data", "AWS::Backup::BackupPlan")
    found: list[dict[str, Any]] = plan["BackupPlan"]["BackupPlanRule"]
    return found


def test_production_is_backed_up_each_day_and_each_month(prod: Deployment, dev: Deployment) -> None:
    kept = {rule["RuleName"]: rule["Lifecycle"]["DeleteAfterDays"] for rule in rules(prod)}
    assert kept == {"daily": DAILY_KEPT_DAYS, "monthly": MONTHLY_KEPT_DAYS}
    assert max(kept.values()) < ERASURE_LOG_DAYS
    (selection,) = prod.properties("data", "AWS::Backup::BackupSelection")
    assert "Table" in str(selection["BackupSelection"]["Resources"])
    (vault,) = prod.resources("data", "AWS::Backup::BackupVault").values()
    assert vault["DeletionPolicy"] == "Retain"
    assert not dev.resources("data", "AWS::Backup::BackupPlan")


def test_the_backups_and_the_root_secret_have_a_copy_elsewhere(deploy: Deploy) -> None:
    deployment = deploy("prod", backup_region="eu-west-1")
    for rule in rules(deployment):
        (copy,) = rule["CopyActions"]
        assert ":backup:eu-west-1:" in str(copy["DestinationBackupVaultArn"])
        assert copy["Lifecycle"] == rule["Lifecycle"]
    (secret,) = deployment.properties("data", "AWS::SecretsManager::Secret")
    assert secret["ReplicaRegions"] == [{"Region": "eu-west-1"}]
    assert not any(rule.get("CopyActions") for rule in rules(deploy("prod")))


def test_everything_uses_the_table_that_was_restored(deploy: Deploy) -> None:
    deployment = deploy("prod", restored_table=RestoredTable("crm-again", STREAM))
    (table,) = deployment.resources("data", "AWS::DynamoDB::Table").values()
    assert table["DeletionPolicy"] == "Retain"
    for stack in ("api", "events", "jobs"):
        for function in deployment.properties(stack, "AWS::Lambda::Function"):
            name = function["Environment"]["Variables"].get("CRM_TABLE", "crm-again")
            assert name == "crm-again"
    for mapping in deployment.properties("events", "AWS::Lambda::EventSourceMapping"):
        assert mapping["EventSourceArn"] == STREAM
    roles = str(deployment.raw["api"]) + str(deployment.raw["jobs"])
    assert "table/crm-again" in roles
    assert "table/crm-prod" not in roles
    (selection,) = deployment.properties("data", "AWS::Backup::BackupSelection")
    assert "table/crm-again" in str(selection["BackupSelection"]["Resources"])
    alarms = str(deployment.raw["alarms"])
    assert "crm-again" in alarms


def context(**values: str) -> Any:
    return lambda key: values.get(key.replace(":", "_"))


def test_a_restored_table_is_named_with_its_stream() -> None:
    good = chosen(ENVIRONMENTS, context(table_name="crm-again", table_stream_arn=STREAM))
    assert good.restored_table == RestoredTable("crm-again", STREAM)
    assert good.table_name == "crm-again"
    assert chosen(ENVIRONMENTS, context()).table_name == "crm-dev"
    for wrong in (
        {"table_name": "crm-again"},
        {"table_stream_arn": STREAM},
        {"table_name": "another", "table_stream_arn": STREAM},
    ):
        with pytest.raises(ValueError, match="table_stream_arn"):
            chosen(ENVIRONMENTS, context(**wrong))


def test_the_copy_is_in_another_region() -> None:
    place = {"dev_account": "123456789012", "dev_region": "eu-central-1"}
    good = chosen(ENVIRONMENTS, context(**place, dev_backup_region="eu-west-1"))
    assert good.backup_region == "eu-west-1"
    for wrong in ("eu-central-1", "elsewhere"):
        with pytest.raises(ValueError, match="backup_region"):
            chosen(ENVIRONMENTS, context(**place, dev_backup_region=wrong))

"""One switch leaves out what the emulator of AWS refuses, and nothing else."""

from __future__ import annotations

import pytest

from infra.environments import ENVIRONMENTS
from tests.infra.conftest import Deploy

REFUSED = {
    "AWS::ApiGateway::Account",
    "AWS::Backup::BackupPlan",
    "AWS::Backup::BackupSelection",
    "AWS::Backup::BackupVault",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::InsightRule",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Events::Archive",
    "AWS::WAFv2::WebACL",
    "AWS::WAFv2::WebACLAssociation",
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_emulator_gets_what_it_takes(name: str, deployments: Deploy) -> None:
    real, emulated = deployments(name), deployments(name, emulator=True)
    kinds = [
        {each["Type"] for template in made.raw.values() for each in template["Resources"].values()}
        for made in (real, emulated)
    ]
    assert kinds[0] - kinds[1] == REFUSED & kinds[0]
    assert not kinds[1] - kinds[0]
    alarms = emulated.properties("alarms", "AWS::CloudWatch::Alarm")
    assert len(alarms) > 25
    # It takes alarms on metrics, and not on expressions.
    assert not [each for each in alarms if "Metrics" in each]
    for alias in emulated.properties("api", "AWS::Lambda::Alias"):
        assert alias["Name"] == "live"


def test_the_switch_is_known_by_its_name_only(deployments: Deploy) -> None:
    """A table on the emulator must be easy to remove; one on AWS must not."""
    for emulator in (True, False):
        (table,) = deployments("dev", emulator=emulator).properties("data", "AWS::DynamoDB::Table")
        assert table["DeletionProtectionEnabled"] is not emulator

"""cdk-nag finds nothing that is not accepted with a reason, beside the construct it is about."""

from __future__ import annotations

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks
from constructs import IConstruct

from tests.infra.conftest import FAMILIES, Deploy, Deployment


def findings(app: IConstruct) -> list[tuple[str, str]]:
    report = AwsSolutionsChecks(app).validate_scope(app)
    return [
        (violation.rule_name, resource.construct_path or "")
        for violation in report.violations
        for resource in violation.violating_resources
    ]


def accepted(app: App) -> list[tuple[IConstruct, str, str]]:
    """Every exception: where it was made, the rule, the reason."""
    kind = Validations.ACKNOWLEDGED_RULES_METADATA_KEY
    return [
        (construct, rule, reason)
        for construct in app.node.find_all()
        for entry in construct.node.metadata
        if entry.type == kind
        for rule, reason in dict(entry.data).items()
    ]


@pytest.mark.parametrize("name", ["dev", "test", "prod"])
def test_no_environment_breaks_a_rule_unaccepted(name: str, deployments: Deploy) -> None:
    assert findings(deployments(name).app) == []


def test_the_rules_are_really_applied() -> None:
    app = App()
    s3.Bucket(Stack(app, "Careless"), "Open")
    assert ("AwsSolutions-S10", "Careless/Open/Resource") in findings(app)


def test_a_template_that_breaks_a_rule_is_not_synthesised(deploy: Deploy) -> None:
    app = deploy("dev", {"stat": FAMILIES["stat"]}, synthesised=False).app
    s3.Bucket(Stack(app, "Careless"), "Open")
    with pytest.raises(RuntimeError, match="AwsSolutions-S10"):
        app.synth()


def test_every_exception_has_a_reason_and_is_on_one_construct(prod: Deployment) -> None:
    exceptions = accepted(prod.app)
    assert exceptions
    for construct, rule, reason in exceptions:
        assert not isinstance(construct, App | Stack), rule
        assert len(reason.split()) >= 12, (construct.node.path, rule)


def test_the_exceptions_are_these(prod: Deployment, dev: Deployment) -> None:
    rules = [
        {rule.split("::AwsSolutions-")[1].split("[")[0] for _, rule, _ in accepted(deployment.app)}
        for deployment in (prod, dev)
    ]
    assert rules[0] == {"APIG2", "APIG4", "COG4", "IAM4", "IAM5", "L1", "S1", "SMG4", "SQS3"}
    assert rules[1] == {*rules[0], "APIG3"}

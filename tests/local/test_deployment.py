"""A deployed table is found by what its stacks say, and the documented commands work on it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from infra.local.deployment import outputs_of
from infra.local.identities import Refused


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS in this process. Without an address of its own a client calls the real one, which moto
    takes over."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        yield


def stack(name: str, **outputs: str) -> None:
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))


@pytest.mark.usefixtures("aws")
def test_the_outputs_of_an_environment_are_found_by_its_table() -> None:
    stack("crm-prod-data", TableName="crm-prod-restored", RootSecretArn="secret-of-prod")
    stack("crm-prod-events", EventBusName="crm-prod")
    stack("crm-dev-data", TableName="crm-dev", RootSecretArn="secret-of-dev")
    stack("crm-dev-events", EventBusName="crm-dev")
    assert outputs_of("crm-prod-restored") == {
        "TableName": "crm-prod-restored",
        "RootSecretArn": "secret-of-prod",
        "EventBusName": "crm-prod",
    }
    assert outputs_of("crm-dev")["EventBusName"] == "crm-dev"


@pytest.mark.usefixtures("aws")
def test_a_table_that_no_stack_has_is_refused_in_words() -> None:
    stack("crm-dev-data", TableName="crm-dev", RootSecretArn="secret-of-dev")
    with pytest.raises(Refused, match="no deployed stack has the table crm-prod"):
        outputs_of("crm-prod")


def test_an_account_out_of_reach_is_refused_in_words() -> None:
    # The address of all services is a port where nothing listens.
    with pytest.raises(Refused, match="cannot be read"):
        outputs_of("crm-prod")

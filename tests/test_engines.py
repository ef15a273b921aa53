"""moto as an engine of the tests: what it copies at each transaction does not stay."""

from __future__ import annotations

import gc

import boto3
import pytest
from moto.dynamodb.models.table import Table

from infra.local.engine import create_table
from tests.engines import InProcess


def test_no_copy_of_the_table_outlives_its_emptying(monkeypatch: pytest.MonkeyPatch) -> None:
    # A client without an address of its own calls AWS, and moto answers in its place.
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
        monkeypatch.delenv(name)
    engine = InProcess()
    try:
        client = boto3.client("dynamodb", "us-east-1")
        create_table(client, "crm-moto", stream=False)
        for number in range(9):
            put = {"TableName": "crm-moto", "Item": {"pk": {"S": "P"}, "sk": {"S": str(number)}}}
            client.transact_write_items(TransactItems=[{"Put": put}])
        kept = len(tables())
        assert kept > 9, "moto keeps no copies any more: forget() is not needed"
        client.delete_table(TableName="crm-moto")
        engine.forget()
        assert len(tables()) <= kept - 10
    finally:
        engine.stop()


def tables() -> list[Table]:
    gc.collect()
    return [one for one in gc.get_objects() if type(one) is Table]

"""The tests' own tools are exact: faults as on AWS, bills as published."""

from __future__ import annotations

import ast
from decimal import Decimal
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import get_session

from infra.local.clients import table_administration
from infra.local.settings import TABLE
from shared.aws_client import ServiceError, Unanswered
from tests import meter as meter_module
from tests.builders import World
from tests.faults import (
    OPERATIONS,
    Crash,
    Faults,
    conflict,
    crash,
    lost_answer,
    throttled,
    transaction_throttled,
    unprocessed,
    unreachable,
)
from tests.meter import Meter, item_size


def key(name: str, world: World) -> dict[str, dict[str, str]]:
    return {"pk": {"S": f"O#{world.code}#{name}"}, "sk": {"S": "A"}}


def put(name: str, world: World, size: int = 0) -> dict[str, object]:
    item: dict[str, object] = {**key(name, world), "filler": {"S": "x" * size}}
    return {"Put": {"TableName": TABLE, "Item": item}}


def is_there(name: str, world: World) -> bool:
    return "Item" in table_administration().get_item(TableName=TABLE, Key=key(name, world))


def test_a_conflict_cancels_the_transaction_that_it_hits(faults: Faults, world: World) -> None:
    faults.inject(conflict(1), operation="transact_write_items")
    actions = [put("one", world), put("two", world)]
    with pytest.raises(ServiceError, match="TransactionCanceledException") as refusal:
        faults.transact_write_items(TransactItems=actions)
    codes = [reason["Code"] for reason in refusal.value.response["CancellationReasons"]]
    assert codes == ["None", "TransactionConflict"]
    assert not is_there("one", world)
    faults.transact_write_items(TransactItems=actions)
    assert is_there("one", world)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (throttled(), "ProvisionedThroughputExceededException"),
        (throttled("ThrottlingException"), "ThrottlingException"),
        (transaction_throttled(), "TransactionCanceledException"),
    ],
)
def test_throttles_are_client_errors(
    faults: Faults, world: World, fault: object, code: str
) -> None:
    faults.inject(fault, at=2)  # type: ignore[arg-type]
    faults.transact_write_items(TransactItems=[put("one", world)])
    with pytest.raises(ServiceError) as refusal:
        faults.transact_write_items(TransactItems=[put("two", world)])
    assert refusal.value.response["Error"]["Code"] == code
    assert faults.pending == 0
    assert faults.count("transact_write_items") == 2


def test_a_lost_answer_has_happened_and_an_unreachable_table_has_not(
    faults: Faults, world: World
) -> None:
    faults.inject(lost_answer())
    with pytest.raises(Unanswered):
        faults.transact_write_items(TransactItems=[put("one", world)])
    assert is_there("one", world)
    faults.inject(unreachable())
    with pytest.raises(Unanswered, match="unreachable"):
        faults.transact_write_items(TransactItems=[put("two", world)])
    assert not is_there("two", world)


@pytest.mark.parametrize("before", [True, False])
def test_a_crash_falls_before_or_after_the_call(faults: Faults, world: World, before: bool) -> None:
    faults.inject(crash(before=before), operation="transact_write_items")
    with pytest.raises(Crash):
        faults.transact_write_items(TransactItems=[put("one", world)])
    there = is_there("one", world)
    assert there is not before


def test_unprocessed_keys_are_handed_back(faults: Faults, world: World) -> None:
    faults.transact_write_items(TransactItems=[put("one", world), put("two", world)])
    keys = [key("one", world), key("two", world)]
    faults.inject(unprocessed(1), operation="batch_get_item")
    answer = faults.batch_get_item(RequestItems={TABLE: {"Keys": keys}})
    assert len(answer["Responses"][TABLE]) == 1
    assert answer["UnprocessedKeys"][TABLE]["Keys"] == keys[1:]


def test_the_size_of_an_item_is_the_published_one() -> None:
    item = {
        "pk": {"S": "é"},
        "number": {"N": "-12345"},
        "flag": {"BOOL": True},
        "list": {"L": [{"S": "ab"}, {"N": "100"}]},
        "map": {"M": {"k": {"S": "v"}}},
    }
    # names 2+6+4+4+3; text 2; number 3+1+1; flag 1; list 3+(1+2)+(1+2); map 3+1+1+1
    assert item_size(item) == 19 + 2 + 5 + 1 + 9 + 6


def test_the_meter_knows_the_operations_of_the_service_and_no_others() -> None:
    """Others pass through it uncounted, so what it knew of them would never be used."""
    texts = {
        node.value
        for node in ast.walk(ast.parse(Path(meter_module.__file__).read_text()))
        if isinstance(node, ast.Constant)
    }
    every = {
        xform_name(name) for name in get_session().get_service_model("dynamodb").operation_names
    }
    assert texts & every == OPERATIONS


def test_the_bill_follows_the_published_arithmetic(meter: Meter, world: World) -> None:
    small, large = put("small", world), put("large", world, 5_000)
    with meter.measuring() as costs:
        meter.transact_write_items(TransactItems=[small, large])
    assert (costs[0].calls, costs[0].trips) == (1, 1)
    assert costs[0].write_units == 2 * 1 + 2 * 5
    with meter.measuring() as costs:
        keys = [key(name, world) for name in ("small", "large", "nowhere")]
        meter.batch_get_item(RequestItems={TABLE: {"Keys": keys, "ConsistentRead": True}})
        meter.batch_get_item(RequestItems={TABLE: {"Keys": [key("large", world)]}})
    assert costs[0].read_units == 1 + 2 + 1 + Decimal(1)
    assert costs[0].trips == 2
    assert costs[0].operations == ("batch_get_item", "batch_get_item")


def test_an_index_entry_costs_a_write_when_it_is_made_or_changed(
    meter: Meter, world: World
) -> None:
    item = {**key("entry", world), "g1pk": {"S": f"O#{world.code}#LIST"}, "g1sk": {"S": "1"}}
    for change, units in (({}, 2), ({}, 1), ({"v": {"S": "seen"}}, 2), ({"g1sk": {"S": "2"}}, 3)):
        item |= change
        with meter.measuring() as costs:
            meter.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": item}}]})
        assert costs[0].write_units == units, change


def test_a_filter_does_not_make_a_query_cheaper(meter: Meter, world: World) -> None:
    for number in range(4):
        item = {"pk": {"S": f"O#{world.code}#Q"}, "sk": {"S": str(number)}, "x": {"S": "y" * 3_000}}
        table_administration().put_item(TableName=TABLE, Item=item)
    with meter.measuring() as costs:
        answer = meter.query(
            TableName=TABLE,
            KeyConditionExpression="pk = :p",
            FilterExpression="sk = :s",
            ExpressionAttributeValues={":p": {"S": f"O#{world.code}#Q"}, ":s": {"S": "0"}},
            ConsistentRead=True,
        )
    assert answer["Count"] == 1
    assert costs[0].read_units == 3

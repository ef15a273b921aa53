"""The publisher puts each event on a real bus once it is there, and loses none that it is not."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from lambdas.events.handler import BATCH, lambda_handler
from shared import clients
from tests.aws import BUS, LATER, NEVER, Aws, Refusing, faulty, lost_answer, record, unreachable


def published(*records: dict[str, Any]) -> list[str]:
    """The records that the publisher asks the stream to repeat."""
    answer = lambda_handler({"Records": list(records)}, None)
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [each["event_id"] for each in events]


def test_events_arrive_through_a_rule_in_order_and_whole(aws: Aws) -> None:
    assert published(record(1, "customer-created", "consent-set"), record(2, "x-done")) == []
    found = aws.received()
    assert ids(found) == ["evt_1_0", "evt_1_1", "evt_2_0"]
    assert found[0] == {
        "event_id": "evt_1_0",
        "action": "customer-created",
        "data": {},
        "schema_version": "1.0",
        "service": "crm",
        "orgcode": "ACME",
        "build": {"build_major": "1", "build_minor": "0", "build_id": "TUESDAY-1"},
    }


def test_the_clients_of_the_deployed_code_reach_bus_and_queue(aws: Aws) -> None:
    clients.use(events=None, sqs=None)
    clients.use(events=Refusing(clients.events(), {"bad": NEVER}))
    assert published(record(1, "good"), record(2, "bad")) == []
    assert ids(aws.received()) == ["evt_1_0"]
    assert len(aws.refused()) == 1


def test_a_batch_larger_than_one_call_of_the_bus_arrives_in_order(aws: Aws) -> None:
    many = BATCH * 2 + 1
    assert published(*(record(number, "x-done") for number in range(many))) == []
    assert ids(aws.received()) == [f"evt_{number}_0" for number in range(many)]


def test_what_the_bus_will_never_accept_waits_in_the_queue_and_holds_up_nothing(aws: Aws) -> None:
    clients.use(events=Refusing(aws.bus, {"bad": NEVER}))
    assert published(record(1, "good"), record(2, "bad"), record(3, "good")) == []
    assert ids(aws.received()) == ["evt_1_0", "evt_3_0"]
    (refused,) = aws.refused()
    assert (refused["code"], refused["DetailType"], refused["EventBusName"]) == (NEVER, "bad", BUS)


def test_what_the_bus_may_accept_later_is_repeated_from_there_on(aws: Aws) -> None:
    clients.use(events=Refusing(aws.bus, {"late": LATER}))
    assert published(record(1, "good"), record(2, "late"), record(3, "good")) == ["2"]
    assert aws.refused() == []


@pytest.mark.parametrize("fault", [unreachable, lost_answer])
def test_a_bus_out_of_reach_is_asked_again_from_the_first_record(aws: Aws, fault: Any) -> None:
    bus = faulty(aws.bus)
    bus.inject(fault())
    clients.use(events=bus)
    assert published(record(1, "good"), record(2, "good")) == ["1"]
    assert published(record(1, "good"), record(2, "good")) == []
    # What the lost answer had published comes twice, under the same id.
    assert set(ids(aws.received())) == {"evt_1_0", "evt_2_0"}


def test_a_queue_out_of_reach_stops_the_batch_so_that_nothing_is_lost(aws: Aws) -> None:
    clients.use(events=Refusing(aws.bus, {"bad": NEVER}))
    queue = faulty(aws.queues)
    queue.inject(unreachable())
    clients.use(sqs=queue)
    with pytest.raises(EndpointConnectionError):
        published(record(1, "bad"))
    assert published(record(1, "bad")) == []
    assert len(aws.refused()) == 1


def test_removals_and_changes_without_an_event_publish_nothing(aws: Aws) -> None:
    change = record(1, "x-done")["dynamodb"]
    removed = {"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "2", **change}}
    touched = {"eventName": "MODIFY", "dynamodb": {**change, "OldImage": change["NewImage"]}}
    assert published(removed, touched, record(3)) == []
    assert aws.received() == []

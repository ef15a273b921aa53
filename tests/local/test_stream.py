"""The stream's reader does as a deployed mapping does: in order, again from the first failure."""

from __future__ import annotations

from typing import Any

from infra.local import clients as local_clients
from infra.local.settings import TABLE
from infra.local.stream import ATTEMPTS, StreamReader
from tests.builders import World
from tests.conftest import Database


class Consumer:
    """Takes records of one org, and fails where ``fails`` says so."""

    def __init__(self, org: str, *fails: str) -> None:
        self.org, self.fails = org, list(fails)
        self.handled: list[str] = []

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        assert context.get_remaining_time_in_millis() > 0
        for record in event["Records"]:
            key = record["dynamodb"]["Keys"]
            if key["pk"]["S"] != f"O#{self.org}#Q":
                continue
            if key["sk"]["S"] in self.fails:
                self.fails.remove(key["sk"]["S"])
                number = record["dynamodb"]["SequenceNumber"]
                return {"batchItemFailures": [{"itemIdentifier": number}]}
            self.handled.append(key["sk"]["S"])
        return {"batchItemFailures": []}


def reader(database: Database, consumer: Consumer) -> StreamReader:
    client = local_clients.streams()
    return StreamReader(client, database.stream_arn, "test", consumer, "LATEST")


def write(database: Database, world: World, *names: str) -> None:
    for name in names:
        item = {"pk": {"S": f"O#{world.code}#Q"}, "sk": {"S": name}, "b": {"B": b"\x00\xff"}}
        database.client.put_item(TableName=TABLE, Item=item)


def test_a_failed_record_comes_again_before_those_behind_it(
    database: Database, world: World
) -> None:
    consumer = Consumer(world.code, "2")
    mapping = reader(database, consumer)
    write(database, world, "1", "2", "3")
    mapping.drain()
    assert consumer.handled == ["1", "2", "3"]
    assert mapping.given_up == []


def test_a_record_that_always_fails_is_given_up_and_the_next_ones_come(
    database: Database, world: World
) -> None:
    consumer = Consumer(world.code, *["2"] * ATTEMPTS)
    mapping = reader(database, consumer)
    write(database, world, "1", "2", "3")
    mapping.drain()
    assert consumer.handled == ["1", "3"]
    assert len(mapping.given_up) == 1


def test_more_than_a_page_is_read_to_its_end(database: Database, world: World) -> None:
    consumer = Consumer(world.code)
    mapping = reader(database, consumer)
    names = [str(number) for number in range(230)]
    write(database, world, *names)
    mapping.drain()
    assert consumer.handled == names

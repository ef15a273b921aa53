"""The table through our own client and through the SDK's: the same answers, the same failures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

from shared import auth, clients
from shared.api import new_id
from shared.aws_client import Client, ServiceError
from shared.clients import SdkClient
from shared.codec import Item
from shared.keys import PARTITION, SORT
from shared.marks import Id
from shared.records import Get, Query
from shared.settings import settings
from shared.table import Table
from shared.writes import Check, Condition, Delete, Put, Update, at_revision
from tests.builders import World
from tests.conftest import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    KIND: ClassVar[str] = "note"
    note_id: Id
    revision: int = 1


@pytest.fixture(params=["own", "sdk"])
def table(
    request: pytest.FixtureRequest, database: Database, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Table]:
    assert database.engine.is_running
    before = clients.dynamodb()
    here = replace(settings(), sdk_only=request.param == "sdk")
    monkeypatch.setattr(clients, "settings", lambda: here)
    clients.use(dynamodb=None)
    made = clients.dynamodb()
    assert isinstance(made, Client if request.param == "own" else SdkClient)
    yield Table()
    made.client.close() if isinstance(made, SdkClient) else made.close()
    clients.use(dynamodb=before)


def item(world: World, number: int, revision: int = 1) -> Item[Note]:
    note = Note(note_id=f"ü{number}", revision=revision)
    return Item((f"O#{world.code}#NOTES", f"{number:05d}"), note)


def every(world: World, **more: Any) -> Query[Note]:
    return Query(f"O#{world.code}#NOTES", "0", "9", Note, **more)


def put(table: Table, *items: Item[Note]) -> None:
    assert table.transact([Put(one) for one in items], new_id(auth.now()), 0) is None


def test_what_is_written_is_read(table: Table, world: World) -> None:
    items = [item(world, number) for number in range(130)]
    for start in range(0, 130, 65):
        put(table, *items[start : start + 65])
    gets = [Get(one.key, Note) for one in items] + [Get(("O#none", "0"), Note)]
    records = table.load(
        [*gets, every(world, limit=None), every(world, limit=2, newest_first=True)]
    )
    assert [records.get(get) for get in gets] == [*(one.record for one in items), None]
    assert records.all(every(world, limit=None)) == [one.record for one in items]
    last = records.all(every(world, limit=2, newest_first=True))
    assert [note.note_id for note in last] == ["ü129", "ü128"]
    assert table.read_units > 0
    assert table.write_units > 0


def test_a_failed_condition_brings_the_current_item(table: Table, world: World) -> None:
    put(table, item(world, 1, revision=7))
    update = Update(item(world, 1, revision=3), if_revision=2)
    failed = table.transact([update, Put(item(world, 2))], new_id(auth.now()), 0)
    assert failed is not None
    ((write, current),) = failed.writes
    assert write is update
    assert current.record(Note) == Note(note_id="ü1", revision=7)
    assert table.load([Get(item(world, 2).key, Note)]).is_absent(Get(item(world, 2).key, Note))


def test_a_repeated_transaction_has_one_effect(table: Table, world: World) -> None:
    writes = [Put(item(world, 1)), Check(("O#none", "0"), Condition("attribute_not_exists(pk)"))]
    for _ in range(2):
        assert table.transact(writes, f"{world.code}-twice", 0) is None


def test_batches_and_touches(table: Table, world: World) -> None:
    put(table, *(item(world, number) for number in range(40)))
    table.write_batch([], [item(world, number).key for number in range(39)])
    (left,) = table.load([every(world)]).all(every(world))
    assert left.note_id == "ü39"
    key = item(world, 39).key
    table.touch(key, "revision", {"N": "5"}, at_revision(1))
    table.touch(key, "revision", {"N": "9"}, at_revision(1))
    assert table.load([Get(key, Note)]).require(Get(key, Note)).revision == 5
    assert table.transact([Delete(key, at_revision(5))], new_id(auth.now()), 0) is None


def test_a_call_that_cannot_be_right_is_told(table: Table) -> None:
    with pytest.raises(ServiceError) as told:
        table.ask(
            "query", TableName="no-such-table", KeyConditionExpression=f"{PARTITION} = {SORT}"
        )
    assert told.value.response["Error"]["Code"].endswith("Exception")

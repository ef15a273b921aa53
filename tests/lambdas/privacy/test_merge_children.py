"""A merge leaves records where they are: it costs the same for 3 of them and for 3,000."""

from __future__ import annotations

from datetime import UTC, datetime

from lambdas.privacy.models.records import ExportRecord
from shared.codec import KIND, Item, item_wire
from shared.keys import of_org
from shared.table import Table
from tests.builders import World
from tests.conftest import Database
from tests.lambdas.privacy.couples import merged, someone
from tests.meter import Cost, Meter


def with_children(world: World, guid: str, many: int) -> None:
    keys, wires = of_org(world.code), []
    for number in range(many):
        record = ExportRecord(
            export_id=f"exp_{number:05d}",
            customer_guid=guid,
            actor="user_guid:U1",
            exported_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        wires.append(item_wire(Item(keys.export(guid, record.export_id), record), "builder", []))
    Table().write_batch(wires, [])


def test_a_merge_costs_the_same_for_three_children_and_for_three_thousand(
    world: World, database: Database, meter: Meter
) -> None:
    costs: dict[int, Cost] = {}
    for many in (3, 3_000):
        source, target = someone(world), someone(world)
        with_children(world, source, many)
        with meter.measuring() as found:
            merged(world, source, target)
        costs[many] = found[0]
        children = [i for i in database.items(world.code) if i[KIND]["S"] == "export"]
        assert sum(child["customer_guid"]["S"] == source for child in children) == many
    assert costs[3] == costs[3_000]

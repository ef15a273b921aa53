"""Writes that belong together, many such units in one transaction. A write that comes too late,
because another worker on the job was first, is left out together with its unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared.errors import Busy
from shared.keys import Key
from shared.table import ACTIONS, Table
from shared.writes import Write, key_written

Unit = tuple[Write, ...]


def written(table: Table, new_id: Callable[[], str], units: Sequence[Unit]) -> set[Key]:
    """Makes the writes of all units, as many as fit into one transaction at once. Returns the keys
    of the writes that came too late."""
    late: set[Key] = set()
    batch: list[Unit] = []
    for unit in units:
        if sum(map(len, batch)) + len(unit) > ACTIONS:
            late |= _write(table, new_id, batch)
            batch = []
        batch.append(unit)
    if batch:
        late |= _write(table, new_id, batch)
    return late


def _write(table: Table, new_id: Callable[[], str], batch: Sequence[Unit]) -> set[Key]:
    left, all_late = list(batch), set[Key]()
    while left:
        failed = table.transact([write for unit in left for write in unit], new_id(), 0)
        if failed is None:
            break
        late = {id(write) for write, _ in failed.writes}
        remaining = [unit for unit in left if not late & {id(write) for write in unit}]
        if len(remaining) == len(left):
            raise Busy()
        all_late |= {key_written(write) for write, _ in failed.writes}
        left = remaining
    return all_late

"""Guards and look-ups of records in other partitions. They go when their record goes, or loses the
values that they are found by. A guard that several records share stays as long as one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lambdas.privacy.operations import any_kind
from lambdas.privacy.operations.linked import LinkedItem, items_at
from lambdas.privacy.operations.units import Unit, written
from lambdas.privacy.operations.worker import Worker
from shared.errors import Busy
from shared.keys import Key, Keys
from shared.kinds import Kind
from shared.writes import Condition, Delete, Put, at_revision

Places = Callable[[Keys, Any], Sequence[Key]]


def give_up(
    worker: Worker, items: Sequence[LinkedItem], places_of: Callable[[Kind], Places | None]
) -> None:
    """Removes the guards of these records, as far as they are theirs alone, and takes the records
    out of those that others need. ``places_of`` says of a kind where its guards are."""
    own: dict[Key, list[str]] = {}
    shared: dict[Key, list[LinkedItem]] = {}
    for item in items:
        places = places_of(item.kind)
        for place in () if places is None else places(worker.keys, item.record):
            if item.kind.released is None:
                own.setdefault(place, []).append(item.record_id)
            else:
                shared.setdefault(place, []).append(item)
    # Several of the records may have had the place one after the other. One transaction deletes it
    # once.
    units: list[Unit] = [(Delete(place, _held_by(ids)),) for place, ids in own.items()]
    written(worker.table, worker.new_id, units)
    while shared:
        guards = items_at(worker.table, list(shared))
        units = [unit for guard in guards if (unit := _without(guard, shared[guard.key]))]
        late = written(worker.table, worker.new_id, units)
        # Somebody has changed such a guard meanwhile: then it is read again.
        shared = {place: leaving for place, leaving in shared.items() if place in late}
        if shared and not worker.table.retry_budget.may_retry_after_pause(conflict=True):
            raise Busy()


def _without(guard: LinkedItem, leaving: Sequence[LinkedItem]) -> Unit:
    """Returns the write of a guard that these records leave; none where it does not name them."""
    after, same = guard.record, at_revision(guard.record.revision)
    for item in leaving:
        assert item.kind.released is not None, "only such a guard is shared"
        after = after and item.kind.released(after, item.record_id)
    if after is None:
        return (Delete(guard.key, same),)
    if after is guard.record:
        return ()
    return (Put(any_kind.rewritten(guard.wire, after), condition=same),)


def _held_by(record_ids: Sequence[str]) -> Condition:
    """Returns the condition that a guard is there for one of these records, and for no other one by
    now. They are of one page, so they are no more than ``IN`` takes: a hundred."""
    values = {f":id{number}": {"S": one} for number, one in enumerate(record_ids)}
    text = f"attribute_not_exists(holder) OR holder IN ({', '.join(values)})"
    return Condition(text, values=values)

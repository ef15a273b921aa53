"""A ledger replayed: from a checkpoint where there is one, with all that was merged into it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lambdas.loyalty import storage
from shared.api import Call
from shared.ledger import (
    CheckpointPart,
    CheckpointRecord,
    LedgerEntry,
    Replay,
    asks_for_archive,
    intact,
    resumable,
)
from shared.table import Query, Records


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replay; the checkpoint that it began ``after``, with the ids of the spent lots read from
    the archive; and one that could not be believed, so that it began at the first entry."""

    replay: Replay
    after: CheckpointRecord | None = None
    archived: frozenset[str] = frozenset()
    damaged: CheckpointRecord | None = None


def replayed(
    call: Call, guid: str, seen: Records, *, until: datetime | None = None, as_source: bool = False
) -> Replayed:
    """The ledger of a customer, as it was ``until`` then. ``seen`` has its checkpoints and, where
    they were read, its latest entries. ``as_source``: spent lots are needed too, because another
    ledger took over what this one held."""
    heads = seen.all(storage.checkpoints(call.keys, guid))
    head = next((h for h in heads if until is None or h.settled_at <= until), None)
    if head is not None:
        found = _after(call, head, seen, until, as_source)
        if found is not None:
            return found
    entries = _entries(call, guid, seen, 0, [], until)
    replay = Replay(guid, _sources(call, entries)).run(entries, until)
    return Replayed(replay, damaged=head)


def _after(
    call: Call, head: CheckpointRecord, seen: Records, until: datetime | None, as_source: bool
) -> Replayed | None:
    """The replay from a checkpoint; None where what is stored of it is not what was written."""
    parts_at, archive_at = storage.parts_of(call.keys, head), storage.archive_of(call.keys, head)
    beside = [parts_at, archive_at] if as_source else [parts_at]
    entries = _entries(call, head.customer_guid, seen, head.sequence, beside, until)
    parts = seen.all(parts_at)
    held = [lot for part in parts for lot in part.lots]
    if asks_for_archive(held, entries) and not seen.has(archive_at):
        seen.add(call.table.load([archive_at]))
    archive: list[CheckpointPart] | None = seen.all(archive_at) if seen.has(archive_at) else None
    if not intact(head, parts, archive):
        return None
    start = resumable(head, parts, archive or [])
    replay = Replay.resumed(start, _sources(call, entries)).run(entries, until)
    archived = frozenset(lot.lot_id for part in archive or [] for lot in part.lots)
    return Replayed(replay, head, archived)


def _entries(
    call: Call,
    guid: str,
    seen: Records,
    after: int,
    beside: list[Query[CheckpointPart]],
    until: datetime | None,
) -> list[LedgerEntry]:
    """The entries after one, in order; what is wanted ``beside`` them is read in the same trip."""
    latest_at = storage.latest_entries(call.keys, guid)
    latest: list[LedgerEntry] = []
    missing: list[Query[Any]] = []
    if seen.has(latest_at):
        latest = seen.all(latest_at)[::-1]
        if latest and latest[0].sequence > after + 1:
            missing = [storage.entries_between(call.keys, guid, after, latest[0].sequence)]
    else:
        missing = [storage.entries_between(call.keys, guid, after)]
    unread = [wanted for wanted in (*missing, *beside) if not seen.has(wanted)]
    if unread:
        seen.add(call.table.load(unread))
    found = [entry for wanted in missing for entry in seen.all(wanted)] + latest
    return [
        entry
        for entry in found
        if entry.sequence > after and (until is None or entry.recorded_at <= until)
    ]


def _sources(call: Call, entries: list[LedgerEntry]) -> dict[str, Replay]:
    """The replays of the ledgers that these entries took over, by customer."""
    guids = {e.counterpart_guid for e in entries if e.kind == "merge_in" and e.counterpart_guid}
    wanted = {guid: storage.checkpoints(call.keys, guid) for guid in sorted(guids)}
    if not wanted:
        return {}
    seen = call.table.load(wanted.values())
    return {guid: replayed(call, guid, seen, as_source=True).replay for guid in wanted}

"""A ledger replayed: from a checkpoint where there is one, with all that was merged into it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lambdas.loyalty import storage
from shared.keys import Keys
from shared.ledger import (
    CheckpointPart,
    CheckpointRecord,
    LedgerEntry,
    Replay,
    asks_for_archive,
    intact,
    resumable,
)
from shared.records import Query, Read, Records


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replay; the checkpoint that it began ``after``, with the ids of the spent lots read from
    the archive; and one that could not be believed, so that it began at the first entry."""

    replay: Replay
    after: CheckpointRecord | None = None
    archived: frozenset[str] = frozenset()
    damaged: CheckpointRecord | None = None


def replayed(
    keys: Keys,
    guid: str,
    records: Records,
    *,
    until: datetime | None = None,
    as_source: bool = False,
) -> Replayed:
    """Returns the ledger of a customer, as it was ``until`` then. Whatever of it was not read is
    asked for. ``as_source``: spent lots are needed too, because another ledger took over what this
    one held."""
    heads = records.all(storage.checkpoints(keys, guid))
    later = [head for head in heads if until is not None and head.settled_at > until]
    # Entries are in the order of time: what a later checkpoint covers not, came after ``until``.
    before = later[-1].sequence + 1 if later else None
    head = next(iter(heads[len(later) :]), None)
    if head is not None:
        found = _after(keys, head, records, until, before, as_source)
        if found is not None:
            return found
    entries = _entries(keys, guid, records, 0, before, until)
    replay = Replay(guid, _sources(keys, records, entries)).run(entries, until)
    return Replayed(replay, damaged=head)


def _after(
    keys: Keys,
    head: CheckpointRecord,
    records: Records,
    until: datetime | None,
    before: int | None,
    as_source: bool,
) -> Replayed | None:
    """The replay from a checkpoint; None where what is stored of it is not what was written."""
    guid = head.customer_guid
    parts_at, archive_at = storage.parts_of(keys, head), storage.archive_of(keys, head)
    beside = [parts_at, archive_at] if as_source else [parts_at]
    entries = _entries(keys, guid, records, head.sequence, before, until, *beside)
    parts = records.all(parts_at)
    held = [lot for part in parts for lot in part.lots]
    archive: list[CheckpointPart] | None = None
    if as_source or asks_for_archive(held, entries):
        archive = records.all(archive_at)
    if not intact(head, parts, archive):
        return None
    start = resumable(head, parts, archive or [])
    replay = Replay.resumed(start, _sources(keys, records, entries)).run(entries, until)
    archived = frozenset(lot.lot_id for part in archive or [] for lot in part.lots)
    return Replayed(replay, head, archived)


def _entries(
    keys: Keys,
    guid: str,
    records: Records,
    after: int,
    before: int | None,
    until: datetime | None,
    *beside: Read,
) -> list[LedgerEntry]:
    """The entries after one and before another, in order; what is wanted ``beside`` them is read in
    the same trip. The latest entries, where they were read, are not read again."""
    latest = records.all_if_read(storage.latest_entries(keys, guid))[::-1]
    missing: list[Query[LedgerEntry]] = []
    if not latest:
        missing = [storage.entries_between(keys, guid, after, before)]
    elif latest[0].sequence > after + 1:
        missing = [storage.entries_between(keys, guid, after, latest[0].sequence)]
    records.ensure(*missing, *beside)
    found = [entry for query in missing for entry in records.all(query)] + latest
    return [
        entry
        for entry in found
        if entry.sequence > after and (until is None or entry.recorded_at <= until)
    ]


def _sources(keys: Keys, records: Records, entries: list[LedgerEntry]) -> dict[str, Replay]:
    """The replays of the ledgers that these entries took over, by customer."""
    guids = sorted(
        {e.counterpart_guid for e in entries if e.kind == "merge_in" and e.counterpart_guid}
    )
    records.ensure(*(storage.checkpoints(keys, guid) for guid in guids))
    return {guid: replayed(keys, guid, records, as_source=True).replay for guid in guids}

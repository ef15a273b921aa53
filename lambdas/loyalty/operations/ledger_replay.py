"""A ledger replayed: from a checkpoint where there is one, with all that was merged into it.

First everything is read that the replay needs, of all ledgers at once; the replay itself reads
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

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
from shared.records import Read, Records, Unread

ENTRIES_FIRST = 500
"""How many entries a look at a past time reads at first; then twice as many each time."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Ledger:
    """What a replay needs of one ledger: the checkpoint that it begins ``after``, with its lots and
    the spent ones of its archive; the entries since; and a checkpoint that could not be believed,
    so that it begins where the ledger begins. ``begins_with_damaged``: that is the very checkpoint
    which the ledger begins with, so that there is nothing before it."""

    guid: str
    entries: Sequence[LedgerEntry]
    after: CheckpointRecord | None = None
    parts: Sequence[CheckpointPart] = ()
    archive: Sequence[CheckpointPart] = ()
    damaged: CheckpointRecord | None = None
    begins_with_damaged: bool = False

    @property
    def took_over(self) -> bool:
        """Whether the entries take over what another ledger held."""
        return any(entry.kind == "merge_in" for entry in self.entries)

    def replayed(self, merged: Mapping[str, _Ledger], until: datetime | None = None) -> Replay:
        """Returns the replay, after those of the ``merged`` ledgers that the entries take over."""
        guids = {e.counterpart_guid for e in self.entries if e.kind == "merge_in"}
        sources = {g: merged[g].replayed(merged) for g in guids if g is not None and g in merged}
        if self.after is None:
            return Replay(self.guid, sources).run(self.entries, until)
        start = resumable(self.after, self.parts, self.archive)
        replay = Replay.resumed(start, sources)
        if self.begins_with_damaged:
            replay.broken = f"checkpoint {self.after.number} is not what its hash was made of"
        return replay.run(self.entries, until)


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replay; the checkpoint that it began ``after``, with the ids of the spent lots read from
    the archive; and one that could not be believed. ``begins_with_damaged``: the replay began with
    that very one, because the ledger does. Then it proves nothing."""

    replay: Replay
    after: CheckpointRecord | None
    archived: frozenset[str]
    damaged: CheckpointRecord | None
    begins_with_damaged: bool


def replayed(
    keys: Keys, records: Records, owners: Sequence[str], *, until: datetime | None = None
) -> Replayed:
    """Returns the ledger of a customer, the first of ``owners``, as it was ``until`` then. The
    others were merged into it, or into one another before. Whatever was not read is asked for."""
    guid, *others = owners
    own = _ledger(keys, guid, records, until=until)
    merged: list[_Ledger] = []
    if own.took_over:
        records.ensure(
            *(read for other in others for read in storage.ledger_begins(keys, other)),
            *(storage.latest_entries(keys, other) for other in others),
        )
        asks = [lambda g=other: _ledger(keys, g, records, is_source=True) for other in others]
        merged = _all_of(asks)
    replay = own.replayed({ledger.guid: ledger for ledger in merged}, until)
    is_whole = replay.broken is None and replay.divergence is None
    if not is_whole and records.was_read_since(storage.start_at(keys, guid)):
        # Retention may have removed entries between the trips: then the ledger begins elsewhere.
        raise Unread(*(read for owner in owners for read in storage.ledger_begins(keys, owner)))
    archived = frozenset(lot.lot_id for part in own.archive for lot in part.lots)
    return Replayed(replay, own.after, archived, own.damaged, own.begins_with_damaged)


def _ledger(
    keys: Keys,
    guid: str,
    records: Records,
    *,
    until: datetime | None = None,
    is_source: bool = False,
) -> _Ledger:
    """Returns what a replay needs of a ledger. Another ledger that took over what a source held
    needs the spent lots too: a redemption from them can still be restored."""
    records.ensure(*storage.ledger_begins(keys, guid))
    heads = records.all(storage.checkpoints(keys, guid))
    start = records.get(storage.start_at(keys, guid))
    first = next((h for h in heads if start is not None and h.number == start.checkpoint), None)
    head = next((h for h in heads if until is None or h.settled_at <= until), None)
    if head is None:
        return _Ledger(guid, _entries(keys, guid, records, 0, until))

    def after(head: CheckpointRecord) -> tuple[_Ledger, bool]:
        parts_at, archive_at = storage.parts_of(keys, head), storage.archive_of(keys, head)
        beside = [parts_at, archive_at] if is_source else [parts_at]
        entries = _entries(keys, guid, records, head.sequence, until, *beside)
        parts = records.all(parts_at)
        archive: Sequence[CheckpointPart] | None = None
        if is_source or asks_for_archive([lot for part in parts for lot in part.lots], entries):
            archive = records.all(archive_at)
        ledger = _Ledger(guid, entries, head, parts, archive or ())
        return ledger, intact(head, parts, archive)

    ledger, whole = after(head)
    if whole:
        return ledger
    if first is None:
        return _Ledger(guid, _entries(keys, guid, records, 0, until), damaged=head)
    # The entries before the first checkpoint are gone: a replay can begin nowhere else.
    ledger, whole = after(first)
    return replace(ledger, damaged=head if whole else first, begins_with_damaged=not whole)


def _entries(
    keys: Keys, guid: str, records: Records, after: int, until: datetime | None, *beside: Read
) -> list[LedgerEntry]:
    """Returns the entries after one, in order; what is wanted ``beside`` them is read in the same
    trip."""
    if until is not None:
        records.ensure(
            storage.entries_between(keys, guid, after, after + ENTRIES_FIRST + 1), *beside
        )
        return _entries_until(keys, guid, records, after, until)
    latest = records.all_if_read(storage.latest_entries(keys, guid))[::-1]
    # The latest entries, where they were read, are not read again.
    before = latest[0].sequence if latest else None
    missing = []
    if before is None or before > after + 1:
        missing = [storage.entries_between(keys, guid, after, before)]
    records.ensure(*missing, *beside)
    found = [entry for query in missing for entry in records.all(query)] + latest
    return [entry for entry in found if entry.sequence > after]


def _entries_until(
    keys: Keys, guid: str, records: Records, after: int, until: datetime
) -> list[LedgerEntry]:
    """Returns the entries after one that were recorded by a time. They are in the order of time, so
    they are read from the front, in longer and longer stretches, until one is later: at most about
    as many are read in vain as are needed, and a few looks reach the end of any ledger."""
    found: list[LedgerEntry] = []
    many = ENTRIES_FIRST
    while True:
        last = after + many
        some = records.all(storage.entries_between(keys, guid, after, last + 1))
        found += [entry for entry in some if entry.recorded_at <= until]
        if not some or some[-1].sequence < last or some[-1].recorded_at > until:
            return found
        after, many = last, many * 2


def _all_of(asks: Iterable[Callable[[], T]]) -> list[T]:
    """Returns what each of these makes of the records. What any of them misses is asked for at
    once, so that it takes as many trips for many ledgers as for one."""
    found: list[T] = []
    missing: list[Read] = []
    for ask in asks:
        try:
            found.append(ask())
        except Unread as unread:
            missing += unread.reads
    if missing:
        raise Unread(*missing)
    return found

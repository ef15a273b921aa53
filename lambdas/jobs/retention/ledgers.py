"""How a run shortens a ledger: entries that are older than the policy keeps them go, and a
checkpoint stands in their place.

First the checkpoint is written, and that the ledger begins with it. From then on nobody reads the
entries before it, so they can be removed one after another, by whoever goes on with the work.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lambdas.jobs.retention.outcomes import ACTED, CHANGED, NOT_DUE
from lambdas.loyalty import storage
from lambdas.loyalty.models.records import ENTRY
from lambdas.loyalty.operations.ledger_replay import replayed
from lambdas.privacy.operations.removing import THERE
from lambdas.privacy.operations.units import written
from lambdas.retention.due import Before
from shared.call import Call
from shared.codec import Item, key_of
from shared.customer_state import CustomerStateRecord
from shared.keys import KeyRange
from shared.ledger import (
    PARTS_AT_ONCE,
    CheckpointRecord,
    LedgerEntry,
    LedgerStart,
    Replay,
    Totals,
    resumable,
    stored_checkpoint,
)
from shared.ledger_storage import start_item
from shared.records import AnyRecord, Query, Records
from shared.writes import Check, Put, Update, Write

NEWER_CHECKPOINT, BROKEN, TOO_MANY_LOTS, MERGED = (
    "newer_checkpoint",
    "broken",
    "too_many_lots",
    "merged",
)
"""Why a ledger stays as it is: its checkpoints are all younger than the time for which entries are
kept; it does not follow from itself, and a checkpoint would hide where it goes wrong; one
transaction cannot write all of its lots; the ledger that took it over still needs it."""
MERGE_OUT = "merge_out"
ENTRIES, PAGES = 100, 50
"""How many entries one step removes, and how many steps one run takes with one ledger. The next run
goes on with the rest."""


@dataclass(frozen=True, slots=True)
class _Ledger:
    """A ledger: where it begins (None: it has no entries), its checkpoints, newest first, and its
    last entry."""

    guid: str
    start: LedgerStart | None
    heads: Sequence[CheckpointRecord]
    last: LedgerEntry | None

    def was_taken_over_by(self, moment: datetime) -> bool:
        """Returns whether another ledger had taken it over at a time."""
        last = self.last
        return last is not None and last.kind == MERGE_OUT and last.recorded_at <= moment

    @property
    def begins_with(self) -> CheckpointRecord | None:
        """Returns the checkpoint that it begins with."""
        number = 0 if self.start is None else self.start.checkpoint
        return next((head for head in self.heads if head.number == number), None)

    def has_absorbed(self, guid: str) -> bool:
        """Returns whether it holds, with all that is known of them, the lots of another ledger."""
        head = self.begins_with
        return head is not None and any(one.customer_guid == guid for one in head.absorbed)


def shorten(
    call: Call,
    customer_guid: str,
    states: Sequence[CustomerStateRecord],
    checks: Sequence[Check],
    end: Before,
) -> str:
    """Removes the entries of a ledger that were recorded until ``end``. ``states``: of its customer
    and of everyone with whom it was merged; ``checks``: that they may be touched. Returns what
    became of it: a word.

    The answer to a transaction that was sent with an idempotency key reads its entry, so entries
    stay for as long as such keys do.
    """
    until = min(end.moment, call.now - timedelta(days=call.settings.idempotency_days))
    owners = list(dict.fromkeys(guid for state in states for guid in state.owners))
    ledgers = _ledgers(call, owners)
    ledger = ledgers[customer_guid]
    if ledger.start is None or ledger.start.kept_since > until:
        return NOT_DUE
    if not ledger.was_taken_over_by(until):
        reason = _begun(call, ledger, owners, checks, until)
        return reason or _removed(call, _ledgers(call, [customer_guid])[customer_guid])
    if not _absorbed(ledgers, customer_guid):
        for other in ledgers.values():
            if other.start is not None and not other.was_taken_over_by(until):
                _begun(call, other, owners, checks, until)
        ledgers = _ledgers(call, owners)
    if not _absorbed(ledgers, customer_guid):
        return MERGED
    _removed_whole(call, ledger)
    return ACTED


def _absorbed(ledgers: dict[str, _Ledger], guid: str) -> bool:
    return any(ledger.has_absorbed(guid) for ledger in ledgers.values())


def _ledgers(call: Call, guids: Sequence[str]) -> dict[str, _Ledger]:
    """Returns the ledgers of these customers, read in one trip."""
    keys = call.keys
    last = {guid: storage.entries_before(keys, guid, None, 1) for guid in guids}
    begins = {guid: storage.ledger_begins(keys, guid) for guid in guids}
    records = call.table.load(
        [*last.values(), *(read for pair in begins.values() for read in pair)]
    )
    return {
        guid: _Ledger(
            guid,
            records.get(begins[guid][0]),
            records.all(begins[guid][1]),
            next(iter(records.all(last[guid])), None),
        )
        for guid in guids
    }


# ---------------------------------------------------------------- the checkpoint


def _begun(
    call: Call, ledger: _Ledger, owners: Sequence[str], checks: Sequence[Check], until: datetime
) -> str | None:
    """Lets a ledger begin with a checkpoint of the time ``until``, or with the last one before.
    Returns why it cannot; None: it begins so now."""
    guid, start = ledger.guid, ledger.start
    assert start is not None, "only such a ledger is shortened"
    others = [other for other in owners if other != guid]

    def made(records: Records) -> str | tuple[CheckpointRecord, Totals, list[Write]]:
        read = replayed(call.keys, records, [guid, *others], until=until)
        replay = read.replay
        if read.damaged or replay.broken or replay.divergence:
            return BROKEN
        if not replay.sequence:
            return NOT_DUE
        newest = next(iter(ledger.heads), None)
        # Checkpoints are numbered in the order of time, so none can be made before another one.
        late = newest is not None and newest.settled_at > until
        if read.after is not None and (late or read.after.sequence == replay.sequence):
            return read.after, _totals(call, records, read.after), []
        if late:
            return NEWER_CHECKPOINT
        head, parts = stored_checkpoint(replay.checkpoint(), read.after, read.archived)
        if len(parts) > PARTS_AT_ONCE:
            return TOO_MANY_LOTS
        return head, replay.totals, storage.checkpoint_writes(call.keys, head, parts)

    found = call.read(storage.ledger_begins(call.keys, guid), made)
    if isinstance(found, str):
        return found
    head, totals, writes = found
    if head.number == start.checkpoint:
        return None
    begins = replace(
        start,
        checkpoint=head.number,
        after=head.sequence,
        begins_at=head.settled_at,
        last_hash=head.last_hash,
        totals=totals,
        revision=start.revision + 1,
    )
    writes.append(Update(start_item(call.keys, begins), start.revision))
    if call.table.transact([*writes, *checks], call.new_id(), 0) is not None:
        return CHANGED
    return None


def _totals(call: Call, records: Records, head: CheckpointRecord) -> Totals:
    """Returns the sums of a ledger at one of its checkpoints."""
    parts = records.all(storage.parts_of(call.keys, head))
    return Replay.resumed(resumable(head, parts)).totals


# ---------------------------------------------------------------- the entries


def _removed(call: Call, ledger: _Ledger) -> str:
    """Removes what lies before the checkpoint that a ledger begins with. Returns what became of
    it."""
    keys, guid, start, head = call.keys, ledger.guid, ledger.start, ledger.begins_with
    if start is None or head is None:
        return CHANGED
    if not _entries_removed(call, guid, start.after + 1):
        return ACTED
    before = head.number - 1
    _heads_removed(call, ledger, before)
    if before:
        _all_removed(call, keys.checkpoint_parts(guid, 1, before, spent=False))
    if head.archive_from > 1:
        _all_removed(call, keys.checkpoint_parts(guid, 1, head.archive_from - 1, spent=True))
    following = Query(*keys.ledger_entries(guid, start.after), LedgerEntry, 1)
    entries = call.table.load([following]).all(following)
    # A ledger that keeps no entry is looked at again when the next one can be old enough.
    kept_since = entries[0].recorded_at if entries else call.now
    moved = replace(start, kept_since=kept_since, revision=start.revision + 1)
    # Where somebody else has moved it on meanwhile, it stays as that one left it.
    call.table.transact([Update(start_item(keys, moved), start.revision)], call.new_id(), 0)
    return ACTED


def _removed_whole(call: Call, ledger: _Ledger) -> None:
    """Removes a ledger that another one has taken over, with its checkpoints. Where it begins goes
    last: whoever goes on with the work finds the rest by it."""
    keys, guid = call.keys, ledger.guid
    if not _entries_removed(call, guid, None):
        return
    newest = max((head.number for head in ledger.heads), default=0)
    _heads_removed(call, ledger, newest)
    for spent in (False, True):
        _all_removed(call, keys.checkpoint_parts(guid, 1, newest, spent=spent))
    call.table.write_batch([], [keys.ledger_start(guid)])


def _heads_removed(call: Call, ledger: _Ledger, last: int) -> None:
    numbers = [head.number for head in ledger.heads if head.number <= last]
    places = [call.keys.ledger_checkpoint(ledger.guid, number) for number in numbers]
    call.table.write_batch([], places)


def _entries_removed(call: Call, guid: str, before: int | None) -> bool:
    """Removes the entries before a sequence (None: all), the oldest first. Returns whether none of
    them is left."""
    places = call.keys.ledger_entries(guid, before=before)
    for _ in range(PAGES):
        query = Query(*places, LedgerEntry, ENTRIES)
        entries = call.table.load([query]).all(query)
        if not entries:
            return True
        _answers_kept(call, entries)
        keys = [call.keys.ledger_entry(guid, entry.sequence) for entry in entries]
        call.table.write_batch([], keys)
    return False


def _answers_kept(call: Call, entries: Iterable[LedgerEntry]) -> None:
    """Writes the transaction into the answer that repeats of its order get, so that it no longer
    needs the entry. What people wrote goes with the entry."""
    keys = call.keys
    answers = {
        storage.answer_at(keys, entry.customer_guid, entry.loyalty_txn_id): entry
        for entry in entries
        if entry.order_ref is not None
    }
    records = call.table.load(answers)
    units = []
    for place, entry in answers.items():
        answer = records.get(place)
        if answer is None or ENTRY not in answer.data:
            continue
        bare = replace(entry, reason=None, source_refs=())
        data = {"transaction": storage.entry_shown(bare), **answer.data}
        del data[ENTRY]
        units.append((Put(Item(place.key, replace(answer, data=data)), condition=THERE),))
    written(call.table, call.new_id, units)


def _all_removed(call: Call, places: KeyRange) -> None:
    query = Query(*places, AnyRecord, None)
    found = call.table.load([query]).wires([query])[0]
    call.table.write_batch([], [key_of(wire) for wire in found])

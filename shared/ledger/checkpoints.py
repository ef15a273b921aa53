"""Checkpoints as they are stored: a head, and the lots in parts that never change.

A ledger keeps every lot it ever opened in mind, because a redemption can be restored however old
it is. Writing all of them at each checkpoint would cost more each time, so a checkpoint stores the
lots that hold something, and beside them only those that were spent since the checkpoint before.
The spent ones of all checkpoints together are the *archive*, read only where an entry asks for it.

The head's hash covers its fields and its lots; ``archive_hash`` is a chain over the archive.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from shared.ledger.entries import GENESIS, NO_LOTS, LedgerEntry
from shared.ledger.lots import Lot, moment_text, spend_order
from shared.ledger.pages import Absorbed
from shared.ledger.replay import Checkpoint
from shared.marks import Id

PART_BYTES = 40_000
"""About how large a part may be: well within an item, and eighty within a transaction."""
PARTS_AT_ONCE = 80
"""How many parts one checkpoint may write: one transaction holds them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRecord:
    """The head of a checkpoint: what the ledger of ``customer_guid`` came to with entry
    ``sequence``. They are numbered without a gap, so two that follow the same one are the same one,
    and only one is written. Its archive begins with the checkpoint ``archive_from``."""

    KIND: ClassVar[str] = "loyalty_checkpoint"
    customer_guid: Id
    number: int
    sequence: int
    last_hash: Id
    settled_at: datetime
    lifetime_earned: int
    debt_points: int
    absorbed: tuple[Absorbed, ...] = ()
    archive_from: int
    archive_hash: Id = GENESIS
    hash: Id = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointPart:
    """Lots of a ``checkpoint``, by its number; those of the archive are ``spent``. ``number``
    counts from 1."""

    KIND: ClassVar[str] = "loyalty_checkpoint_part"
    checkpoint: int
    number: int
    spent: bool
    lots: tuple[Lot, ...]


def stored_checkpoint(
    checkpoint: Checkpoint,
    before: CheckpointRecord | None,
    archived: Collection[str],
    damaged: CheckpointRecord | None = None,
) -> tuple[CheckpointRecord, tuple[CheckpointPart, ...]]:
    """Returns a checkpoint as it is written after the one ``before`` (None: its archive is its
    own); ``archived`` are the ids of the spent lots that were read from the archive. ``damaged``:
    the last one, where it could not be believed. More than ``PARTS_AT_ONCE`` parts are too many to
    write."""
    last = before or damaged
    number = 1 if last is None else last.number + 1
    held = [lot for lot in checkpoint.lots if not lot.spent]
    spent = [lot for lot in checkpoint.lots if lot.spent and lot.lot_id not in archived]
    parts = _parts(number, held, spent=False)
    archive = _parts(number, spent, spent=True)
    head = CheckpointRecord(
        customer_guid=checkpoint.customer_guid,
        number=number,
        sequence=checkpoint.sequence,
        last_hash=checkpoint.last_hash,
        settled_at=checkpoint.settled_at,
        lifetime_earned=checkpoint.lifetime_earned,
        debt_points=checkpoint.debt_points,
        absorbed=checkpoint.absorbed,
        archive_from=number if before is None else before.archive_from,
        archive_hash=archive_hash(archive, GENESIS if before is None else before.archive_hash),
    )
    return replace(head, hash=head_hash(head, held)), (*parts, *archive)


def resumable(
    head: CheckpointRecord, parts: Iterable[CheckpointPart], archive: Sequence[CheckpointPart] = ()
) -> Checkpoint:
    """Returns the checkpoint that a head and its parts make, with the archive's lots where read.
    ``intact`` says whether it can be believed."""
    held = {lot.lot_id: lot for part in parts for lot in part.lots}
    spent = {lot.lot_id: lot for part in archive for lot in part.lots}
    return Checkpoint(
        customer_guid=head.customer_guid,
        sequence=head.sequence,
        last_hash=head.last_hash,
        settled_at=head.settled_at,
        lifetime_earned=head.lifetime_earned,
        debt_points=head.debt_points,
        lots=tuple(sorted({**spent, **held}.values(), key=spend_order)),
        absorbed=head.absorbed,
    )


def intact(
    head: CheckpointRecord,
    parts: Iterable[CheckpointPart],
    archive: Iterable[CheckpointPart] | None = None,
) -> bool:
    """Whether a head, its lots and, where it was read, its archive are what was written."""
    whole = head.hash == head_hash(head, [lot for part in parts for lot in part.lots])
    return whole and (archive is None or head.archive_hash == archive_hash(archive))


def asks_for_archive(held: Iterable[Lot], entries: Iterable[LedgerEntry]) -> bool:
    """Whether entries after a checkpoint name a lot that it does not hold and they do not open."""
    known = {lot.lot_id for lot in held} | NO_LOTS
    for entry in entries:
        if entry.opens is not None:
            known.add(entry.opens.lot_id)
        # A merge names the lots of the other side, which come from the other side's ledger.
        if entry.kind != "merge_in" and any(a.lot_id not in known for a in entry.allocations):
            return True
    return False


def head_hash(head: CheckpointRecord, held: Iterable[Lot]) -> str:
    """Returns SHA-256 of the head's fields and of its lots in spend order, hexadecimal."""
    return _sha256(
        [
            head.customer_guid,
            head.number,
            head.sequence,
            head.last_hash,
            moment_text(head.settled_at),
            head.lifetime_earned,
            head.debt_points,
            [[a.customer_guid, a.into, a.sequence] for a in head.absorbed],
            head.archive_from,
            head.archive_hash,
            [_covered(lot) for lot in sorted(held, key=spend_order)],
        ]
    )


def archive_hash(parts: Iterable[CheckpointPart], before: str = GENESIS) -> str:
    """Returns the chain over parts of the archive in their order, continued from ``before``."""
    for part in parts:
        lots = [_covered(lot) for lot in part.lots]
        before = _sha256([before, part.checkpoint, part.number, lots])
    return before


def _parts(checkpoint: int, lots: Sequence[Lot], *, spent: bool) -> list[CheckpointPart]:
    parts: list[list[Lot]] = []
    room = 0
    for lot in sorted(lots, key=spend_order):
        room -= _bytes(lot)
        if room < 0:
            parts.append([])
            room = PART_BYTES - _bytes(lot)
        parts[-1].append(lot)
    return [
        CheckpointPart(checkpoint=checkpoint, number=number, spent=spent, lots=tuple(some))
        for number, some in enumerate(parts, 1)
    ]


def _bytes(lot: Lot) -> int:
    """Returns at least what a stored lot takes: its texts and times, and some for the numbers."""
    texts = len(lot.lot_id) + len(lot.terms.policy_version or "")
    return 120 + texts + sum(80 + len(repayment.ledger) for repayment in lot.repaid)


def _covered(lot: Lot) -> list[Any]:
    terms = lot.terms
    repaid = [[moment_text(r.at), r.ledger, r.sequence, r.points] for r in lot.repaid]
    own = [terms.lot_id, terms.points, terms.key, terms.policy_version, terms.opened]
    return [*own, lot.remaining, repaid]


def _sha256(covered: list[Any]) -> str:
    text = json.dumps(covered, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()

"""Is what is stored what the ledger says? And how to make it so.

The replay judges; the stored balance and pages are compared with it field by field. A repair writes
the balance and the pages that differ. Entries are never touched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lambdas.loyalty.rules.decision import Decision, Stamp
from shared.errors import InvalidInput
from shared.ledger import (
    OPEN,
    PARTS_AT_ONCE,
    BalanceRecord,
    CheckpointRecord,
    Holdings,
    Lot,
    LotPage,
    PageEntry,
    Replay,
    TooManyLots,
    Unfolded,
    described,
    spend_order,
    stored_checkpoint,
    summed,
)

DIFFERENCES_TOLD = 100
CHECKPOINT_AFTER = 500
"""How many entries a replay reads before a checkpoint is worth its price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field of what is stored that is not what the ledger leads to; absent values do not exist on
    that side. ``first_divergent_txn_id``: the first entry that disagrees with those before it."""

    field: str
    stored: int | str | None
    derived: int | str | None
    first_divergent_txn_id: str | None
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalculation:
    """``holdings`` are as the ledger says, in the pages that there are. ``differences`` are the
    first hundred. ``chain_fault`` says where the chain of entries breaks, if it does;
    ``only_damage``: nothing is wrong but a checkpoint."""

    holdings: Holdings
    differences: tuple[Difference, ...]
    only_damage: bool
    entries_read: int
    chain_fault: str | None

    @property
    def equal(self) -> bool:
        return not self.differences

    @property
    def chain_ok(self) -> bool:
        return self.chain_fault is None


def recalculate(
    stored: BalanceRecord,
    pages: Sequence[LotPage],
    replay: Replay,
    damaged: CheckpointRecord | None = None,
) -> Recalculation:
    """Compares what is stored with what the ledger says. ``pages`` are all that lie in the
    partitions of the customer and of those merged into it, known to the directory or not;
    ``replay`` has run over every entry, or over those after a checkpoint. ``damaged``: the
    checkpoint that it could not begin after."""
    damage = list(_damage(damaged))
    differences = [
        *damage,
        *_divergence(replay),
        *_balance(stored, replay),
        *_lots(pages, replay),
        *_directory(stored, pages),
    ]
    divergent = replay.divergence.loyalty_txn_id if replay.divergence else None
    return Recalculation(
        holdings=_derived(stored, pages, replay),
        differences=tuple(
            replace(d, first_divergent_txn_id=divergent) for d in differences[:DIFFERENCES_TOLD]
        ),
        only_damage=damage == differences != [],
        entries_read=replay.entries_read,
        chain_fault=replay.broken,
    )


def repair(result: Recalculation, stamp: Stamp) -> Decision:
    """Stores what the ledger says, with an entry of kind ``recalculate`` that says so. It is one
    transaction or none: a customer with more wrong pages than that holds is a 400."""
    holdings = result.holdings.settled(stamp.now)
    holdings, entry = holdings.post(stamp.entry(holdings, "recalculate", 0))
    try:
        return Decision(holdings=holdings, entries=(entry,), change=holdings.commit())
    except TooManyLots:
        message = "finds more wrong than one transaction can repair"
        raise InvalidInput.of("apply", message, "too-many-lots") from None


def checkpointed(
    decision: Decision,
    replay: Replay,
    after: CheckpointRecord | None,
    archived: Collection[str],
    damaged: CheckpointRecord | None,
) -> Decision:
    """Returns the decision with a checkpoint after its entries, where the replay read many of them
    or the last checkpoint is damaged. A ledger that does not follow from itself gets none, which
    would hide where it goes wrong; nor does one of more lots than one transaction can write."""
    for entry in decision.entries:
        replay.apply(entry)
    many = replay.entries_read >= CHECKPOINT_AFTER or damaged is not None
    if not many or replay.broken or replay.divergence:
        return decision
    head, parts = stored_checkpoint(replay.checkpoint(), after, archived, damaged)
    change = decision.change
    pages = 0 if change is None else len(change.put) + len(change.drop)
    if len(parts) + pages > PARTS_AT_ONCE:
        return decision
    return replace(decision, checkpoint=(head, parts))


def _damage(damaged: CheckpointRecord | None) -> Iterable[Difference]:
    if damaged is not None:
        text = "A checkpoint is not what its hash was made of; the replay began before it."
        yield from _difference(f"checkpoints.{damaged.number}.hash", damaged.hash, None, text)


def _difference(field: str, stored: Any, derived: Any, explanation: str) -> Iterable[Difference]:
    if stored != derived:
        yield Difference(
            field=field,
            stored=stored,
            derived=derived,
            first_divergent_txn_id=None,
            explanation=explanation,
        )


def _divergence(replay: Replay) -> Iterable[Difference]:
    found = replay.divergence
    if found is not None:
        text = "An entry does not say what the entries before it lead to."
        yield from _difference(f"entry.{found.field}", found.recorded, found.derived, text)


def _balance(stored: BalanceRecord, replay: Replay) -> Iterable[Difference]:
    totals = replay.totals
    derived: Mapping[str, int | str] = {
        "available_points": totals.available_points,
        "pending_points": totals.pending_points,
        "lifetime_earned": totals.lifetime_earned,
        "debt_points": totals.debt_points,
        "sequence": replay.sequence,
        "last_hash": replay.last_hash,
    }
    for name, value in derived.items():
        text = "The stored balance is not what the entries add up to."
        yield from _difference(name, getattr(stored, name), value, text)


def _lots(pages: Iterable[LotPage], replay: Replay) -> Iterable[Difference]:
    found: dict[str, list[Lot]] = {}
    for page in pages:
        for lot in page.lots:
            found.setdefault(lot.lot_id, []).append(lot)
    expected = replay.open_lots
    for lot_id in sorted(found.keys() | expected.keys()):
        here, there = found.get(lot_id, []), expected.get(lot_id)
        stored = sum(lot.remaining for lot in here)
        derived = 0 if there is None else there.remaining
        text = "A lot does not hold what the entries leave of it."
        yield from _difference(f"lots.{lot_id}.remaining", stored, derived, text)
        if stored == derived and here != ([] if there is None else [there]):
            text = "A lot is stored twice, under other terms, or as having repaid other debt."
            yield from _difference(f"lots.{lot_id}", len(here), None, text)


def _directory(stored: BalanceRecord, pages: Sequence[LotPage]) -> Iterable[Difference]:
    owner, at = stored.customer_guid, stored.settled_at
    whole = Holdings.of(stored, pages)
    known = {whole.ref(e): e for e in whole.balance.pages}
    real = {page.ref: page for page in pages if page.lots}
    for ref in sorted(known.keys() | real.keys()):
        entry, page = known.get(ref), real.get(ref)
        derived = None if page is None else described(page.page_id, page.revision, page.lots, at)
        name = f"pages.{ref[1]}" if ref[0] == owner else f"pages.{ref[0]}.{ref[1]}"
        for field in ("revision", "remaining", "repaid", "first"):
            text = "The directory does not say what lies in a page of lots."
            kept, there = getattr(entry, field, None), getattr(derived, field, None)
            yield from _difference(f"{name}.{field}", kept, there, text)
    for segment in whole.unfolded:
        entry, inside = segment.entry, summed(segment.entry.page_id, segment.inside)
        for field in ("remaining", "repaid", "first", "last"):
            text = "A segment of the directory is not the sum of its entries."
            kept, there = getattr(entry, field), getattr(inside, field)
            yield from _difference(f"pages.{entry.page_id}.{field}", kept, there, text)


def _derived(stored: BalanceRecord, pages: Sequence[LotPage], replay: Replay) -> Holdings:
    """Returns the holdings that the ledger leads to: its lots in the pages where they lie, those
    that lie nowhere in the open page, and a directory made anew."""
    owner, left = stored.customer_guid, dict(replay.open_lots)
    at: datetime = replay.at or stored.settled_at
    real = {page.ref: page for page in pages if page.lots}
    lots: dict[tuple[str, str], tuple[Lot, ...]] = {}
    directory = []
    for ref, page in real.items():
        kept = (left.pop(lot.lot_id, None) for lot in page.lots)
        lots[ref] = tuple(lot for lot in kept if lot is not None)
        entry = described(page.page_id, page.revision, page.lots, at)
        if ref != (owner, OPEN):
            # The bound is a part of the page's key: it stays, whatever the lots say.
            entry = replace(entry, last=max(entry.last, f"{page.bound}~"))
        directory.append(replace(entry, owner=None if page.owner == owner else page.owner))
    if left:
        lots[owner, OPEN] = (*lots.get((owner, OPEN), ()), *sorted(left.values(), key=spend_order))
    segments = [Unfolded(_segment(page)) for page in pages if page.entries]
    totals = replay.totals
    balance = replace(
        stored,
        sequence=replay.sequence,
        last_hash=replay.last_hash,
        settled_at=at,
        lifetime_earned=totals.lifetime_earned,
        debt_points=totals.debt_points,
        absorbed=replay.absorbed,
        pages=tuple(directory),
    )
    return Holdings(balance, lots, real, tuple(segments))


def _segment(page: LotPage) -> PageEntry:
    return PageEntry(
        page.page_id, page.revision, "", f"{page.bound}~", 0, owner=page.owner, level=1
    )

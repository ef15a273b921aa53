"""The export of an organisation's points ledgers. Balances can be computed again from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra.local.identities import listed, org_of
from lambdas.loyalty import storage
from shared.codec import shown, shown_value
from shared.errors import Unavailable
from shared.keys import PARTITION, Keys, of_org
from shared.ledger import CheckpointRecord, LedgerEntry, LedgerStart, Lot, resumable
from shared.records import Query
from shared.table import Table


def exported(orgcode: str, customers: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yields every entry as ``/loyalty/ledger/list`` shows it, customer by customer, in order: of
    these customers, or of all customers of the organisation. Where the policy let the oldest
    entries go, a ``checkpoint`` comes first. The list of all customers comes from an index, so a
    customer that was just created may be missing."""
    org_of(orgcode)
    keys = of_org(orgcode)
    partitions = [keys.customer_state(guid)[0] for guid in customers or []]
    if customers is None:
        partitions = sorted({str(w[PARTITION]["S"]) for w in listed(orgcode, "customer")})
    for partition in partitions:
        yield from _ledger(keys, partition.rpartition("#")[2])


def _ledger(keys: Keys, guid: str) -> Iterator[dict[str, Any]]:
    table, start_at = Table(), storage.start_at(keys, guid)
    while True:
        start = table.load([start_at]).get(start_at)
        after = 0 if start is None else start.after
        ledger: Query[LedgerEntry] = storage.entries_between(keys, guid, after)
        entries = table.load([ledger]).all(ledger)
        if table.load([start_at]).get(start_at) == start:
            break
        # Retention has moved the start on meanwhile, and may have removed some of these.
    if start is not None and start.checkpoint:
        yield {"customer_guid": guid, "checkpoint": _checkpoint(keys, guid, start)}
    for entry in entries:
        yield storage.entry_shown(entry)


def _checkpoint(keys: Keys, guid: str, start: LedgerStart) -> dict[str, Any]:
    """Returns the checkpoint that a ledger begins with, with every lot: also those that are spent,
    because a redemption from them can still be restored."""
    table, heads_at = Table(), storage.checkpoints(keys, guid)
    heads: list[CheckpointRecord] = table.load([heads_at]).all(heads_at)
    head = next((head for head in heads if head.number == start.checkpoint), None)
    if head is None:
        # Retention has just taken the next one instead.
        raise Unavailable()
    held_at, spent_at = storage.parts_of(keys, head), storage.archive_of(keys, head)
    parts = table.load([held_at, spent_at])
    whole = resumable(head, parts.all(held_at), parts.all(spent_at))
    sums = {"lifetime_earned": head.lifetime_earned, "debt_points": head.debt_points}
    return {
        "sequence": head.sequence,
        "hash": head.last_hash,
        "as_of": shown_value(head.settled_at),
        **sums,
        "lots": [_lot(lot) for lot in whole.lots],
    }


def _lot(lot: Lot) -> dict[str, Any]:
    terms = shown(lot.terms, without=("policy_version", "opened"))
    return {**terms, "remaining": lot.remaining, "repaid_points": lot.repaid_points}

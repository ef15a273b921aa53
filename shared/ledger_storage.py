"""Where the points lie: the reads of what a customer holds, and the writes of what changed.

Loyalty and the merge use it. The arithmetic is in ``shared.ledger``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.codec import Item
from shared.fields import instant_text
from shared.keys import ALL_OF_KIND, Keys
from shared.ledger import OPEN, BalanceRecord, Change, LedgerEntry, LedgerStart, LotPage, PageEntry
from shared.records import Get, Query
from shared.writes import Delete, Put, Update, Write, at_revision

PAGES_AHEAD = 4


def balance_at(keys: Keys, customer_guid: str) -> Get[BalanceRecord]:
    return Get(keys.loyalty_balance(customer_guid), BalanceRecord)


def open_page_at(keys: Keys, customer_guid: str) -> Get[LotPage]:
    return Get(keys.lot_page(customer_guid, OPEN, OPEN), LotPage)


def pages_ahead(keys: Keys, customer_guid: str, now: datetime) -> Query[LotPage]:
    """The pages whose points are spent next: those that end last are not among them."""
    return Query(*keys.lot_pages(customer_guid, instant_text(now), OPEN), LotPage, PAGES_AHEAD)


def page_at(keys: Keys, entry: PageEntry) -> Get[LotPage]:
    """A page by what the directory says of it."""
    assert entry.owner is not None, "a page is named with its owner"
    return Get(keys.lot_page(entry.owner, entry.bound, entry.page_id), LotPage)


def start_at(keys: Keys, customer_guid: str) -> Get[LedgerStart]:
    return Get(keys.ledger_start(customer_guid), LedgerStart)


def start_item(keys: Keys, start: LedgerStart) -> Item[LedgerStart]:
    """Returns the start of a ledger in its place. All ledgers of the org are in one list, by the
    age of what they keep."""
    guid = start.customer_guid
    sort = f"{instant_text(start.kept_since)}#{guid}"
    indexes = keys.listed(ALL_OF_KIND, LedgerStart.KIND, sort)
    return Item(keys.ledger_start(guid), start, indexes=indexes, view={"customer_guid": guid})


def change_writes(
    keys: Keys,
    change: Change,
    entries: Sequence[LedgerEntry],
    events: Sequence[dict[str, Any]] = (),
) -> list[Write]:
    """Returns the writes of a changed balance, its pages and its new entries, each under the
    revision that it was read at. The event rides on the balance, whose revisions order it."""
    balance, guid = change.balance, change.balance.customer_guid
    writes = [revised(Item(keys.loyalty_balance(guid), balance), balance.revision, events)]
    for page in change.put:
        place = keys.lot_page(page.owner, page.bound, page.page_id)
        writes.append(revised(Item(place, page), page.revision))
    for gone in change.drop:
        writes.append(Delete(page_at(keys, gone).key, at_revision(gone.revision)))
    for entry in entries:
        writes.append(Put(Item(keys.ledger_entry(guid, entry.sequence), entry)))
        if entry.sequence == 1:
            start = LedgerStart(customer_guid=guid, kept_since=entry.recorded_at)
            writes.append(Put(start_item(keys, start)))
    return writes


def revised(item: Item[Any], revision: int, events: Sequence[dict[str, Any]] = ()) -> Write:
    """Returns the write of a record's next revision: the first is new, any other replaces the one
    before it."""
    if revision == 1:
        return Put(item, events=events)
    return Update(item, if_revision=revision - 1, events=events)

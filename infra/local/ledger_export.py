"""The export of an organisation's points ledgers. Balances can be computed again from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra.local.identities import listed, org_of
from lambdas.loyalty import storage
from shared.keys import PARTITION, of_org
from shared.ledger import LedgerEntry
from shared.records import Query
from shared.table import Table


def exported(orgcode: str, customers: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yields every entry as ``/loyalty/ledger/list`` shows it, customer by customer, in order: of
    these customers, or of all customers of the organisation. The list of all customers comes from
    an index, so a customer that was just created may be missing."""
    org_of(orgcode)
    keys, table = of_org(orgcode), Table()
    partitions = [keys.customer_state(guid)[0] for guid in customers or []]
    if customers is None:
        partitions = sorted({str(w[PARTITION]["S"]) for w in listed(orgcode, "customer")})
    for partition in partitions:
        guid = partition.rpartition("#")[2]
        ledger: Query[LedgerEntry] = storage.entries_between(keys, guid, 0)
        for entry in table.load([ledger]).all(ledger):
            yield storage.entry_shown(entry)

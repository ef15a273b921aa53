"""The search consumer: it makes the search entries of a record match the current record.

The stream only says that a record has changed. The record itself is read from the table, before the
entries are written and again afterwards. So the entries are right in the end, even where two
consumers run at the same time or one runs late.
"""

from __future__ import annotations

from typing import Any

from lambdas.search.entries import Searched, keep, searched
from shared import log
from shared.errors import ApiError
from shared.keys import Key


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handles a batch of stream records. Returns the first record that failed: the stream repeats
    it and all records after it."""
    del context
    # Several changes of a record need one pass. It has the sequence number of the first of them, so
    # that a failure repeats all of them.
    changed: dict[Searched, tuple[str, set[Key]]] = {}
    for record in event["Records"]:
        found = searched(record)
        if found is not None:
            place, entries = found
            first, known = changed.get(place, (record["dynamodb"]["SequenceNumber"], set()))
            changed[place] = (first, known | entries)
    for place, (sequence, entries) in changed.items():
        try:
            keep(place, entries)
        except ApiError as error:
            log.failed(error, call="search entries")
            return {"batchItemFailures": [{"itemIdentifier": sequence}]}
    return {"batchItemFailures": []}

"""The keeper of the search entries: makes a record's entries what the live record says.

The stream only tells that something changed; what is so is read from the table, before and again
after the entries are written, so that two keepers or a late one end with the entries of the record
as it is now.
"""

from __future__ import annotations

from typing import Any

from lambdas.search.entries import Searched, keep, searched
from shared import log
from shared.errors import ApiError


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A batch of stream records in; the first that must be repeated out."""
    del context
    latest: dict[Searched, tuple[str, set[str]]] = {}
    for record in event["Records"]:
        found = searched(record)
        if found is not None:
            place, tokens = found
            first, seen = latest.get(place, (record["dynamodb"]["SequenceNumber"], set()))
            latest[place] = (first, seen | tokens)
    for place, (sequence, tokens) in latest.items():
        try:
            keep(place, tokens)
        except ApiError as error:
            log.failed(error, call="search entries")
            return {"batchItemFailures": [{"itemIdentifier": sequence}]}
    return {"batchItemFailures": []}

"""From a stream record to the events of its change. Pure.

The events of a record are published once per logical write. The change id tells whether the write
is a new one. Removals, and updates that keep the change id, publish nothing.
"""

from __future__ import annotations

import json
from typing import Any

from shared.codec import CHANGE, EVENTS, dumps
from shared.keys import PARTITION
from shared.settings import SERVICE, settings

SCHEMA_VERSION = "1.0"
DETAIL_BYTES = 240 * 1024
"""EventBridge accepts 256 KiB per request. The rest is for the other fields of the entry."""


def events_of(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the events of one stream record: those that are stored in the item, with the fields
    that all events have. The same record always gives the same events with the same event ids, so
    that consumers can drop repeats."""
    if record["eventName"] not in ("INSERT", "MODIFY"):
        return []
    images = record["dynamodb"]
    new, old = images["NewImage"], images.get("OldImage", {})
    if EVENTS not in new or new.get(CHANGE) == old.get(CHANGE):
        return []
    orgcode = new[PARTITION]["S"].split("#")[1]
    return [
        {
            "schema_version": SCHEMA_VERSION,
            "service": SERVICE,
            "build": settings().build,
            "orgcode": orgcode,
            **event,
        }
        for event in json.loads(new[EVENTS]["S"])
    ]


def entry(event: dict[str, Any]) -> dict[str, Any]:
    """Returns the event as an entry of ``PutEvents``."""
    detail = dumps(event)
    assert len(detail.encode()) <= DETAIL_BYTES, "an event must fit into one entry"
    return {
        "Source": SERVICE,
        "DetailType": event["action"],
        "Detail": detail,
        "EventBusName": settings().event_bus_name,
    }

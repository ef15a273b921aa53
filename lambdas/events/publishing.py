"""From a stream record to the events of its change. Pure.

A record is published if and only if it was made or changed by a logical write that is not the one
before it: the change id tells. Removals and the upkeep of indexes make no event.
"""

from __future__ import annotations

import json
from typing import Any

from shared.codec import CHANGE, EVENTS, dumps
from shared.keys import PARTITION
from shared.settings import SERVICE, settings

SCHEMA_VERSION = "1.0"
DETAIL_BYTES = 240 * 1024


def events_of(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The whole events of one stream record: what rode on the item, and what is the same for all.
    The same record gives the same events, event ids too, however often it is published."""
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
    """The event as an entry of ``PutEvents``."""
    detail = dumps(event)
    assert len(detail.encode()) <= DETAIL_BYTES, "an event must fit into one entry"
    return {
        "Source": SERVICE,
        "DetailType": event["action"],
        "Detail": detail,
        "EventBusName": settings().event_bus_name,
    }

"""The local event bus: it answers ``PutEvents`` as the real one does, and keeps the events."""

from __future__ import annotations

import json
import threading
import uuid
from typing import Any


class BusRecorder:
    """Replaces the bus's client (``clients.use(events=…)``). Every entry gets the next sequence
    number. Numbers start at 1 and are never reused."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[dict[str, Any]] = []

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        """Accepts every entry, as the bus does with well-formed ones. Returns the bus's answer."""
        answers = []
        with self._lock:
            for entry in Entries:
                self._events.append(
                    {
                        "sequence": len(self._events) + 1,
                        "detail_type": entry["DetailType"],
                        "detail": json.loads(entry["Detail"]),
                    }
                )
                answers.append({"EventId": str(uuid.uuid4())})
        return {"FailedEntryCount": 0, "Entries": answers}

    def after(self, sequence: int) -> dict[str, Any]:
        """Returns ``{"events": […], "last": n}``: the events after that sequence number."""
        with self._lock:
            return {"events": self._events[max(0, sequence) :], "last": len(self._events)}

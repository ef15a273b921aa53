"""The event of a change. It is stored in the record that changes, in the same write."""

from __future__ import annotations

from typing import Any

from shared.call import Call
from shared.codec import shown_value
from shared.fields import Shape, instant_shown


def change_event(
    call: Call, action: str, aggregate: tuple[str, str, int], data: dict[str, Any]
) -> dict[str, Any]:
    """Returns the event of a change. ``aggregate``: type, id and new revision of the record.
    ``data`` has ids, codes, numbers and states, and nothing personal. Absent values are left out.
    """
    facts, caller = call.facts, call.caller
    context = caller.stamp()
    context["roles"] = sorted(caller.roles)
    for name, value in (("channel_code", facts.channel_code), ("cccode", facts.cccode)):
        if value is not None:
            context[name] = value
    given = facts.provenance
    if given.reason is not None and call.settings.reason_in_events:
        reason = given.reason
    else:
        # A text that people wrote may name a person: events have it only if the org allows it.
        reason = given.reason_code or ("see-record" if given.reason else "none")
    made = {
        "event_id": call.new_id(),
        "action": action,
        "timestamp_utc": instant_shown(call.now),
        "request_context": context,
        "reason": reason,
        "source_refs": list(given.source_refs),
        "aggregate_type": aggregate[0],
        "aggregate_id": aggregate[1],
        "aggregate_revision": aggregate[2],
        "correlation_id": facts.request_id,
        "data": {k: shown_value(v) for k, v in data.items() if v is not None},
    }
    if given.reason_code is not None:
        made["reason_code"] = given.reason_code
    return made


def event_data(shape: type[Shape], record: Any, **more: Any) -> dict[str, Any]:
    """Returns the data of an event of this shape. Each field comes from ``more`` or else from the
    record, and is absent where neither has it."""
    # A value that is no field of the shape would be dropped silently.
    assert more.keys() <= shape.model_fields.keys(), f"{shape.__name__} lacks some of {set(more)}"
    return {name: more.get(name, getattr(record, name, None)) for name in shape.model_fields}

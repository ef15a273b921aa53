"""The JSON Schema of the events, and the page about them for people; both from the kinds.

``lambdas.events`` puts the event together from plain values; the tests check what is published
against the schema.
"""

from __future__ import annotations

import inspect
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from infra.openapi.document import all_words, rows_by_family
from infra.openapi.envelopes import Build, ContextSource
from infra.openapi.examples import example_of
from infra.openapi.naming import pascal
from infra.openapi.schemas import Schemas, model_schemas
from infra.openapi.source import plain
from infra.openapi.text import written
from lambdas.kinds import KINDS
from shared.api import Route
from shared.fields import Shape, SourceRefOut

ID = "urn:crm:events:1.0"
_REF = "#/$defs/{model}"
_UNTOLD = "A change of this name took effect."


class EventContext(Shape):
    """Who made the change, and from where."""

    orgcode: Annotated[str, Field(examples=["ACME"])]
    """The org of the caller."""
    actor: Annotated[str, Field(examples=["user_guid:U123"])]
    """Who called: `user_guid:<id>` or `service_account:<id>`."""
    context_source: ContextSource
    """What the caller was known by."""
    roles: Annotated[list[str] | None, Field(examples=[["crm_edit"]])] = None
    """The caller's roles."""
    session_fingerprint: Annotated[str | None, Field(examples=["sf_3k9q"])] = None
    """Stands for the session; it does not lead back to the secret."""
    api_key_fingerprint: Annotated[str | None, Field(examples=["kf_8d2m"])] = None
    """Stands for the API key; it does not lead back to the secret."""
    channel_code: Annotated[str | None, Field(examples=["pos_generic"])] = None
    """The sales channel that the call named."""
    cccode: Annotated[str | None, Field(examples=["AB12-CD34-EF56"])] = None
    """The `cccode` of the call, passed through."""


class Event(Shape):
    """What every event has. It comes at least once: drop a repeat by its `event_id`. Events of one
    record come in the order of `aggregate_revision`."""

    event_id: Annotated[str, Field(examples=["01KA0000000000000000000001"])]
    """The change's own id; publishing it again repeats it."""
    schema_version: Literal["1.0"]
    """The version of this schema."""
    timestamp_utc: Annotated[datetime, Field(examples=["2026-01-01T00:00:00Z"])]
    """When the change was made."""
    build: Build
    """Which build published it."""
    service: Literal["crm"]
    """The service that made the change."""
    action: str
    """What happened; it is the `DetailType` on the bus too."""
    orgcode: Annotated[str, Field(examples=["ACME"])]
    """The org whose record changed."""
    request_context: EventContext
    """Who made the change, and from where."""
    reason: Annotated[str, Field(examples=["see-record"])]
    """Why: the `reason_code`, or the text where the org lets it out, else `see-record`; `none`
    where no reason was given."""
    reason_code: Annotated[str | None, Field(examples=["CUSTOMER.GOODWILL"])] = None
    """Why, as CATEGORY.CODE."""
    source_refs: Annotated[list[SourceRefOut], Field(examples=[[{"kind": "ticket", "id": "T-1"}]])]
    """What the change goes back to."""
    aggregate_type: Annotated[str, Field(examples=["account"])]
    """The type of the record that changed."""
    aggregate_id: Annotated[str, Field(examples=["acct_01KA0000000000000000000000"])]
    """The id of the record that changed."""
    aggregate_revision: Annotated[int, Field(ge=1, examples=[2])]
    """The record's revision after the change."""
    correlation_id: Annotated[str, Field(examples=["01KA0000000000000000000002"])]
    """The id of the request that made the change."""
    data: dict[str, Any]
    """What changed: ids, codes, numbers and states; never anything personal."""


def event_shapes() -> dict[str, type[Shape]]:
    """Returns the shape of each event's data, by action."""
    found = {action: shape for kind in KINDS for action, shape in kind.events.items()}
    return dict(sorted(found.items()))


def event_name(action: str) -> str:
    """The type of an event: ``account-created`` is an ``AccountCreatedEvent``."""
    return f"{pascal(action)}Event"


def event_schema() -> Schemas:
    """Returns the JSON Schema of every event; ``action`` tells them apart."""
    shapes = event_shapes()
    models = [*dict.fromkeys(shapes.values()), Event]
    found = model_schemas([*models], "serialization", all_words(), _REF)
    for action, shape in shapes.items():
        found[event_name(action)] = {
            "type": "object",
            "description": when(action) or _UNTOLD,
            "allOf": [{"$ref": "#/$defs/Event"}],
            "required": ["action", "data"],
            "properties": {
                "action": {"type": "string", "const": action},
                "data": {"$ref": f"#/$defs/{shape.__name__}"},
            },
        }
    refs = {action: f"#/$defs/{event_name(action)}" for action in shapes}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "CrmEvent",
        "description": "Every event that the CRM puts on the event bus.",
        "type": "object",
        "oneOf": [{"$ref": ref} for ref in refs.values()],
        "discriminator": {"propertyName": "action", "mapping": refs},
        "$defs": dict(sorted(found.items())),
    }


def when(action: str) -> str | None:
    """Returns what happened when an event is published: the words of its kind, else those of the
    route that it is called after; None where neither says anything."""
    said = {a: words for kind in KINDS for a, words in kind.when.items()}
    if action in said:
        return plain(said[action])
    row = route_of(action)
    if row is None:
        return None
    return f"`{row.call}` took effect. {plain(inspect.getdoc(row.operation) or '')}"


def events_without_words() -> list[str]:
    """Returns the events of which nothing says when they are published."""
    return [action for action in event_shapes() if when(action) is None]


_UNSAID = {
    "/comment": "create",
    "/comment/status": "set",
    "/inbox/status": "set",
    "/inbox/state": "set",
}
"""The verbs of paths that end without one. Their events have it."""


def route_of(action: str) -> Route | None:
    """Returns the route that an event is called after: ``account-created`` is published by
    ``/account/create``."""
    said = action.split("-")
    for _, row in rows_by_family():
        whole = f"{row.path}/{_UNSAID[row.path]}" if row.path in _UNSAID else row.path
        path = "-".join(whole.strip("/").split("/")).replace("_", "-").split("-")
        if row.writes and path[:-1] == said[:-1] and said[-1] in _forms(path[-1]):
            return row
    return None


def _forms(verb: str) -> tuple[str, ...]:
    """A verb as a path and as an event say it; "set" has one form, and "cancel" doubles its end."""
    return verb, f"{verb}d", f"{verb}ed", f"{verb}led"


_INTRODUCTION = """\
# Events

Generated by `make openapi` from the kinds of records; `crm-events.schema.json` is the same for
programs.

Every change that took effect puts its event on the bus: `Source` is `crm`, `DetailType` the action,
`Detail` the event. A refused, repeated or unchanged call puts none. An event comes at least once:
drop a repeat by its `event_id`. The events of one record come in the order of
`aggregate_revision`. No event holds anything personal, nor a secret or a card's code. New fields
may come: ignore what you do not know.

"""


def events_page() -> str:
    """Returns ``docs/events.md``."""
    definitions, shapes = event_schema()["$defs"], event_shapes()
    parts = [_INTRODUCTION, "## What every event has\n\n", _table(definitions, "Event")]
    parts += ["## The events\n\n| event | data |\n| --- | --- |\n"]
    parts += [f"| [`{a}`](#{a}) | `{shape.__name__}` |\n" for a, shape in shapes.items()]
    for action, shape in shapes.items():
        parts += [f"\n### {action}\n\n{when(action) or _UNTOLD}\n\n"]
        parts += [_table(definitions, shape.__name__), "```json\n"]
        parts += [written(example_of(definitions[shape.__name__], definitions)), "```\n"]
    told = {"Event", *map(event_name, shapes), *(shape.__name__ for shape in shapes.values())}
    parts.append("\n## What they are made of\n\n")
    for name, schema in definitions.items():
        if "properties" in schema and name not in told:
            parts += [
                f"### {name}\n\n{schema.get('description', '')}\n\n",
                _table(definitions, name),
            ]
    return "".join(parts).rstrip() + "\n"


def example_event(action: str) -> dict[str, Any]:
    """Returns a whole event with made-up values."""
    schema = event_schema()
    made: dict[str, Any] = example_of(schema["$defs"]["Event"], schema["$defs"])
    data = example_of(schema["$defs"][event_shapes()[action].__name__], schema["$defs"])
    return {**made, "action": action, "data": data}


def _table(definitions: Schemas, name: str) -> str:
    shape = definitions[name]
    lines = ["| field | type | |\n| --- | --- | --- |\n"]
    for field, prop in shape["properties"].items():
        of_type = definitions.get(prop.get("$ref", "").rpartition("/")[2], {})
        words = prop.get("description") or of_type.get("description", "")
        optional = "" if field in shape.get("required", ()) else ", optional"
        lines.append(f"| `{field}` | {_type(prop, definitions)}{optional} | {words} |\n")
    return "".join([*lines, "\n"])


def _type(prop: Schemas, definitions: Schemas) -> str:
    if "$ref" in prop:
        name = prop["$ref"].rpartition("/")[2]
        if name == "FreeObject":
            return "object"
        whole = definitions[name]
        if "properties" in whole:
            return f"[{name}](#{name.lower()})"
        return ", ".join(f"`{v}`" for v in whole["enum"]) if "enum" in whole else _type(whole, {})
    if "const" in prop:
        return f"`{prop['const']}`"
    if prop.get("type") == "array":
        return f"list of {_type(prop['items'], definitions)}"
    if "anyOf" in prop:
        return " or ".join(_type(option, definitions) for option in prop["anyOf"])
    return str({"date-time": "time"}.get(prop.get("format", ""), prop.get("type", "any")))
